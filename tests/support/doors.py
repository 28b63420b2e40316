"""The whole product in memory, and a browser or a program in front of it for anybody of a world.

doors = Doors(world.db, clock)
doors.browser(world.applicant).get("/applications")          # signed in by cookie; redirects are not followed
doors.browser().get("/rounds")                               # a stranger
doors.program(world.manager).get("/api/v1/rounds")           # signed in by bearer token
"""

import re
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from fund.app import create_app
from fund.base.clock import Clock
from fund.base.database import Database
from fund.base.permissions import Viewer
from fund.base.settings import Settings
from fund.people import sessions, tokens
from tests.support.loop import quick

APPS: dict[tuple[tuple[str, Any], ...], FastAPI] = {}
"""Apps that stand, by their settings. A new one works out all its routes again at the first request."""


class Doors:
    """One app over ``db``; what is given besides goes into its settings. The latest doors have the app."""

    def __init__(self, db: Database, clock: Clock, **settings: Any) -> None:
        self.db, self.clock = db, clock
        kind = tuple(sorted(settings.items()))
        if kind not in APPS:
            APPS[kind] = create_app(Settings(data_dir=Path("/nowhere"), **settings), db=db, clock=clock)
        self.app = APPS[kind]
        self.app.state.fund.db, self.app.state.fund.clock = db, clock
        self.settings = self.app.state.fund.settings

    def browser(self, viewer: Viewer | None = None) -> TestClient:
        """A browser of its own, signed in as ``viewer`` (a stranger's without)."""
        client = quick(TestClient(self.app, follow_redirects=False))
        if viewer is not None:
            client.cookies.set("session", self.cookie(viewer))
        return client

    def cookie(self, viewer: Viewer) -> str:
        """The secret of a new session of ``viewer``, for the cookie ``session``."""
        assert viewer.person_id is not None
        with self.db.write() as session:
            return sessions.start(session, viewer.person_id, "test", self.clock.now()).token

    def program(self, viewer: Viewer) -> TestClient:
        """A program that carries a token of ``viewer``."""
        assert viewer.person_id is not None
        with self.db.write() as session:
            token = tokens.create_token(session, viewer.person_id, "test", self.clock.now())
        headers = {"Authorization": f"Bearer {token}"}
        return quick(TestClient(self.app, headers=headers, follow_redirects=False))


def shown(html: str) -> str:
    """What a page says, without its markup, in one line."""
    text = re.sub(r"<[^>]+>", " ", html)
    for sign, plain in (("&#39;", "'"), ("&#34;", '"'), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(sign, plain)
    return " ".join(text.split())


def hidden(html: str, name: str) -> str:
    """The value of the first hidden field of that name; AssertionError where there is none."""
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', html)
    assert found, f"the page has no hidden field {name}"
    return found[1]
