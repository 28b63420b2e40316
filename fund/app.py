"""The web door: one app out of all rooms."""

import asyncio
import errno
import gc
import logging
import socket
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from fastapi.routing import iter_route_contexts
from prometheus_client import CONTENT_TYPE_LATEST

from fund.applying import api as applying_api
from fund.applying import comment_pages
from fund.applying import pages as applying_pages
from fund.awarding import api as awarding_api
from fund.awarding import pages as awarding_pages
from fund.base import health, soundness
from fund.base.clock import Clock, SystemClock
from fund.base.database import Database
from fund.base.errors import Misconfigured, NotFound
from fund.base.permissions import Viewer
from fund.base.settings import Settings
from fund.deciding import api as deciding_api
from fund.deciding import pages as deciding_pages
from fund.governing import api as governing_api
from fund.governing import mail_api as wording_api
from fund.governing import mail_pages as wording_pages
from fund.governing import pages as governing_pages
from fund.governing import webhook_api, webhook_pages
from fund.people import api as people_api
from fund.people import pages as people_pages
from fund.people.identify import identify
from fund.pipeline import api as pipeline_api
from fund.pipeline import (
    bulk_api,
    bulk_pages,
    deadline_pages,
    feed_api,
    feed_pages,
    mail_api,
    mail_pages,
    undo_api,
    undo_pages,
)
from fund.pipeline import pages as pipeline_pages
from fund.rehearsing import api as rehearsing_api
from fund.rehearsing import pages as rehearsing_pages
from fund.reporting import api as reporting_api
from fund.reporting import pages as reporting_pages
from fund.reviewing import api as reviewing_api
from fund.reviewing import pages as reviewing_pages
from fund.rounds import api as rounds_api
from fund.rounds import days_pages, reminders_api, reminders_pages, running_api, running_pages
from fund.rounds import pages as rounds_pages
from fund.sharing import api as sharing_api
from fund.sharing import newsletter_api, newsletter_pages
from fund.sharing import pages as sharing_pages
from fund.web.container import Container, NavEntry
from fund.web.i18n import lazy
from fund.web.setup import install

log = logging.getLogger(__name__)

ROUTERS = (
    people_pages.router,
    people_api.router,
    rounds_pages.router,
    days_pages.router,
    reminders_pages.router,
    reminders_api.router,
    running_pages.router,
    running_api.router,
    rounds_api.router,
    governing_pages.router,
    governing_api.router,
    webhook_pages.router,
    webhook_api.router,
    wording_pages.router,
    wording_api.router,
    applying_pages.router,
    comment_pages.router,
    applying_api.router,
    reviewing_pages.router,
    reviewing_api.router,
    deciding_pages.router,
    deciding_api.router,
    awarding_pages.router,
    awarding_api.router,
    reporting_pages.router,
    reporting_api.router,
    sharing_pages.router,
    sharing_api.router,
    rehearsing_pages.router,
    rehearsing_api.router,
    newsletter_pages.router,
    newsletter_api.router,
    bulk_pages.router,
    bulk_api.router,
    deadline_pages.router,
    undo_pages.router,
    undo_api.router,
    feed_pages.router,
    feed_api.router,
    mail_pages.router,
    mail_api.router,
    pipeline_pages.router,
    pipeline_api.router,
)
"""The pages and the API of every room, in the order of a grant's life."""

NAV = (
    NavEntry(lazy("Home"), "/home", lambda viewer: viewer.signed_in),
    NavEntry(lazy("Rounds"), "/rounds"),
    NavEntry(lazy("Projects"), "/projects", lambda viewer: not viewer.reads_everything),
    NavEntry(lazy("Lessons"), "/lessons"),
    NavEntry(lazy("Proposals"), "/applications", lambda viewer: bool(viewer.member_ids)),
    NavEntry(lazy("Reviews"), "/reviews", lambda viewer: viewer.is_reviewer),
    NavEntry(lazy("Pipeline"), "/pipeline", lambda viewer: viewer.reads_everything),
    NavEntry(lazy("Mail"), "/mail", lambda viewer: viewer.reads_everything),
    NavEntry(lazy("Members"), "/members", lambda viewer: viewer.reads_everything),
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
        openapi_url=None,
        lifespan=lifespan,
    )
    held = Container(
        settings=settings, db=database, clock=clock or SystemClock(), identify=identify, nav=NAV, demo=demo
    )
    install(app, held)
    _add_health(app, held)
    _add_description(app)
    for router in ROUTERS:
        app.include_router(router)
    return app


def serve(settings: Settings, database: Database) -> None:
    """Answer requests until told to stop. Raises Misconfigured where the port cannot be had."""
    soundness.report(database)
    with listen(settings.host, settings.port) as door, suppress(KeyboardInterrupt):
        log.info("the fund answers on http://%s:%s", settings.host, settings.port)
        run_server(create_app(settings, db=database), settings, door)


def settle_down(app: FastAPI | None = None) -> None:
    """Make sure that nothing holds up those who ask, called when everything is loaded and before the first request.

    The routes of ``app`` would else be put together, and what hands work to threads be loaded, while the first visitor
    waits, and everybody else with her. All that is loaded stays for good; looking through it for what can go took up to
    a quarter of a second, in which nobody was answered. What is new is looked through after 10,000 things, not after
    700: what a move makes lives as long as it lasts, and to look at it again and again was an eighth of its cost. And a
    worker's thread in this process lets go of the interpreter ten times as often.
    """
    if app:
        deque(iter_route_contexts(app.routes), maxlen=0)
        asyncio.run(run_in_threadpool(int))
    # Not collected before: a signal to stop that came meanwhile would be swallowed by what is called as things go.
    gc.freeze()
    gc.set_threshold(10_000)
    sys.setswitchinterval(0.0005)


def run_server(app: FastAPI, settings: Settings, door: socket.socket) -> None:
    """Answer whoever comes to ``door`` until told to stop, finish the requests under way, raise KeyboardInterrupt."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
    )
    settle_down(app)
    uvicorn.Server(config).run(sockets=[door])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there from now on. Raises Misconfigured, saying what to do, where that is impossible."""
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
        door.listen(2048)
    except OSError as error:
        door.close()
        raise Misconfigured(_why_not(error, host, port)) from error
    return door


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken. Set FUND_PORT to another one."
    if error.errno == errno.EACCES:
        return f"Port {port} needs an administrator's rights. Set FUND_PORT to one above 1023."
    return f"FUND_HOST: {host} is no address of this machine ({error.strerror})."


def _add_description(app: FastAPI) -> None:
    @app.get("/api/v1/openapi.json", include_in_schema=False)
    def openapi() -> JSONResponse:
        # FastAPI's own would put it together on the event loop: a second and more in which nobody else is answered.
        return JSONResponse(app.openapi())


def _add_health(app: FastAPI, held: Container) -> None:
    @app.get("/healthz", include_in_schema=False)
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", include_in_schema=False)
    def readyz() -> JSONResponse:
        found = health.problems(held.db, held.clock.now(), held.settings.limits)
        status, code = ("not ready", 503) if found else ("ok", 200)
        return JSONResponse({"status": status, "problems": found, "faults": health.faults(held.db)}, code)

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        if not held.settings.metrics:
            raise NotFound
        found = health.metrics(held.db, held.clock.now(), held.settings.limits)
        return Response(found, media_type=CONTENT_TYPE_LATEST)
