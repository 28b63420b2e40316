"""What the database was asked, and several people acting at the same moment."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any, TypeVar

from sqlalchemy import event

from fund.base.database import Database

T = TypeVar("T")


@contextmanager
def statements(db: Database) -> Iterator[list[str]]:
    """The SQL carried out inside, without SQLite's own BEGIN."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(" ".join(statement.split()))

    engines = {id(engine): engine for engine in (db.engine, db._reader)}.values()
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def at_once(calls: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Start all calls at the same moment; what each answered or raised, in order."""
    barrier = Barrier(len(calls))

    def together(call: Callable[[], T]) -> T | Exception:
        barrier.wait(10)
        try:
            return call()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(together, calls))
