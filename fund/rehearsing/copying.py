"""A round with all that belongs to it, and the fund's people, copied into a database that is thrown away afterwards.

Tables are copied by what they hold, not by their names: a table that is added later comes along by itself.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    String,
    Table,
    and_,
    cast,
    event,
    func,
    literal,
    or_,
    select,
)
from sqlmodel import Session, SQLModel

from fund.base.database import Database
from schema.outbox import MessageStatus

LEFT_OUT = frozenset(
    {
        "api_token",
        "calendar_feed",
        "delivery_attempt",
        "seal",
        "sealed_head",
        "sign_in_code",
        "sign_in_session",
        "throttle",
        "webhook",
        "worker",
    }
)
"""Secrets, and what says only of the fund itself how it runs. Nobody outside is called from a rehearsal either."""
IN_HAND = (MessageStatus.GATHERED.value, MessageStatus.CLAIMED.value, MessageStatus.SENDING.value)
BATCH = 1000
PREFIX = "fund-rehearsal-"
LEFT_BEHIND = 24 * 3600
"""Seconds after which a copy belongs to nobody any more: its process was killed."""


@dataclass(frozen=True)
class Scratch:
    """The copy: a database, and a folder that is there as long as it."""

    database: Database
    folder: Path


@contextmanager
def scratch(source: Database, round_id: int, most: int | None = None) -> Iterator[Scratch]:
    """A copy of the round with at most ``most`` of its applications. The source is only read, as of one moment."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        folder = Path(name)
        _clear_away(folder)
        database = _quick(Database(f"sqlite:///{folder / 'rehearsal.sqlite3'}"))
        try:
            SQLModel.metadata.create_all(database.engine)
            with _snapshot(source) as reading, database.write() as writing:
                _copy(reading, writing, Narrowed(round_id, most))
            yield Scratch(database, folder)
        finally:
            database.close()


def _clear_away(fresh: Path) -> None:
    """Remove copies beside ``fresh`` that killed processes left behind: there are people in them."""
    since = fresh.stat().st_mtime - LEFT_BEHIND
    for folder in fresh.parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # somebody else's, or gone since
            if folder.lstat().st_mtime < since:
                shutil.rmtree(folder)


def _quick(database: Database) -> Database:
    """Nobody needs the copy after a power cut."""
    for engine in database.engines:

        @event.listens_for(engine, "connect")
        def loosen(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA synchronous=OFF")

    return database


@contextmanager
def _snapshot(source: Database) -> Iterator[Session]:
    """A session in which everything is as it was at one moment, and nothing can be written."""
    with source.read() as session:
        if source.dialect == "postgresql":
            session.connection(
                execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            )
        yield session


def _copy(reading: Session, writing: Session, narrowed: "Narrowed") -> None:
    for table in SQLModel.metadata.sorted_tables:
        if (wanted := narrowed.rows(table)) is None:
            continue
        found = reading.connection().execute(wanted)
        for batch in found.mappings().partitions(BATCH):
            writing.connection().execute(table.insert(), [_free(table, dict(row)) for row in batch])


def _free(table: Table, values: dict[str, Any]) -> dict[str, Any]:
    """The row without what points out of the copy, and no message in anybody's hand or in a digest."""
    for column in table.columns:
        if any(key.column.table.name in LEFT_OUT for key in column.foreign_keys):
            values[column.name] = None
    if table.name == "message" and values["status"] in IN_HAND:
        values |= {"status": MessageStatus.PENDING.value, "worker": None, "lease": None, "digest_id": None}
    return values


class Narrowed:
    """Which rows of each table belong to the round, or to all rounds alike."""

    def __init__(self, round_id: int, most: int | None) -> None:
        self._round_id = round_id
        tables = SQLModel.metadata.tables
        applications, events = tables["application"], tables["ledger_event"]
        of_round = select(applications.c.id).where(applications.c.round_id == round_id)
        if most is not None:
            of_round = of_round.order_by(applications.c.id).limit(most)
        self._own: dict[str, ColumnElement[bool]] = {
            "round": tables["round"].c.id == round_id,
            "application": applications.c.id.in_(of_round),
            "ledger_event": self._heads(events, of_round),
            "message": tables["message"].c.webhook_id.is_(None),
        }
        self._known: dict[str, ColumnElement[bool] | None] = {}

    def rows(self, table: Table) -> Select[Any] | None:
        """The rows that are copied, or None for a table that is left out."""
        if table.name in LEFT_OUT or any(
            not column.nullable and key.column.table.name in LEFT_OUT
            for column in table.columns
            for key in column.foreign_keys
        ):
            return None
        condition = self._where(table)
        return select(table) if condition is None else select(table).where(condition)

    def _where(self, table: Table) -> ColumnElement[bool] | None:
        """What holds for the rows that belong to the round; None where the table is everybody's."""
        if table.name not in self._known:
            self._known[table.name] = self._found(table)
        return self._known[table.name]

    def _found(self, table: Table) -> ColumnElement[bool] | None:
        conditions = [self._own[table.name]] if table.name in self._own else []
        if table.name != "ledger_event":
            conditions += [one for column in table.columns for one in self._follows(table, column)]
        if {"subject_kind", "subject_id", "application_id"} <= set(table.c.keys()):
            about_round = and_(table.c.subject_kind == "round", table.c.subject_id == self._round_id)
            conditions.append(or_(table.c.application_id.is_not(None), about_round))
        return and_(*conditions) if conditions else None

    def _follows(self, table: Table, column: Column[Any]) -> Iterator[ColumnElement[bool]]:
        """A row goes where the row goes that it points to."""
        for key in column.foreign_keys:
            parent = key.column.table
            if parent is table or parent.name in LEFT_OUT or (where := self._where(parent)) is None:
                continue
            there = column.in_(select(key.column).where(where))
            yield or_(column.is_(None), there) if column.nullable else there

    def _heads(self, events: Table, applications: Select[Any]) -> ColumnElement[bool]:
        """Of each chain the last event: what is appended is numbered from there."""
        names = select(literal("application:") + cast(applications.subquery().c.id, String))
        newest = events.alias("newest")
        last = select(func.max(newest.c.seq)).where(newest.c.chain == events.c.chain).scalar_subquery()
        ours = or_(events.c.chain == f"round:{self._round_id}", events.c.chain.in_(names))
        return and_(ours, events.c.seq == last)
