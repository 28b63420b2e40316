"""Moves against raw drivers: ``python -m bench.transitions [--moves 500] [--applications 1000000]``.

A move here is the whole of it, as the service makes it: load, rights and guards, the versioned update, the chained
ledger event, a deadline that ends, one that begins, two mails; and the same with the reminders of both. Raw is the
driver alone: it reads what these rows are made of and writes rows with the same content, without asking anything. Ours
and raw take turns. To be reached: 30 % of raw sqlite3 (synchronous FULL), 50 % of raw psycopg; 500 in one transaction
8 times and 5 times the single rate; the same cost with few and many applications.
"""

import argparse
import json
import secrets
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlmodel import col

from bench.measure import fresh_databases, heading, seconds, show
from fund.app import settle_down
from fund.applying import service
from fund.base import children, moves
from fund.base.database import Database
from schema.applications import Application
from schema.rounds import Round
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
NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT {0} UNION ALL SELECT i + 1 FROM n WHERE i < {1})",
    "postgresql": "WITH n AS (SELECT * FROM generate_series({0}, {1}) AS n(i))",
}
MOVE, REASON = "return_for_changes", "More, please."
APPLICATION = "SELECT round_id, member_id, version, state, reference, title FROM application WHERE id = ?"
ROUND = "SELECT zone, state, closes_on, review_due_on, decision_on FROM round WHERE id = ?"
ACTING = "SELECT id, zone, disabled_at FROM person JOIN membership ON person_id = id WHERE member_id = ? ORDER BY id"
MANAGERS = "SELECT id, zone FROM person JOIN person_role ON person_id = id WHERE role = 'manager'"
CHILDREN = " UNION ALL ".join(
    f"SELECT id, state, workflow_id FROM {table} WHERE application_id = ?"
    for table in ("review", "report", "lesson")
)
STATE = "UPDATE application SET state = 'returned', state_since = ?, version = ? WHERE id = ? AND version = ?"
HEAD = "SELECT seq, hash FROM ledger_event WHERE chain = ? ORDER BY seq DESC LIMIT 1"
OPEN = "SELECT id FROM deadline WHERE subject_kind = 'application' AND subject_id = ? AND status = 'open'"
MET = "UPDATE deadline SET status = 'met', closed_at = ?, reason = 'Return for changes' WHERE id = ?"
CANCEL = (
    "UPDATE message SET status = 'cancelled', reason = 'met', finished_at = ?, worker = NULL, lease = NULL"
    " WHERE deadline_id = ? AND status IN ('pending', 'claimed', 'gathered')"
)
FILLING = (Path(__file__).parent / "fill.sql").read_text("utf-8").partition("\n")[2].split(";")


def main() -> None:
    """Measure everything and print one table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--moves", type=int, default=500, help="how many moves are made of each kind")
    options.add_argument(
        "--applications", type=int, default=1_000_000, help="how many wait meanwhile, at most"
    )
    arguments = options.parse_args()
    settle_down()
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
    remind(database, here, of=())
    for nth, applications in enumerate((1000, many), 1):
        fill(database, nth * FIRST, nth * FIRST + applications)
        single(database, here, count, f"moves with two mails, {applications} applications")
    bulk(database, here, count)
    remind(database, here)
    single(database, here, count, "moves that plan eight reminders besides")
    bulk(database, here, count)


def remind(database: Database, here: World, of: Sequence[Any] | None = None) -> None:
    """Let the round have these reminders of its own, or those of its workflow."""
    own = {} if of is None else {f"application.{key}": list(of) for key in ("screening", "resubmission")}
    with database.write() as session:
        session.get_one(Round, here.round_id).reminders = own


def fill(database: Database, first: int, last: int) -> None:
    """Applications with these keys that wait for their deadline."""
    with database.write() as session:
        for statement in FILLING:
            numbers = NUMBERS[database.dialect].format(first, last)
            session.connection().exec_driver_sql(statement.format(numbers=numbers))
    if database.dialect == "postgresql":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")


def submitted(database: Database, here: World, count: int) -> list[tuple[int, str]]:
    """Key and reference of so many that have just been submitted, each with its history, deadline and mail."""
    with database.write() as session:
        new = [_application(session, here) for _ in range(count)]
        names = [(one.id or 0, one.reference) for one in new]
    with database.write() as session:
        rows = SOME.of(session, [key for key, _ in names])
        moves.fire_all(session, [_wish(row, "submit", declaration=True) for row in rows], here.applicant, NOW)
    return names


def _application(session: Any, here: World) -> Application:
    application = Application(
        reference=f"PIF-{secrets.token_hex(8)}",
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


def _wish(row: Application, trigger: str, **data: Any) -> moves.Wish:
    return moves.Wish(subject=row, trigger=trigger, version=row.version, reason=REASON, data=data)


def single(database: Database, here: World, count: int, what: str) -> None:
    """One move in each transaction: the rate of the middle one, so that a pause of the machine does not count."""
    mine, raw = submitted(database, here, count), Raw(database, here)
    others = submitted(database, here, count)
    ours, theirs = [], []
    for (_, reference), (key, _) in zip(mine, others, strict=True):
        ours.append(seconds(partial(_move, database, here, reference)))
        theirs.append(seconds(partial(raw.move, [key])))
    raw.connection.close()
    show(what, 1 / statistics.median(ours), 1 / statistics.median(theirs), "/s")


def bulk(database: Database, here: World, count: int) -> None:
    """Many moves in one transaction, three times; the rate of the middle one, as for single moves between them."""
    raw, alone, raw_alone, ours, theirs = Raw(database, here), [], [], [], []
    for _ in range(3):
        for (_, reference), (key, _) in zip(*(submitted(database, here, 100) for _ in range(2)), strict=True):
            alone.append(seconds(partial(_move, database, here, reference)))
            raw_alone.append(seconds(partial(raw.move, [key])))
        together, others = submitted(database, here, count), submitted(database, here, count)
        ours.append(seconds(partial(_move_all, database, here, [key for key, _ in together])) / count)
        theirs.append(seconds(partial(raw.move, [key for key, _ in others])) / count)
    raw.connection.close()
    mine, its, one, its_one = (1 / statistics.median(took) for took in (ours, theirs, alone, raw_alone))
    show(f"{count} moves in one transaction", mine, its, "/s")
    show("    against ours one by one", mine, one, "/s")
    show("    raw against raw one by one", its, its_one, "/s")


def _move(database: Database, here: World, reference: str) -> None:
    with database.write() as session:
        service.move(session, here.manager, reference, MOVE, version=2, now=NOW, reason=REASON)


def _move_all(database: Database, here: World, keys: Sequence[int]) -> None:
    with database.write() as session:
        moves.fire_all(session, [_wish(row, MOVE) for row in SOME.of(session, keys)], here.manager, NOW)


class Raw:
    """The same by the driver alone: it writes what a move of ours wrote, for other applications."""

    def __init__(self, database: Database, here: World) -> None:
        self.sqlite = database.dialect == "sqlite"
        self.connection = database.engine.raw_connection()
        [(key, reference)] = submitted(database, here, 1)
        (before,) = self._run("SELECT max(id) FROM message").fetchone()
        self.connection.rollback()
        _move(database, here, reference)
        self.now = NOW.strftime("%Y-%m-%d %H:%M:%S.%f") if self.sqlite else NOW
        self.event = self._last("ledger_event", key)[-1]
        self.deadline = self._last("deadline", key)[-1]
        self.messages = self._last("message", key, before)
        self.connection.rollback()
        self.add_event = self._insert("ledger_event", self.event)
        self.add_deadline = self._insert("deadline", self.deadline) + " RETURNING id"
        self.add_message = self._insert("message", self.messages[0]) + " ON CONFLICT (dedup_key) DO NOTHING"
        self.application = APPLICATION + ("" if self.sqlite else " FOR UPDATE")

    def move(self, keys: Sequence[int]) -> None:
        """One transaction in which each of these is moved."""
        if self.sqlite:
            self._run("BEGIN IMMEDIATE")
        for key in keys:
            self._one(key)
        self.connection.commit()

    def _one(self, key: int) -> None:
        run, now, chain = self._run, self.now, f"application:{key}"
        round_id, member_id, version = run(self.application, key).fetchone()[:3]
        run(ROUND, round_id).fetchone()
        run(ACTING, member_id).fetchall()
        run(MANAGERS).fetchall()
        run(CHILDREN, key, key, key).fetchall()
        run(STATE, now, version + 1, key, version)
        seq, previous = run(HEAD, chain).fetchone()
        event = self.event | {"chain": chain, "subject_id": key, "seq": seq + 1, "previous": previous}
        run(self.add_event, *event.values())
        (old,) = run(OPEN, key).fetchone()
        run(MET, now, old)
        run(CANCEL, now, old)
        due = self.deadline | {"subject_id": key, "application_id": key}
        (opened,) = run(self.add_deadline, *due.values()).fetchone()
        rows = [self._message(key, opened, nth, row) for nth, row in enumerate(self.messages)]
        self.connection.cursor().executemany(self.add_message, rows)

    def _message(self, key: int, deadline: int, nth: int, row: dict[str, Any]) -> list[Any]:
        own: dict[str, Any] = {"dedup_key": f"raw:{key}:{nth}", "mail_id": secrets.token_urlsafe(18)}
        own |= {"application_id": key, "subject_id": key, "deadline_id": row["deadline_id"] and deadline}
        return list((row | own).values())

    def _last(self, table: str, key: int, after: int = 0) -> list[dict[str, Any]]:
        """What was written of the application, without the keys of the rows."""
        mine = f"SELECT * FROM {table} WHERE subject_kind = 'application' AND subject_id = ? AND id > ? ORDER BY id"
        found = self._run(mine, key, after)
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, map(_plain, row), strict=True)) for row in found.fetchall()]
        return [{name: value for name, value in row.items() if name != "id"} for row in rows]

    def _insert(self, table: str, row: Mapping[str, Any]) -> str:
        mark = "?" if self.sqlite else "%s"
        return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(mark for _ in row)})"

    def _run(self, sql: str, *values: Any) -> Any:
        cursor = self.connection.cursor()
        cursor.execute(sql if self.sqlite else sql.replace("?", "%s"), values)
        return cursor


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


if __name__ == "__main__":
    main()
