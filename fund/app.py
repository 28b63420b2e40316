"""The web door: one app out of all rooms."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from fastapi import FastAPI, Request

from fund.base.clock import Clock, SystemClock
from fund.base.database import Database
from fund.base.permissions import Viewer
from fund.base.settings import Settings
from fund.web.container import Container
from fund.web.setup import install

ROOMS = ("people", "rounds", "applying", "reviewing", "deciding", "awarding", "reporting", "sharing", "pipeline")

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

    app = FastAPI(title=settings.fund_name, docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json", lifespan=lifespan)
    held = Container(settings=settings, db=database, clock=clock or SystemClock(), demo=demo)
    install(app, held)
    for room in ROOMS:
        for part in ("pages", "api"):
            try:
                module = import_module(f"fund.{room}.{part}")
            except ModuleNotFoundError:
                continue
            app.include_router(module.router)
    try:
        held.identify = import_module("fund.people.pages").identify
    except (ModuleNotFoundError, AttributeError):
        pass
    return app
