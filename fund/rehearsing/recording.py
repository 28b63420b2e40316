"""A mail server that is none: it takes whatever it is given, notes it, and nothing leaves the room."""

from dataclasses import dataclass
from datetime import datetime
from email.parser import BytesHeaderParser
from email.policy import default
from email.utils import parsedate_to_datetime

from notifications.outcomes import Outcome
from notifications.smtp import Server, Transport, Verdict


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that was handed over: for whom, when by its Date header, and its Message-ID without brackets."""

    at: datetime
    recipient: str
    mail_id: str


class Recorder(Transport):
    """Stands where the mail server would. Opens no connection, in no thread."""

    def __init__(self) -> None:
        super().__init__(Server(host=""))
        self.taken: list[Taken] = []
        self._parser = BytesHeaderParser(policy=default)

    def open(self) -> None:
        """There is always room."""

    def send(self, sender: str, recipient: str, data: bytes) -> Verdict:
        """Take the mail and note it."""
        head, _end, _body = data.partition(b"\r\n\r\n")
        headers = self._parser.parsebytes(head + b"\r\n\r\n")
        moment = parsedate_to_datetime(str(headers["Date"]))
        self.taken.append(Taken(moment, recipient, str(headers["Message-ID"]).strip("<>")))
        return Verdict(Outcome.SENT, "250 rehearsed")

    def hang_up(self) -> None:
        """Nobody is at the other end."""

    def close(self) -> None:
        """The same."""
