"""Taking a move back: state, deadlines and mails are as before, and whoever was told is told so."""

import threading
from datetime import timedelta

import pytest
from sqlmodel import select

from fund.base import definitions, ledger, moves, undo
from fund.base.errors import Conflict, Forbidden, FundError, MoveRefused
from fund.base.permissions import Viewer
from schema.applications import Application
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent
from schema.outbox import Message
from schema.people import Person
from schema.reports import Report
from schema.reviews import Review
from tests.support.doors import Doors
from tests.support.world import (
    assign,
    award,
    draft,
    move,
    report_of,
    review_in,
    submit,
    to_active,
    to_deliberation,
    world,
)
from workflows import Definition, shipped


@pytest.fixture
def here(db, clock):
    return world(db, clock.now())


def _submitted(here, clock, title="Safe streets"):
    with here.db.write() as session:
        application = draft(session, here, clock.now(), title=title)
        submit(session, here, application, clock.now())
        return application.id


def _fire(here, clock, key, trigger, viewer=None, reason="Because.", table=Application):
    clock.advance(timedelta(minutes=1))
    with here.db.write() as session:
        move(
            session, session.get_one(table, key), trigger, viewer or here.manager, clock.now(), reason=reason
        )


def _offer(here, clock, key, viewer=None, table=Application):
    with here.db.read() as session:
        return undo.offer(session, session.get_one(table, key), viewer or here.manager, clock.now())


def _undo(here, clock, key, viewer=None, table=Application):
    viewer = viewer or here.manager
    with here.db.write() as session:
        subject = session.get_one(table, key)
        offered = undo.offer(session, subject, viewer, clock.now())
        event = offered.event if offered else 0
        undo.undo(session, subject, viewer, event=event, version=subject.version, now=clock.now())


def _stands(db, key):
    """Everything that a move changes: state, since when, deadlines, reminders and mails that wait."""
    with db.read() as session:
        application = session.get_one(Application, key)
        owed = session.exec(
            select(Deadline)
            .where(Deadline.application_id == key, Deadline.status == "open")
            .order_by(Deadline.id)
        ).all()
        waiting = session.exec(
            select(Message.template, Message.person_id, Message.next_at, Message.deadline_id)
            .where(Message.application_id == key, Message.status == "pending")
            .order_by(Message.next_at, Message.person_id, Message.template)
        ).all()
        days = [(one.id, one.key, one.due_on, one.due_at, one.grace_until, one.passed_at) for one in owed]
        return application.state, application.state_since, days, waiting


def _sent(db, key, template, now):
    """Let the mails of that template go out."""
    with db.write() as session:
        for message in session.exec(
            select(Message).where(Message.application_id == key, Message.template == template)
        ):
            message.status, message.finished_at, message.rendered_subject = "sent", now, f"About {template}"


@pytest.mark.parametrize(
    ("trigger", "target"),
    [("start_screening", "screening"), ("return_for_changes", "returned"), ("find_ineligible", "ineligible")],
)
def test_an_undone_move_leaves_everything_as_it_was(here, db, clock, trigger, target):
    key = _submitted(here, clock)
    before = _stands(db, key)
    _fire(here, clock, key, trigger)
    with db.read() as session:
        assert session.get_one(Application, key).state == target
        version = session.get_one(Application, key).version
    _undo(here, clock, key)
    assert _stands(db, key) == before
    with db.read() as session:
        assert session.get_one(Application, key).version == version + 1
        events = session.exec(
            select(LedgerEvent).where(LedgerEvent.chain == f"application:{key}").order_by(LedgerEvent.seq)
        ).all()
        assert [(one.action, one.source, one.target) for one in events[-2:]] == [
            (trigger, "submitted", target),
            ("undone", target, "submitted"),
        ]
        assert events[-1].data["undoes"] == events[-2].seq
        assert [one.seq for one in events] == list(range(1, len(events) + 1))
        assert ledger.verify(session).broken is None
    assert _offer(here, clock, key) is None


def test_the_one_before_can_be_undone_after_that(here, db, clock):
    key = _submitted(here, clock)
    before = _stands(db, key)
    _fire(here, clock, key, "start_screening")
    _fire(here, clock, key, "return_for_changes")
    _undo(here, clock, key)
    assert _stands(db, key)[0] == "screening"
    _undo(here, clock, key)
    assert _stands(db, key) == before


def test_what_went_out_is_told_and_its_readers_hear_of_it(here, db, clock):
    key = _submitted(here, clock)
    _fire(here, clock, key, "return_for_changes")
    with db.write() as session:
        last = session.exec(select(Message).where(Message.template == "returned").order_by(Message.id)).all()[
            -1
        ]
        last.status = "sent"
    offered = _offer(here, clock, key)
    assert (offered.unsent, [gone.name for gone in offered.gone]) == (
        len(
            [
                1
                for one in _stands(db, key)[3]
                if one.template in ("returned", "reminder", "overdue", "escalation")
            ]
        ),
        ["Iván Soto"],
    )
    _undo(here, clock, key)
    with db.read() as session:
        told = session.exec(
            select(Message.status, Person.name)
            .join(Person, Person.id == Message.person_id)
            .where(Message.template == "taken_back")
        ).all()
        assert told == [("pending", "Iván Soto")]
        of_return = select(Message.status).where(Message.template == "returned").order_by(Message.id)
        assert session.exec(of_return).all() == ["cancelled", "sent"]


def test_only_who_made_it_or_a_manager_may_undo_it_and_only_in_time(here, db, clock):
    key = _submitted(here, clock)
    _fire(here, clock, key, "start_screening")
    made = clock.now()
    both = Viewer(
        person_id=here.manager.person_id, roles=frozenset({"manager"}), member_ids=frozenset({here.member_id})
    )
    for viewer in (here.applicant, here.colleague, here.outsider, here.auditor, here.reviewers[0], both):
        assert _offer(here, clock, key, viewer) is None
        with pytest.raises(Forbidden):
            _undo(here, clock, key, viewer)
    assert _offer(here, clock, key, here.second_manager).allowed
    clock.move_to(made + timedelta(hours=24))
    assert _offer(here, clock, key).allowed
    clock.advance(timedelta(seconds=1))
    assert _offer(here, clock, key).reasons == ("The time in which it could be undone is over.",)
    with pytest.raises(MoveRefused):
        _undo(here, clock, key)
    assert _stands(db, key)[0] == "screening"


def test_an_applicant_takes_back_what_is_hers_alone(here, db, clock):
    with db.write() as session:
        key = draft(session, here, clock.now()).id
    before = _stands(db, key)
    _fire(here, clock, key, "discard", here.applicant)
    assert [_offer(here, clock, key, viewer) for viewer in (here.colleague, here.manager)] == [None, None]
    _undo(here, clock, key, here.applicant)
    assert _stands(db, key) == before


def test_what_something_builds_on_stays(here, db, clock):
    key = _submitted(here, clock)
    _fire(here, clock, key, "start_screening")
    with db.write() as session:
        clock.advance(timedelta(minutes=1))
        assign(session, here, session.get_one(Application, key), here.reviewers[0], clock.now())
    assert _offer(here, clock, key).reasons == ("Something happened since then that builds on it.",)
    with pytest.raises(MoveRefused):
        _undo(here, clock, key)


def test_what_followed_by_itself_goes_back_with_it(here, db, clock):
    """A reviewer who says no after all others are in moves the application on; taken back, it comes back."""
    key = _submitted(here, clock)
    _fire(here, clock, key, "start_screening")
    with db.write() as session:
        application = session.get_one(Application, key)
        reviews = [assign(session, here, application, one, clock.now()).id for one in here.reviewers]
    _fire(here, clock, key, "send_to_review")
    with db.write() as session:
        for review, reviewer in zip(reviews[:2], here.reviewers, strict=False):
            clock.advance(timedelta(minutes=1))
            review_in(session, session.get_one(Review, review), reviewer, clock.now())
    before = _stands(db, key)
    assert before[0] == "in_review"
    _fire(here, clock, reviews[2], "decline", here.reviewers[2], table=Review)
    assert _stands(db, key)[0] == "deliberation"
    assert _offer(here, clock, key) is None
    offered = _offer(here, clock, reviews[2], here.reviewers[2], Review)
    assert offered.followed == ("Begin deliberation: all reviews are in",)
    _undo(here, clock, reviews[2], here.reviewers[2], Review)
    assert _stands(db, key) == before
    with db.read() as session:
        assert session.get_one(Review, reviews[2]).state == "assigned"
        assert ledger.verify(session).broken is None


def test_what_was_written_meanwhile_is_not_handed_in_by_an_undo(here, db, clock):
    key = _submitted(here, clock)
    _fire(here, clock, key, "return_for_changes")
    with db.write() as session:
        session.get_one(Application, key).edit_version += 1
    assert _offer(here, clock, key).reasons == ("Its text was changed since then.",)


def test_one_review_does_not_build_on_another(here, db, clock):
    key = _submitted(here, clock)
    with db.write() as session:
        application = session.get_one(Application, key)
        first, second = (
            assign(session, here, application, one, clock.now()).id for one in here.reviewers[:2]
        )
    _fire(here, clock, first, "cancel", table=Review)
    _fire(here, clock, second, "cancel", table=Review)
    assert _offer(here, clock, first, table=Review).allowed
    _undo(here, clock, first, table=Review)
    with db.read() as session:
        assert [session.get_one(Review, one).state for one in (first, second)] == ["assigned", "cancelled"]


def test_a_suspension_that_is_undone_never_held_anything(db, clock):
    here = _world_with_undo(db, clock, "suspend", "resume")
    with db.write() as session:
        key = to_active(session, here, clock.now()).id
    before = _stands(db, key)
    _fire(here, clock, key, "suspend")
    clock.advance(timedelta(hours=3))
    _undo(here, clock, key)
    assert _stands(db, key) == before
    _fire(here, clock, key, "suspend")
    clock.advance(timedelta(days=3))
    suspended = _held(db)
    _fire(here, clock, key, "resume")
    assert _held(db) == []
    _undo(here, clock, key)
    assert _held(db) == suspended
    with db.read() as session:
        days = {row.id: row.due_on for row in session.exec(select(Report))}
        assert days == {key: day for key, day, _since in suspended}


def test_what_a_move_asked_for_goes_if_nobody_touched_it(db, clock):
    here = _world_with_undo(db, clock, "start_project")
    keys = []
    with db.write() as session:
        for title in ("Untouched", "Begun"):
            application = to_deliberation(session, here, clock.now(), title)
            award(session, here, application, clock.now())
            move(session, application, "offer", here.manager, clock.now())
            signed = {"signed_name": "Lucía Prado"}
            move(session, application, "accept_offer", here.applicant, clock.now(), data=signed)
            keys.append(application.id)
    before = _stands(db, keys[0])
    for key in keys:
        _fire(here, clock, key, "start_project")
    with db.write() as session:
        begun = report_of(session, session.get_one(Application, keys[1]), "final")
        begun.done, begun.edit_version = "We began.", 1
    _undo(here, clock, keys[0])
    assert _stands(db, keys[0]) == before
    assert _offer(here, clock, keys[1]).reasons == ("What it asked for was begun already.",)
    with db.read() as session:
        assert set(session.exec(select(Report.application_id))) == {keys[1]}
        assert ledger.verify(session).broken is None
        reference = session.get_one(Application, keys[0]).reference
    doors = Doors(db, clock)
    for path in (
        f"/pipeline/{reference}/history",
        f"/pipeline/{reference}/workflow",
        f"/pipeline/{reference}",
    ):
        assert doors.browser(here.manager).get(path).status_code == 200, path
    assert doors.browser(here.applicant).get(f"/applications/{reference}").status_code == 200
    _fire(here, clock, keys[0], "start_project")
    with db.read() as session:
        assert len(session.exec(select(Report)).all()) == 4


def _held(db):
    with db.read() as session:
        found = session.exec(select(Deadline).where(Deadline.status == "held").order_by(Deadline.id))
        return [(one.subject_id, one.due_on, one.held_at) for one in found]


def _world_with_undo(db, clock, *triggers):
    """A world whose applications follow a workflow in which these moves can be undone."""
    text = shipped("application").source.replace("version = 1\n", "version = 99\n", 1)
    for trigger in triggers:
        text = text.replace(f"[moves.{trigger}]\n", f"[moves.{trigger}]\nundo = {{ hours = 24 }}\n", 1)
    with db.write() as session:
        definitions.store(session, Definition.parse(text), clock.now())
    return world(db, clock.now())


def test_of_an_undo_and_a_next_move_one_wins_and_of_two_undos_too(here, db, clock):
    for trigger in ("undo", "send_back"):
        key = _submitted(here, clock, trigger)
        _fire(here, clock, key, "start_screening")
        offered = _offer(here, clock, key)
        start, results = threading.Barrier(2), []

        def act(what, viewer, key=key, offered=offered, start=start, results=results):
            start.wait()
            try:
                with db.write() as session:
                    row = session.get_one(Application, key)
                    if what == "undo":
                        undo.undo(
                            session,
                            row,
                            viewer,
                            event=offered.event,
                            version=offered.version,
                            now=clock.now(),
                        )
                    else:
                        moves.fire(
                            session,
                            row,
                            "return_for_changes",
                            viewer,
                            version=offered.version,
                            now=clock.now(),
                            reason="More.",
                        )
                results.append("won")
            except FundError as error:
                results.append(type(error).__name__)

        pairs = ((trigger, here.manager), ("undo", here.second_manager))
        threads = [threading.Thread(target=act, args=pair) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(results) == [Conflict.__name__, "won"]
        with db.read() as session:
            chain = select(LedgerEvent.seq).where(LedgerEvent.chain == f"application:{key}")
            assert list(session.exec(chain.order_by(LedgerEvent.seq))) == [1, 2, 3, 4]


def test_a_report_that_was_returned_by_mistake_is_under_review_again(here, db, clock):
    with db.write() as session:
        application = to_active(session, here, clock.now())
        report = report_of(session, application, "interim")
        for name in ("done", "changed", "difficulties", "next_steps"):
            setattr(report, name, "Words.")
        report.people_reached, report.spent_minor = 1, 1
        session.flush()
        clock.advance(timedelta(minutes=1))
        move(session, report, "hand_in", here.applicant, clock.now())
        key, of_report = application.id, report.id
    before = _stands(db, key)
    _fire(here, clock, of_report, "return", table=Report)
    assert _stands(db, key)[0] == "report_returned"
    _undo(here, clock, of_report, table=Report)
    assert _stands(db, key) == before


def test_what_a_decision_said_is_undone_with_the_mail_that_says_so(here, db, clock):
    with db.write() as session:
        key = to_deliberation(session, here, clock.now()).id
    before = _stands(db, key)
    _fire(here, clock, key, "decline")
    _sent(db, key, "declined", clock.now())
    assert [gone.subject for gone in _offer(here, clock, key).gone] == ["About declined"] * 2
    _undo(here, clock, key)
    after = _stands(db, key)
    assert after[:3] == before[:3]
    assert [one.template for one in after[3]].count("taken_back") == 2
