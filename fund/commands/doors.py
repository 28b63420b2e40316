"""What commands share: settings, the database, a unit of work in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlmodel import Session

from fund.base import migrations
from fund.base.database import Database
from fund.base.errors import Misconfigured
from fund.base.logs import configure
from fund.base.settings import Settings, load_settings


def settings() -> Settings:
    """The settings, with logging set up by them. Raises Misconfigured."""
    loaded = load_settings()
    configure(loaded)
    return loaded


@contextmanager
def database(settings: Settings) -> Iterator[Database]:
    """The settings' database, closed at the end; the folder of an embedded one is made."""
    if not settings.database_url:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    opened = Database(settings.database)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def writing() -> Iterator[Session]:
    """A unit of work in the settings' database. Raises Misconfigured where it lacks this version's schema."""
    with database(load_settings()) as opened:
        require_schema(opened)
        with opened.write() as session:
            yield session


@contextmanager
def reading() -> Iterator[Session]:
    """A session that only looks. Raises Misconfigured where the database lacks this version's schema."""
    with database(load_settings()) as opened:
        require_schema(opened)
        with opened.read() as session:
            yield session


def require_schema(opened: Database) -> None:
    """Raises Misconfigured, saying what to do, where the database lacks this version's schema."""
    if not migrations.is_current(opened):
        raise Misconfigured("The database does not have this version's schema. Run: fund migrate")
