"""Reminders and mail against raw drivers: ``python -m bench.reminders [--pending 1000000] [--mails 400]``.

Every row is measured on SQLite (synchronous FULL) and PostgreSQL in the same run; read the ratios. The table to be
reached stands in the reliability notes: planning half of raw, an idle sweep under 5 ms at the 99th percentile, a
claim at most twice raw, mails half of the prebuilt limit and three times one connection each.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
from contextlib import closing
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from typing import Any

import aiosmtplib

from bench.measure import folder, fresh_databases, heading, seconds, show
from fund.base.clock import FixedClock
from fund.base.database import Database
from notifications import alive, lease, outbox
from notifications.compose import Composer
from notifications.dates import end_of_local_day
from notifications.plan import Offset, Recipient, plan_reminders
from notifications.sender import Sender
from notifications.smtp import Server, Transport
from schema.deadlines import Deadline
from tests.notifications.world import NOW, SETTINGS, World

COLUMNS = (
    "dedup_key", "kind", "template", "address", "subject_kind", "path", "payload", "created_at", "next_at", "status",
    "attempts", "mail_id", "reason", "rendered_subject", "rendered_text",
)  # fmt: skip
HELLO = b"Subject: Raw\r\n\r\n" + b"The raw limit of a mail of this size is measured with this line.\r\n" * 60


def main() -> None:
    """Measure everything and print one table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pending", type=int, default=100_000, help="how many messages wait while sweeping")
    options.add_argument("--mails", type=int, default=300, help="how many mails are sent")
    arguments = options.parse_args()
    heading()
    for database in fresh_databases():
        print(database.dialect)
        planning(database)
        sweeping(database, arguments.pending)
        claiming(database)
    sending(arguments.mails)


def stored(database: Database, moment: datetime) -> str:
    """A moment as the database keeps it."""
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}" if database.dialect == "sqlite" else moment.isoformat()


def raw_rows(count: int, kind: str, moment: str) -> list[tuple[Any, ...]]:
    """Rows for a driver, without any of our code."""
    return [
        (f"{kind}:{i}", "reminder", "reminder", "", "", "/", "{}", moment, moment, "pending", 0, f"{kind}{i}@x", "",
         "", "") for i in range(count)
    ]  # fmt: skip


def raw_insert(database: Database, rows: list[tuple[Any, ...]]) -> None:
    """What the driver can do at most."""
    mark = "?" if database.dialect == "sqlite" else "%s"
    values = ", ".join(mark for _ in COLUMNS)
    sql = f"INSERT INTO message ({', '.join(COLUMNS)}) VALUES ({values}) ON CONFLICT (dedup_key) DO NOTHING"
    with closing(database.engine.raw_connection()) as connection:
        cursor = connection.cursor()
        if database.dialect == "sqlite":
            cursor.execute("BEGIN IMMEDIATE")
        cursor.executemany(sql, rows)
        connection.commit()


def planning(database: Database, deadlines: int = 250) -> None:
    """Reminders planned in a second: 20 for each deadline, all in one transaction, as when a round opens."""
    world = World(database)
    day = date(2022, 9, 30)
    end = end_of_local_day(day, "Europe/Brussels")
    recipients = [Recipient(world.ana, "America/Bogota"), Recipient(world.person("b@example.org"), "UTC")]
    offsets = [Offset(-days, recipients, "/applications/x", "reminder") for days in range(1, 11)]
    with database.write() as session:
        rows = [
            Deadline(
                subject_kind="application", subject_id=world.application, key=f"k{i}", label="Report", due_on=day,
                application_id=world.application, owner_role="applicant", zone="Europe/Brussels", due_at=end,
                grace_until=end, opened_at=NOW,
            )
            for i in range(deadlines)
        ]  # fmt: skip
        session.add_all(rows)

    def plan() -> None:
        with database.write() as session:
            for deadline in rows:
                plan_reminders(session, deadline, offsets, NOW)

    count = deadlines * 20
    ours = count / seconds(plan)
    values = raw_rows(count, "raw", stored(database, NOW + timedelta(days=300)))
    raw = count / seconds(lambda: raw_insert(database, values))
    show(f"planning {count} reminders", ours, raw, "/s")


def sweeping(database: Database, pending: int) -> None:
    """A sweep with much pending and nothing due."""
    raw_insert(database, raw_rows(pending, "later", stored(database, NOW + timedelta(days=300))))
    with folder() as here:
        sender = a_sender(database, 9, here)
        sender.sweep()
        took = sorted(seconds(sender.sweep) * 1000 for _ in range(300))
        sender.stop()

    def look() -> None:
        with closing(database.engine.raw_connection()) as connection:
            moment = stored(database, NOW)
            sql = f"SELECT id FROM message WHERE status = 'pending' AND next_at <= '{moment}' LIMIT 1"
            connection.cursor().execute(sql).fetchall()

    raw = statistics.median(seconds(look) * 1000 for _ in range(300))
    show(f"sweep, {pending} pending, none due (median)", took[150], raw, "ms", higher_is_better=False)
    show("    99th percentile", took[297], raw, "ms", higher_is_better=False)


def claiming(database: Database, count: int = 500) -> None:
    """Claiming what is due among much that is not."""
    with database.write() as session:
        rows = [
            outbox.message_row(key=f"due:{i}", kind="notice", template="receipt", now=NOW, next_at=NOW)
            for i in range(count)
        ]
        outbox.queue_rows(session, rows)

    def claim() -> None:
        with database.write() as session:
            assert len(lease.claim(session, "bench", NOW, count).claims) == count

    def raw_claim() -> None:
        moment = stored(database, NOW)
        locked = "" if database.dialect == "sqlite" else "FOR UPDATE SKIP LOCKED"
        with closing(database.engine.raw_connection()) as connection:
            cursor = connection.cursor()
            if database.dialect == "sqlite":
                cursor.execute("BEGIN IMMEDIATE")
            cursor.execute(
                "UPDATE message SET status = 'claimed', worker = 'w', lease = 'l' WHERE id IN (SELECT id FROM message"
                f" WHERE status = 'pending' AND next_at <= '{moment}' ORDER BY next_at, id LIMIT {count} {locked})"
                " RETURNING id"
            )
            assert len(cursor.fetchall()) == count
            connection.commit()

    ours = seconds(claim) * 1000
    with database.write() as session:
        lease.release(session, "bench")
    raw = seconds(raw_claim) * 1000
    show(f"claim {count} due", ours, raw, "ms", higher_is_better=False)


def a_sender(database: Database, port: int, folder: Path) -> Sender:
    """A sender as a worker has it."""
    transport = Transport(Server("127.0.0.1", port))
    present = alive.presence(database, folder)
    clock = FixedClock(NOW)
    return Sender(database, transport, Composer(SETTINGS), clock, present)


def sending(count: int) -> None:
    """Mails in a second to a server of this machine: ours, with all its record, against three raw ways."""
    command = [sys.executable, "-m", "bench.mailserver"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        try:
            limits = {
                "one connection each": count / seconds(lambda: asyncio.run(_one_each(port, count))),
                "reused connection": count / seconds(lambda: asyncio.run(_reused(port, count, None))),
                "reused, prebuilt": count / seconds(lambda: asyncio.run(_reused(port, count, HELLO))),
            }
            for database in fresh_databases():
                ours = count / seconds_sending(database, port, count)
                for name, raw in limits.items():
                    show(f"mails, {database.dialect}, against {name}", ours, raw, "/s")
        finally:
            server.kill()


def seconds_sending(database: Database, port: int, count: int) -> float:
    """How long a sweep of ``count`` reminders takes, from claim to acknowledgement."""
    world = World(database)
    for i in range(count):
        person = world.person(f"p{i}@example.org", zone="UTC")
        world.plan(world.deadline(date(2021, 9, 30)), [-7], [person])
    with folder() as here:
        sender = a_sender(database, port, here)
        clock: Any = sender._clock
        clock.advance(timedelta(days=3))
        took = seconds(lambda: sender.run_until_quiet())
        sender.stop()
    assert {message.status for message in world.messages()} == {"sent"}
    return took


def _built() -> EmailMessage:
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["From"], mail["To"], mail["Subject"] = "fund@example.org", "ana@example.org", "Raw"
    mail.set_content(HELLO.decode())
    mail.add_alternative(f"<p>{HELLO.decode()}</p>", subtype="html")
    return mail


async def _one_each(port: int, count: int) -> None:
    for _ in range(count):
        await aiosmtplib.send(_built(), hostname="127.0.0.1", port=port, local_hostname="localhost")


async def _reused(port: int, count: int, data: bytes | None) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, local_hostname="localhost") as client:
        for _ in range(count):
            await client.sendmail("fund@example.org", ["ana@example.org"], data or _built().as_bytes())


if __name__ == "__main__":
    main()
