"""Real worker processes, killed in the middle of their work: nothing lost, and doubled only what the record admits."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import pytest

from fund.base.clock import FixedClock
from fund.base.database import Database
from tests.notifications.test_steps import told
from tests.notifications.worker import BOUNDARIES, Ends
from tests.notifications.world import NOW, Post, World, statuses
from tests.support.smtp import Mailbox

pytestmark = pytest.mark.chaos
THOUSANDS = 3000 if os.environ.get("FUND_LONG") else 2000
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

    def freeze(self, process: int, mailbox: Mailbox) -> None:
        """Stop it until the others have gone on for a while; then it goes on as if nothing had been."""
        os.kill(process, signal.SIGSTOP)
        with suppress(AssertionError):  # it may be that it held all that was left
            mailbox.wait_for(len(mailbox.messages) + 20, timeout=2)
        os.kill(process, signal.SIGCONT)

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


@pytest.mark.slow
@pytest.mark.parametrize(("step", "ends"), BOUNDARIES.items())
def test_a_crash_at_any_step_is_taken_over(
    db: Database, mailbox: Mailbox, workers: Workers, tmp_path: Path, step: str, ends: Ends
) -> None:
    world = World(db)
    world.many(2)
    assert workers.wait(workers.start(step)) == -signal.SIGKILL
    clock = FixedClock(NOW)
    with Post(db, mailbox.port, clock, tmp_path) as sender:
        for _ in range(200):  # PostgreSQL takes a moment to notice that the other end of a connection is dead
            sender.sweep()
            clock.advance(timedelta(minutes=2))
            if set(statuses(world.messages())) == {"sent"}:
                break
    assert told(world, mailbox) == list(ends)


@pytest.mark.parametrize(
    ("deadlines", "blows"),
    [
        pytest.param(2, 4, id="some"),
        pytest.param(THOUSANDS // 50, 24, id="thousands", marks=pytest.mark.slow),
    ],
)
def test_under_blows_and_a_bad_server_nothing_is_lost_and_only_what_is_on_record_is_doubled(
    db: Database,
    mailbox: Mailbox,
    workers: Workers,
    tmp_path: Path,
    figure: Callable[[str], None],
    deadlines: int,
    blows: int,
) -> None:
    world = World(db)
    planned = plan(world, deadlines)
    mailbox.refuse(GONE)
    storm(workers, mailbox, planned, blows)
    clock = FixedClock(NOW + timedelta(days=3))
    with Post(db, mailbox.port, clock, tmp_path) as sender:
        for _ in range(12):
            clock.advance(timedelta(hours=7))
            sender.run_until_quiet()
    figure(f"chaos, {db.dialect}: {planned} reminders, {blows} blows: {counted(world, mailbox, planned)}")


GONE = "gone@example.org"


def plan(world: World, deadlines: int) -> int:
    """Reminders of so many deadlines to 50 people, one of whom has no mailbox any more; how many."""
    people = [world.person(f"a{i}@example.org", zone="UTC") for i in range(49)]
    people.append(world.person(GONE, zone="UTC"))
    return sum(world.plan(world.deadline(date(2021, 11, 20)), [-60], people) for _ in range(deadlines))


def storm(workers: Workers, mailbox: Mailbox, planned: int, blows: int) -> None:
    """Kill or freeze one worker after the other while mail goes out, and let the server misbehave anew each time."""
    misdeeds: list[Callable[[], None]] = [
        lambda: mailbox.greylist(times=5),
        lambda: mailbox.drop("DOT", keep=True, times=2),
        lambda: mailbox.stall("DOT", times=1),
        lambda: mailbox.drop("RCPT", times=2),
        lambda: mailbox.drop("DOT", keep=False, times=2),
        lambda: mailbox.refuse(code=421, text="4.3.2 Going down", step="MAIL", times=1),
        lambda: fall_over(mailbox),
    ]
    running = [workers.start() for _ in range(3)]
    for blow in range(blows):
        mailbox.wait_for(planned * (blow + 1) * 8 // (blows + 1) // 10, timeout=120)
        misdeeds[blow % len(misdeeds)]()
        victim = running.pop(0)
        if blow % 3:
            workers.kill(victim)
            running.append(workers.start())
        else:
            workers.freeze(victim, mailbox)
            running.append(victim)
    mailbox.wait_for(planned * 9 // 10, timeout=120)
    workers.end()


def fall_over(mailbox: Mailbox) -> None:
    """All lines break at once."""
    mailbox.down()
    mailbox.up()


def counted(world: World, mailbox: Mailbox, planned: int) -> str:
    """The queue checker's words; AssertionError where anything is lost, unexpected or doubled beyond the record."""
    stored = {f"<{message.mail_id}>": message for message in world.messages()}
    arrived = Counter(mail.mail_id for mail in mailbox.messages)
    tries = Counter((a.message_id, a.outcome) for a in world.attempts())
    ended = Counter(message.status for message in stored.values())
    assert ended == {"sent": planned * 49 // 50, "dead": planned // 50}
    lost = [key for key, message in stored.items() if message.status == "sent" and not arrived[key]]
    unexpected = [key for key in arrived if key not in stored or stored[key].status != "sent"]
    doubled = {stored[key].id: count - 1 for key, count in arrived.items() if count > 1}
    assert (lost, unexpected) == ([], [])
    assert all(count <= tries[key, "unknown"] for key, count in doubled.items())
    assert all(tries[message.id, "sent"] == (message.status == "sent") for message in stored.values())
    assert not any(outcome == "" for _, outcome in tries)
    unknown = sum(count for (_, outcome), count in tries.items() if outcome == "unknown")
    return (
        f"lost 0, unexpected 0, doubled {sum(doubled.values())} under their first Message-ID, "
        f"all of them among {unknown} tries recorded as unknown"
    )
