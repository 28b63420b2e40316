"""What moves ask for besides a reason: on every page and in the API, refused without, kept with the event."""

from typing import Any

import pytest
from sqlmodel import select

from fund.base import definitions
from schema.ledger import LedgerEvent
from schema.reports import Report
from tests.rounds.support import opened
from tests.support.doors import Doors, shown
from tests.support.versions import later
from tests.support.world import World, move, to_active, to_deliberation, world

ASKS = """
asks = [
    { name = "who", label = "Who looked at it", kind = "text", otherwise = "Say who looked at it." },
    { name = "safe", label = "Nobody is named in it", kind = "tick" },
    { name = "day", label = "Day of the look", kind = "date" },
    { name = "cost", label = "Cost of the look", kind = "amount" },
]
to = """
TYPED = {
    "who": "Amina",
    "safe": "yes",
    "day-day": "21",
    "day-month": "9",
    "day-year": "2021",
    "cost": "12.50",
}
KEPT = {"safe": True, "day": "2021-09-21", "cost": 1250}
SENTENCES = (
    "Say who looked at it.",
    "Tick the box “Nobody is named in it”.",
    "Give a day for “Day of the look”.",
    "Give an amount for “Cost of the look”.",
)


@pytest.fixture
def fund(sqlite_db, clock) -> World:
    """A world whose workflows ask for a lot."""
    with sqlite_db.write() as session:
        for name, trigger in (
            ("application", "put_on_reserve"),
            ("report", "accept"),
            ("round", "close"),
            ("review", "decline"),
        ):
            asking = later(name, (f"moves.{trigger}", "\nto = ", ASKS))
            definitions.store(session, asking, clock.now())
    return world(sqlite_db, clock.now())


@pytest.fixture
def doors(fund, clock) -> Doors:
    """The product."""
    return Doors(fund.db, clock)


def event(fund: World, action: str) -> LedgerEvent:
    """The event of the move."""
    with fund.db.read() as session:
        return session.exec(select(LedgerEvent).where(LedgerEvent.action == action)).one()


def asked_for(text: str) -> set[str]:
    return {sentence for sentence in SENTENCES if sentence in shown(text)}


def tried(doors: Doors, viewer: Any, path: str, version: int, **more: str) -> str:
    """What the page says to the move without what it asks for; then it is made with all of it."""
    browser = doors.browser(viewer)
    refused = browser.post(path, data={"version": str(version)} | more)
    assert refused.status_code == 422
    made = browser.post(path, data={"version": str(version)} | more | TYPED)
    assert made.status_code == 303, made.text
    return refused.text


def test_an_application(fund, clock, doors):
    with fund.db.write() as session:
        application = to_deliberation(session, fund, clock.now())
    base = f"/applications/{application.reference}"
    page = doors.browser(fund.manager).get(f"/pipeline/{application.reference}").text
    assert all(words in page for words in ("Who looked at it", "Nobody is named in it", "Day of the look"))
    said = tried(doors, fund.manager, f"{base}/moves/put_on_reserve", application.version, reason="Good.")
    assert asked_for(said) == set(SENTENCES)
    kept = event(fund, "put_on_reserve")
    assert kept.data["given"] == KEPT
    assert kept.note == "Good.\nWho looked at it: Amina"


def test_a_report_and_a_round(fund, clock, doors):
    with fund.db.write() as session:
        application = to_active(session, fund, clock.now())
        report = session.exec(select(Report).where(Report.kind == "interim")).one()
        for name in ("done", "changed", "difficulties", "next_steps"):
            setattr(report, name, "Words.")
        report.people_reached, report.spent_minor = 1, 1
        session.flush()
        move(session, report, "hand_in", fund.applicant, clock.now())
    path = f"/applications/{application.reference}/reports/interim/moves/accept"
    assert asked_for(tried(doors, fund.manager, path, report.version)) == set(SENTENCES)
    assert event(fund, "accept").data["given"] == KEPT
    round_ = opened(fund.db, fund.manager, clock.now())
    closing = f"/rounds/{round_.slug}/moves"
    assert asked_for(tried(doors, fund.manager, closing, round_.version, trigger="close")) == set(SENTENCES)
    assert event(fund, "close").data["given"] == KEPT


def test_a_program_is_told_what_to_send(fund, clock, doors):
    with fund.db.write() as session:
        application = to_deliberation(session, fund, clock.now())
    program = doors.program(fund.manager)
    path = f"/api/v1/applications/{application.reference}/moves"
    options = {one["trigger"]: one for one in program.get(path).json()["moves"]}
    assert [(one["name"], one["kind"]) for one in options["put_on_reserve"]["asks"]] == [
        ("who", "text"),
        ("safe", "tick"),
        ("day", "date"),
        ("cost", "amount"),
    ]
    wish = {"trigger": "put_on_reserve", "version": application.version}
    refused = program.post(path, json=wish | {"data": {"who": "Amina", "safe": "yes", "cost": 1250}})
    assert (refused.status_code, set(refused.json()["errors"])) == (422, {"safe", "day"})
    made = program.post(path, json=wish | {"data": KEPT | {"who": "Amina"}})
    assert made.json()["state"] == "reserve"
    assert event(fund, "put_on_reserve").data["given"] == KEPT
