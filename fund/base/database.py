"""Two ways into the database: ``write`` for a unit of work, ``read`` for looking.

SQLite loses updates silently with Python's own transactions, so the driver's are switched off and a unit of work begins
with BEGIN IMMEDIATE; reading uses a second engine with a plain BEGIN, or it would queue for the write lock.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from select import POLLIN, poll
from time import monotonic
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import DataError, DisconnectionError, IntegrityError, OperationalError
from sqlmodel import Session

from fund.base.errors import Conflict, Invalid

BUSY_TIMEOUT_MS = 15_000
TRUSTED_S = 30
"""For so long a connection to PostgreSQL is taken to be there unless it says that it goes; then it is asked, which
costs a tenth of what a move does. What lies between may forget connections that are silent, but not so soon."""


class Database:
    """The engines of one database. Safe to share between threads; call ``close`` at the end."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.dialect = make_url(url).get_backend_name()
        if self.dialect == "sqlite":
            self.engine = _sqlite_engine(url, "BEGIN IMMEDIATE")
            self._reader = _sqlite_engine(url, "BEGIN")
        else:
            self.engine = self._reader = _postgres_engine(url)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A unit of work: everything inside commits together at the end, or nothing does.

        Raises Conflict where the database itself refused because somebody else was faster, Invalid for what no
        database can hold.
        """
        with _storable(), Session(self.engine, expire_on_commit=False) as session:
            try:
                yield session
                session.commit()
            except IntegrityError as error:
                session.rollback()
                raise Conflict from error
            except OperationalError as error:
                session.rollback()
                if _lost_a_race(error):
                    raise Conflict from error
                raise

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only looks; what it changed by mistake is rolled back."""
        with _storable(), Session(self._reader, autoflush=False, expire_on_commit=False) as session:
            yield session
            if self.dialect == "postgresql" and session.in_transaction():
                _roll_back(session)

    @property
    def engines(self) -> tuple[Engine, Engine]:
        """The engine that writes and the one that reads; on PostgreSQL they are the same."""
        return self.engine, self._reader

    def close(self) -> None:
        """Give the connections back."""
        for engine in self.engines:
            engine.dispose()


@contextmanager
def _storable() -> Iterator[None]:
    """NUL (PostgreSQL has no room for it), half a character, or a number beyond 64 bits is the sender's to correct."""
    try:
        yield
    except (DataError, OverflowError, UnicodeEncodeError) as error:
        wrong = "A text holds a character that cannot be stored, or a number is too large."
        raise Invalid({"value": wrong}) from error


def _roll_back(session: Session) -> None:
    """As the driver would, which in addition forgets all statements that it has prepared on the connection."""
    driver: Any = session.connection().connection.dbapi_connection
    if driver.info.transaction_status.name == "INTRANS":
        driver.pgconn.exec_(b"ROLLBACK")


def _lost_a_race(error: OperationalError) -> bool:
    text = str(error.orig).lower()
    return any(word in text for word in ("deadlock", "could not serialize", "database is locked"))


def _postgres_engine(url: str) -> Engine:
    # Always the connection used last: it has planned already what is asked all the time.
    engine = create_engine(url, pool_size=10, max_overflow=20, pool_use_lifo=True, hide_parameters=True)

    @event.listens_for(engine, "checkout")
    def still_there(connection: Any, record: Any, _proxy: Any) -> None:
        now = monotonic()
        rested = now - record.info.get("taken", now)
        record.info["taken"] = now
        try:
            if rested > TRUSTED_S or _hears(connection):
                engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error  # the pool gives another

    return engine


def _hears(connection: Any) -> bool:
    """Whether there is something to read though nothing was asked: the server said that it goes, or is gone."""
    door = poll()
    door.register(connection.fileno(), POLLIN)
    return bool(door.poll(0))


def _sqlite_engine(url: str, begin: str) -> Engine:
    wait = {"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000}
    engine = create_engine(url, connect_args=wait, hide_parameters=True)  # errors are logged, values are not

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "foreign_keys=ON",
            "synchronous=FULL",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
