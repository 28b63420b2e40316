"""A worker killed in the middle of its work: how many sweeps of another it takes until everything goes on."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from bench.mails import a_sender
from bench.measure import folder, fresh_databases
from fund.base.clock import FixedClock
from fund.base.database import Database
from notifications import recovery
from notifications.sender import Sender
from tests.notifications.world import NOW, World
from tests.support.smtp import Mailbox

KILLS, ONCE = 5, 60
ROOT = Path(__file__).parent.parent


def takeovers() -> None:
    """A row for each database."""
    for database in fresh_databases():
        with ExitStack() as stack:
            here, mailbox = stack.enter_context(folder()), stack.enter_context(Mailbox())
            command = [sys.executable, "-m", "tests.notifications.worker"]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
            starter = stack.enter_context(subprocess.Popen(command, **pipes))
            _takeovers(database, mailbox, here, starter)
            starter.communicate()


def _takeovers(database: Database, mailbox: Mailbox, here: Path, starter: "subprocess.Popen[str]") -> None:
    world, clock = World(database), FixedClock(NOW + timedelta(days=2))
    sender = a_sender(database, mailbox.port, here, clock)
    sweeps = 0
    for kill in range(KILLS):
        before = len(mailbox.messages)
        for nth in range(ONCE):
            world.notice(f"notice:{kill}:{nth}")
        process = _told(starter, f"start {database.url} {mailbox.port} {here}")
        mailbox.wait_for(before + ONCE // 3, timeout=60)
        os.kill(process, signal.SIGKILL)
        _told(starter, f"wait {process}")
        sweeps = max(sweeps, _sweeps(database, sender))
        clock.advance(timedelta(hours=1))
        sender.run_until_quiet()
        clock.advance(timedelta(hours=1))
    sender.stop()
    arrived = {mail.mail_id for mail in mailbox.messages}
    lost = sum(f"<{message.mail_id}>" not in arrived for message in world.messages())
    unknown = sum(attempt.outcome == "unknown" for attempt in world.attempts())
    print(
        f"  {database.dialect}: {KILLS} kill -9, taken over within {sweeps} sweeps (to be at most 2), lost {lost}"
        f" of {KILLS * ONCE}, doubled {len(mailbox.messages) - len(arrived)}, on record as unknown {unknown}"
    )


def _sweeps(database: Database, sender: Sender) -> int:
    """Sweep until nobody holds anything any more."""
    for nth in range(1, 10):
        sender.sweep()
        with database.read() as session:
            if not recovery.holders(session):
                return nth
    raise AssertionError("what the dead worker held was not taken over")


def _told(starter: "subprocess.Popen[str]", command: str) -> int:
    assert starter.stdin is not None
    assert starter.stdout is not None
    starter.stdin.write(command + "\n")
    starter.stdin.flush()
    return int(starter.stdout.readline())
