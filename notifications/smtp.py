"""Handing mail to the mail server: one reused connection, limits by phase, and a plain verdict on what happened.

The conversation is held step by step, because what a broken line means depends on where it broke: before the
message was handed over nothing has happened, after it nobody can tell.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPHeloError,
    SMTPResponseException,
)

from notifications.outcomes import Outcome, heard

GO_AHEAD = 354
GOING = 421
TOO_LARGE = 552
LONGEST_REPLY = 1000
# The client library would make some address out of anything; only what is one goes further.
_ADDRESS = re.compile(r"[^\s<>\x00-\x1f\x7f]+@[^\s<>\x00-\x1f\x7f]+")
ALERT_AFTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Limits:
    """The longest waits in seconds: to connect, greet and log in; for an answer; for the answer to a whole mail."""

    connect: float = 10
    command: float = 60
    final: float = 600


@dataclass(frozen=True, slots=True)
class Server:
    """Which mail server, and how to talk to it."""

    host: str
    port: int = 25
    security: Literal["none", "starttls", "tls"] = "none"
    user: str = ""
    password: str = field(default="", repr=False)
    hello: str = "localhost"
    """The name under which we greet. Looking up this machine's own name may take seconds."""
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What handing over one mail came to, and the server's words."""

    outcome: Outcome
    reply: str = ""


class Fault(StrEnum):
    """What kept us from talking to the mail server."""

    NO_HOST = "no host"
    REFUSED = "refused"
    SILENT = "silent"
    TLS = "tls"
    LOGIN = "login"
    OTHER = "other"


class Unreachable(Exception):
    """There is no talking to the mail server; the message says why, ``fault`` of which kind that is."""

    def __init__(self, message: str, fault: Fault = Fault.OTHER) -> None:
        super().__init__(message)
        self.fault = fault


class Transport:
    """One connection at a time to one mail server, opened when needed and replaced after an error.

    It belongs to the event loop on which it was opened, until it is hung up.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self._client: SMTP | None = None

    async def open(self) -> None:
        """Make sure that there is a connection. Raises Unreachable."""
        await self._connected()

    async def send(self, sender: str, recipient: str, data: bytes) -> Verdict:
        """Hand over one mail (complete bytes) for one recipient. Never raises for what a server can do."""
        reused = self._client is not None
        try:
            verdict = await self._converse(await self._connected(), sender, recipient, data)
            if reused and verdict.outcome == Outcome.UNREACHABLE:
                # A server may end a conversation that has gone on for long: that is no outage.
                verdict = await self._converse(await self._connected(), sender, recipient, data)
        except Unreachable as error:
            return Verdict(Outcome.UNREACHABLE, str(error))
        return verdict

    async def _connected(self) -> SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        self._drop()
        server = self.server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            local_hostname=server.hello,
            username=server.user or None,
            password=server.password or None,
            timeout=server.limits.connect,
        )
        try:
            async with asyncio.timeout(server.limits.connect):
                await client.connect()
                await _greet(client)
        except (SMTPException, OSError, ValueError) as error:
            _cut(client)
            raise Unreachable(f"{server.host}:{server.port}: {_words(error)}", _fault(error)) from error
        self._client = client
        return client

    async def _converse(self, client: SMTP, sender: str, recipient: str, data: bytes) -> Verdict:
        """MAIL, RCPT, DATA, the mail: a verdict at the first step that is refused or breaks."""
        limit = self.server.limits.command
        if not _ADDRESS.fullmatch(recipient):
            return Verdict(Outcome.DEAD, f"{recipient!r} is no mail address")
        options = [] if recipient.isascii() else [b"SMTPUTF8"]
        if options and not client.supports_extension("smtputf8"):
            return Verdict(Outcome.DEAD, "The mail server takes no addresses with letters beyond ASCII")
        try:
            await _command(client, limit, b"MAIL", f"FROM:<{sender}>".encode(), *options)
        except (SMTPException, OSError, ValueError) as error:
            return await self._sender_refused(client, error)
        try:
            await _command(client, limit, b"RCPT", f"TO:<{recipient}>".encode())
            await _command(client, limit, b"DATA", wanted=GO_AHEAD)
        except (SMTPException, OSError) as error:
            return await self._refused(client, error)
        return await self._hand_over(client, data)

    async def _hand_over(self, client: SMTP, data: bytes) -> Verdict:
        protocol = client.protocol
        limit = self.server.limits.final
        try:
            if protocol is None:
                raise SMTPException("Connection lost")
            async with asyncio.timeout(limit):
                protocol.write(_as_sent(data))
                answer = await protocol.read_response()
        except (SMTPException, OSError) as error:
            self._drop()
            return Verdict(Outcome.UNKNOWN, f"The line broke after the mail was handed over: {_words(error)}")
        return Verdict(_by_code(answer.code), _said(answer.code, answer.message))

    async def _sender_refused(self, client: SMTP, error: Exception) -> Verdict:
        """The sender is the same for all mail, so its refusal is no message's fault, unless this one is too large."""
        if isinstance(error, SMTPResponseException) and error.code == TOO_LARGE:
            return await self._refused(client, error)
        self._drop()
        return Verdict(Outcome.UNREACHABLE, f"MAIL FROM: {_words(error)}")

    async def _refused(self, client: SMTP, error: Exception) -> Verdict:
        if not isinstance(error, SMTPResponseException) or error.code == GOING or error.code < 400:
            self._drop()
            return Verdict(Outcome.UNREACHABLE, _words(error))
        try:
            async with asyncio.timeout(self.server.limits.command):
                await client.rset()
        except (SMTPException, OSError):
            self._drop()
        return Verdict(_by_code(error.code), _words(error))

    async def hang_up(self) -> None:
        """End the connection politely; the next mail opens another."""
        client, self._client = self._client, None
        if client is None:
            return
        line = client.transport
        try:
            async with asyncio.timeout(self.server.limits.connect):
                await client.quit()
        except (SMTPException, OSError):
            client.close()
        _let_go(line)

    def _drop(self) -> None:
        if self._client is not None:
            _cut(self._client)
            self._client = None


def _cut(client: SMTP) -> None:
    """Close the line at once."""
    line = client.transport
    client.close()
    _let_go(line)


def _let_go(line: asyncio.BaseTransport | None) -> None:
    """Without the farewell of TLS, which would wait for a server that may be gone."""
    if isinstance(line, asyncio.WriteTransport):
        line.abort()


async def _greet(client: SMTP) -> None:
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except SMTPHeloError:
            await client.helo()


async def _command(client: SMTP, limit: float, *words: bytes, wanted: int | None = None) -> None:
    """Raises SMTPResponseException where the answer is another than ``wanted``, or than any that says yes."""
    async with asyncio.timeout(
        limit
    ):  # the whole: the client library's own limits are for each piece that is read
        answer = await client.execute_command(*words, timeout=None)
    if answer.code != wanted if wanted else answer.code // 100 != 2:
        raise SMTPResponseException(answer.code, answer.message)


def _by_code(code: int) -> Outcome:
    known = {2: Outcome.SENT, 4: Outcome.RETRY, 5: Outcome.DEAD}
    return known.get(code // 100, Outcome.UNKNOWN)


def _fault(error: Exception) -> Fault:
    """Of which kind the failure to connect was, by the errors that led to it."""
    for one in _causes(error):
        if isinstance(one, socket.gaierror | UnicodeError):
            return Fault.NO_HOST
        # Where a name has several addresses, the refusals of all come as one plain OSError.
        if isinstance(one, ConnectionRefusedError) or "Connect call failed" in str(one):
            return Fault.REFUSED
        if isinstance(one, ssl.SSLError):
            return Fault.TLS
        if isinstance(one, TimeoutError):
            return Fault.SILENT
        if isinstance(one, SMTPAuthenticationError):
            return Fault.LOGIN
    # The client library has no class of their own for what a server does not offer.
    said = str(error)
    if "AUTH" in said.upper():
        return Fault.LOGIN
    return Fault.TLS if "STARTTLS" in said else Fault.OTHER


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _as_sent(data: bytes) -> bytes:
    """With whole line ends only, a dot more before each line that begins with one, and the dot that ends it."""
    lines = [b"." + line if line.startswith(b".") else line for line in data.splitlines()]
    return b"\r\n".join([*lines, b".\r\n"])


def _words(error: Exception) -> str:
    if isinstance(error, SMTPResponseException):
        return _said(error.code, error.message)
    return heard(str(error), LONGEST_REPLY) or type(error).__name__


def _said(code: int, message: str) -> str:
    return heard(f"{code} {message}", LONGEST_REPLY)


class Circuit:
    """Keeps everybody from knocking at a dead server: after a failure it stays open 5 s, then 10, at most 5 minutes.

    ``down_since`` is the first failure of the present outage; ``alert`` is true once that is 15 minutes ago.
    """

    shortest = timedelta(seconds=5)
    longest = timedelta(minutes=5)

    def __init__(self) -> None:
        self.failures = 0
        self.down_since: datetime | None = None
        self.reason = ""
        self._failed_at: datetime | None = None

    def allows(self, now: datetime) -> bool:
        """Whether to try now. A clock that was set back is no reason to wait longer."""
        if self._failed_at is None or now < self._failed_at:
            return True
        return now >= self._failed_at + self.pause

    @property
    def pause(self) -> timedelta:
        """How long it stays open after the latest failure."""
        return min(self.longest, self.shortest * (1 << min(max(self.failures - 1, 0), 10)))

    def failed(self, now: datetime, reason: str) -> None:
        """The server could not be talked to."""
        self.failures += 1
        self.reason = reason
        self._failed_at = now
        self.down_since = self.down_since or now

    def succeeded(self) -> None:
        """The server answered."""
        self.failures, self.reason, self.down_since, self._failed_at = 0, "", None, None

    def alert(self, now: datetime) -> bool:
        """Whether the outage has lasted so long that somebody has to look."""
        return self.down_since is not None and now - self.down_since >= ALERT_AFTER
