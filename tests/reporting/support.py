"""The product as people meet it: an app on a database, and a browser or a program for each person."""

import re
from html import unescape

from fastapi import FastAPI
from starlette.testclient import TestClient

from fund.app import create_app
from fund.base.clock import Clock
from fund.base.database import Database
from fund.base.permissions import Viewer
from fund.base.settings import Settings
from fund.people import sessions, tokens
from tests.support.world import World


def open_app(db: Database, clock: Clock) -> FastAPI:
    """The whole product over ``db``."""
    return create_app(Settings(database_url=db.url), db=db, clock=clock)


def browser_of(app: FastAPI, viewer: Viewer | None) -> TestClient:
    """A browser in which the viewer is signed in, or nobody; it shows redirects instead of following them."""
    client = TestClient(app, follow_redirects=False, raise_server_exceptions=True)
    if viewer is not None and viewer.person_id is not None:
        held = app.state.fund
        with held.db.write() as session:
            signed_in = sessions.start(session, viewer.person_id, "test", held.clock.now())
        client.cookies.set("session", signed_in.token)
    return client


def program_of(app: FastAPI, viewer: Viewer | None) -> TestClient:
    """A program that calls the API with the viewer's token, or with none."""
    client = TestClient(app, follow_redirects=False)
    if viewer is not None and viewer.person_id is not None:
        held = app.state.fund
        with held.db.write() as session:
            token = tokens.create_token(session, viewer.person_id, "test", held.clock.now())
        client.headers["Authorization"] = f"Bearer {token}"
    return client


def strangers(world: World) -> dict[str, Viewer | None]:
    """Everybody who has nothing to do with the applicant's project."""
    return {"outsider": world.outsider, "reviewer": world.reviewers[2], "anonymous": None}


def words(html: str) -> str:
    """What a person reads on the page, on one line."""
    body = re.sub(r"<(script|style|head)\b.*?</\1>", " ", html, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def title(html: str) -> str:
    """The title of the page."""
    found = re.search(r"<title>(.*?)</title>", html, re.S)
    return unescape(found.group(1)) if found else ""


def field(html: str, name: str) -> str:
    """What stands in the text area or the input ``name``."""
    area = re.search(rf'<textarea[^>]*name="{name}"[^>]*>\n?(.*?)</textarea>', html, re.S)
    if area:
        return unescape(area.group(1))
    line = re.search(rf'<input[^>]*name="{name}"[^>]*>', html)
    value = re.search(r'value="([^"]*)"', line.group(0)) if line else None
    return unescape(value.group(1)) if value else ""
