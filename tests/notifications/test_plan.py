"""Deadlines into reminders, in the transaction of the caller."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import select

from fund.base.database import Database
from notifications import outbox
from notifications.dates import end_of_local_day
from notifications.plan import Offset, Recipient, cancel_for_deadline, plan_reminders
from schema.deadlines import Deadline
from schema.outbox import Message
from tests.notifications.world import NOW, World, statuses


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def test_each_recipient_is_reminded_in_her_own_morning(world: World) -> None:
    ben = world.person("ben@example.org", zone="Asia/Tokyo")
    deadline = world.deadline(date(2021, 9, 30))
    assert world.plan(deadline, [-7, 1], [world.ana, ben]) == 4
    planned = [(m.dedup_key, m.person_id, m.next_at, m.template) for m in world.messages()]
    assert planned == [
        (f"rem:{deadline}:1:-7:{world.ana}", world.ana, datetime(2021, 9, 23, 14, tzinfo=UTC), "reminder"),
        (f"rem:{deadline}:1:-7:{ben}", ben, datetime(2021, 9, 23, 0, tzinfo=UTC), "reminder"),
        (f"rem:{deadline}:1:1:{world.ana}", world.ana, datetime(2021, 10, 1, 14, tzinfo=UTC), "overdue"),
        (f"rem:{deadline}:1:1:{ben}", ben, datetime(2021, 10, 1, 0, tzinfo=UTC), "overdue"),
    ]


def test_a_reminder_knows_its_deadline_and_when_it_is_of_no_more_use(world: World) -> None:
    deadline = world.deadline(date(2021, 9, 30), "UTC")
    world.plan(deadline, [-7, 1])
    before, after = world.messages()
    assert (before.deadline_id, before.deadline_generation, before.offset_days) == (deadline, 1, -7)
    assert (before.application_id, before.subject_kind) == (world.application, "application")
    assert before.expires_at == datetime(2021, 10, 1, tzinfo=UTC)
    assert after.expires_at == after.next_at + timedelta(days=30)


def test_moments_that_have_passed_are_not_planned(world: World) -> None:
    assert world.plan(world.deadline(date(2021, 9, 22), "UTC"), [-7, -1, 0]) == 2


def test_a_morning_after_the_deadline_is_no_reminder_before_it(world: World) -> None:
    tokyo = world.deadline(date(2021, 9, 30), "Asia/Tokyo")  # over at 10 in the morning in Bogota
    assert world.plan(tokyo, [0]) == 1
    auckland = world.deadline(date(2021, 9, 30), "Pacific/Auckland")  # over at 6
    assert world.plan(auckland, [0]) == 0


def test_nobody_is_told_that_it_is_overdue_before_it_is(world: World) -> None:
    anywhere = world.deadline(date(2021, 9, 30), "Etc/GMT+12")  # over at nine in the evening in Tokyo
    tokyo = world.person("ben@example.org", zone="Asia/Tokyo")
    world.plan(anywhere, [1], [tokyo])
    assert world.message().next_at == datetime(2021, 10, 2, 0, tzinfo=UTC), "the next morning"


def test_what_is_overdue_waits_for_the_grace_and_comes_once(world: World, db: Database) -> None:
    deadline_id = world.deadline(date(2021, 9, 30), "UTC")
    with db.write() as session:
        session.get_one(Deadline, deadline_id).grace_until = datetime(2021, 10, 4, tzinfo=UTC)
    assert world.plan(deadline_id, [1, 2, 3]) == 1
    last = world.message()
    assert (last.offset_days, last.next_at) == (3, datetime(2021, 10, 4, 14, tzinfo=UTC))


def test_of_two_in_one_morning_the_later_is_planned(world: World, db: Database) -> None:
    deadline_id = world.deadline(date(2021, 10, 5))
    with db.write() as session:
        offsets = [one._replace(weekends="before") for one in world.offsets(session, [-2, -3, -4])]
        assert plan_reminders(session, session.get_one(Deadline, deadline_id), offsets, NOW) == 1
    friday = world.message()
    assert (friday.offset_days, friday.next_at) == (-2, datetime(2021, 10, 1, 14, tzinfo=UTC))


def test_planning_twice_writes_nothing_twice(world: World) -> None:
    deadline = world.deadline(date(2021, 9, 30))
    world.plan(deadline, [-7, -1])
    first = world.messages()
    world.plan(deadline, [-7, -1])
    assert [m.mail_id for m in world.messages()] == [m.mail_id for m in first]


def test_a_deadline_that_is_not_stored_cannot_be_planned(db: Database) -> None:
    day = date(2021, 9, 30)
    end = end_of_local_day(day, "UTC")
    deadline = Deadline(
        subject_kind="application", subject_id=1, key="k", label="L", owner_role="applicant", due_on=day,
        zone="UTC", due_at=end, grace_until=end, opened_at=NOW,
    )  # fmt: skip
    with db.write() as session, pytest.raises(ValueError, match="needs its id"):
        plan_reminders(session, deadline, [Offset(-7, [Recipient(1, "UTC")], "/", "reminder")], NOW)


def test_an_extension_cancels_and_plans_anew(world: World, db: Database) -> None:
    deadline_id = world.deadline(date(2021, 9, 30))
    world.plan(deadline_id, [-7, -1])
    with db.write() as session:
        deadline = session.get_one(Deadline, deadline_id)
        deadline.due_on = date(2021, 10, 31)
        deadline.due_at = end_of_local_day(deadline.due_on, deadline.zone)
        deadline.generation += 1
        session.add(deadline)
        assert cancel_for_deadline(session, deadline_id, "Extended to 31 October", NOW) == 2
        assert plan_reminders(session, deadline, world.offsets(session, [-7, -1]), NOW) == 2
    messages = world.messages()
    assert statuses(messages) == ["cancelled", "cancelled", "pending", "pending"]
    assert (messages[0].reason, messages[0].finished_at) == ("Extended to 31 October", NOW)
    assert [m.deadline_generation for m in messages] == [1, 1, 2, 2]


def test_what_is_rolled_back_was_never_planned(world: World, db: Database) -> None:
    deadline_id = world.deadline(date(2021, 9, 30))

    def plan_and_fail() -> None:
        with db.write() as session:
            plan_reminders(session, session.get_one(Deadline, deadline_id), world.offsets(session, [-7]), NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        plan_and_fail()
    assert world.messages() == []


def test_only_what_has_not_begun_to_go_out_is_cancelled(world: World, db: Database) -> None:
    deadline_id = world.deadline(date(2021, 9, 30))
    world.plan(deadline_id, [-7, -6, -5, -4])
    with db.write() as session:
        for message, status in zip(
            session.exec(select(Message)).all(), ["claimed", "sending", "sent", "pending"], strict=True
        ):
            message.status = status
    with db.write() as session:
        assert cancel_for_deadline(session, deadline_id, "Handed in", NOW) == 2
    assert sorted(statuses(world.messages())) == ["cancelled", "cancelled", "sending", "sent"]


def test_a_message_of_the_same_key_is_not_written_twice(world: World) -> None:
    world.notice("move:application:1:4:receipt:1", payload={"reason": "first"})
    world.notice("move:application:1:4:receipt:1", payload={"reason": "second"})
    assert world.message().payload == {"reason": "first"}


def test_every_message_has_a_message_id_of_its_own(world: World) -> None:
    world.many(200)
    assert len({m.mail_id for m in world.messages()}) == 200


def test_a_person_who_leaves_gets_nothing_more(world: World, db: Database) -> None:
    world.notice("a")
    world.notice("b", person_id=world.person("ben@example.org"))
    with db.write() as session:
        assert outbox.cancel_for_person(session, world.ana, "She left", NOW) == 1
        assert outbox.cancel_for_person(session, world.ana, "She left", NOW) == 0
    assert [(m.dedup_key, m.status) for m in world.messages()] == [("a", "cancelled"), ("b", "pending")]
