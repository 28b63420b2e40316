"""A real mail server on a free port of this machine that keeps what it takes and misbehaves on request.

with Mailbox() as mailbox:
    mailbox.greylist("ana@example.org")        # 451 once, then taken
    mailbox.refuse("gone@example.org")         # 550 for ever
    mailbox.stall("DOT")                       # silence after the final dot, until release()
    mailbox.drop("DOT", keep=True)             # taken, but the line breaks before the 250
    ...
    mailbox.wait_for(1)[0].subject

Mailbox(context=tls) offers STARTTLS, Mailbox(context=tls, security="tls") speaks TLS from the first byte; with
``login`` it takes mail only from who has given that name and password.
"""

import asyncio
import ssl
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from typing import Any, Literal, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

Step = Literal["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT", "QUIT"]


@dataclass(frozen=True)
class Mail:
    """A mail that the server took, with the addresses of its envelope."""

    sender: str
    recipient: str
    raw: bytes = field(repr=False)

    @cached_property
    def parsed(self) -> EmailMessage:
        """The mail with its parts; read when somebody asks, since most tests ask for few of many."""
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def subject(self) -> str:
        """The decoded subject line."""
        return str(self.parsed["Subject"])

    @property
    def mail_id(self) -> str:
        """The Message-ID header."""
        return str(self.parsed["Message-ID"])

    @property
    def text(self) -> str:
        """The plain text part."""
        return self._part("plain")

    @property
    def html(self) -> str:
        """The HTML part, empty where there is none."""
        return self._part("html")

    def header(self, name: str) -> str | None:
        """The decoded header ``name``, None where the mail has none."""
        value = self.parsed[name]
        return None if value is None else str(value)

    def _part(self, kind: str) -> str:
        part = self.parsed.get_body((kind,))
        return "" if part is None else str(part.get_content()).replace("\r\n", "\n")


@dataclass
class _Rule:
    """What to do at one step, for one recipient or for all, as often as ``left`` says (None: always)."""

    step: Step
    action: Literal["answer", "stall", "drop"]
    recipient: str | None = None
    answer: str = ""
    keep: bool = False
    left: int | None = None

    def applies(self, step: Step, recipient: str | None) -> bool:
        return self.step == step and self.left != 0 and self.recipient in (None, recipient)


class Mailbox:
    """The server. Starts with ``with``; ``host`` and ``port`` say where, ``messages`` what it took so far."""

    host = "127.0.0.1"

    def __init__(
        self,
        port: int = 0,
        *,
        context: ssl.SSLContext | None = None,
        security: Literal["starttls", "tls"] = "starttls",
        login: tuple[str, str] | None = None,
    ) -> None:
        self.port, self.context, self.security, self.login = port, context, security, login
        self.connections = 0
        self.attempts: list[tuple[Step, str | None]] = []
        self._messages: list[Mail] = []
        self._rules: list[_Rule] = []
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mailbox", daemon=True)
        self._released = asyncio.Event()
        self._clients: set[_Conversation] = set()
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def messages(self) -> list[Mail]:
        """What was taken so far, one entry for each recipient, in order."""
        with self._changed:
            return list(self._messages)

    def to(self, recipient: str) -> list[Mail]:
        """What was taken for one recipient."""
        return [mail for mail in self.messages if mail.recipient == recipient]

    def wait_for(self, count: int, *, timeout: float = 10) -> list[Mail]:
        """The messages as soon as there are ``count`` of them; AssertionError after ``timeout`` seconds."""
        with self._changed:
            enough = self._changed.wait_for(lambda: len(self._messages) >= count, timeout)
            assert enough, f"{len(self._messages)} of {count} mails came in {timeout} s"
            return list(self._messages)

    def wait_until_tried(self, step: Step, *, count: int = 1, timeout: float = 10) -> None:
        """Return once clients came to ``step`` ``count`` times; AssertionError after ``timeout`` seconds."""
        with self._changed:
            came = self._changed.wait_for(lambda: self._tried(step) >= count, timeout)
            assert came, f"nobody came to {step} {count} times in {timeout} s: {self.attempts}"

    def clear(self) -> None:
        """Forget all mail; the rules stay."""
        with self._changed:
            self._messages.clear()
            self.attempts.clear()

    def refuse(
        self,
        recipient: str | None = None,
        *,
        code: int = 550,
        text: str = "5.1.1 No such mailbox",
        step: Step = "RCPT",
        times: int | None = None,
    ) -> None:
        """Answer ``code text`` at ``step`` (for one recipient, or for all), ``times`` times or for ever."""
        self._add(_Rule(step, "answer", recipient, f"{code} {text}", left=times))

    def greylist(self, recipient: str | None = None, *, times: int = 1) -> None:
        """Ask to come back later, ``times`` times."""
        self.refuse(recipient, code=451, text="4.7.1 Greylisted, try again later", times=times)

    def stall(self, step: Step = "DOT", *, times: int | None = None) -> None:
        """Fall silent at ``step`` until ``release`` is called or the client goes."""
        self._add(_Rule(step, "stall", left=times))

    def drop(self, step: Step = "DOT", *, keep: bool = False, times: int | None = None) -> None:
        """Break the line at ``step``; with ``keep`` a mail whose dot came is delivered all the same."""
        self._add(_Rule(step, "drop", keep=keep, left=times))

    def behave(self) -> None:
        """Take back all rules and end every silence."""
        with self._changed:
            self._rules.clear()
        self.release()

    def release(self) -> None:
        """End every silence: the conversations that stalled go on."""
        self._call(self._release())

    def down(self) -> None:
        """Stop listening and break all lines: whoever connects now is refused. ``up`` brings it back."""
        self._call(self._down())

    def up(self) -> None:
        """Listen (again, on the same port)."""
        self._call(self._up())

    def _add(self, rule: _Rule) -> None:
        with self._changed:
            self._rules.append(rule)

    def _tried(self, step: Step) -> int:
        return sum(1 for tried, _ in self.attempts if tried == step)

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _up(self) -> None:
        self._released.clear()
        self._server = await self._loop.create_server(
            lambda: _Conversation(self, self._loop),
            self.host,
            self.port,
            ssl=self.context if self.security == "tls" else None,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _down(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        tasks = [client.abort() for client in list(self._clients)]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _release(self) -> None:
        self._released.set()
        self._released = asyncio.Event()

    def _rule_for(self, step: Step, recipient: str | None) -> _Rule | None:
        with self._changed:
            self.attempts.append((step, recipient))
            self._changed.notify_all()
            rule = next((rule for rule in self._rules if rule.applies(step, recipient)), None)
            if rule is not None and rule.left is not None:
                rule.left -= 1
            return rule

    def _deliver(self, envelope: Envelope) -> None:
        raw = bytes(envelope.original_content or b"")
        with self._changed:
            for recipient in envelope.rcpt_tos:
                self._messages.append(Mail(envelope.mail_from or "", recipient, raw))
            self._changed.notify_all()


class _Handler:
    """aiosmtpd asks it after the final dot."""

    async def handle_DATA(self, server: "_Conversation", _session: Session, envelope: Envelope) -> str:
        return await server.after_the_dot(envelope)


class _Conversation(SMTP):
    """One connection: at every step it first looks for a rule."""

    def __init__(self, mailbox: Mailbox, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            _Handler(),
            hostname="mailbox.test",
            enable_SMTPUTF8=True,
            loop=loop,
            timeout=60,
            tls_context=mailbox.context if mailbox.security == "starttls" else None,
            authenticator=self._check,
            auth_required=mailbox.login is not None,
        )
        # It knows of the safe line only where it made the line safe itself.
        self._auth_require_tls = mailbox.security == "starttls"
        self._mailbox = mailbox

    def _check(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _way: str, given: Any
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        told = given.login.decode(), given.password.decode()
        return AuthResult(success=told == self._mailbox.login, handled=False)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._mailbox.connections += 1
        self._mailbox._clients.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._mailbox._clients.discard(self)
        super().connection_lost(error)

    def abort(self) -> "asyncio.Task[None]":
        """Break the line; the task ends with the conversation."""
        task: asyncio.Task[None] = self._handler_coroutine
        if self.transport is not None:
            self.transport.abort()
        task.cancel()
        return task

    async def _handle_client(self) -> None:
        await self._obey("CONNECT", super()._handle_client)

    async def smtp_EHLO(self, hostname: str) -> None:
        await self._obey("EHLO", lambda: super(_Conversation, self).smtp_EHLO(hostname))

    async def smtp_HELO(self, hostname: str) -> None:
        await self._obey("EHLO", lambda: super(_Conversation, self).smtp_HELO(hostname))

    async def smtp_MAIL(self, arg: str | None) -> None:
        await self._obey("MAIL", lambda: super(_Conversation, self).smtp_MAIL(arg))

    async def smtp_RCPT(self, arg: str | None) -> None:
        address, _ = self._getaddr(self._strip_command_keyword("TO:", arg or "") or "")
        await self._obey("RCPT", lambda: super(_Conversation, self).smtp_RCPT(arg), address)

    async def smtp_DATA(self, arg: str) -> None:
        await self._obey("DATA", lambda: super(_Conversation, self).smtp_DATA(arg))

    async def smtp_QUIT(self, arg: str) -> None:
        await self._obey("QUIT", lambda: super(_Conversation, self).smtp_QUIT(arg))

    async def after_the_dot(self, envelope: Envelope) -> str:
        """The answer to the mail itself; ``envelope`` is kept unless a rule says otherwise."""
        rule = self._mailbox._rule_for("DOT", envelope.rcpt_tos[0])
        if rule is None or rule.keep:
            self._mailbox._deliver(envelope)
        if rule is None:
            return "250 2.0.0 Taken"
        if rule.action == "answer":
            return rule.answer
        if rule.action == "stall":
            await self._mailbox._released.wait()
            self._mailbox._deliver(envelope)
            return "250 2.0.0 Taken, late"
        await self._break()
        return ""

    async def _obey(
        self, step: Step, usual: Callable[[], Coroutine[Any, Any, None]], recipient: str | None = None
    ) -> None:
        rule = self._mailbox._rule_for(step, recipient)
        if rule is not None and rule.action == "answer":
            await self.push(rule.answer)
            return
        if rule is not None and rule.action == "drop":
            await self._break()
        if rule is not None and rule.action == "stall":
            await self._mailbox._released.wait()
        await usual()

    async def _break(self) -> None:
        assert self.transport is not None
        self.transport.abort()
        raise asyncio.CancelledError
