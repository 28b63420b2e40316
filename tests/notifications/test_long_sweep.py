"""Thousands due at once: the sender comes up for air, and its worker goes on at once."""

from pathlib import Path

import pytest

from fund.base.clock import FixedClock
from fund.base.database import Database
from fund.base.settings import Settings
from fund.worker import Worker
from notifications import lease, sender
from tests.notifications.world import Post, World
from tests.support.smtp import Mailbox


@pytest.fixture
def world(sqlite_db: Database, monkeypatch: pytest.MonkeyPatch) -> World:
    """Twenty-five mails that are due, in batches of ten; no turn is so short that it takes two of them."""
    monkeypatch.setattr(lease, "BATCH", 10)
    monkeypatch.setattr(sender, "LONGEST_TURN", 0.0)
    made = World(sqlite_db)
    made.many(25)
    return made


def test_a_sweep_that_lasts_ends_between_two_batches_and_says_so(
    world: World, mailbox: Mailbox, clock: FixedClock, tmp_path: Path
) -> None:
    with Post(world.db, mailbox.port, clock, tmp_path) as post:
        told = [(post.sweep(), post.unfinished) for _ in range(4)]
    assert told == [(10, True), (10, True), (5, True), (0, False)]


def test_the_worker_goes_on_until_all_is_sent_and_nothing_twice(
    world: World, mailbox: Mailbox, clock: FixedClock, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, smtp_host=mailbox.host, smtp_port=mailbox.port)
    worker = Worker(settings, world.db, clock)
    assert worker.sweep() == 25
    worker.stop()
    assert len({mail.recipient for mail in mailbox.messages}) == len(mailbox.messages) == 25
