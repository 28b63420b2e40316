"""What the measurements share: fresh databases, time, and rows of a table that shows ratios."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from fund.base.database import Database
from tests.support import databases, postgres


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="fund-bench-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def fresh_databases() -> Iterator[Database]:
    """A new database of each kind, one after the other."""
    with folder() as here:
        url = f"sqlite:///{here / 'fund.sqlite3'}"
        databases.make_tables(url)
        with closing(Database(url)) as database:
            yield database
    if not postgres.available():
        print("postgresql is not installed: left out")
        return
    with folder() as here:
        server = postgres.Server(here / "postgres")
        server.start()
        try:
            url = postgres.create_database(server.url, "bench")
            databases.make_tables(url)
            with closing(Database(url)) as database:
                yield database
        finally:
            server.stop()


def heading() -> None:
    """The line above the table."""
    print(f"{'':44}{'ours':>14}{'raw':>14}   ratio")


def show(what: str, ours: float, raw: float, unit: str, *, higher_is_better: bool = True) -> None:
    """One row of the table; the ratio is above 1 where we are better than raw."""
    ratio = ours / raw if higher_is_better else raw / ours
    print(f"  {what:42}{ours:>12.3f}{unit:2}{raw:>12.3f}{unit:2}{ratio:>8.2f}")


def seconds(work: Callable[[], Any]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
