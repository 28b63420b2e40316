"""One deadline is given another day, or is waived: reminders, mails, history and rights, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from threading import Barrier

import pytest
from icalendar import Calendar
from sqlmodel import select

from fund.base import extending, passing
from fund.base.deadlines import policy
from fund.base.errors import Conflict, Forbidden, Invalid, MoveRefused
from notifications import lease
from notifications.compose import Composer
from notifications.reconcile import reconcile
from schema.applications import Application
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent
from schema.outbox import Message
from schema.reports import Report
from schema.rounds import Round
from tests.notifications.world import SETTINGS
from tests.support.world import assign, draft, submit, to_active, world


@pytest.fixture
def here(db, clock):
    return world(db, clock.now())


def deadline_of(here, key):
    with here.db.read() as session:
        return session.exec(select(Deadline).where(Deadline.key == key).order_by(Deadline.id)).first()


def extend(here, clock, key, days, *, viewer=None, generation=None, reason="The river rose."):
    found = deadline_of(here, key)
    with here.db.write() as session:
        extending.move(
            session,
            viewer or here.manager,
            found.id,
            found.due_on + timedelta(days=days),
            reason,
            generation=found.generation if generation is None else generation,
            now=clock.now(),
        )
    return found, deadline_of(here, key)


def mails(here, template):
    with here.db.read() as session:
        return session.exec(select(Message).where(Message.template == template).order_by(Message.id)).all()


def started(here, clock):
    with here.db.write() as session:
        return draft(session, here, clock.now()).id


def test_a_later_day_plans_anew_tells_those_who_owe_it_and_is_on_record(here, clock):
    with here.db.write() as session:
        to_active(session, here, clock.now())
    before, after = extend(here, clock, "report", 10)
    assert (after.due_on, after.generation) == (before.due_on + timedelta(days=10), before.generation + 1)
    with here.db.read() as session:
        assert session.get_one(Report, after.subject_id).due_on == after.due_on
        reminders = session.exec(
            select(Message).where(Message.deadline_id == after.id, Message.kind == "reminder")
        ).all()
        by_generation = {(one.deadline_generation, one.status) for one in reminders}
        assert by_generation == {(1, "cancelled"), (2, "pending")}
        old, new = (
            sorted((one.offset_days, one.person_id) for one in reminders if one.deadline_generation == number)
            for number in (1, 2)
        )
        assert old == new
        event = session.exec(select(LedgerEvent).where(LedgerEvent.action == "deadline_moved")).one()
        assert (event.chain, event.note) == (f"application:{after.application_id}", "The river rose.")
        assert event.data["before"] == before.due_on.isoformat()
        assert event.data["due_on"] == after.due_on.isoformat()
    told = mails(here, "deadline_moved")
    assert {one.person_id for one in told} == {here.applicant.person_id, here.colleague.person_id}
    assert reconcile(here.db, policy, clock).nothing, "what tells of it is no reminder"
    with here.db.read() as session:
        mail = Composer(SETTINGS).compose(session, told[0].id, clock.now())
    assert "The river rose." in mail.text
    assert f"{before.due_on.day} {before.due_on:%B %Y}" in mail.text
    assert f"{after.due_on:%A}, {after.due_on.day} {after.due_on:%B %Y}" in mail.text
    parts = message_from_bytes(mail.data).walk()
    (file,) = [part for part in parts if part.get_content_type() == "text/calendar"]
    (entry,) = Calendar.from_ical(file.get_payload(decode=True)).walk("VEVENT")
    assert (entry["SEQUENCE"], entry["UID"]) == (4, f"deadline-{after.id}@{SETTINGS.domain}")


def test_moved_again_the_first_mail_does_not_go_out(here, clock):
    started(here, clock)
    extend(here, clock, "submission", 3)
    extend(here, clock, "submission", -1)
    first, second = (
        {one.status for one in mails(here, "deadline_moved") if one.deadline_generation == number}
        for number in (2, 3)
    )
    assert (first, second) == ({"cancelled"}, {"pending"})
    with here.db.write() as session:
        batch = lease.claim(session, "worker", clock.now() + timedelta(days=60), 100)
    assert batch.claims
    with here.db.read() as session:
        claimed = [session.get_one(Message, one.message_id) for one in batch.claims]
        assert {one.deadline_generation for one in claimed if one.template == "deadline_moved"} == {3}


def test_one_that_is_over_by_now_and_extended_closes_nothing_and_can_still_be_met(here, clock):
    """The whole round closes in the meantime; who alone was given more time still hands in, and nobody else."""
    key = started(here, clock)
    with here.db.write() as session:
        other = draft(session, here, clock.now(), title="Another").id
    own = deadline_of(here, "submission")
    clock.move_to(own.due_at + timedelta(minutes=30))
    extend(here, clock, "submission", 5)
    clock.advance(timedelta(hours=2))
    passing.sweep(here.db, clock)
    with here.db.write() as session:
        assert session.get_one(Round, here.round_id).state == "closed"
        states = [session.get_one(Application, one).state for one in (key, other)]
        assert states == ["draft", "not_submitted"]
        submit(session, here, session.get_one(Application, key), clock.now())
        assert session.get_one(Application, key).state == "submitted"


def test_one_that_passed_and_was_extended_passes_again(here, clock):
    with here.db.write() as session:
        to_active(session, here, clock.now())
    clock.move_to(deadline_of(here, "report").grace_until)
    passing.sweep(here.db, clock)
    assert deadline_of(here, "report").passed_at
    _before, after = extend(here, clock, "report", 4)
    assert after.passed_at is None
    clock.move_to(after.grace_until)
    passing.sweep(here.db, clock)
    assert deadline_of(here, "report").passed_at == clock.now()


def test_the_same_day_changes_nothing_and_of_two_days_one_wins(here, clock):
    started(here, clock)
    _before, after = extend(here, clock, "submission", 0)
    assert after.generation == 1
    assert mails(here, "deadline_moved") == []
    extend(here, clock, "submission", 2)
    extend(here, clock, "submission", 0, generation=1)  # pressed twice
    with pytest.raises(Conflict):
        extend(here, clock, "submission", 1, generation=1, viewer=here.second_manager)
    assert deadline_of(here, "submission").generation == 2


def test_what_is_wrong_is_said_and_others_are_refused(here, clock):
    started(here, clock)
    for viewer in (here.applicant, here.auditor, here.reviewers[0]):
        with pytest.raises(Forbidden):
            extend(here, clock, "submission", 2, viewer=viewer)
    both = replace(here.manager, member_ids=frozenset({here.member_id}))
    with pytest.raises(Forbidden):
        extend(here, clock, "submission", 2, viewer=both)
    with pytest.raises(Invalid) as wrong:
        extend(here, clock, "submission", -200, reason=" ")
    assert set(wrong.value.fields) == {"day", "reason"}
    with pytest.raises(MoveRefused, match="whole round"):
        extend(here, clock, "closing", 2)
    assert mails(here, "deadline_moved") == []


def test_a_waived_deadline_is_over_reminds_nobody_and_is_told_once(here, clock):
    with here.db.write() as session:
        application = draft(session, here, clock.now())
        submit(session, here, application, clock.now())
        assign(session, here, application, here.reviewers[0], clock.now())
    found = deadline_of(here, "review")
    for _ in range(2):
        with here.db.write() as session:
            extending.waive(
                session, here.manager, found.id, "Another will do it.", generation=1, now=clock.now()
            )
    assert deadline_of(here, "review").status == "waived"
    (mail,) = mails(here, "deadline_waived")
    assert (mail.person_id, mail.status) == (here.reviewers[0].person_id, "pending")
    with here.db.read() as session:
        left = select(Message.id).where(Message.deadline_id == found.id, Message.status == "pending")
        assert session.exec(left).all() == []
        assert "Another will do it." in Composer(SETTINGS).compose(session, mail.id, clock.now()).text
    clock.move_to(found.grace_until)
    passing.sweep(here.db, clock)
    assert deadline_of(here, "review").passed_at is None


def test_what_a_move_waits_for_is_not_waived(here, clock):
    started(here, clock)
    found = deadline_of(here, "submission")
    with pytest.raises(MoveRefused, match="Submit the proposal"), here.db.write() as session:
        extending.waive(session, here.manager, found.id, "No.", generation=1, now=clock.now())
    assert deadline_of(here, "submission").status == "open"


def test_of_two_managers_at_once_one_wins_and_the_other_is_told(here, clock):
    started(here, clock)
    found, start = deadline_of(here, "submission"), Barrier(2)

    def tries(viewer, days):
        day = found.due_on + timedelta(days=days)
        start.wait(20)
        try:
            with here.db.write() as session:
                extending.move(session, viewer, found.id, day, "Because.", generation=1, now=clock.now())
        except Conflict:
            return None
        return day

    with ThreadPoolExecutor(2) as pool:
        won = [*pool.map(tries, (here.manager, here.second_manager), (3, 5))]
    assert won.count(None) == 1
    after = deadline_of(here, "submission")
    assert (after.due_on, after.generation) == (next(filter(None, won)), 2)
