"""Statements that every move carries out: answered by an index, and converted as SQLAlchemy would."""

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from fund.base import audience, following, ledger, subjects
from notifications import outbox
from schema.ledger import LedgerEvent
from tests.support.world import draft, submit, world

LOOKING = {
    "deadlines": (
        following.OPEN_AMONG,
        {"kind": "application", "subjects": [1, 2]},
        "subject_kind=? AND subject_id=?",
    ),
    "heads": (ledger.HEADS, {"chains": ["application:1", "application:2"]}, "chain=?"),
    "head": (ledger.HEAD, {"chain": "application:1"}, "chain=?"),
    "children": (subjects.STANDING, {"applications": [1, 2]}, "application_id=?"),
    "acting": (audience.ACTING, {"members": [1]}, "member_id=?"),
    "reminders": (outbox.CANCEL_OF_DEADLINE, {"deadline": 1, "why": "", "now": None}, "deadline_id=?"),
}


@pytest.mark.parametrize("name", LOOKING)
def test_an_index_leads_to_the_rows(sqlite_db, name):
    prepared, parameters, columns = LOOKING[name]
    with sqlite_db.read() as session, prepared._cursor(session) as (cursor, ready):
        plan = cursor.execute(f"EXPLAIN QUERY PLAN {ready.sql}", ready.values(parameters)).fetchall()
    found = [step for *_, step in plan if step.startswith("SEARCH") and step.endswith(f"({columns})")]
    assert found, plan


def test_what_is_written_reads_as_the_mapper_would_have_written_it(db, clock):
    here = world(db, clock.now())
    with db.write() as session:
        application = draft(session, here, clock.now())
        submit(session, here, application, clock.now())
        key = application.id
    with db.read() as session:
        event = session.exec(
            select(LedgerEvent).where(LedgerEvent.subject_id == key, LedgerEvent.action == "submit")
        ).one()
        assert (event.at, event.note, event.seal_id) == (clock.now(), None, None)
        assert event.data["version"] == 2
        assert ledger.digest(event) == event.hash


def test_what_the_database_refuses_is_an_error_of_sqlalchemy(db, clock):
    here = world(db, clock.now())
    with db.write() as session:
        chain = f"application:{draft(session, here, clock.now()).id}"
    row = ledger._row(
        ledger.Entry(
            chain=chain, actor=None, role="clock", subject_kind="application", subject_id=1, action="x"
        ),
        1,
        ledger.START,
        clock.now(),
    )
    with db.read() as session, pytest.raises(IntegrityError):
        ledger.WRITE.each(session, [row])
