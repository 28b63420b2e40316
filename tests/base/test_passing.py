"""Time passes: what waits for a deadline happens, once, and nothing else does."""

from datetime import timedelta

from sqlmodel import select

from fund.base import passing
from schema.applications import Application
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent
from schema.outbox import Message
from schema.rounds import Round
from tests.support.world import award, draft, move, to_deliberation, world


def test_drafts_and_round_close_with_the_grace_and_not_before(db, clock):
    here = world(db, clock.now())
    with db.write() as session:
        draft(session, here, clock.now())
        due = session.exec(select(Deadline).where(Deadline.key == "submission")).one().due_at
    clock.move_to(due + timedelta(minutes=59))
    assert passing.sweep(db, clock) == 0
    clock.move_to(due + timedelta(minutes=60))
    assert passing.sweep(db, clock) == 2
    assert passing.sweep(db, clock) == 0
    with db.read() as session:
        assert session.exec(select(Application.state)).one() == "not_submitted"
        assert session.exec(select(Round.state)).one() == "closed"
        told = session.exec(select(Message.template).where(Message.kind == "notice")).all()
        assert set(told) == {"not_submitted"}


def test_a_grace_of_an_hour_still_takes_a_proposal(db, clock):
    here = world(db, clock.now())
    with db.write() as session:
        draft(session, here, clock.now())
        due = session.exec(select(Deadline).where(Deadline.key == "submission")).one().due_at
    clock.move_to(due + timedelta(minutes=30))
    passing.sweep(db, clock)
    with db.write() as session:
        row = session.exec(select(Application)).one()
        move(session, row, "submit", here.applicant, clock.now(), data={"declaration": True})
    with db.read() as session:
        assert session.exec(select(Application.state)).one() == "submitted"


def test_an_offer_lapses_even_if_the_sweep_was_down_for_days(db, clock):
    here = world(db, clock.now())
    with db.write() as session:
        application = to_deliberation(session, here, clock.now())
        award(session, here, application, clock.now())
        move(session, application, "offer", here.manager, clock.now())
    clock.advance(timedelta(days=25))
    passing.sweep(db, clock)
    with db.read() as session:
        assert session.exec(select(Application.state)).one() == "offer_lapsed"
        passed = session.exec(
            select(LedgerEvent.action).where(LedgerEvent.chain.like("application%")).order_by(LedgerEvent.seq)
        ).all()
        assert list(passed[-2:]) == ["deadline_passed", "lapse_offer"]


def test_a_deadline_that_nothing_waits_for_is_marked_and_stays_open(db, clock):
    here = world(db, clock.now())
    with db.write() as session:
        to_deliberation(session, here, clock.now())
    clock.advance(timedelta(days=100))
    passing.sweep(db, clock)
    with db.read() as session:
        decision = session.exec(select(Deadline).where(Deadline.key == "decision")).one()
        assert decision.status == "open"
        assert decision.passed_at == clock.now()


def test_one_bad_row_does_not_stop_the_others(db, clock):
    here = world(db, clock.now())
    with db.write() as session:
        first, second = draft(session, here, clock.now()), draft(session, here, clock.now())
        first.state = "no_such_state"
        session.add(first)
        assert second.state == "draft"
    clock.advance(timedelta(days=40))
    passing.sweep(db, clock)
    with db.read() as session:
        assert set(session.exec(select(Application.state)).all()) == {"no_such_state", "not_submitted"}
