"""Statements that every move carries out: answered by an index, and converted as SQLAlchemy would."""

import pytest
import sqlalchemy as alchemy
from sqlalchemy import bindparam, literal, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from fund.base import access, audience, following, ledger, subjects
from fund.base.errors import Conflict, Invalid
from fund.base.facts import open_deadlines
from notifications import outbox
from schema.applications import Application
from schema.ledger import LedgerEvent
from schema.outbox import Message
from schema.rounds import Round
from schema.rows import Whole, table_of
from schema.statements import About, Call, Prepared, given, together
from tests.support import databases
from tests.support.watching import statements
from tests.support.world import draft, submit, world

APPLICATIONS = table_of(Application)
LOOKING = {
    "reference": (access.BY_REFERENCE.question.one, {"key": "PIF-ABCDEF"}, "reference=?"),
    "locked": (subjects.AFRESH["application"].question.many, {"keys": [1, 2]}, "rowid=?"),
    "deadlines of one": (
        following.OPEN_AMONG.one,
        {"kind": "application", "key": 1},
        "subject_kind=? AND subject_id=?",
    ),
    "children of one": (subjects.STANDING.one, {"key": 1}, "application_id=?"),
    "deadlines": (
        following.OPEN_AMONG.many,
        {"kind": "application", "keys": [1, 2]},
        "subject_kind=? AND subject_id=?",
    ),
    "heads": (ledger.HEADS, {"chains": ["application:1", "application:2"]}, "chain=?"),
    "head": (ledger.HEAD, {"chain": "application:1"}, "chain=?"),
    "children": (subjects.STANDING.many, {"keys": [1, 2]}, "application_id=?"),
    "acting": (audience.OF_ONE, {"member": 1, "round": 1}, "member_id=?"),
    "managers": (audience.OF_ONE, {"member": 1, "round": 1}, "role=?"),
    "named": (audience.OF_ONE, {"member": 1, "round": 1}, "round_id=? AND person_id=?"),
    "acting for many": (audience.OF_MANY, {"members": [1, 2], "rounds": [1, 2]}, "member_id=?"),
    "named for many": (
        audience.OF_MANY,
        {"members": [1, 2], "rounds": [1, 2]},
        "round_id=? AND person_id=?",
    ),
    "reminders": (outbox.CANCEL_OF_DEADLINE, {"deadline": 1, "why": "", "now": None}, "deadline_id=?"),
}


@pytest.mark.parametrize("name", LOOKING)
def test_an_index_leads_to_the_rows(sqlite_db, name):
    prepared, parameters, columns = LOOKING[name]
    with sqlite_db.read() as session:
        cursor, ready = prepared._at(session)
        plan = cursor.execute(f"EXPLAIN QUERY PLAN {ready.sql}", ready.values(parameters)).fetchall()
    steps = [step.removesuffix(" LEFT-JOIN") for *_, step in plan]
    found = [step for step in steps if step.startswith("SEARCH") and step.endswith(f"({columns})")]
    assert found, plan


def test_what_a_guard_asks_of_one_subject_is_found_by_it(sqlite_db, clock):
    """Among a million deadlines, asked by every submission."""
    here = world(sqlite_db, clock.now())
    with sqlite_db.write() as session:
        application = draft(session, here, clock.now())
        with statements(sqlite_db) as asked:
            assert open_deadlines(session, application, clock.now()) == {"submission"}
        plan = session.connection().exec_driver_sql(
            f"EXPLAIN QUERY PLAN {asked[-1]}", ("application", 1, "open", "x", "held")
        )
        assert "(subject_kind=? AND subject_id=?)" in plan.one()[-1]


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
        ledger.WRITE.write(session, [row])


ROUND = Whole(Round, col(Round.id))


def test_a_whole_row_is_the_one_that_the_mapper_gives(db, clock):
    here = world(db, clock.now(), summary="Naïve, “quoted”, 100 %")
    with db.read() as session:
        by_mapper = session.get_one(Round, here.round_id).model_dump()
    with db.write() as session:
        [found] = ROUND.of(session, [here.round_id])
        assert found.model_dump() == by_mapper
        assert session.get_one(Round, here.round_id) is found
        assert not session.dirty
        found.title = "Changed as any other row"
    with db.read() as session:
        assert session.get_one(Round, here.round_id).title == "Changed as any other row"
        assert ROUND.of(session, [0]) == []


def test_a_whole_row_that_is_in_hand_is_read_anew(db, clock):
    here = world(db, clock.now())
    with db.read() as session:
        held = session.get_one(Round, here.round_id)
        session.rollback()
        with db.write() as other:
            other.get_one(Round, here.round_id).title = "Meanwhile"
        assert ROUND.of(session, [here.round_id]) == [held]
        assert held.title == "Meanwhile"


def test_rows_are_written_many_at_a_time_and_each_key_once(db, clock):
    now = clock.now()
    texts = ["a 'quote'", 'a "quote" \\ and 50 %', "日本 :name ?", ""]
    rows = [
        outbox.message_row(key=f"k{n}", now=now, next_at=now, kind="x", template=text, payload={"text": text})
        for n, text in enumerate(texts)
    ]
    with db.write() as session:
        outbox.queue_rows(session, [])
        outbox.queue_rows(session, rows[:1])
        outbox.queue_rows(session, rows)
    with db.read() as session:
        found = session.exec(select(Message).order_by(col(Message.dedup_key))).all()
    assert [(one.template, one.payload["text"], one.next_at) for one in found] == [
        (text, text, now) for text in texts
    ]
    assert {(one.status, one.attempts, one.reason) for one in found} == {("pending", 0, "")}


def test_what_no_database_can_hold_is_invalid(db, clock):
    now = clock.now()
    row = outbox.message_row(key="k", now=now, next_at=now, kind="x", template="half \ud800")
    with pytest.raises(Invalid), db.write() as session:
        outbox.queue_rows(session, [row, row])


def test_statements_that_are_asked_together_answer_in_their_order(db, clock):
    here = world(db, clock.now())
    with db.write() as session:
        theirs = [draft(session, here, clock.now()).id for _ in range(3)]
    rename, look = _rename(), _title()
    with db.write() as session:
        renamed, seen, nothing, again = together(
            session,
            Call(rename, [{"key": theirs[0], "words": "first"}, {"key": 0, "words": "nobody's"}]),
            Call(look, [{"key": key} for key in theirs[:2]]),
            Call(look, []),
            Call(rename, [{"key": theirs[2], "words": "third"}]),
        )
        assert [one.reached for one in renamed + again] == [1, 0, 1]
        assert [[row.title for row in one.rows] for one in seen] == [["first"], ["Safe streets"]]
        assert nothing == []
        assert together(session) == []


def test_what_is_refused_among_statements_asked_together_ends_them_all(db, clock):
    here = world(db, clock.now())
    with db.write() as session:
        key, other = (draft(session, here, clock.now()).id for _ in range(2))
    known = Call(_rename(), [{"key": key, "words": "changed"}])
    take = Prepared(update(APPLICATIONS).where(APPLICATIONS.c.id == bindparam("key")), ["reference"])
    with db.read() as session:
        name = session.get_one(Application, other).reference
    with pytest.raises(Conflict), db.write() as session:
        together(session, known, Call(take, [{"key": key, "reference": name}]), known)
    with db.write() as session:
        [[title]] = together(session, Call(_title(), [{"key": key}]))
        assert title.rows == [("Safe streets",)]


def _rename():
    named = update(APPLICATIONS).where(APPLICATIONS.c.id == bindparam("key"))
    return Prepared(named.values(title=bindparam("words")))


def _title():
    return Prepared(select(APPLICATIONS.c.title).where(APPLICATIONS.c.id == bindparam("key")))


HARD = ["it's", "100 %", "a\\b", ":name", "?", "%(x)s", "“ü” تذكير", "-- no", 'a "b"']


@pytest.mark.parametrize("words", HARD)
def test_a_constant_stays_what_it_is(db, words):
    statement = Prepared(
        alchemy.select(
            literal(words).label("a"),
            literal(7).label("b"),
            literal(True).label("c"),
            bindparam("d").label("d"),
        )
    )
    with db.read() as session:
        (row,) = statement.rows(session, d=words)
    assert (row.a, row.b, row.c, row.d) == (words, 7, True, words)


def test_what_is_given_as_rows_is_asked_by_name(db):
    one = given("rows")
    said = one["said"].as_string().label("said")
    statement = Prepared(alchemy.select(one["id"].as_integer().label("id"), said).order_by("id"))
    rows = [{"id": nth, "said": words} for nth, words in enumerate([*HARD, None, ""])]
    with db.read() as session:
        assert [row._asdict() for row in statement.rows(session, rows=rows)] == rows
        assert statement.rows(session, rows=[]) == []


def test_a_list_of_keys_is_planned_once_whatever_its_length(postgres_url):
    table = table_of(Message)
    sent = About(lambda these: alchemy.select(table.c.id).where(these(table.c.id), table.c.status == "sent"))
    with databases.opened(postgres_url) as db, db.read() as session:
        for length in range(2, 32):
            sent.rows(session, range(length))
        plans = "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement ~ 'unnest'"
        generic, custom = session.connection().exec_driver_sql(plans).one()
    assert custom <= 5 < generic
