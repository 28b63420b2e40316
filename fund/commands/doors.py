"""What commands share: settings, the database, a unit of work in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url
from sqlmodel import Session

from fund.base import migrations, own_guards
from fund.base.database import Database
from fund.base.errors import Misconfigured
from fund.base.logs import configure
from fund.base.settings import Settings, load_settings


def settings() -> Settings:
    """The settings, with logging set up by them, and with guards of one's own. Raises Misconfigured."""
    loaded = load_settings()
    configure(loaded)
    own_guards.load(loaded)
    return loaded


def quiet_settings() -> Settings:
    """The settings with guards of one's own; logging stays as it is. Raises Misconfigured."""
    loaded = load_settings()
    own_guards.load(loaded)
    return loaded


@contextmanager
def any_database(settings: Settings) -> Iterator[Database]:
    """The settings' database whatever it holds, closed at the end; the folder of an embedded one is made.

    Raises Misconfigured where that folder cannot be made.
    """
    if not settings.database_url:
        try:
            settings.data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Misconfigured(
                f"FUND_DATA_DIR: {settings.data_dir} cannot be made a folder ({error.strerror})"
            ) from error
    opened = Database(settings.database)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def database(settings: Settings) -> Iterator[Database]:
    """The settings' database, closed at the end. Nothing is made where there is none.

    Raises Misconfigured, saying what to do, where it is not there or lacks this version's schema.
    """
    place = make_url(settings.database)
    if place.get_backend_name() == "sqlite" and place.database and not Path(place.database).exists():
        raise Misconfigured(f"There is no database at {place.database} yet. Run: fund migrate")
    with any_database(settings) as opened:
        if not migrations.is_current(opened):
            raise Misconfigured("The database does not have this version's schema. Run: fund migrate")
        yield opened


@contextmanager
def writing() -> Iterator[Session]:
    """A unit of work in the settings' database. Raises Misconfigured where it lacks this version's schema."""
    with database(quiet_settings()) as opened, opened.write() as session:
        yield session


@contextmanager
def reading() -> Iterator[Session]:
    """A session that only looks. Raises Misconfigured where the database lacks this version's schema."""
    with database(quiet_settings()) as opened, opened.read() as session:
        yield session
