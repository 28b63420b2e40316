"""Real worker processes, killed in the middle of their work: nothing lost, and doubled only what the record admits.

``CHAOS_KILLS=20`` (how many kills) makes the long test longer.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from fund.base.clock import FixedClock
from fund.base.database import Database
from tests.notifications.world import NOW, Post, World
from tests.support.smtp import Mailbox

pytestmark = [pytest.mark.chaos, pytest.mark.slow]
KILLS = int(os.environ.get("CHAOS_KILLS", "3"))
ROOT = Path(__file__).parent.parent.parent


class Workers:
    """Worker processes on one database and one mail server."""

    def __init__(
        self, starter: "subprocess.Popen[str]", db: Database, mailbox: Mailbox, folder: Path
    ) -> None:
        self._starter = starter
        self._where = f"{db.url} {mailbox.port} {folder}"
        self._running: list[int] = []

    def start(self, step: str = "") -> int:
        """A worker that begins to sweep; its process id."""
        process = self._ask(f"start {self._where} {step}")
        self._running.append(process)
        return process

    def kill(self, process: int) -> None:
        """As the system does it when memory runs out."""
        os.kill(process, signal.SIGKILL)
        self.wait(process)

    def wait(self, process: int) -> int:
        """Its exit status once it has ended."""
        self._running.remove(process)
        return self._ask(f"wait {process}")

    def end(self) -> None:
        """Kill whatever still runs."""
        for process in list(self._running):
            self.kill(process)

    def _ask(self, command: str) -> int:
        assert self._starter.stdin is not None
        assert self._starter.stdout is not None
        self._starter.stdin.write(command + "\n")
        self._starter.stdin.flush()
        return int(self._starter.stdout.readline())


@pytest.fixture(scope="module")
def starter() -> Iterator["subprocess.Popen[str]"]:
    """Forks the workers."""
    command = [sys.executable, "-m", "tests.notifications.worker"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    yield process
    process.communicate()


@pytest.fixture
def workers(
    starter: "subprocess.Popen[str]", db: Database, mailbox: Mailbox, tmp_path: Path
) -> Iterator[Workers]:
    started = Workers(starter, db, mailbox, tmp_path)
    yield started
    started.end()


@pytest.mark.parametrize(
    ("step", "mails", "outcomes"),
    [
        ("claimed", 1, ["sent"]),
        ("intended", 1, ["unknown", "sent"]),
        ("written", 1, ["unknown", "sent"]),
        ("handed-over", 2, ["unknown", "sent"]),
        ("acknowledged", 1, ["sent"]),
    ],
)
def test_a_crash_at_any_step_is_taken_over(
    db: Database,
    mailbox: Mailbox,
    workers: Workers,
    tmp_path: Path,
    step: str,
    mails: int,
    outcomes: list[str],
) -> None:
    world = World(db)
    world.notice()
    assert workers.wait(workers.start(step)) == -signal.SIGKILL
    clock = FixedClock(NOW)
    with Post(db, mailbox.port, clock, tmp_path) as sender:
        for _ in range(2):
            sender.sweep()
            clock.advance(timedelta(minutes=2))
    message = world.message()
    assert (message.status, [a.outcome for a in world.attempts()]) == ("sent", outcomes)
    assert [mail.mail_id for mail in mailbox.messages] == [f"<{message.mail_id}>"] * mails


def test_workers_killed_and_frozen_at_random_lose_nothing_and_double_only_what_is_recorded(
    db: Database, mailbox: Mailbox, workers: Workers, tmp_path: Path
) -> None:
    world = World(db)
    number = 60 * (KILLS + 1)
    world.many(number)
    mailbox.greylist(times=10)
    mailbox.drop("DOT", keep=True, times=2)
    mailbox.drop("DOT", keep=False, times=2)
    mailbox.drop("RCPT", times=2)
    running = [workers.start(), workers.start()]
    for kill in range(1, KILLS + 1):
        mailbox.wait_for(50 * kill, timeout=60)
        victim = running.pop(0)
        os.kill(victim, signal.SIGSTOP)
        if kill % 2:
            os.kill(victim, signal.SIGCONT)
        workers.kill(victim)
        running.append(workers.start())
    workers.end()
    clock = FixedClock(NOW)
    with ExitStack() as stack:
        sender = stack.enter_context(Post(db, mailbox.port, clock, tmp_path))
        for _ in range(12):
            clock.advance(timedelta(hours=7))
            sender.run_until_quiet()
    check(world, mailbox, number)


def check(world: World, mailbox: Mailbox, number: int) -> None:
    """The queue checker: lost, unexpected, doubled beyond the record."""
    stored = {message.address: message for message in world.messages()}
    arrived = Counter(mail.recipient for mail in mailbox.messages)
    unknown = Counter(a.message_id for a in world.attempts() if a.outcome == "unknown")
    assert len(stored) == number
    assert {message.status for message in stored.values()} == {"sent"}
    assert set(stored) - set(arrived) == set(), "lost"
    assert set(arrived) - set(stored) == set(), "unexpected"
    doubled = {address: count - 1 for address, count in arrived.items() if count > 1}
    assert all(count <= unknown[stored[address].id or 0] for address, count in doubled.items())
    assert all(mail.mail_id == f"<{stored[mail.recipient].mail_id}>" for mail in mailbox.messages)
    assert all(a.outcome for a in world.attempts())
    sys.stdout.write(f"{number} mails, {KILLS} kills: lost 0, unexpected 0, doubled {sum(doubled.values())}, "
          f"recorded as unknown {unknown.total()}\n")  # fmt: skip
