"""``fund demo``: set the stage, serve it until told to stop."""

from contextlib import suppress
from pathlib import Path

import typer
from fastapi import FastAPI

from fund.app import create_app, listen, run_server
from fund.base import own_guards
from fund.base.logs import configure
from fund.base.settings import Settings
from fund.demo.pages import add_pages
from fund.demo.stage import Stage, set_up


def run(settings: Settings, *, port: int | None, folder: Path | None, fresh: bool) -> None:
    """Serve the demonstration. Raises Misconfigured where the port or the folder cannot be had."""
    own = settings.model_copy(update={"port": port or settings.port, "base_url": "", "log_level": "warning"})
    configure(own)
    own_guards.load(own)
    with listen(own.host, own.port) as door:
        stage = set_up(own, folder or settings.data_dir / "demo", fresh=fresh, tell=typer.echo)
        try:
            app = demo_app(stage)
            stage.worker.ticks.start()
            with suppress(KeyboardInterrupt):
                typer.echo(f"The demonstration is open on {own.address} (stop it with Ctrl+C).")
                run_server(app, stage.settings, door)
        finally:
            stage.close()


def demo_app(stage: Stage) -> FastAPI:
    """The product as an ASGI app on this stage, with the bar and the demonstration's own pages."""
    app = create_app(stage.settings, db=stage.database, clock=stage.clock, demo=stage.bar)
    add_pages(app, stage)
    return app
