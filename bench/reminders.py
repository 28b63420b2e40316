"""Reminders and mail against raw drivers: ``python -m bench.reminders [--pending 1000000] [--mails 400]``.

Every row is measured on SQLite (synchronous FULL) and PostgreSQL in the same run, ours and raw taking turns; read the
ratios. To be reached: planning half of raw, an idle sweep under 5 ms at the 99th percentile however much is pending, a
claim at most twice raw, mails half of the prebuilt limit and three times one connection each, an event loop that is
never held for more than 50 ms with 10,000 due at once, and what a killed worker held taken over within two sweeps.
"""

import argparse
from contextlib import closing
from datetime import date, datetime, timedelta
from typing import Any

from bench import burst, mails, takeover, transitions
from bench.measure import folder, fresh_databases, heading, interleaved, show_rates, show_times
from fund.base.database import Database
from notifications import lease, outbox
from notifications.dates import end_of_local_day
from notifications.plan import Offset, Recipient, planned_rows
from schema.deadlines import Deadline
from tests.notifications.world import NOW, World

COLUMNS = (
    "dedup_key", "kind", "template", "address", "subject_kind", "path", "payload", "created_at", "next_at", "status",
    "attempts", "mail_id", "reason", "rendered_subject", "rendered_text",
)  # fmt: skip
WHOSE = (
    "subject_id", "person_id", "application_id", "deadline_id", "deadline_generation", "offset_days", "expires_at"
)  # fmt: skip
DAY, LATER = date(2022, 9, 30), NOW + timedelta(days=300)
ROUNDS = 5


def main() -> None:
    """Measure everything and print one table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pending", type=int, default=1_000_000, help="how many messages wait at most")
    options.add_argument("--mails", type=int, default=1_500, help="how many mails are sent each way")
    options.add_argument("--due", type=int, default=10_000, help="how many are due at one instant")
    options.add_argument("--moves", type=int, default=200, help="how many moves are made of each kind")
    options.add_argument("--applications", type=int, default=10_000, help="how many wait meanwhile")
    arguments = options.parse_args()
    heading()
    for database in fresh_databases():
        print(database.dialect)
        transitions.transitions(database, arguments.moves, arguments.applications)
    for database in fresh_databases():
        print(database.dialect)
        planning(database)
        sweeping(database, arguments.pending)
        claiming(database)
    mails.sending(arguments.mails)
    burst.bursts(arguments.due)
    takeover.takeovers()


def stored(database: Database, moment: datetime) -> str:
    """A moment as the database keeps it."""
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}" if database.dialect == "sqlite" else moment.isoformat()


def raw_rows(kind: str, here: World, deadlines: list[int], moment: str) -> list[tuple[Any, ...]]:
    """The rows of 20 reminders for each deadline, without any of our code."""
    return [
        (f"{kind}:{key}:{i}", "reminder", "reminder", "", "application", "/applications/x", "{}", moment, moment,
         "pending", 0, f"{kind}{key}-{i}@x", "", "", "", here.application, here.ana, here.application, key, 1, -i,
         moment) for key in deadlines for i in range(20)
    ]  # fmt: skip


def raw_insert(database: Database, rows: list[tuple[Any, ...]]) -> None:
    """What the driver can do at most."""
    mark = "?" if database.dialect == "sqlite" else "%s"
    columns = (*COLUMNS, *WHOSE)
    values = ", ".join(mark for _ in columns)
    sql = f"INSERT INTO message ({', '.join(columns)}) VALUES ({values}) ON CONFLICT (dedup_key) DO NOTHING"
    with closing(database.engine.raw_connection()) as connection:
        cursor = connection.cursor()
        if database.dialect == "sqlite":
            cursor.execute("BEGIN IMMEDIATE")
        cursor.executemany(sql, rows)
        connection.commit()


def planning(database: Database, deadlines: int = 250) -> None:
    """Reminders planned in a second: 20 for each deadline, all in one transaction, as when a round opens."""
    here = World(database)
    end = end_of_local_day(DAY, "Europe/Brussels")
    recipients = [Recipient(here.ana, "America/Bogota"), Recipient(here.person("b@example.org"), "UTC")]
    offsets = [Offset(-days, recipients, "/applications/x", "reminder") for days in range(1, 11)]
    count = deadlines * 20

    def opened(turn: int) -> list[Deadline]:
        with database.write() as session:
            rows = [
                Deadline(
                    subject_kind="application", subject_id=here.application, key=f"k{turn}-{i}", label="Report",
                    due_on=DAY, application_id=here.application, owner_role="applicant", zone="Europe/Brussels",
                    due_at=end, grace_until=end, opened_at=NOW,
                )
                for i in range(deadlines)
            ]  # fmt: skip
            session.add_all(rows)
        return rows

    rounds = [opened(turn) for turn in range(ROUNDS + 1)]
    ready, raw_ready = iter(rounds), iter(rounds)

    def plan() -> None:
        rows = next(ready)
        with database.write() as session:
            outbox.queue_rows(session, [row for one in rows for row in planned_rows(one, offsets, NOW)])

    def raw() -> None:
        keys = [one.id or 0 for one in next(raw_ready)]
        raw_insert(database, raw_rows("raw", here, keys, stored(database, LATER)))

    plan()
    raw()
    ours, theirs = interleaved(ROUNDS, plan, raw)
    show_rates(f"planning {count} reminders", count, ours, theirs)


def sweeping(database: Database, pending: int) -> None:
    """A sweep with nothing due, while a tenth is pending and while all is."""
    moment = stored(database, NOW)
    sql = f"SELECT id FROM message WHERE status = 'pending' AND next_at <= '{moment}' LIMIT 1"

    def look() -> None:
        with closing(database.engine.raw_connection()) as connection:
            connection.cursor().execute(sql).fetchall()

    for first, last in ((1, pending // 10), (pending // 10 + 1, pending)):
        fill(database, first, last)
        with folder() as here:
            sender = mails.a_sender(database, 9, here)
            sender.sweep()
            ours, theirs = interleaved(500, sender.sweep, look)
            sender.stop()
        show_times(f"sweep, {last} pending, none due", ours, theirs)
        show_times("    99th of a hundred", ours, theirs, 0.99)


def fill(database: Database, first: int, last: int) -> None:
    """Messages that wait for a day far away, made by the database itself."""
    numbers = transitions.NUMBERS[database.dialect].format(first, last)
    values = "'later:' || i, 'notice', 'receipt', 'a@example.org', '', '/', '{}'"
    moments = f"'{stored(database, NOW)}', '{stored(database, LATER)}'"
    rest = "'pending', 0, 'later' || i, '', '', ''"
    sql = f"{numbers} INSERT INTO message ({', '.join(COLUMNS)}) SELECT {values}, {moments}, {rest} FROM n"
    if database.dialect == "postgresql":
        sql = sql.replace(moments, ", ".join(f"CAST({one} AS timestamptz)" for one in moments.split(", ")))
    with database.write() as session:
        session.connection().exec_driver_sql(sql)
    if database.dialect == "postgresql":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE message")


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
                "UPDATE message SET status = 'claimed', worker = 'bench', lease = 'l' WHERE id IN (SELECT id FROM"
                f" message WHERE status = 'pending' AND next_at <= '{moment}' ORDER BY next_at, id LIMIT {count}"
                f" {locked}) RETURNING id"
            )
            assert len(cursor.fetchall()) == count
            connection.commit()

    def give_back() -> None:
        with database.write() as session:
            lease.release(session, "bench")

    ours, _, theirs, _ = interleaved(ROUNDS * 4, claim, give_back, raw_claim, give_back, turning=False)
    show_times(f"claim {count} due", ours, theirs)


if __name__ == "__main__":
    main()
