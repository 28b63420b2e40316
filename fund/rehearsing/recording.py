"""A mail server that is none: it takes whatever it is given, notes it, and nothing leaves the room."""

import re
from dataclasses import dataclass
from datetime import datetime

from fund.base.clock import Clock
from notifications.outcomes import Outcome
from notifications.smtp import Server, Transport, Verdict

MAIL_ID = re.compile(rb"^Message-ID:\s*<([^>]+)>", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that was handed over: when, for whom, and its Message-ID without brackets."""

    at: datetime
    recipient: str
    mail_id: str


class Recorder(Transport):
    """Stands where the mail server would. Opens no connection."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(Server(host=""))
        self.taken: list[Taken] = []
        self._clock = clock

    async def open(self) -> None:
        """There is always room."""

    async def send(self, sender: str, recipient: str, data: bytes) -> Verdict:
        """Take the mail and note it."""
        named = MAIL_ID.search(data)
        assert named is not None
        self.taken.append(Taken(self._clock.now(), recipient, named[1].decode()))
        return Verdict(Outcome.SENT, "250 rehearsed")

    async def hang_up(self) -> None:
        """Nobody is at the other end."""
