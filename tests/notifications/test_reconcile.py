"""The hourly look: it finds what is missing, misplaced or too much, and otherwise leaves everything alone."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session

from fund.base.clock import FixedClock
from fund.base.database import Database
from notifications.plan import Offset
from notifications.reconcile import Found, Policy, prune, reconcile
from notifications.replan import Mended, differences, mend
from schema.deadlines import Deadline
from schema.outbox import DeliveryAttempt, Message, Worker
from schema.people import Person
from tests.notifications.world import NOW, World, later, statuses


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def policy(world: World, days: Sequence[int]) -> Policy:
    """A policy that calls for reminders to Ana on these days."""

    def ask(session: Session, deadline: Deadline) -> Sequence[Offset]:
        return world.offsets(session, days)

    return ask


def look(world: World, clock: FixedClock, days: Sequence[int]) -> Found:
    return reconcile(world.db, policy(world, days), clock)


def test_where_plan_and_truth_agree_nothing_is_done(world: World, clock: FixedClock) -> None:
    world.plan(world.deadline(date(2021, 9, 30)), [-7, -1, 1])
    before = world.messages()
    assert look(world, clock, [-7, -1, 1]).nothing
    assert world.messages() == before


def test_what_was_sent_or_has_passed_is_not_planned_again(
    world: World, clock: FixedClock, db: Database
) -> None:
    world.plan(world.deadline(date(2021, 9, 30)), [-7, -1])
    with db.write() as session:
        session.get_one(Message, world.messages()[0].id).status = "sent"
    clock.advance(timedelta(days=5))
    assert look(world, clock, [-7, -1]).nothing


def test_what_is_due_and_could_not_go_out_yet_is_left_to_the_sender(world: World, clock: FixedClock) -> None:
    world.plan(world.deadline(date(2021, 9, 30)), [-7, -1])
    clock.advance(timedelta(days=5))
    assert look(world, clock, [-7, -1]).nothing
    assert statuses(world.messages()) == ["pending", "pending"]


def test_what_began_to_go_out_between_the_look_and_the_mending_stays(world: World, db: Database) -> None:
    deadline_id = world.deadline(date(2021, 9, 30))
    world.plan(deadline_id, [-7, -5])
    with db.write() as session:
        deadline = session.get_one(Deadline, deadline_id)
        other = [one._replace(path="/elsewhere") for one in world.offsets(session, [-7])]
        found = differences(session, [(deadline, other)], NOW)
        assert [len(one) for one in found] == [2]
        for message in world.messages():
            session.get_one(Message, message.id).attempts = 1
        session.flush()
        assert mend(session, found, NOW) == Mended()
    assert {(one.status, one.path) for one in world.messages()} == {("pending", "/applications/x")}


def test_what_is_missing_is_planned(world: World, clock: FixedClock) -> None:
    deadline = world.deadline(date(2021, 9, 30))
    world.plan(deadline, [-1])
    assert look(world, clock, [-7, -1]) == Found(planned=1)
    assert [m.offset_days for m in world.messages()] == [-1, -7]
    assert look(world, clock, [-7, -1]).nothing


def test_what_is_no_longer_called_for_is_cancelled(world: World, clock: FixedClock) -> None:
    world.plan(world.deadline(date(2021, 9, 30)), [-7, -1])
    assert look(world, clock, [-1]) == Found(cancelled=1)
    assert [(m.offset_days, m.status, m.reason) for m in world.messages()] == [
        (-7, "cancelled", "No longer called for"),
        (-1, "pending", ""),
    ]


def test_what_was_called_off_and_is_called_for_again_goes_out_under_its_first_key(
    world: World, clock: FixedClock
) -> None:
    world.plan(world.deadline(date(2021, 9, 30)), [-7, -1])
    first = world.messages()
    look(world, clock, [-1])
    assert look(world, clock, [-7, -1]) == Found(planned=1)
    again = world.messages()
    assert [(m.id, m.status, m.next_at, m.reason) for m in again] == [
        (m.id, "pending", m.next_at, "") for m in first
    ]
    assert look(world, clock, [-7, -1]).nothing


def test_what_is_tried_again_or_moves_to_a_working_day(world: World, clock: FixedClock, db: Database) -> None:
    world.plan(world.deadline(date(2021, 9, 30)), [-5, -4])  # a Saturday and a Sunday
    with db.write() as session:
        session.get_one(Message, world.messages()[1].id).attempts = 1

    def before(session: Session, deadline: Deadline) -> Sequence[Offset]:
        return [one._replace(weekends="before") for one in world.offsets(session, [-5])]

    assert reconcile(db, before, clock) == Found(retimed=1)
    moved, tried = world.messages()
    assert moved.next_at == datetime(2021, 9, 24, 14, tzinfo=UTC)
    assert (tried.status, tried.next_at) == ("pending", datetime(2021, 9, 26, 14, tzinfo=UTC))


def test_who_moved_to_another_zone_is_reminded_in_her_new_morning(
    world: World, clock: FixedClock, db: Database
) -> None:
    world.plan(world.deadline(date(2021, 9, 30)), [-7])
    with db.write() as session:
        session.get_one(Person, world.ana).zone = "Asia/Tokyo"
    assert look(world, clock, [-7]) == Found(retimed=1)
    assert world.message().next_at == datetime(2021, 9, 23, 0, tzinfo=UTC)


def test_reminders_of_a_closed_deadline_are_cancelled(world: World, clock: FixedClock) -> None:
    deadline = world.deadline(date(2021, 9, 30))
    world.plan(deadline, [-7, -1])
    world.close(deadline)
    assert look(world, clock, [-7, -1]) == Found(cancelled=2)
    assert world.messages()[0].reason == "The deadline was met or cancelled"


def test_a_deadline_whose_instant_no_longer_fits_its_day_is_named(
    world: World, clock: FixedClock, db: Database
) -> None:
    deadline_id = world.deadline(date(2021, 9, 30))
    with db.write() as session:
        session.get_one(Deadline, deadline_id).due_at += timedelta(hours=1)
    assert look(world, clock, []) == Found(drifted=[deadline_id])


def test_many_deadlines_are_looked_at(world: World, clock: FixedClock) -> None:
    for _ in range(3):
        world.deadline(date(2021, 9, 30))
    import notifications.reconcile as module

    old, module.BATCH = module.BATCH, 2
    try:
        assert look(world, clock, [-7, -1]) == Found(planned=6)
    finally:
        module.BATCH = old


def test_old_sign_in_mail_and_dead_workers_are_cleared_away(world: World, db: Database) -> None:
    kinds = [
        ("old", "sign_in"),
        ("new", "sign_in"),
        ("kept", "notice"),
        ("call", "webhook"),
        ("later", "webhook"),
    ]
    for key, kind in kinds:
        world.notice(key, kind=kind, template=kind)
    ids = [m.id or 0 for m in world.messages()]
    with db.write() as session:
        for id, days in zip(ids, (-31, -29, -400, -91, -89), strict=True):
            message = session.get_one(Message, id)
            message.status, message.finished_at = "sent", later(days=days)
            session.add(DeliveryAttempt(message_id=id, number=1, worker="w", started_at=NOW))
        session.add_all([Worker(name=name, started_at=NOW, beat_at=NOW) for name in ("alive", "dead")])
    with db.write() as session:
        assert prune(session, lambda name: name == "alive", NOW) == 2
        assert session.get(Worker, "dead") is None
        assert session.get(Worker, "alive") is not None
    assert [m.dedup_key for m in world.messages()] == ["new", "kept", "later"]
    assert len(world.attempts()) == 3
