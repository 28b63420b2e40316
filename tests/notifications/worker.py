"""Worker processes for the tests that kill them: ``python -m tests.notifications.worker``.

It reads commands from its standard input and answers each with a number: ``start URL PORT FOLDER [STEP]`` forks a
worker (its process id), ``wait ID`` waits for its end (its exit status). For all workers together four hours pass in a
minute, from the day after ``NOW``, so that what has to wait comes soon. With STEP a worker kills itself when it first
comes there, see ``Doomed``.
"""

import logging
import os
import signal
import sys
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from fund.base.database import Database
from notifications import alive, lease
from notifications.compose import Composer
from notifications.sender import Sender
from notifications.smtp import Limits, Server, Transport
from tests.notifications.world import NOW, SETTINGS

Mail: TypeAlias = tuple[list[str], int]
"""How the tries at a mail came out, and how often it arrived."""
Ends: TypeAlias = tuple[Mail, Mail]
ONCE, AGAIN, DOUBLED = (["sent"], 1), (["unknown", "sent"], 1), (["unknown", "sent"], 2)
BOUNDARIES: dict[str, Ends] = {
    "claimed": (ONCE, ONCE),
    "intended": (AGAIN, ONCE),
    "written": (AGAIN, ONCE),
    "handed-over": (DOUBLED, ONCE),
    "recorded": (DOUBLED, ONCE),
    "begun": (DOUBLED, ONCE),
    "acknowledged": (ONCE, AGAIN),
}
"""The steps of a worker at which it may end, and what becomes of its first two mails then."""
PAUSE = threading.Event()
BEGUN = time.monotonic()


class Hurried:
    """A clock that runs 240 times as fast as time, the same one in every fork."""

    def now(self) -> datetime:
        """Its moment."""
        return NOW + timedelta(days=1, minutes=4 * (time.monotonic() - BEGUN))


class Doomed(Sender):
    """A sender that ends at one step of its first mail.

    claimed, intended, written, handed-over; recorded and begun: what became of it stands, and then the intent of the
    next mail too, in a unit of work that is still open; acknowledged: that has been committed.
    """

    step = ""
    _done: Any = None

    def end(self) -> None:
        """As if the power went."""
        os.kill(os.getpid(), signal.SIGKILL)

    def _step(self, done: Any, *how: Any) -> Any:
        self._comes_to("claimed")
        self._done = done
        begun = super()._step(done, *how)
        self._comes_to("acknowledged" if done else "")
        return begun

    def _begin(self, session: Any, *how: Any) -> Any:
        self._comes_to("recorded" if self._done else "")
        begun = super()._begin(session, *how)
        self._comes_to("begun" if self._done else "")
        return begun

    async def _hand_over(self, line: Any, begun: Any) -> Any:
        self._comes_to("intended")
        return await super()._hand_over(line, begun)

    async def _send(self, line: Any, mail: Any, now: Any) -> Any:
        self._comes_to("written")
        handed = await super()._send(line, mail, now)
        self._comes_to("handed-over")
        return handed

    def _comes_to(self, step: str) -> None:
        if step and step == self.step:
            self.end()


QUICK = Limits(connect=2, command=2, final=2)
"""One of the blows is a server that falls silent."""


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
    lease.BATCH = 20
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
