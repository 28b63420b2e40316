"""Proposals in review, and several people acting at the same moment."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from html import unescape
from threading import Barrier
from typing import Any

from sqlalchemy import event
from sqlmodel import Session, select
from starlette.testclient import TestClient

from fund.base.database import Database
from fund.base.permissions import Viewer
from fund.reviewing import service
from fund.reviewing.scorecard import Given, Scorecard
from schema.applications import Application
from schema.reviews import Review
from tests.support import world as made
from tests.support.doors import Doors
from tests.support.world import World

FULL = Scorecard(
    scores={"need": Given(3, "The need is shown."), "plan": Given(2, "The plan is thin.")},
    recommendation="fund",
    comment="For the panel.",
    feedback="Say who does what.",
)
"""A scorecard that can be submitted: (1 × 3/4 + 2 × 2/4) / 3 = 58 of 100."""


@dataclass(frozen=True)
class Case:
    """One proposal in review with the reviews of the world's first two reviewers."""

    reference: str
    application_id: int
    reviews: tuple[int, int]


def screening(session: Session, world: World, now: datetime, title: str = "Safe streets") -> Application:
    """A submitted proposal in screening."""
    application = made.draft(session, world, now, title=title)
    made.submit(session, world, application, now)
    made.move(session, application, "start_screening", world.manager, now)
    return application


def in_review(db: Database, world: World, now: datetime, title: str = "Safe streets") -> Case:
    """A proposal in review; both reviews are assigned and not begun."""

    def sent(session: Session) -> Case:
        application = screening(session, world, now, title)
        asked = [viewer.person_id or 0 for viewer in world.reviewers[:2]]
        first, second = service.assign(session, world.manager, application, asked, now=now)
        made.move(session, application, "send_to_review", world.manager, now)
        return Case(application.reference, application.id or 0, (first.id or 0, second.id or 0))

    return made.stage(replace(world, db=db), f"in review: {title}", now, sent)


def ask(db: Database, viewer: Viewer, reference: str, people: list[int | None], now: datetime) -> list[int]:
    """Ask the people for a review of the application; the keys of their reviews."""
    with db.write() as session:
        found = session.exec(select(Application).where(Application.reference == reference)).one()
        made_ = service.assign(session, viewer, found, [key or 0 for key in people], now=now)
        return [one.id or 0 for one in made_]


def move(db: Database, viewer: Viewer, review_id: int, trigger: str, now: datetime, reason: str = "") -> None:
    """Make a move on the review's present version."""
    with db.write() as session:
        version = session.get_one(Review, review_id).version
        service.move(session, viewer, review_id, trigger, version=version, now=now, reason=reason)


def begin(db: Database, viewer: Viewer, review_id: int, now: datetime, card: Scorecard = FULL) -> None:
    """Begin the review and save the scorecard."""
    move(db, viewer, review_id, "start", now)
    with db.write() as session:
        service.save_scores(session, viewer, review_id, card, edit_version=0)


def hand_in(db: Database, viewer: Viewer, review_id: int, now: datetime, card: Scorecard = FULL) -> None:
    """Begin, save and submit the review."""
    begin(db, viewer, review_id, now, card)
    move(db, viewer, review_id, "submit", now)


def review(db: Database, review_id: int) -> Review:
    """The review as it is stored now."""
    with db.read() as session:
        return session.get_one(Review, review_id)


def application(db: Database, key: int) -> Application:
    """The application as it is stored now."""
    with db.read() as session:
        return session.get_one(Application, key)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each of the calls answered or raised, all started at the same moment in threads of their own."""
    barrier = Barrier(len(calls))

    def together(call: Callable[[], Any]) -> Any:
        barrier.wait(10)
        try:
            return call()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(together, calls))


@contextmanager
def counted(db: Database) -> Iterator[list[str]]:
    """The statements that the database carries out inside."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    engines = {id(engine): engine for engine in (db.engine, db._reader)}.values()
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def browser_of(doors: Doors, viewer: Viewer | None) -> TestClient:
    """A browser in which the viewer is signed in, or nobody."""
    return doors.browser(viewer)


def program_of(doors: Doors, viewer: Viewer | None) -> TestClient:
    """A program with the viewer's token, or with none."""
    return doors.browser() if viewer is None else doors.program(viewer)


def title(html: str) -> str:
    """The title of the page."""
    found = re.search(r"<title>(.*?)</title>", html, re.S)
    return unescape(found[1]) if found else ""


def field(html: str, name: str) -> str:
    """What stands in the text area or the input ``name``."""
    area = re.search(rf'<textarea[^>]*name="{name}"[^>]*>\n?(.*?)</textarea>', html, re.S)
    if area:
        return unescape(area[1])
    line = re.search(rf'<input[^>]*name="{name}"[^>]*>', html)
    value = re.search(r'value="([^"]*)"', line[0]) if line else None
    return unescape(value[1]) if value else ""
