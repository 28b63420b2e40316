"""Fixtures for this room: statements seen by the database, and many callers at once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any, TypeVar

import pytest
from sqlalchemy import event

from fund.base.database import Database

T = TypeVar("T")


@contextmanager
def _statements(db: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):  # SQLite's own, where PostgreSQL's driver begins unseen
            seen.append(" ".join(statement.split()))

    engines = {id(engine): engine for engine in (db.engine, db._reader)}.values()
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def statements() -> Callable[[Database], Any]:
    """``with statements(db) as seen:`` collects the SQL that is carried out inside."""
    return _statements


@pytest.fixture
def at_once() -> Callable[[int, Callable[[], T]], list[T]]:
    """``at_once(8, call)`` starts ``call`` in eight threads at the same moment and answers what each returned."""

    def run(count: int, call: Callable[[], T]) -> list[T]:
        barrier = Barrier(count)

        def together(_number: int) -> T:
            barrier.wait(10)
            return call()

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(together, range(count)))

    return run
