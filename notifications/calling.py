"""One call of a webhook: a POST to an address that was looked at first, with limits on time and size.

The conversation is held step by step, as with the mail server: before the request was written nothing has happened,
after it nobody can tell. The address that was found harmless is the one that is connected to. No redirect is followed,
no proxy is used.
"""

import asyncio
import ipaddress
import os
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urlsplit

import h11

from notifications.outcomes import Outcome, heard

LONGEST_URL = 2000
MOST_SENT = 64 * 1024
MOST_READ = 4 * 1024
"""Bytes of an answer's body that are looked at."""
MOST_HEADERS = 16 * 1024
MOST_WAIT = timedelta(days=1)
"""No receiver makes us wait longer."""
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses that stand for the IPv4 address in their last 32 bits."""
OUTSIDE = ipaddress.ip_network("2000::/3")
"""All IPv6 addresses that lead anywhere on the internet. Site-local ones are global for the standard library."""
LATER = frozenset({408, 425, 429})
"""Answers of the 400s that ask to come again."""
GONE = 410
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class BadUrl(ValueError):
    """An address that is not called; the message says why."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The longest waits in seconds: until there is a connection, and in all."""

    connect: float = 10
    total: float = 30


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call came to, in the receiver's words. ``wait`` is how long it asked us to stay away."""

    outcome: Outcome
    reply: str
    wait: timedelta | None = None
    gone: bool = False
    """Whether it wants no more calls, ever."""


def checked(url: str) -> SplitResult:
    """The parts of an address that may be called. Raises BadUrl. What its name leads to is looked at in the call."""
    if len(url) > LONGEST_URL or not url.isascii() or re.search(r"[\x00-\x20\x7f\\]", url):
        raise BadUrl("it has signs that no address has, or is too long")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadUrl("it is no address") from error
    if not parts.hostname or port == 0 or parts.username is not None or parts.fragment:
        raise BadUrl("it needs a host, and neither a user nor a fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_this_machine(parts.hostname)):
        raise BadUrl("it does not begin with https://")
    return parts


def call(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: datetime,
    private: bool = False,
    limits: Limits = LIMITS,
) -> Answer:
    """POST ``body``. Never raises for what an address or a receiver can do.

    With ``private`` also addresses inside of networks are called. ``now`` is what a Retry-After date counts from.
    """
    if len(body) > MOST_SENT:
        return Answer(Outcome.DEAD, f"It has {len(body)} bytes; a call may have {MOST_SENT}")
    return asyncio.run(_Call(url, headers, body, now, private, limits).made())


class _Call:
    def __init__(
        self, url: str, headers: Mapping[str, str], body: bytes, now: datetime, private: bool, limits: Limits
    ) -> None:
        self.url, self.headers, self.body = url, headers, body
        self.now, self.private, self.limits = now, private, limits
        self.written = False
        self.head: h11.Response | None = None
        self.said = b""

    async def made(self) -> Answer:
        try:
            async with asyncio.timeout(self.limits.total):
                await self._made()
        except BadUrl as error:
            return Answer(Outcome.DEAD, f"The address is not called: {error}")
        except TimeoutError:
            broken, said = Outcome.RETRY, "No answer came in time"
        except (OSError, h11.ProtocolError) as error:
            broken, said = Outcome.UNKNOWN, _plain(error)
        else:
            broken, said = Outcome.UNKNOWN, "The line broke after the call was made"
        if self.head is not None:  # the status is what counts; the words after it may be missing
            return _judged(self.head, self.said[:MOST_READ], self.now)
        return Answer(broken if self.written else Outcome.UNREACHABLE, said)

    async def _made(self) -> None:
        parts = checked(self.url)
        async with asyncio.timeout(self.limits.connect):
            reader, writer = await self._connected(parts)
        try:
            await self._converse(parts, reader, writer)
        finally:
            # Without the farewell of TLS, which would wait for whoever does not answer.
            writer.transport.abort()

    async def _connected(self, parts: SplitResult) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        context = ssl.create_default_context() if secure else None
        failed: OSError = OSError(f"{host} has no address")
        for address in await _addresses(host, port, self.private):
            try:
                return await asyncio.open_connection(
                    str(address),
                    port,
                    ssl=context,
                    server_hostname=host if secure else None,
                    limit=MOST_HEADERS,
                )
            except OSError as error:
                failed = error
        raise failed

    async def _converse(
        self, parts: SplitResult, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_HEADERS)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        given = {
            "Host": parts.netloc,
            "Content-Type": "application/json",
            "Content-Length": str(len(self.body)),
            "User-Agent": "peace-incentive-fund",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        request = h11.Request(
            method="POST", target=target, headers=list((given | dict(self.headers)).items())
        )
        data = (talk.send(request) or b"") + (talk.send(h11.Data(data=self.body)) or b"")
        data += talk.send(h11.EndOfMessage()) or b""
        self.written = True
        writer.write(data)
        await writer.drain()
        await self._listen(talk, reader)

    async def _listen(self, talk: h11.Connection, reader: asyncio.StreamReader) -> None:
        while len(self.said) < MOST_READ:
            event = talk.next_event()
            if event is h11.NEED_DATA:
                talk.receive_data(await reader.read(MOST_READ))
            elif isinstance(event, h11.Response):
                self.head = event
            elif isinstance(event, h11.Data):
                self.said += event.data
            elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                break


async def _addresses(host: str, port: int, private: bool) -> list[Address]:
    """All addresses of a host. Raises BadUrl where one of them lies inside of a network and none such may be called."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise BadUrl("its name is no name of a host") from error
    addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    inside = [str(one) for one in addresses if not _is_public(one)]
    if inside and not private:
        raise BadUrl(f"{host} is inside of a network ({inside[0]}), see FUND_WEBHOOK_PRIVATE")
    return addresses


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in TRANSLATED:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
        if address not in OUTSIDE:
            return False
    return address.is_global and not address.is_multicast


def is_this_machine(host: str) -> bool:
    """Whether a host is named in a way that leads nowhere else."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _judged(head: h11.Response, said: bytes, now: datetime) -> Answer:
    code = head.status_code
    shown = heard(said.decode("utf-8", "replace"))
    reply = f"{code} {heard(head.reason.decode('latin-1'))}".strip() + (f": {shown}" if shown else "")
    if 200 <= code < 300:
        return Answer(Outcome.SENT, reply)
    if 300 <= code < 400:
        return Answer(Outcome.DEAD, f"{reply} (redirects are not followed)")
    if code < 500 and code not in LATER:
        return Answer(Outcome.DEAD, reply, gone=code == GONE)
    return Answer(Outcome.RETRY, reply, wait=_wait(dict(head.headers).get(b"retry-after"), now))


def _plain(error: Exception) -> str:
    """What went wrong with a line, in words and without the numbers of the system."""
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.errno:
        return os.strerror(error.errno) if error.errno > 0 else error.strerror or str(error)
    return str(error) or type(error).__name__


def _wait(value: bytes | None, now: datetime) -> timedelta | None:
    """How long a Retry-After header (seconds, or a date) asks for; None where it says nothing that can be read."""
    if value is None:
        return None
    text = value.decode("latin-1").strip()
    try:
        wait = timedelta(seconds=int(text)) if text.isdecimal() else parsedate_to_datetime(text) - now
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, timedelta(0)), MOST_WAIT)
