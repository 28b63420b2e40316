"""A real mail server on this machine that delivers nothing and shows everything."""

import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True)
class Caught:
    """One mail as it arrived."""

    number: int
    recipient: str
    parsed: EmailMessage

    @property
    def subject(self) -> str:
        """The subject line."""
        return str(self.parsed["Subject"] or "")

    @property
    def sent_at(self) -> datetime | None:
        """The moment in its Date header."""
        date = self.parsed["Date"]
        return date.datetime if date is not None else None

    @property
    def attachments(self) -> list[str]:
        """Names of the files that came with it."""
        return [part.get_filename() or "file" for part in self.parsed.iter_attachments()]

    def body(self, kind: str) -> str:
        """The text (``plain``) or the HTML (``html``) of the mail; empty if it has none."""
        part = self.parsed.get_body((kind,))
        return str(part.get_content()) if part is not None else ""


class Catcher:
    """Takes mail on a free port of this machine and keeps each in a file of ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self._caught = [_read(path) for path in sorted(folder.glob("*.eml"))]
        self.port = _free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, ident="demonstration")

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep what was handed over; the name is the mail server library's."""
        with self._guard:
            number = len(self._caught) + 1
            content = envelope.content if isinstance(envelope.content, bytes) else b""
            path = self._folder / f"{number:06d}.eml"
            path.write_bytes(b"X-Recipient: " + ", ".join(envelope.rcpt_tos).encode() + b"\r\n" + content)
            self._caught.append(_read(path))
        return "250 kept"

    def start(self) -> None:
        """Begin to take mail."""
        self._controller.start()

    def stop(self) -> None:
        """Take no more."""
        self._controller.stop()

    def all(self, recipient: str = "") -> Sequence[Caught]:
        """What arrived, the latest first; for one recipient, or for everybody."""
        return [mail for mail in reversed(self._caught) if not recipient or mail.recipient == recipient]

    def get(self, number: int) -> Caught | None:
        """The mail of that number, counted from 1."""
        return self._caught[number - 1] if 0 < number <= len(self._caught) else None

    def __len__(self) -> int:
        return len(self._caught)


def _read(path: Path) -> Caught:
    parsed = message_from_bytes(path.read_bytes(), policy=policy.default)
    return Caught(int(path.stem), str(parsed["X-Recipient"]), parsed)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
