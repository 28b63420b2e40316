"""Worker processes for the tests that kill them: ``python -m tests.notifications.worker``.

It reads commands from its standard input and answers each with a number: ``start URL PORT FOLDER [STEP]`` forks a
worker (its process id), ``wait ID`` waits for its end (its exit status). For all workers together an hour passes in a
minute, from the day after ``NOW``, so that what has to wait comes soon. With STEP a worker kills itself when it first
comes there: claimed, intended, written, handed-over or acknowledged.
"""

import logging
import os
import signal
import sys
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fund.base.database import Database
from notifications import alive, lease
from notifications.compose import Composer
from notifications.sender import Sender
from notifications.smtp import Server, Transport
from tests.notifications.world import NOW, QUICK, SETTINGS

lease.BATCH = 20
PAUSE = threading.Event()
BEGUN = time.monotonic()


class Hurried:
    """A clock that runs sixty times as fast as time, the same one in every fork."""

    def now(self) -> datetime:
        """Its moment."""
        return NOW + timedelta(days=1, minutes=time.monotonic() - BEGUN)


def die() -> None:
    """As if the power went."""
    os.kill(os.getpid(), signal.SIGKILL)


class Doomed(Sender):
    """A sender that dies at one step."""

    step = ""

    def _step(self, done: Any, waiting: Any, tally: Any) -> Any:
        if self.step == "claimed":
            die()
        begun = super()._step(done, waiting, tally)
        if self.step == "acknowledged" and done:
            die()
        return begun

    def _hand_over(self, line: Any, begun: Any) -> Any:
        if self.step == "intended":
            die()
        return super()._hand_over(line, begun)

    def _send(self, line: Any, mail: Any, now: Any) -> Any:
        if self.step == "written":
            die()
        handed = super()._send(line, mail, now)
        if self.step == "handed-over":
            die()
        return handed


def work(url: str, port: str, folder: str, step: str = "") -> None:
    """Sweep for ever."""
    logging.disable()
    database = Database(url)
    transport, another = (Transport(Server("127.0.0.1", int(port), limits=QUICK)) for _ in range(2))
    present = alive.presence(database, Path(folder))
    sender = Doomed(database, transport, Composer(SETTINGS), Hurried(), present, more=[another])
    sender.step = step
    while True:
        sender.sweep()
        PAUSE.wait(0.02)


def main() -> None:
    """Fork workers on request; a fork starts in no time, where a new process imports everything again."""
    for line in sys.stdin:
        command, *arguments = line.split()
        answer = 0
        if command == "wait":
            answer = os.waitstatus_to_exitcode(os.waitpid(int(arguments[0]), 0)[1])
        elif (answer := os.fork()) == 0:
            work(*arguments)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
