"""Moves against raw drivers: ``python -m bench.transitions [--moves 500] [--applications 100000]``.

A move here is the whole of it, as the service makes it: load, rights and guards, the versioned update, the chained
ledger event, a deadline that ends with its reminders, one that begins with eight, two mails. Raw is the driver alone
with the same reads and writes, without asking anything. To be reached: 30 % of raw sqlite3 (synchronous FULL), 50 % of
raw psycopg; 500 in one transaction 8 times and 5 times the single rate; the same cost with few and many applications.
"""

import argparse
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlmodel import col, select

from bench.measure import fresh_databases, heading, seconds, show
from fund.base import children, moves
from fund.base.database import Database
from schema.applications import Application
from schema.rows import Whole
from tests.support.world import World, world
from tests.workflows.test_speed import large
from workflows import Actor, Definition, check

NOW = datetime(2021, 9, 21, 8, tzinfo=UTC)
SOME = Whole(Application, col(Application.id))
FIRST = 10_000_000
"""Keys of applications that only fill the tables begin at this and at twice this."""
FORM = [
    {
        "key": "project",
        "title": "The project",
        "questions": [{"key": "plan", "label": "Plan", "required": False}],
    }
]
MESSAGE = (
    "INSERT INTO message (dedup_key, mail_id, created_at, next_at, application_id, subject_id, deadline_id, kind,"
    " template, person_id, subject_kind, path, payload, status, attempts, reason, rendered_subject, rendered_text,"
    " address) VALUES (?, ?, ?, ?, ?, ?, ?, 'notice', 'returned', 1, 'application', '/applications/PIF-ABCDEF',"
    """ '{"reason": "More, please."}', 'pending', 0, '', '', '', '')"""
)
NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT {0} UNION ALL SELECT i + 1 FROM n WHERE i < {1})",
    "postgresql": "WITH n AS (SELECT * FROM generate_series({0}, {1}) AS n(i))",
}
FILLING = (Path(__file__).parent / "fill.sql").read_text("utf-8").partition("\n")[2].split(";")


def main() -> None:
    """Measure everything and print one table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--moves", type=int, default=500, help="how many moves are made of each kind")
    options.add_argument("--applications", type=int, default=100_000, help="how many wait meanwhile, at most")
    arguments = options.parse_args()
    engine()
    heading()
    for database in fresh_databases():
        print(database.dialect)
        transitions(database, arguments.moves, arguments.applications)


def engine() -> None:
    """What asking costs, without a database."""
    moves_ = "".join(
        f'[moves.m{n}]\nlabel = "Move {n}"\nfrom = ["s0"]\nto = "s1"\nby = ["manager"]\nguards = ["form_complete"]\n'
        for n in range(17)
    )
    definition = Definition.parse(large(100) + moves_)
    actor, facts = (
        Actor(1, frozenset({"manager"})),
        {"missing_answers": (), "children": {"review": ("submitted",)}},
    )
    took = min(seconds(lambda: definition.available("s0", actor, facts)) for _ in range(200))
    count = len(definition.available("s0", actor, facts))
    print(f"available() for {count} moves: {took * 1000:.3f} ms (to be under 0.2)")
    texts = [large(100) + f"# {n}" for n in range(5)]
    loading = min(seconds(lambda text=text: check(Definition.parse(text))) for text in texts)
    print(f"loading and checking 100 states: {loading * 1000:.0f} ms (to be under 100)")


def transitions(database: Database, count: int, many: int) -> None:
    """Single moves and moves in bulk, ours and raw, with few applications and with many."""
    here = world(database, NOW, form=FORM)
    submitted(database, here, 1)
    for nth, applications in enumerate((1000, many), 1):
        fill(database, nth * FIRST, nth * FIRST + applications)
        single(database, here, count, f"moves, {applications} applications")
    bulk(database, here, count)


def fill(database: Database, first: int, last: int) -> None:
    """Applications with these keys that wait for their deadline."""
    with database.write() as session:
        for statement in FILLING:
            numbers = NUMBERS[database.dialect].format(first, last)
            session.connection().exec_driver_sql(statement.format(numbers=numbers))
    if database.dialect == "postgresql":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")


def submitted(database: Database, here: World, count: int) -> list[int]:
    """Keys of so many applications that have just been submitted, each with its history, deadline and mail."""
    keys = []
    with database.write() as session:
        for _ in range(count):
            application = _application(session, here)
            keys.append(application.id or 0)
    with database.write() as session:
        rows = session.exec(select(Application).where(col(Application.id).in_(keys))).all()
        wishes = [_wish(row, "submit", {"declaration": True}) for row in rows]
        moves.fire_all(session, wishes, here.applicant, NOW)
    return keys


def _application(session: Any, here: World) -> Application:
    application = Application(
        reference=f"PIF-{session.connection().exec_driver_sql('SELECT count(*) FROM application').scalar_one()}",
        round_id=here.round_id,
        member_id=here.member_id,
        author_id=here.applicant.person_id or 0,
        title="Safe streets",
        theme="digital",
        requested_minor=15_000_00,
        created_at=NOW,
        **children.moved_columns(session, here.round_id, "application", NOW),
    )
    children.born(session, application, NOW, viewer=here.applicant, role="applicant")
    return application


def _wish(row: Application, trigger: str, data: dict[str, Any] | None = None, reason: str = "") -> moves.Wish:
    return moves.Wish(subject=row, trigger=trigger, version=row.version, reason=reason, data=data or {})


def single(database: Database, here: World, count: int, what: str) -> None:
    """One move in each transaction: the rate of the middle one, so that a pause of the machine does not count."""
    keys = submitted(database, here, count)
    ours = 1 / statistics.median(seconds(lambda key=key: _move(database, here, [key])) for key in keys)
    raw_keys = submitted(database, here, count)
    raw = Raw(database)
    theirs = 1 / statistics.median(seconds(lambda key=key: raw.move([key])) for key in raw_keys)
    show(what, ours, theirs, "/s")


def bulk(database: Database, here: World, count: int) -> None:
    """Many moves in one transaction."""
    alone, together = submitted(database, here, 100), submitted(database, here, count)
    one = statistics.median(seconds(lambda key=key: _move(database, here, [key])) for key in alone)
    ours = count / seconds(lambda: _move(database, here, together))
    raw_keys = submitted(database, here, count)
    theirs = len(raw_keys) / seconds(lambda: Raw(database).move(raw_keys))
    show(f"{count} moves in one transaction", ours, theirs, "/s")
    show("    against ours one by one", ours, 1 / one, "/s")


def _move(database: Database, here: World, keys: Sequence[int]) -> None:
    with database.write() as session:
        rows = SOME.of(session, keys)
        wishes = [_wish(row, "return_for_changes", reason="More, please.") for row in rows]
        moves.fire_all(session, wishes, here.manager, NOW)


class Raw:
    """The same reads and writes by the driver alone."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.sqlite = database.dialect == "sqlite"
        self.connection = database.engine.raw_connection()

    def move(self, keys: Sequence[int]) -> None:
        """One transaction in which each of these is moved."""
        cursor = self.connection.cursor()
        if self.sqlite:
            cursor.execute("BEGIN IMMEDIATE")
        for key in keys:
            self._one(cursor, key)
        self.connection.commit()

    def _one(self, cursor: Any, key: int) -> None:
        def run(sql: str, *values: Any) -> Any:
            return cursor.execute(sql if self.sqlite else sql.replace("?", "%s"), values)

        now = _text(NOW) if self.sqlite else NOW
        run("SELECT * FROM application WHERE id = ?", key)
        version = 2
        cursor.fetchone()
        run(
            "UPDATE application SET state = 'returned', state_since = ?, version = ? WHERE id = ? AND version = ?",
            now, version + 1, key, version,
        )  # fmt: skip
        run(
            "SELECT seq, hash FROM ledger_event WHERE chain = ? ORDER BY seq DESC LIMIT 1",
            f"application:{key}",
        )
        seq, previous = cursor.fetchone()
        run(
            "INSERT INTO ledger_event (chain, seq, at, actor_id, actor_role, subject_kind, subject_id, action, source,"
            " target, data, note, note_salt, note_digest, previous, hash) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            f"application:{key}", seq + 1, now, 1, "manager", "application", key, "return_for_changes", "submitted",
            "returned", '{"version": 3}', "More, please.", "a" * 32, "b" * 64, previous, "c" * 64,
        )  # fmt: skip
        run(
            "SELECT id FROM deadline WHERE subject_kind = 'application' AND subject_id = ? AND status = 'open'",
            key,
        )
        (deadline,) = cursor.fetchone()
        run("UPDATE deadline SET status = 'met', closed_at = ?, reason = 'x' WHERE id = ?", now, deadline)
        run(
            "UPDATE message SET status = 'cancelled', reason = 'met', finished_at = ?, worker = NULL, lease = NULL"
            " WHERE deadline_id = ? AND status IN ('pending', 'claimed', 'gathered')",
            now, deadline,
        )  # fmt: skip
        run(
            "INSERT INTO deadline (subject_kind, subject_id, application_id, round_id, key, label, owner_role, due_on,"
            " zone, due_at, grace_until, generation, status, opened_at, reason)"
            " VALUES ('application', ?, ?, 1, 'resubmission', 'Change it', 'applicant', '2021-10-05', 'UTC',"
            " ?, ?, 1, 'open', ?, '') RETURNING id",
            key, key, now, now, now,
        )  # fmt: skip
        (opened,) = cursor.fetchone()
        rows = [(f"raw:{key}:{n}", f"raw{key}-{n}", now, now, key, key, opened) for n in range(10)]
        cursor.executemany(MESSAGE if self.sqlite else MESSAGE.replace("?", "%s"), rows)


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"


if __name__ == "__main__":
    main()
