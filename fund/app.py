"""The web door: one app out of all rooms."""

import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from fund.base import health
from fund.base.clock import Clock, SystemClock
from fund.base.database import Database
from fund.base.errors import Misconfigured
from fund.base.permissions import Viewer
from fund.base.settings import Settings
from fund.web.container import Container, NavEntry
from fund.web.i18n import lazy
from fund.web.setup import install

ROOMS = (
    "people",
    "rounds",
    "applying",
    "reviewing",
    "deciding",
    "awarding",
    "reporting",
    "sharing",
    "pipeline",
)

NAV = (
    NavEntry(lazy("Home"), "/home", lambda viewer: viewer.signed_in),
    NavEntry(lazy("Rounds"), "/rounds"),
    NavEntry(lazy("Lessons"), "/lessons"),
    NavEntry(lazy("Proposals"), "/applications", lambda viewer: bool(viewer.member_ids)),
    NavEntry(lazy("Reviews"), "/reviews", lambda viewer: viewer.is_reviewer),
    NavEntry(lazy("Pipeline"), "/pipeline", lambda viewer: viewer.reads_everything),
    NavEntry(lazy("Mail"), "/mail", lambda viewer: viewer.reads_everything),
    NavEntry(lazy("Members"), "/members", lambda viewer: viewer.is_manager),
)

Demo = Callable[[Request, Viewer], Mapping[str, Any]]


def create_app(
    settings: Settings, *, db: Database | None = None, clock: Clock | None = None, demo: Demo | None = None
) -> FastAPI:
    """The whole product as an ASGI app. ``demo`` is what the demonstration's bar shows; nothing else turns it on.

    Without ``db`` the app opens the settings' database and closes it when it stops.
    """
    database = db or Database(settings.database)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        if db is None:
            database.close()

    app = FastAPI(
        title=settings.fund_name,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        lifespan=lifespan,
    )
    held = Container(settings=settings, db=database, clock=clock or SystemClock(), nav=NAV, demo=demo)
    install(app, held)
    _add_health(app, held)
    for room in ROOMS:
        for part in ("pages", "api"):
            try:
                module = import_module(f"fund.{room}.{part}")
            except ModuleNotFoundError:
                continue
            app.include_router(module.router)
    try:
        held.identify = import_module("fund.people.identify").identify
    except (ModuleNotFoundError, AttributeError):
        pass
    return app


def serve(settings: Settings, database: Database) -> None:
    """Answer requests until told to stop. Raises Misconfigured where the port is taken."""
    require_port(settings.host, settings.port)
    run_server(create_app(settings, db=database), settings)


def run_server(app: FastAPI, settings: Settings) -> None:
    """Run uvicorn on the settings' address until it is told to stop."""
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
    )


def require_port(host: str, port: int) -> None:
    """Raises Misconfigured, saying what to do, where nothing can listen on the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Misconfigured(f"Port {port} on {host} is taken. Set FUND_PORT to another one.") from error


def _add_health(app: FastAPI, held: Container) -> None:
    @app.get("/healthz", include_in_schema=False)
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", include_in_schema=False)
    def readyz() -> JSONResponse:
        found = health.problems(held.db, held.clock.now())
        return JSONResponse(
            {"status": "not ready" if found else "ok", "problems": found}, 503 if found else 200
        )
