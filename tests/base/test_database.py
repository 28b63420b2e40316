"""What becomes of connections between two units of work."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from fund.base import database
from fund.base.database import Database
from schema.people import Member
from tests.support import postgres

AT = datetime(2021, 9, 21, 8, tzinfo=UTC)
OTHERS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE pid != pg_backend_pid() AND datname = current_database()"
)


@pytest.fixture
def several(postgres_url: str) -> Iterator[Database]:
    """Whose pool holds three connections."""
    with closing(Database(postgres_url)) as made:
        fill_pool(made, 3)
        yield made


def fill_pool(made: Database, count: int) -> set[int]:
    """The server's processes for so many connections that were used at once."""
    with ExitStack() as stack:
        return {serving(stack.enter_context(made.read())) for _ in range(count)}


def serving(session: Session) -> int:
    return session.connection().scalar(text("SELECT pg_backend_pid()")) or 0


def works(made: Database) -> int:
    """Which process of the server it was that wrote and then read."""
    with made.write() as session:
        written = serving(session)
    with made.read() as session:
        assert serving(session)
    return written


@pytest.mark.parametrize("trusted", [30, 0], ids=["it was heard to go", "it was asked"])
def test_a_broken_connection_is_replaced_before_it_is_used(several, postgres_url, monkeypatch, trusted):
    monkeypatch.setattr(database, "TRUSTED_S", trusted)
    with closing(Database(postgres_url)) as other, other.write() as session:
        assert len(session.connection().execute(text(OTHERS)).all()) == 3
    works(several)


@pytest.mark.parametrize("trusted", [30, 0])
def test_one_that_is_there_is_used_again(postgres_url, monkeypatch, trusted):
    monkeypatch.setattr(database, "TRUSTED_S", trusted)
    with closing(Database(postgres_url)) as made:
        assert works(made) == works(made)


@pytest.mark.slow
def test_the_server_may_be_started_anew(postgres_url, run_folder: Path):
    server = postgres.Server(run_folder / "anew")
    server.start()
    try:
        with closing(Database(server.url)) as made:
            fill_pool(made, 3)
            server.restart()
            works(made)
    finally:
        server.stop()


def test_what_a_session_that_only_looks_changed_by_mistake_is_undone(db):
    with db.read() as session:
        session.add(Member(name="By mistake", slug="mistake", joined_at=AT))
        session.flush()
    with db.read() as session:
        session.connection().execute(text("DELETE FROM member"))
        session.add(Member(name="Never written", slug="never", joined_at=AT))
    with db.write() as session:
        assert session.exec(select(Member)).all() == []


def test_looking_leaves_the_statements_that_the_driver_has_prepared(postgres_url):
    with closing(Database(postgres_url)) as made:
        for _ in range(7):  # it prepares what is asked more than five times
            works(made)
        with made.write() as session:
            prepared = session.connection().execute(text("SELECT statement FROM pg_prepared_statements"))
            assert any("pg_backend_pid" in statement for statement in prepared.scalars())
