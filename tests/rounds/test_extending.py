"""The days of a whole round are moved, with all that is owed by them, on both databases."""

from datetime import timedelta

import pytest
from sqlmodel import select

from fund.base import extending, ledger, passing
from fund.base.deadlines import policy
from fund.base.errors import Conflict, Forbidden, Invalid, MoveRefused
from fund.rounds import extending as rounds
from fund.rounds import queries
from notifications.reconcile import reconcile
from schema.applications import Application
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent
from schema.outbox import Message
from schema.rounds import Round
from tests.rounds.support import planned
from tests.support.world import assign, draft, move, submit, world


@pytest.fixture
def here(db, clock):
    return world(db, clock.now(), eligibility=["Your city is a member."])


def round_of(here):
    with here.db.read() as session:
        return session.get_one(Round, here.round_id)


def later(here, clock, reason="The mail was down.", *, viewer=None, edition=None, **days):
    """Move days of the round, each by so many days."""
    round_ = round_of(here)
    wanted = {name: getattr(round_, name) + timedelta(days=count) for name, count in days.items()}
    with here.db.write() as session:
        rounds.move_days(
            session,
            viewer or here.manager,
            here.round_slug,
            wanted,
            reason,
            edition=edition or queries.edition(round_),
            now=clock.now(),
        )


def due(here, key):
    with here.db.read() as session:
        query = select(Deadline.due_on).where(Deadline.key == key, Deadline.status == "open")
        return session.exec(query.order_by(Deadline.id)).all()


def told(here):
    with here.db.read() as session:
        query = select(Message.person_id, Message.subject_kind).where(Message.template == "deadline_moved")
        return sorted(session.exec(query.order_by(Message.id)).all())


def test_the_closing_moves_with_every_draft_but_a_later_day_stays(here, clock):
    with here.db.write() as session:
        for number in range(3):
            draft(session, here, clock.now(), title=f"Draft {number}")
        submit(session, here, draft(session, here, clock.now()), clock.now())
    closes = round_of(here).closes_on
    with here.db.write() as session:
        alone = session.exec(select(Deadline).where(Deadline.key == "submission")).first()
        extending.move(
            session, here.manager, alone.id, closes + timedelta(days=20), "She is ill.",
            generation=1, now=clock.now(),
        )  # fmt: skip
    before = len(told(here))
    later(here, clock, closes_on=7)
    assert round_of(here).closes_on == closes + timedelta(days=7)
    assert due(here, "submission") == [closes + timedelta(days=20), *[closes + timedelta(days=7)] * 2]
    assert due(here, "closing") == [closes + timedelta(days=7)]
    writers = [here.applicant.person_id, here.colleague.person_id]
    assert len(told(here)) - before == 2 * len(writers) + 1
    assert (here.second_manager.person_id, "round") in told(here)
    assert here.manager.person_id not in [person for person, _kind in told(here)]
    assert reconcile(here.db, policy, clock).nothing
    with here.db.read() as session:
        event = session.exec(select(LedgerEvent).where(LedgerEvent.action == "days_moved")).one()
        assert event.chain == f"round:{here.round_id}"
        assert event.data["days"]["closes_on"] == [
            closes.isoformat(),
            (closes + timedelta(days=7)).isoformat(),
        ]
        assert ledger.verify(session).broken is None
    old = closes + timedelta(days=2)
    clock.move_to(clock.now() + (old - clock.now().date()))
    passing.sweep(here.db, clock)
    with here.db.read() as session:
        assert session.get_one(Round, here.round_id).state == "open"
        assert set(session.exec(select(Application.state)).all()) == {"draft", "submitted"}
    later(here, clock, closes_on=0)
    assert due(here, "closing") == [closes + timedelta(days=7)], "the same day changes nothing"


def test_after_the_closing_reviews_and_decision_can_be_moved_each_person_told_once(here, clock):
    with here.db.write() as session:
        for number in range(2):
            application = draft(session, here, clock.now(), title=f"Proposal {number}")
            submit(session, here, application, clock.now())
            move(session, application, "start_screening", here.manager, clock.now())
            for reviewer in here.reviewers[:2]:
                assign(session, here, application, reviewer, clock.now())
            move(session, application, "send_to_review", here.manager, clock.now())
        round_ = session.get_one(Round, here.round_id)
        move(session, round_, "close", here.manager, clock.now())
    review, decision = round_of(here).review_due_on, round_of(here).decision_on
    later(here, clock, review_due_on=5, decision_on=5)
    assert due(here, "review") == [review + timedelta(days=5)] * 4
    assert due(here, "reviews") == [review + timedelta(days=5)] * 2
    assert due(here, "deciding") == [decision + timedelta(days=5)]
    second = here.second_manager.person_id
    reviewers = sorted([one.person_id for one in here.reviewers[:2]] * 2)
    assert told(here) == sorted([(second, "round")] * 2 + [(one, "review") for one in reviewers])


def test_what_cannot_be_is_refused_and_of_two_one_is_told(here, clock):
    with pytest.raises(Invalid) as wrong:
        later(here, clock, " ", closes_on=-1)
    assert set(wrong.value.fields) == {"closes_on", "reason"}
    with pytest.raises(Invalid) as order:
        later(here, clock, closes_on=40)
    assert set(order.value.fields) == {"review_due_on"}
    seen = queries.edition(round_of(here))
    later(here, clock, closes_on=2, edition=seen)
    with pytest.raises(Conflict):
        later(here, clock, closes_on=2, edition=seen, viewer=here.second_manager)
    for viewer in (here.auditor, here.applicant):
        with pytest.raises(Forbidden):
            later(here, clock, closes_on=1, viewer=viewer)
    clock.advance(timedelta(days=40))
    passing.sweep(here.db, clock)
    with here.db.write() as session:
        move(session, session.get_one(Round, here.round_id), "decide", here.manager, clock.now())
    with pytest.raises(MoveRefused, match="All of this round is decided"):
        later(here, clock, closes_on=20)
    other = planned(here.db, here.manager, clock.now())
    with pytest.raises(MoveRefused, match="not open yet"), here.db.write() as session:
        rounds.move_days(
            session, here.manager, other.slug, {"closes_on": clock.now().date()}, "Because.",
            edition=queries.edition(other), now=clock.now(),
        )  # fmt: skip


def test_a_round_that_closed_at_its_day_gets_a_later_one_and_takes_proposals_again(here, clock):
    with here.db.write() as session:
        key = draft(session, here, clock.now()).id
    clock.advance(timedelta(days=32))
    passing.sweep(here.db, clock)
    with here.db.read() as session:
        round_, application = session.get_one(Round, here.round_id), session.get_one(Application, key)
        assert (round_.state, application.state) == ("closed", "not_submitted")
        (refused,) = (one for one in queries.options(session, here.manager, round_, clock.now())
                      if one.move.trigger == "reopen")  # fmt: skip
        assert refused.reasons == ("First complete the round: a closing day that lies ahead.",)
    with pytest.raises(Invalid, match="today or a later day"):
        later(here, clock, closes_on=1)
    later(here, clock, "Floods in three cities.", closes_on=9)
    with here.db.write() as session:
        round_, application = session.get_one(Round, here.round_id), session.get_one(Application, key)
        move(session, round_, "reopen", here.manager, clock.now(), "Floods in three cities.")
        move(session, application, "reopen_draft", here.applicant, clock.now())
    closes = round_of(here).closes_on
    assert due(here, "closing") == due(here, "submission") == [closes]
    assert reconcile(here.db, policy, clock).nothing
    clock.advance(timedelta(days=9))
    passing.sweep(here.db, clock)
    assert round_of(here).state == "closed"
