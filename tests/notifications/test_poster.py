"""Calls of webhooks, from the row beside the change to the receiver: signed, once, tried again, given up, explained."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from fund.base.clock import FixedClock
from fund.base.database import Database
from notifications import alive, handing, lease, outbox, recovery, replan, signing
from notifications.compose import Composer
from notifications.poster import SAID_GONE, Poster
from notifications.wanted import EVENTS
from notifications.webhooks import announce
from schema.deadlines import Deadline
from schema.people import Person
from schema.webhooks import Webhook
from tests.notifications.world import NOW, SETTINGS, Post, World, later, statuses
from tests.support.receiver import Call, Receiver
from tests.support.smtp import Mailbox

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


@pytest.fixture
def poster(db: Database, clock: FixedClock, tmp_path: Path) -> Iterator[Poster]:
    present = alive.presence(db, tmp_path / "poster")
    made = Poster(db, Composer(SETTINGS), clock, present, turn_off, private=True)
    yield made
    made.stop()


def turn_off(session: Session, webhook_id: int, reason: str, now: datetime) -> None:
    webhook = session.get_one(Webhook, webhook_id)
    webhook.disabled_at, webhook.reason = now, reason


def hook(world: World, receiver: Receiver, **columns: Any) -> int:
    """A webhook's key; it wants everything unless said otherwise."""
    values = {"name": "Chat", "url": receiver.url, "events": " ".join(EVENTS), "secret": SECRET}
    return world._add(Webhook(created_at=NOW, **(values | columns)))


def happened(world: World, key: str = "1", event: str = "application.moved", now: datetime = NOW) -> None:
    with world.db.write() as session:
        announce(session, event, key, {"application": {"id": world.application}}, now)


def is_signed(call: Call, secret: str) -> bool:
    """As the specification says that a receiver has to look at it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{call.headers['webhook-id']}.{call.headers['webhook-timestamp']}.".encode() + call.body
    wanted = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return wanted in call.headers["webhook-signature"].split(" ")


def test_the_signature_is_that_of_the_specification() -> None:
    # The example of the libraries of Standard Webhooks.
    at = datetime.fromtimestamp(1614265330, NOW.tzinfo)
    headers = signing.headers([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_what_happened_is_told_once_to_who_wants_it(
    world: World, receiver: Receiver, poster: Poster, clock: FixedClock
) -> None:
    hook(world, receiver, events="application.moved")
    hook(world, receiver, events="deadline.passed")
    hook(world, receiver, disabled_at=NOW)
    happened(world)
    happened(world)
    clock.advance(timedelta(seconds=20))
    assert poster.sweep() == 1
    assert poster.sweep() == 0
    (call,) = receiver.calls
    assert call.json == {
        "type": "application.moved",
        "timestamp": NOW.isoformat(),
        "data": {"application": {"id": world.application}},
    }
    assert is_signed(call, SECRET)
    assert call.headers["webhook-timestamp"] == str(int(clock.now().timestamp()))
    assert "." not in call.headers["webhook-id"]
    stored = world.message()
    assert (stored.status, stored.address, stored.rendered_subject) == ("sent", "Chat", "application.moved")
    (attempt,) = world.attempts()
    assert (attempt.outcome, attempt.reply) == ("sent", "204 No Content")


def test_what_is_rolled_back_is_never_told(world: World, receiver: Receiver, poster: Poster) -> None:
    hook(world, receiver)
    with pytest.raises(RuntimeError), world.db.write() as session:
        announce(session, "application.moved", "1", {}, NOW)
        raise RuntimeError
    assert poster.sweep() == 0
    assert receiver.calls == []


def test_mail_and_calls_do_not_take_each_others_rows(
    world: World, receiver: Receiver, poster: Poster, mailbox: Mailbox, clock: FixedClock, tmp_path: Path
) -> None:
    hook(world, receiver)
    world.notice()
    happened(world)
    with Post(world.db, mailbox.port, clock, tmp_path) as sender:
        mailbox.down()
        sender.sweep()
        assert sender.circuit.down_since is not None
        assert poster.sweep() == 1
        assert len(receiver.calls) == 1
        mailbox.up()
        happened(world, "2")
        clock.advance(timedelta(minutes=10))
        assert sender.run_until_quiet() == {"sent": 1}
    assert statuses(world.messages(kind="webhook")) == ["sent", "pending"]


def test_a_receiver_that_fails_is_called_again_with_the_same_id(
    world: World, receiver: Receiver, poster: Poster, clock: FixedClock
) -> None:
    hook(world, receiver)
    happened(world)
    receiver.answers(500)
    receiver.drops()
    for _ in range(3):
        poster.sweep()
        clock.advance(timedelta(minutes=3))
    assert [attempt.outcome for attempt in world.attempts()] == ["retry", "unknown", "sent"]
    assert len({call.headers["webhook-id"] for call in receiver.calls}) == 1
    assert len({call.headers["webhook-timestamp"] for call in receiver.calls}) == 3
    assert len({call.body for call in receiver.calls}) == 1


def test_retry_after_holds_for_everything_that_waits_for_that_receiver(
    world: World, receiver: Receiver, poster: Poster, clock: FixedClock
) -> None:
    hook(world, receiver)
    happened(world, "1")
    happened(world, "2")
    receiver.answers(429, headers={"Retry-After": "7200"})
    poster.sweep()
    assert {message.next_at for message in world.messages()} == {later(hours=2)}
    clock.advance(timedelta(hours=2, seconds=-1))
    assert poster.sweep() == 0
    clock.advance(timedelta(seconds=1))
    assert poster.sweep() == 2
    assert len(receiver.calls) == 3


def test_a_refusal_ends_that_call_and_the_next_is_made(
    world: World, receiver: Receiver, poster: Poster
) -> None:
    hook(world, receiver)
    happened(world, "1")
    happened(world, "2")
    receiver.answers(400, b"What is this?")
    poster.sweep()
    assert statuses(world.messages()) == ["dead", "sent"]
    assert world.message(status="dead").reason == "400 Bad Request: What is this?"


def test_410_turns_the_webhook_off_and_calls_off_what_waits(
    world: World, db: Database, receiver: Receiver, poster: Poster
) -> None:
    key = hook(world, receiver)
    happened(world, "1")
    happened(world, "2")
    receiver.answers(410)
    poster.sweep()
    poster.sweep()
    assert len(receiver.calls) == 1
    assert statuses(world.messages()) == ["dead", "cancelled"]
    with db.read() as session:
        webhook = session.get_one(Webhook, key)
        assert (webhook.disabled_at, webhook.reason) == (NOW, SAID_GONE)


def test_one_that_is_down_holds_up_no_other_and_charges_no_try(
    world: World, receiver: Receiver, poster: Poster, clock: FixedClock
) -> None:
    hook(world, receiver)
    dead = hook(world, receiver, url="http://127.0.0.1:1/", name="Down")
    for number in range(3):
        happened(world, str(number))
    poster.sweep()
    assert len(receiver.calls) == 3
    waiting = world.messages(webhook_id=dead)
    assert {(one.status, one.attempts, one.next_at) for one in waiting} == {("pending", 0, later(seconds=5))}
    assert len([one for one in world.attempts() if one.outcome == "unreachable"]) == 1
    clock.advance(timedelta(days=3))
    poster.sweep()
    assert set(statuses(world.messages(webhook_id=dead))) == {"expired"}


def test_one_that_is_slow_gets_a_turn_at_a_time(
    world: World, receiver: Receiver, poster: Poster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred calls that are each answered at the last moment would keep every other webhook waiting for an hour."""
    monkeypatch.setattr("notifications.poster.LONGEST_TURN", 0)
    hook(world, receiver)
    for key in "123":
        happened(world, key)
    assert [poster.sweep() for _turn in range(4)] == [1, 1, 1, 0]
    assert len(receiver.calls) == 3


def test_a_new_secret_and_the_former_are_both_good_for_a_while(
    world: World, receiver: Receiver, poster: Poster, clock: FixedClock
) -> None:
    fresh = signing.new_secret()
    hook(world, receiver, secret=fresh, former_secret=SECRET, former_until=later(hours=24))
    happened(world, "1")
    poster.sweep()
    clock.advance(timedelta(hours=24))
    happened(world, "2", now=clock.now())
    poster.sweep()
    during, after = receiver.calls
    assert (is_signed(during, fresh), is_signed(during, SECRET)) == (True, True)
    assert (is_signed(after, fresh), is_signed(after, SECRET)) == (True, False)


@pytest.mark.parametrize("with_people", [False, True])
def test_a_reminder_is_told_at_its_moment_with_no_more_than_the_key_of_its_reader(
    world: World, receiver: Receiver, poster: Poster, clock: FixedClock, with_people: bool
) -> None:
    hook(world, receiver, with_people=with_people)
    deadline = world.deadline(date(2021, 9, 30))
    world.plan(deadline, [-7])
    poster.sweep()
    assert receiver.calls == []
    clock.move_to(later(days=2, hours=6))
    assert poster.sweep() == 1
    named = {"name": "Ana", "address": "ana@example.org", "language": "en"} if with_people else {}
    told = receiver.calls[0].json
    assert (told["type"], told["timestamp"]) == ("reminder.due", "2021-09-23T14:00:00+00:00")
    assert told["data"] == {
        "person": {"id": world.ana} | named,
        "template": "reminder",
        "subject": "7 days left: Hand in the report – Safe routes to school",
        "path": "/applications/x",
        "link": "https://fund.example.org/applications/x",
        "application": {"id": world.application, "reference": "PIF-0001"},
        "deadline": {
            "id": deadline,
            "label": "Hand in the report",
            "due_at": "2021-09-30T22:00:00+00:00",
            "zone": "Europe/Brussels",
        },
    }


def test_a_reminder_is_not_told_where_its_mail_is_not_wanted_any_more(
    world: World, db: Database, receiver: Receiver, poster: Poster, clock: FixedClock
) -> None:
    hook(world, receiver)
    met, moved, off, gone = (world.deadline(date(2021, 9, 30)) for _ in range(4))
    other = world.person("ben@example.org")
    for deadline in (met, moved, off):
        world.plan(deadline, [-7])
    world.plan(gone, [-7], [other])
    world.close(met)
    with db.write() as session:
        session.get_one(Person, other).disabled_at = NOW
        mail = outbox.MESSAGES.c
        outbox.cancel(session, mail.deadline_id == off, mail.kind == "reminder", reason="x", now=NOW)
        put_off = outbox.MESSAGES.update().where(mail.deadline_id == moved, mail.kind == "reminder")
        session.connection().execute(put_off.values(next_at=later(days=5)))
    clock.move_to(later(days=3))
    poster.sweep()
    assert receiver.calls == []
    calls = world.messages(kind="webhook")
    assert statuses(calls) == ["cancelled", "pending", "cancelled", "cancelled"]
    assert calls[1].next_at == later(days=5)


def test_what_a_worker_that_died_was_calling_is_called_again_even_where_mail_is_parked(
    world: World, db: Database, receiver: Receiver, poster: Poster, clock: FixedClock
) -> None:
    key = hook(world, receiver)
    happened(world)
    with db.write() as session:
        (claimed,) = lease.claim(session, "dead-1", NOW, webhook=key).claims
        assert handing.intend(session, claimed, NOW, "example.org")
    with db.write() as session:
        assert recovery.recover(session, lambda name: False, NOW, "park") == {"dead-1": 1}
    clock.advance(timedelta(minutes=2))
    assert poster.sweep() == 1
    assert [attempt.outcome for attempt in world.attempts()] == ["unknown", "sent"]


def test_calls_beside_reminders_follow_when_those_are_planned_otherwise(
    world: World, db: Database, receiver: Receiver
) -> None:
    hook(world, receiver)
    key = world.deadline(date(2021, 9, 30))
    world.plan(key, [-7, -1])
    with db.write() as session:
        session.get_one(Person, world.ana).zone = "Asia/Manila"
        outbox.cancel(session, outbox.MESSAGES.c.offset_days == -1, reason="met", now=NOW)
    with db.write() as session:
        wanted = [(session.get_one(Deadline, key), world.offsets(session, [-7, -1]))]
        mended = replan.mend(session, replan.differences(session, wanted, NOW), NOW)
    assert (mended.planned, mended.changed) == (1, 1)
    mails, calls = world.messages(kind="reminder"), world.messages(kind="webhook")
    assert [mail.next_at.isoformat() for mail in mails] == [
        "2021-09-23T01:00:00+00:00",
        "2021-09-29T01:00:00+00:00",
    ]
    assert [(call.status, call.next_at) for call in calls] == [(mail.status, mail.next_at) for mail in mails]
    assert [call.payload["at"] for call in calls] == [mail.next_at.isoformat() for mail in mails]
    assert statuses(calls) == ["pending", "pending"]
