"""The product as a process of its own that a test can kill: web and worker, with a clock that a request moves.

``python -m tests.journey.server DATABASE_URL PORT SMTP_PORT FOLDER`` forks one for each line ``start``
and prints its process id; the fork prints ``ready`` when it answers. At ``wait`` it prints the id once that is gone.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from fund.app import create_app
from fund.base.database import Database
from fund.base.settings import Settings
from fund.demo.clock import MovedClock
from fund.demo.travel import travel
from fund.worker import Worker

START = datetime(2021, 9, 21, 8, 0, tzinfo=UTC)


class Announced(uvicorn.Server):
    """Says on standard output that it answers."""

    async def startup(self, sockets=None):
        await super().startup(sockets)
        print("ready", flush=True)


def main(url: str, port: str, smtp_port: str, folder: str) -> None:
    """Serve until killed."""
    settings = Settings(
        database_url=url,
        port=int(port),
        data_dir=Path(folder),
        smtp_port=int(smtp_port),
        sweep_seconds=0.5,
        mail_limits="",
    )
    database = Database(settings.database)
    clock = MovedClock(Path(folder) / "clock.json", START)
    worker = Worker(settings, database, clock)
    app = create_app(settings, db=database, clock=clock)

    @app.post("/test/clock/{moment}")
    def move(moment: datetime) -> dict[str, str]:
        travel(worker, clock, moment)
        return {"now": clock.now().isoformat()}

    @app.get("/test/clock")
    def now() -> dict[str, str]:
        return {"now": clock.now().isoformat()}

    with worker.running():
        Announced(uvicorn.Config(app, port=int(port), log_level="error")).run()


if __name__ == "__main__":
    forked = 0
    for line in sys.stdin:  # a fork starts in no time, where a new process imports everything again
        if line == "wait\n":
            os.waitpid(forked, 0)
        elif (forked := os.fork()) == 0:
            main(*sys.argv[1:])
            sys.exit()
        print(forked, flush=True)
