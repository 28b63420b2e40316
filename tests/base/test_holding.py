"""Time stands still while a project is suspended, and goes on afterwards without anybody losing any of it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from fund.base import passing
from fund.base.deadlines import move_to, policy
from fund.base.holding import shifted
from fund.pipeline import owed, queries
from notifications.dates import end_of_local_day
from notifications.reconcile import reconcile
from schema.applications import Application
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent
from schema.outbox import Message
from schema.reports import Report
from tests.support.doors import Doors, shown
from tests.support.world import assign, move, report_of, stage, to_active, world

ZONES = (
    "Europe/Brussels",
    "America/Bogota",
    "Asia/Kathmandu",
    "Africa/Cairo",
    "America/Santiago",
    "Etc/GMT+12",
)


@pytest.fixture
def here(db, clock):
    return world(db, clock.now())


@pytest.fixture
def project(here, clock):
    """Key of a project whose two reports are due."""
    return stage(here, "active", clock.now(), lambda session: to_active(session, here, clock.now()).id)


def _move(here, clock, key, trigger, reason="Because."):
    with here.db.write() as session:
        move(session, session.get_one(Application, key), trigger, here.manager, clock.now(), reason=reason)


def _reports(db):
    with db.read() as session:
        return {
            one.subject_id: one
            for one in session.exec(select(Deadline).where(Deadline.key == "report").order_by(Deadline.id))
        }


def _waiting(db):
    """How many reminders of the reports' deadlines are still to go out."""
    with db.read() as session:
        found = select(Message.id).join(Deadline, Deadline.id == Message.deadline_id)
        return len(session.exec(found.where(Deadline.key == "report", Message.status == "pending")).all())


def test_suspended_means_no_reminder_nothing_passes_and_nothing_is_late(here, project, db, clock):
    planned = _waiting(db)
    assert planned > 0
    due = next(iter(_reports(db).values())).due_on
    _move(here, clock, project, "suspend")
    assert {one.status for one in _reports(db).values()} == {"held"}
    assert {one.held_at for one in _reports(db).values()} == {clock.now()}
    assert _waiting(db) == 0
    clock.move_to(datetime(2024, 1, 1, tzinfo=UTC))
    with db.write() as session:  # the fund's own look at the suspension is a deadline like any other
        review = session.exec(select(Deadline).where(Deadline.key == "suspension_review")).one()
        assert review.status == "open"
        move_to(session, review, date(2024, 2, 1), "The fund looks at it later.", clock.now())
    passing.sweep(db, clock)
    assert reconcile(db, policy, clock).nothing
    assert [one.passed_at for one in _reports(db).values()] == [None, None]
    with db.read() as session:
        assert session.get_one(Application, project).state == "suspended"
        assert owed.by(session, here.applicant, clock.now()) == []
        late = [
            one.overdue
            for stage in queries.stages(session, here.manager, "", clock.now())
            for one in stage.states
        ]
        assert sum(late) == 0
        reference = session.get_one(Application, project).reference
    doors = Doors(db, clock)
    assert "On hold" in shown(doors.browser(here.applicant).get(f"/applications/{reference}").text)
    assert "on hold" in shown(doors.browser(here.manager).get(f"/pipeline/{reference}").text)
    listed = doors.program(here.manager).get(f"/api/v1/applications/{reference}/deadlines").json()
    assert ("report", "held", due.isoformat()) in [
        (one["key"], one["status"], one["due_on"]) for one in listed
    ]


def test_resuming_shifts_each_deadline_by_the_time_held_and_plans_its_reminders(here, project, db, clock):
    before, planned = _reports(db), _waiting(db)
    _move(here, clock, project, "suspend")
    clock.advance(timedelta(days=20, hours=5))
    _move(here, clock, project, "resume")
    after = _reports(db)
    for key, deadline in after.items():
        assert deadline.status == "open"
        assert deadline.held_at is None
        assert deadline.due_on == before[key].due_on + timedelta(days=21)
        assert deadline.generation == before[key].generation + 1
        assert deadline.grace_until - deadline.due_at == before[key].grace_until - before[key].due_at
    assert _waiting(db) == planned
    assert reconcile(db, policy, clock).nothing
    with db.read() as session:
        assert session.exec(
            select(Deadline.key).where(Deadline.status == "open", Deadline.key != "closing")
        ).all() == [
            "report",
            "report",
        ]
        told = {report.id: report.due_on for report in session.exec(select(Report))}
        assert told == {key: deadline.due_on for key, deadline in after.items()}
        event = session.exec(select(LedgerEvent).where(LedgerEvent.action == "resume")).one()
        assert set(event.data["deadlines"]["moved"]) == {str(one.id) for one in after.values()}


def test_suspended_twice_shifts_twice(here, project, db, clock):
    before = _reports(db)
    for days in (3, 10):
        _move(here, clock, project, "suspend")
        clock.advance(timedelta(days=days))
        _move(here, clock, project, "resume")
        clock.advance(timedelta(days=1))
    assert [one.due_on - before[key].due_on for key, one in _reports(db).items()] == [timedelta(days=13)] * 2
    assert _waiting(db) > 0


def test_suspended_past_the_due_day_it_is_not_late_afterwards(here, project, db, clock):
    first = min(_reports(db).values(), key=lambda one: one.due_at)
    clock.move_to(first.due_at - timedelta(days=2, hours=3))
    _move(here, clock, project, "suspend")
    clock.advance(timedelta(days=40))
    passing.sweep(db, clock)
    _move(here, clock, project, "resume")
    again = _reports(db)[first.subject_id]
    assert again.due_at - clock.now() >= timedelta(days=2, hours=3)
    assert again.passed_at is None
    clock.move_to(again.grace_until)
    passing.sweep(db, clock)
    assert _reports(db)[first.subject_id].passed_at == clock.now()


def test_terminating_while_suspended_calls_off_what_stood_still(here, project, db, clock):
    _move(here, clock, project, "suspend")
    clock.advance(timedelta(days=5))
    _move(here, clock, project, "terminate")
    assert {one.status for one in _reports(db).values()} == {"cancelled"}
    assert _waiting(db) == 0
    with db.read() as session:
        assert set(session.exec(select(Report.state)).all()) == {"cancelled"}


def test_what_begins_while_time_stands_still_waits_for_it(here, project, db, clock):
    _move(here, clock, project, "suspend")
    with db.write() as session:
        assign(session, here, session.get_one(Application, project), here.reviewers[2], clock.now())
    with db.read() as session:
        opened = session.exec(
            select(Deadline).where(Deadline.key == "review").order_by(Deadline.id.desc())
        ).first()
        assert opened.held_at == clock.now()
        planned = session.exec(select(Message.id).where(Message.deadline_id == opened.id)).all()
        assert planned == []


def test_a_report_that_is_being_read_stands_still_as_well(here, project, db, clock):
    """The application comes back to where the reports stand, by itself."""
    with db.write() as session:
        report = report_of(session, session.get_one(Application, project), "interim")
        for name in ("done", "changed", "difficulties", "next_steps"):
            setattr(report, name, "Words.")
        report.people_reached, report.spent_minor = 1, 1
        session.flush()
        move(session, report, "hand_in", here.applicant, clock.now())
    _move(here, clock, project, "suspend")
    clock.advance(timedelta(days=7))
    _move(here, clock, project, "resume")
    with db.read() as session:
        assert session.get_one(Application, project).state == "report_under_review"
        check = session.exec(select(Deadline).where(Deadline.key == "report_check")).one()
        assert (check.status, check.generation) == ("open", 2)


@pytest.mark.parametrize(
    ("held_at", "until", "days"),
    [
        (
            datetime(2021, 10, 30, 8, tzinfo=UTC),
            datetime(2021, 10, 31, 8, tzinfo=UTC),
            1,
        ),  # 25 hours in Brussels
        (datetime(2021, 10, 30, 8, tzinfo=UTC), datetime(2021, 10, 31, 9, tzinfo=UTC), 2),
        (datetime(2022, 3, 26, 9, tzinfo=UTC), datetime(2022, 3, 27, 8, tzinfo=UTC), 1),  # 23 hours
        (datetime(2021, 9, 1, 9, tzinfo=UTC), datetime(2021, 9, 1, 9, tzinfo=UTC), 0),
        (datetime(2021, 9, 1, 9, tzinfo=UTC), datetime(2021, 9, 1, 10, tzinfo=UTC), 1),
    ],
)
def test_a_hold_over_a_night_of_daylight_saving(held_at, until, days):
    due = date(2022, 6, 30)
    assert shifted(due, "Europe/Brussels", held_at, until) == due + timedelta(days=days)


MOMENTS = st.timedeltas(timedelta(0), timedelta(days=2000)).map(
    lambda since: datetime(2020, 1, 1, tzinfo=UTC) + since
)


@given(
    MOMENTS, st.timedeltas(timedelta(0), timedelta(days=400)), st.integers(-30, 200), st.sampled_from(ZONES)
)
def test_nobody_loses_time_and_nobody_gains_more_than_two_days(held_at, length, ahead, zone):
    due, until = held_at.date() + timedelta(days=ahead), held_at + length
    left = end_of_local_day(due, zone) - held_at
    again = end_of_local_day(shifted(due, zone, held_at, until), zone) - until
    assert left <= again < left + timedelta(days=1, hours=2)
