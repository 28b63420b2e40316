"""A fresh database with all tables for each test: a copy of one that was made once for the whole run."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import event, make_url

from fund.base import definitions
from fund.base.database import Database
from fund.base.migrations import upgrade
from tests.support import postgres
from tests.support.shared import once
from workflows import Definition

PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "alone")
Kept: TypeAlias = tuple[tuple[str, ...], ...]
OPEN: dict[str, Database] = {}
"""Databases by their addresses. Their connections end with each test, what they know of statements does not."""
KNOWN: dict[Path, tuple[Kept, tuple[int, int]]] = {}
"""What the file of each database holds, one after the other, and how it looked when that was all."""
MADE: dict[Kept, tuple[Any, Path, dict[int, Definition]]] = {}
"""What was written into new databases, and where each is kept, with the definitions that it holds."""
EMPTY: dict[str, postgres.Emptied] = {}
"""The databases on the PostgreSQL server that stay from one test to the next, by their names."""
T = TypeVar("T")


def make_tables(url: str) -> None:
    """Give an empty database the tables that the fund needs, as an operator would."""
    database = Database(url)
    upgrade(database)
    database.close()


@contextmanager
def sqlite_database(run_folder: Path, name: str = "test") -> Iterator[str]:
    """The address of a fresh SQLite database: the same one for every test of this process, unless ``name`` differs."""
    template = run_folder / "template.sqlite3"
    once(run_folder, "sqlite", lambda: make_tables(f"sqlite:///{template}"))
    path = run_folder / f"{PROCESS}-{name}.sqlite3"
    for leftover in (path.with_name(path.name + ending) for ending in ("-wal", "-shm")):
        leftover.unlink(missing_ok=True)
    shutil.copyfile(template, path)
    KNOWN[path] = (), _state(path)
    yield f"sqlite:///{path}"


@contextmanager
def postgres_database(run_folder: Path) -> Iterator[str]:
    """The address of a fresh PostgreSQL database: always the same one, emptied at the end without its connections.

    Where a test has changed more than rows the next one gets a new database.
    """
    server_url = _server(run_folder)
    template, name = _name(run_folder, "template"), _name(run_folder, PROCESS)
    once(run_folder, "template", lambda: make_tables(postgres.create_database(server_url, template)))
    if name not in EMPTY:
        EMPTY[name] = postgres.Emptied(postgres.create_database(server_url, name, template))
    try:
        yield EMPTY[name].url
    finally:
        if not EMPTY[name].again():
            del EMPTY[name]
            postgres.drop_database(server_url, name)


def again(db: Database, kept: tuple[str, ...], make: Callable[[], T], here: Callable[[T], T]) -> T:
    """What ``make`` answers once it has written into a database in which nothing is but what was kept before it.

    From the second time on the file that it left under the name ``kept`` is copied, and its answer fitted by ``here``:
    that takes a twentieth of the time. On PostgreSQL a copy would take longer than writing.
    """
    path = Path(make_url(db.url).database or "")
    before, looked = KNOWN.get(path, ((), None))
    if db.dialect != "sqlite" or looked != _state(path):
        return make()
    whole = (*before, kept)
    if whole in MADE:
        made, stored, parsed = MADE[whole]
        db.close()
        shutil.copyfile(stored, path)
        for engine in db.engines:
            definitions._parsed[engine] = dict(parsed)
        made = here(made)
    else:
        made = make()
        db.close()
        stored = path.with_name(f"{PROCESS}-made-{len(MADE)}.sqlite3")
        shutil.copyfile(path, stored)
        MADE[whole] = made, stored, dict(definitions._parsed.get(db.engine, {}))
    KNOWN[path] = whole, _state(path)
    return made


def _state(path: Path) -> tuple[int, int]:
    """Differs once something was written."""
    log = path.with_name(path.name + "-wal")
    return path.stat().st_mtime_ns, log.stat().st_size if log.exists() else 0


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """The database at ``url``, by an engine that stays: working out each statement anew for every test takes longer
    than most tests."""
    database = OPEN.get(url) or OPEN.setdefault(url, _quick(Database(url)))
    for engine in database.engines:
        definitions.forget(engine)
    try:
        yield database
    finally:
        database.close()


def _quick(database: Database) -> Database:
    """Nobody cuts the power here, and waiting for the disk would be most of the time."""
    if database.dialect == "sqlite":
        for engine in database.engines:
            event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    return database


def clear(run_folder: Path) -> None:
    """Leave nothing behind on a server that goes on after the tests. The tests' own server goes with its folder."""
    if os.environ.get("FUND_TEST_POSTGRES_URL") and (run_folder / "template.done").exists():
        server_url = _server(run_folder)
        for name in postgres.names_of_databases(server_url, _name(run_folder, "")):
            postgres.drop_database(server_url, name)


def _name(run_folder: Path, what: str) -> str:
    return f"fund_{run_folder.name.rpartition('-')[2].lower()}_{what}"


def _server(run_folder: Path) -> str:
    given = os.environ.get("FUND_TEST_POSTGRES_URL")
    if given:
        url = make_url(given).set(drivername="postgresql+psycopg")
        return url.render_as_string(hide_password=False)
    server = postgres.Server(run_folder / "postgres")
    once(run_folder, "postgres", server.start)
    return server.url
