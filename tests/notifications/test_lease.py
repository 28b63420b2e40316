"""Claim, intent, acknowledge: of two workers one wins, and every message ends in exactly one way."""

import threading
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import select

from fund.base.database import Database
from notifications import handing, lease, recovery
from notifications.handing import Intent
from notifications.lease import Claim
from notifications.outcomes import Handed, Outcome, wait
from notifications.plan import cancel_for_deadline
from schema.deadlines import Deadline
from schema.outbox import Message, Worker
from tests.notifications.world import NOW, World, later, statuses

SENT = Handed(Outcome.SENT, "250 ok", "ana@example.org", "Subject", "Text")


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


def claim(db: Database, worker: str = "w1", **options: Any) -> tuple[Claim, ...]:
    with db.write() as session:
        return lease.claim(session, worker, options.pop("now", NOW), **options).claims


def intend(db: Database, claimed: Claim, now: Any = NOW) -> Intent | None:
    with db.write() as session:
        return handing.intend(session, claimed, now, "example.org")


def acknowledge(db: Database, intent: Intent, handed: Handed = SENT, **options: Any) -> str | None:
    with db.write() as session:
        return handing.acknowledge(session, intent, handed, NOW, **options)


def begun(db: Database) -> Intent:
    """The intent of the one message that is due."""
    (claimed,) = claim(db)
    intent = intend(db, claimed)
    assert intent is not None
    return intent


def test_a_claim_takes_the_oldest_first_and_no_more_than_asked(world: World, db: Database) -> None:
    world.notice("late", at=later(seconds=-1))
    world.notice("early", at=later(hours=-1))
    world.notice("future", at=later(seconds=1))
    first = claim(db, limit=1)
    second = claim(db, "w2")
    keys = {m.id: m.dedup_key for m in world.messages()}
    assert [keys[c.message_id] for c in (*first, *second)] == ["early", "late"]
    assert statuses(world.messages()) == ["claimed", "claimed", "pending"]


@pytest.mark.chaos
@pytest.mark.parametrize("number", [2_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_four_workers_claim_every_message_once(world: World, db: Database, number: int) -> None:
    world.many(number)
    if db.dialect == "postgresql":
        with db.write() as session:  # it would find out by itself within a minute how much there is
            session.connection().execute(text("ANALYZE message"))
    claimed: list[tuple[Claim, ...]] = []
    ready = threading.Barrier(4)

    def work(name: str) -> None:
        ready.wait()
        while batch := claim(db, name, limit=number // 200):
            claimed.append(batch)

    threads = [threading.Thread(target=work, args=(f"w{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [c.message_id for batch in claimed for c in batch]
    assert len(ids) == len(set(ids)) == number
    with db.read() as session:
        (status,) = session.exec(select(Message.status).distinct()).all()
    assert status == "claimed"


def test_a_stale_token_can_neither_intend_nor_acknowledge(world: World, db: Database) -> None:
    world.notice()
    (old,) = claim(db)
    with db.write() as session:
        recovery.take_over(session, "w1", NOW)
    (new,) = claim(db, "w2")
    assert old.lease != new.lease
    assert intend(db, old) is None
    intent = intend(db, new)
    assert intent is not None
    stale = Intent(intent.message_id, old.lease, intent.attempt_id, 1, "notice", None)
    assert acknowledge(db, stale) is None
    assert world.message().status == "sending"
    assert world.attempts()[0].outcome == ""
    assert acknowledge(db, intent) == "sent"
    assert acknowledge(db, intent) is None


def test_what_was_never_begun_cannot_be_acknowledged(world: World, db: Database) -> None:
    world.notice()
    (claimed,) = claim(db)
    before = world.message()
    never = Intent(claimed.message_id, claimed.lease, 0, 1, "notice", None)
    assert acknowledge(db, never) is None
    assert world.message() == before
    assert intend(db, claimed) is not None


def test_what_is_claimed_is_begun_once(world: World, db: Database) -> None:
    world.notice()
    (claimed,) = claim(db)
    assert intend(db, claimed) is not None
    assert intend(db, claimed) is None
    assert (world.message().attempts, len(world.attempts())) == (1, 1)


def test_the_message_id_gets_its_domain_once(world: World, db: Database) -> None:
    world.notice()
    token = world.message().mail_id
    intent = begun(db)
    assert world.message().mail_id == f"{token}@example.org"
    acknowledge(db, intent, Handed(Outcome.UNREACHABLE, "gone"))
    (claimed,) = claim(db)
    with db.write() as session:
        handing.intend(session, claimed, NOW, "elsewhere.example")
    assert world.message().mail_id == f"{token}@example.org"


def test_a_cancel_between_claim_and_intent_wins(world: World, db: Database) -> None:
    deadline = world.deadline(date(2021, 9, 30))
    world.plan(deadline, [-7])
    (claimed,) = claim(db, now=later(days=3))
    with db.write() as session:
        cancel_for_deadline(session, deadline, "Handed in", NOW)
    assert intend(db, claimed, later(days=3)) is None
    assert (world.message().status, world.message().reason) == ("cancelled", "Handed in")


def test_a_cancel_after_the_intent_comes_too_late(world: World, db: Database) -> None:
    deadline = world.deadline(date(2021, 9, 30))
    world.plan(deadline, [-7])
    (claimed,) = claim(db, now=later(days=3))
    intent = intend(db, claimed, later(days=3))
    assert intent is not None
    with db.write() as session:
        assert cancel_for_deadline(session, deadline, "Handed in", NOW) == 0
    assert acknowledge(db, intent) == "sent"


@pytest.mark.parametrize("change", [{"status": "met"}, {"status": "cancelled"}, {"generation": 2}])
def test_the_intent_looks_at_the_deadline_itself(world: World, db: Database, change: dict[str, Any]) -> None:
    deadline = world.deadline(date(2021, 9, 30))
    world.plan(deadline, [-7])
    (claimed,) = claim(db, now=later(days=3))
    with db.write() as session:
        row = session.get_one(Deadline, deadline)
        for name, value in change.items():
            setattr(row, name, value)
    assert intend(db, claimed, later(days=3)) is None
    assert world.message().reason == "The deadline was met, cancelled or moved"


def test_what_expired_between_claim_and_intent_is_not_sent(world: World, db: Database) -> None:
    world.notice(expires_at=later(minutes=15))
    (claimed,) = claim(db)
    assert intend(db, claimed, later(minutes=15)) is None
    assert world.message().status == "expired"


@pytest.mark.parametrize(
    ("outcome", "options", "status", "attempts"),
    [
        (Outcome.SENT, {}, "sent", 1),
        (Outcome.RETRY, {}, "pending", 1),
        (Outcome.DEAD, {}, "dead", 1),
        (Outcome.UNKNOWN, {}, "pending", 1),
        (Outcome.UNKNOWN, {"on_unknown": "park"}, "uncertain", 1),
        (Outcome.UNREACHABLE, {}, "pending", 0),
    ],
)
def test_every_outcome_leads_somewhere(
    world: World, db: Database, outcome: Outcome, options: dict[str, Any], status: str, attempts: int
) -> None:
    world.notice()
    assert acknowledge(db, begun(db), Handed(outcome, "the words"), **options) == status
    message = world.message()
    assert (message.status, message.attempts, message.worker, message.lease) == (status, attempts, None, None)
    assert [(a.outcome, a.reply) for a in world.attempts()] == [(outcome.value, "the words")]


def test_fourteen_unknowns_end_uncertain(world: World, db: Database) -> None:
    world.notice()
    with db.write() as session:
        session.get_one(Message, world.message().id).attempts = 13
    assert acknowledge(db, begun(db), Handed(Outcome.UNKNOWN, "silence")) == "uncertain"


def test_an_older_reminder_that_is_retried_ends_when_a_newer_one_went_out(world: World, db: Database) -> None:
    deadline = world.deadline(date(2021, 9, 30))
    world.plan(deadline, [-7, -1])
    (older,) = claim(db, now=later(days=3))
    first = intend(db, older, later(days=3))
    assert first is not None
    with db.write() as session:
        handing.acknowledge(session, first, Handed(Outcome.RETRY, "later"), later(days=8, hours=5))
    (newer,) = claim(db, now=later(days=8, hours=6))
    second = intend(db, newer, later(days=8, hours=6))
    assert second is not None
    assert world.messages()[1].id == second.message_id
    assert acknowledge(db, second) == "sent"
    assert statuses(world.messages()) == ["superseded", "sent"]


def test_a_newer_one_that_is_tried_again_supersedes_as_well(world: World, db: Database) -> None:
    world.plan(world.deadline(date(2021, 9, 30)), [-7, -1])
    with db.write() as session:
        newer = session.get_one(Message, world.messages()[1].id)
        newer.attempts, newer.next_at = 1, later(days=9)
    assert claim(db, now=later(days=3)) == ()
    assert statuses(world.messages()) == ["superseded", "pending"]


def test_nothing_but_a_newer_reminder_of_the_same_to_the_same_reader_supersedes(
    world: World, db: Database
) -> None:
    shared, moved, told = (world.deadline(date(2021, 9, 30)) for _ in range(3))
    world.plan(shared, [-7])
    world.plan(shared, [-1], [world.person("ben@example.org")])
    world.plan(moved, [-1])
    with db.write() as session:
        session.get_one(Deadline, moved).generation += 1
    world.plan(moved, [-7])
    world.plan(told, [-7, -1])
    with db.write() as session:
        call = session.get_one(Message, world.messages()[-1].id)
        call.kind, call.webhook_id = "webhook", 1
    claim(db, now=later(days=8, hours=7))
    assert Counter(statuses(world.messages())) == {"claimed": 5, "pending": 1}


def test_what_went_out_ends_older_reminders_of_the_same_to_the_same_reader_only(
    world: World, db: Database
) -> None:
    deadline = world.deadline(date(2021, 9, 30))
    world.plan(deadline, [-1])
    world.plan(deadline, [-7], [world.person("ben@example.org")])
    world.plan(deadline, [-7])
    _, bens, call = world.messages()
    with db.write() as session:
        told = session.get_one(Message, call.id)
        told.kind, told.webhook_id = "webhook", 1
        session.get_one(Deadline, deadline).generation += 1
    world.plan(deadline, [-7])
    with db.write() as session:
        session.get_one(Deadline, deadline).generation -= 1
    (claimed,) = [one for one in claim(db, now=later(days=8, hours=7)) if one.message_id < bens.id]
    intent = intend(db, claimed, later(days=8, hours=7))
    assert intent is not None
    assert acknowledge(db, intent) == "sent"
    assert Counter(statuses(world.messages())) == {"sent": 1, "claimed": 2, "pending": 1}


@given(st.integers(1, 50), st.integers(1, 10**9))
def test_the_wait_doubles_up_to_six_hours_give_or_take_a_tenth(attempts: int, message_id: int) -> None:
    usual = min(timedelta(hours=6), timedelta(minutes=1) * 2 ** min(attempts - 1, 20))
    assert usual * 0.9 <= wait(attempts, message_id) <= usual * 1.1


def test_messages_refused_together_do_not_come_back_together() -> None:
    assert len({wait(3, message_id) for message_id in range(100)}) > 90


@pytest.fixture
def held(world: World, db: Database) -> World:
    """w1 claimed two messages and is handing one of them over."""
    world.notice("sending")
    world.notice("claimed")
    intend(db, claim(db)[0])
    with db.write() as session:
        session.add(Worker(name="w1", started_at=NOW, beat_at=NOW))
    return world


def test_what_a_dead_worker_held_goes_on(held: World, db: Database) -> None:
    with db.write() as session:
        assert recovery.holders(session) == ["w1"]
        assert recovery.recover(session, lambda name: False, NOW) == {"w1": 2}
        assert session.get(Worker, "w1") is None
    sending, claimed = held.messages()
    assert (sending.status, sending.attempts) == ("pending", 1)
    assert sending.next_at > NOW
    assert (claimed.status, claimed.attempts, claimed.next_at) == ("pending", 0, NOW)
    (attempt,) = held.attempts()
    assert (attempt.outcome, attempt.ended_at) == ("unknown", NOW)
    assert attempt.reply == "The worker stopped while it was handing the mail over"


def test_by_setting_what_a_dead_worker_was_sending_is_parked(held: World, db: Database) -> None:
    with db.write() as session:
        recovery.recover(session, lambda name: False, NOW, "park")
    assert statuses(held.messages()) == ["uncertain", "pending"]


def test_what_a_living_worker_holds_is_left_alone(held: World, db: Database) -> None:
    with db.write() as session:
        assert recovery.recover(session, lambda name: True, NOW) == {}
    assert statuses(held.messages()) == ["sending", "claimed"]


def test_a_claim_that_is_not_needed_is_given_back(held: World, db: Database) -> None:
    with db.write() as session:
        assert lease.release(session, "w1") == 1
    assert statuses(held.messages()) == ["sending", "pending"]


def test_a_worker_gives_back_its_own_only(held: World, db: Database) -> None:
    held.notice("another's")
    claim(db, "w2")
    with db.write() as session:
        assert lease.release(session, "w1") == 1
    assert statuses(held.messages()) == ["sending", "pending", "claimed"]


def test_one_look_tells_who_holds_and_whether_anything_is_due(world: World, db: Database) -> None:
    world.notice("first")
    with db.read() as session:
        assert lease.look(session, NOW - timedelta(seconds=1)) == ([], False)
        assert lease.look(session, NOW) == ([], True)
    claim(db)
    world.notice("second")
    claim(db, "w2")
    with db.read() as session:
        held, due = lease.look(session, NOW)
    assert (sorted(held), due) == (["w1", "w2"], False)


def test_looking_for_what_is_due_costs_the_same_however_much_is_pending(
    world: World, sqlite_db: Database
) -> None:
    statements: list[str] = []
    with sqlite_db.write() as session:
        driver = session.connection().connection.driver_connection
        driver.set_trace_callback(statements.append)
        lease.look(session, NOW)
        lease.claim(session, "w1", NOW)
        driver.set_trace_callback(None)
        looks = [sql for sql in statements if sql.startswith(("SELECT", "WITH"))]
        plans = [str(driver.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()) for sql in looks]
    assert len(plans) == 3
    assert "SCAN message USING INDEX ix_message_held" in plans[0]
    assert "ix_message_due" in plans[0]
    assert "ix_message_urgent" in plans[1]
    assert "ix_message_due" in plans[2]
    assert "SCAN message" not in "".join(plans[1:])
