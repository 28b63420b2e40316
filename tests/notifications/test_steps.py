"""A sweep that ends between any two of its steps: what the rows say next is neither too little nor too much."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fund.base.clock import FixedClock
from fund.base.database import Database
from tests.notifications.worker import BOUNDARIES, Doomed, Ends, Mail
from tests.notifications.world import Crash, Post, World, as_if_killed, is_let_go, statuses
from tests.support.smtp import Mailbox


class Crashing(Doomed):
    """It ends as a process does, but this one goes on."""

    def end(self) -> None:
        """Nothing after this runs."""
        raise Crash


@pytest.fixture
def world(db: Database) -> World:
    made = World(db)
    made.many(3)
    return made


def told(world: World, mailbox: Mailbox) -> list[Mail]:
    """Of each message: how its tries came out, and how often it arrived under its one Message-ID."""
    arrived = Counter(mail.mail_id for mail in mailbox.messages)
    assert set(arrived) <= {f"<{message.mail_id}>" for message in world.messages()}
    tries = [(attempt.message_id, attempt.outcome) for attempt in world.attempts()]
    return [
        ([outcome for of, outcome in tries if of == message.id], arrived[f"<{message.mail_id}>"])
        for message in world.messages()
    ]


@pytest.mark.chaos
@pytest.mark.parametrize(("step", "ends"), BOUNDARIES.items())
def test_a_crash_at_any_step_is_made_good(
    world: World, mailbox: Mailbox, clock: FixedClock, tmp_path: Path, step: str, ends: Ends
) -> None:
    crashing = Post(world.db, mailbox.port, clock, tmp_path / "dead", kind=Crashing)
    crashing.sender.step = step
    with as_if_killed():
        crashing.sender.sweep()
    crashing.present.leave()
    after = Post(world.db, mailbox.port, clock, tmp_path / "next")
    assert is_let_go(after.present, crashing.present.name)
    with after as sender:
        sender.run_until_quiet()
        clock.advance(timedelta(minutes=2))
        sender.run_until_quiet()
    assert set(statuses(world.messages())) == {"sent"}
    assert told(world, mailbox) == [*ends, (["sent"], 1)]


class Tripping(Doomed):
    """Its database fails once, as it writes down one mail and begins the next."""

    tripped = 0

    def _begin(self, session: Any, waiting: Any, *how: Any) -> Any:
        if self._done and waiting and not self.tripped:
            self.tripped += 1
            raise ConnectionError("the database went away")
        return super()._begin(session, waiting, *how)


def test_what_is_known_of_a_mail_is_kept_where_the_next_cannot_be_begun(
    world: World, mailbox: Mailbox, clock: FixedClock, tmp_path: Path
) -> None:
    with Post(world.db, mailbox.port, clock, tmp_path, kind=Tripping) as sender:
        assert sender.run_until_quiet() == {"sent": 3}
        assert sender.tripped == 1
    assert told(world, mailbox) == [(["sent"], 1)] * 3
