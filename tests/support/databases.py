"""A fresh database with all tables for each test: a copy of one that was made once for the whole run."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from fund.base import definitions
from fund.base.database import Database
from fund.base.migrations import upgrade
from tests.support import postgres
from tests.support.shared import once

PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "alone")
OPEN: dict[str, Database] = {}
"""Databases by their addresses. Their connections end with each test, what they know of statements does not."""


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
    yield f"sqlite:///{path}"


@contextmanager
def postgres_database(run_folder: Path) -> Iterator[str]:
    """The address of a fresh PostgreSQL database, removed at the end with its connections: always the same address."""
    server_url = _server(run_folder)
    template = _name(run_folder, "template")
    once(run_folder, "template", lambda: make_tables(postgres.create_database(server_url, template)))
    name = _name(run_folder, PROCESS)
    try:
        yield postgres.create_database(server_url, name, template)
    finally:
        postgres.drop_database(server_url, name)


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """The database at ``url``, by an engine that stays: working out each statement anew for every test takes longer
    than most tests."""
    database = OPEN.setdefault(url, Database(url))
    for engine in (database.engine, database._reader):
        definitions.forget(engine)
    try:
        yield database
    finally:
        database.close()


def clear(run_folder: Path) -> None:
    """Leave nothing behind on a server that goes on after the tests. The tests' own server goes with its folder."""
    if os.environ.get("FUND_TEST_POSTGRES_URL") and (run_folder / "template.done").exists():
        postgres.drop_database(_server(run_folder), _name(run_folder, "template"))


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
