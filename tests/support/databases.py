"""A fresh database with all tables for each test: a copy of one that was made once for the whole run."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from fund.base.database import Database
from fund.base.migrations import upgrade
from tests.support import postgres
from tests.support.shared import once


def make_tables(url: str) -> None:
    """Give an empty database the tables that the fund needs, as an operator would."""
    database = Database(url)
    upgrade(database)
    database.close()


@contextmanager
def sqlite_database(run_folder: Path, folder: Path) -> Iterator[str]:
    """The address of a fresh SQLite database in ``folder``."""
    template = run_folder / "template.sqlite3"
    once(run_folder, "sqlite", lambda: make_tables(f"sqlite:///{template}"))
    path = folder / "fund.sqlite3"
    shutil.copyfile(template, path)
    yield f"sqlite:///{path}"


@contextmanager
def postgres_database(run_folder: Path) -> Iterator[str]:
    """The address of a fresh PostgreSQL database, removed at the end with its connections."""
    server_url = _server(run_folder)
    template = f"fund_template_{run_folder.name.rpartition('-')[2].lower()}"
    once(run_folder, "template", lambda: make_tables(postgres.create_database(server_url, template)))
    name = f"fund_{uuid.uuid4().hex}"
    try:
        yield postgres.create_database(server_url, name, template)
    finally:
        postgres.drop_database(server_url, name)


def _server(run_folder: Path) -> str:
    given = os.environ.get("FUND_TEST_POSTGRES_URL")
    if given:
        url = make_url(given).set(drivername="postgresql+psycopg")
        return url.render_as_string(hide_password=False)
    server = postgres.Server(run_folder / "postgres")
    once(run_folder, "postgres", server.start)
    return server.url
