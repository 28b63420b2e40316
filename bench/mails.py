"""Mails to a local server: ours, with all its record, against three raw ways of handing over the same mail.

To be reached: half of what a reused connection with prebuilt bytes takes, three times one connection each.
"""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from functools import cache
from pathlib import Path
from typing import Any

import aiosmtplib

from bench.measure import both_databases, folder, interleaved, show_rates
from fund.base.clock import FixedClock
from fund.base.database import Database
from notifications import alive
from notifications.compose import Composer, Mail
from notifications.sender import Sender
from notifications.smtp import Server, Transport
from tests.notifications.world import NOW, SETTINGS, World

ONCE = 300
"""So many mails in each turn: three claims of ours."""
LINES = 16
"""So many connections of ours, as ``FUND_SMTP_CONNECTIONS`` sets them for a mail server of one's own."""
RAW = ("one connection each", "a reused connection", "reused and prebuilt")


@contextmanager
def mail_server() -> Iterator[int]:
    """The port of a mail server in a process of its own, which takes everything."""
    command = [sys.executable, "-m", "bench.mailserver"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.kill()


def a_sender(database: Database, port: int, here: Path, clock: FixedClock | None = None) -> Sender:
    """A sender as a worker has it."""
    transport, *more = (Transport(Server("127.0.0.1", port)) for _ in range(LINES))
    present = alive.presence(database, here)
    clock = clock or FixedClock(NOW)
    return Sender(database, transport, Composer(SETTINGS), clock, present, more=more)


def sending(count: int) -> None:
    """One row for each database and each raw way; all take turns."""
    rounds = max(1, count // ONCE)
    with ExitStack() as stack:
        here, port = stack.enter_context(folder()), stack.enter_context(mail_server())
        databases = stack.enter_context(both_databases())
        senders = [_ready(database, port, here, rounds + 1) for database in databases]
        for send in senders:
            send()  # templates and statements are put together once
        mail = _one_of_ours(databases[0])
        raw = [
            lambda: asyncio.run(_one_each(port, ONCE, mail)),
            lambda: asyncio.run(_reused(port, ONCE, lambda: _built(mail).as_bytes())),
            lambda: asyncio.run(_reused(port, ONCE, lambda: mail.data)),
        ]
        took = interleaved(rounds, *raw, *senders)
        for database, ours in zip(databases, took[len(raw) :], strict=True):
            for name, theirs in zip(RAW, took, strict=False):
                show_rates(f"mails, {database.dialect}, against {name}", ONCE, ours, theirs)


def _ready(database: Database, port: int, here: Path, rounds: int) -> Callable[[], Any]:
    """What sends one turn's mails: reminders, each of a deadline and a person of its own, due day after day."""
    world = World(database)
    for day in range(rounds):
        due_on = date(2021, 9, 30) + timedelta(days=day)
        for nth in range(ONCE):
            person = world.person(f"p{day}-{nth}@example.org", zone="UTC")
            world.plan(world.deadline(due_on), [-7], [person])
    clock = FixedClock(NOW + timedelta(days=1, hours=2))
    sender = a_sender(database, port, here, clock)

    def send() -> None:
        clock.advance(timedelta(days=1))
        assert sender.run_until_quiet() == {"sent": ONCE}

    return send


def _one_of_ours(database: Database) -> Mail:
    """The first of the reminders: text, HTML and a calendar file."""
    with database.read() as session:
        return Composer(SETTINGS).compose(session, 1, NOW + timedelta(days=1))


def _built(mail: Mail) -> EmailMessage:
    """The same mail as the standard library puts it together of its parts."""
    built = EmailMessage(policy=SMTP_POLICY)
    built["From"], built["To"], built["Subject"] = "fund@example.org", mail.recipient, mail.subject
    built.set_content(mail.text)
    built.add_alternative(mail.html, subtype="html")
    built.add_attachment(_calendar_file(mail.data), "text", "calendar", filename="deadline.ics")
    return built


@cache
def _calendar_file(data: bytes) -> bytes:
    (attached,) = message_from_bytes(data, policy=SMTP_POLICY).iter_attachments()
    return bytes(attached.get_payload(decode=True))


async def _one_each(port: int, count: int, mail: Mail) -> None:
    for _ in range(count):
        await aiosmtplib.send(_built(mail), hostname="127.0.0.1", port=port, local_hostname="localhost")


async def _reused(port: int, count: int, data: Callable[[], bytes]) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, local_hostname="localhost") as client:
        for _ in range(count):
            await client.sendmail("fund@example.org", ["ana@example.org"], data())
