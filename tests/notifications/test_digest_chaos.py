"""Real workers killed amid digests: each reminder is told, and twice only where the record admits it."""

import signal
from collections import Counter
from datetime import date, timedelta

import pytest

from fund.base.clock import FixedClock
from tests.notifications.test_chaos import starter, storm, workers
from tests.notifications.world import NOW, Post, World

pytestmark = [pytest.mark.chaos, pytest.mark.slow]
__all__ = ["starter", "workers"]  # fixtures
EACH = 4
"""So many reminders fall on everybody's one morning."""


def plan(world, people):
    """Everybody chose digests."""
    readers = [world.person(f"a{i}@example.org", zone="UTC", digest=True) for i in range(people)]
    return sum(world.plan(world.deadline(date(2021, 11, 20)), [-60], readers) for _ in range(EACH))


def to_the_end(db, mailbox, tmp_path):
    clock = FixedClock(NOW + timedelta(days=3))
    with Post(db, mailbox.port, clock, tmp_path) as sender:
        for _ in range(12):
            clock.advance(timedelta(hours=7))
            sender.run_until_quiet()


def told(world, mailbox):
    """How often each reminder arrived, by its id; AssertionError for a mail that nobody knows."""
    carriers = {f"<{row.mail_id}>": row.id for row in world.messages()}
    arrived = Counter(carriers[mail.mail_id] for mail in mailbox.messages)
    reminders = world.messages(kind="reminder")
    assert {row.status for row in reminders} == {"sent"}
    return {row.id: arrived[row.digest_id or row.id] for row in reminders}


def unknown(world):
    """How many tries ended so that nobody knows whether the mail arrived."""
    return sum(attempt.outcome == "unknown" for attempt in world.attempts())


@pytest.mark.parametrize(
    ("step", "mails"),
    [("claimed", 1), ("intended", 1), ("written", 1), ("handed-over", 2), ("acknowledged", 1)],
)
def test_a_crash_at_any_step_of_a_digest_is_taken_over(db, mailbox, workers, tmp_path, step, mails):
    world = World(db)
    plan(world, 1)
    assert workers.wait(workers.start(step)) == -signal.SIGKILL
    to_the_end(db, mailbox, tmp_path)
    assert set(told(world, mailbox).values()) == {mails}
    digest = world.message(kind="digest")
    assert [mail.mail_id for mail in mailbox.messages] == [f"<{digest.mail_id}>"] * mails
    assert mails == 1 or unknown(world) == 1
    assert all(mail.subject.startswith(f"{EACH} messages for you") for mail in mailbox.messages)


def test_under_blows_every_reminder_is_told_and_twice_only_where_nobody_knew(db, mailbox, workers, tmp_path):
    world = World(db)
    planned = plan(world, 30)
    storm(workers, mailbox, 30, 6)
    to_the_end(db, mailbox, tmp_path)
    times = told(world, mailbox)
    assert len(times) == planned
    assert min(times.values()) == 1
    arrived = [mail.mail_id for mail in mailbox.messages]
    assert len(arrived) - len(set(arrived)) <= unknown(world)
    shared = [row for row in world.messages(kind="reminder") if row.digest_id]
    assert len(shared) >= planned * 9 // 10
