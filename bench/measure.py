"""What the measurements share: fresh databases, time, and rows of a table that shows ratios."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
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
    for kind in kinds():
        with kind as database:
            yield database


def kinds() -> Iterator[AbstractContextManager[Database]]:
    """Each kind of database that there is here, to be entered."""
    yield _sqlite()
    if postgres.available():
        yield _postgres()
    else:
        print("postgresql is not installed: left out")


@contextmanager
def _sqlite() -> Iterator[Database]:
    with folder() as here:
        url = f"sqlite:///{here / 'fund.sqlite3'}"
        databases.make_tables(url)
        with closing(Database(url)) as database:
            yield database


@contextmanager
def _postgres() -> Iterator[Database]:
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


@contextmanager
def both_databases() -> Iterator[list[Database]]:
    """A new database of each kind, at the same time."""
    with ExitStack() as stack:
        yield [stack.enter_context(database) for database in kinds()]


def heading() -> None:
    """The line above the table."""
    print(f"{'':48}{'ours':>12}{'raw':>15}   ratio")


def show(what: str, ours: float, raw: float, unit: str, *, higher_is_better: bool = True) -> None:
    """One row of the table; the ratio is above 1 where we are better than raw."""
    ratio = ours / raw if higher_is_better else raw / ours
    print(f"  {what:46}{ours:>10.3f}{unit:2} {raw:>12.3f}{unit:2} {ratio:>7.2f}")


def interleaved(rounds: int, *works: Callable[[], Any], turning: bool = True) -> list[list[float]]:
    """How long each took in every round: all have their turn in each, so that a busy machine hinders all alike.

    Who comes first changes from round to round unless each needs what the one before it did (``turning``).
    """
    took: list[list[float]] = [[] for _ in works]
    for nth in range(rounds):
        for turn in range(len(works)):
            which = (turn + (nth if turning else 0)) % len(works)
            took[which].append(seconds(works[which]))
    return took


def show_rates(what: str, count: int, ours: Sequence[float], raw: Sequence[float]) -> None:
    """One row of rates from interleaved times: the middle ones, and the middle of the ratios round by round."""
    ratio = statistics.median(theirs / mine for mine, theirs in zip(ours, raw, strict=True))
    mine, theirs = (count / statistics.median(times) for times in (ours, raw))
    print(f"  {what:46}{mine:>10.1f}/s {theirs:>12.1f}/s {ratio:>7.2f}")


def show_times(what: str, ours: Sequence[float], raw: Sequence[float], nth: float = 0.5) -> None:
    """One row of interleaved times in milliseconds: the middle ones, or another quantile."""
    mine, theirs = (sorted(times)[int(len(times) * nth)] * 1000 for times in (ours, raw))
    print(f"  {what:46}{mine:>10.3f}ms {theirs:>12.3f}ms {theirs / mine:>7.2f}")


def seconds(work: Callable[[], Any]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
