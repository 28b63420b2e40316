"""Whether a worker is alive is told by a lock that dies with it, never by its clock.

On SQLite it is a locked file beside the database (``flock``), on PostgreSQL an advisory lock of a session. The
operating system and the server let go of them when the process ends, however it ends.
"""

import fcntl
import os
import secrets
import socket
import threading
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from notifications.ports import Database
from schema.outbox import Worker

FAMILY = 0x66756E64
"""The first half of our advisory locks' keys ("fund" in ASCII), apart from those of others."""


class Presence(Protocol):
    """The sign of life of this worker, and the look at that of others."""

    @property
    def name(self) -> str:
        """This worker's name, unlike that of any other that ever ran."""
        ...

    @property
    def lock(self) -> str:
        """Which lock it holds, for people to read."""
        ...

    def hold(self) -> bool:
        """Make sure that the lock is held. False where it was lost and is held anew under a new name."""
        ...

    def is_alive(self, name: str) -> bool:
        """Whether the worker of that name still holds its lock."""
        ...

    def leave(self) -> None:
        """Let go of the lock."""
        ...


def presence(database: Database, data_dir: Path) -> Presence:
    """The presence that fits the database. ``data_dir`` holds the lock files where it is SQLite."""
    if database.dialect == "postgresql":
        return PostgresPresence(database.engine)
    return FilePresence(data_dir / "workers")


def register(
    session: Session,
    present: Presence,
    now: datetime,
    unreachable_since: datetime | None = None,
    unreachable: str | None = None,
) -> None:
    """Write this worker into the table that managers see, or renew its time there, and how its mail server does."""
    worker = session.get(Worker, present.name)
    if worker is None:
        worker = Worker(name=present.name, started_at=now, beat_at=now, lock=present.lock)
    worker.beat_at = now
    worker.unreachable_since, worker.unreachable = unreachable_since, unreachable
    session.add(worker)


def _new_name(number: int) -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{number:08x}"


class FilePresence:
    """A locked file. Works among the processes of one machine, as SQLite does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: int | None = None
        self.name = _new_name(secrets.randbits(31))

    @property
    def lock(self) -> str:
        """The name of the locked file."""
        return self._path(self.name).name

    def hold(self) -> bool:
        """Make sure that the file is locked; an open file stays so until the process ends."""
        if self._held is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            held = os.open(self._path(self.name), os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._held = held
        return True

    def is_alive(self, name: str) -> bool:
        """Whether the file of that name is locked. The file of a dead worker is removed."""
        if name == self.name:
            return self._held is not None
        path = self._path(name)
        try:
            found = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            path.unlink(missing_ok=True)
            return False
        finally:
            os.close(found)

    def leave(self) -> None:
        """Unlock and remove the file."""
        if self._held is not None:
            self._path(self.name).unlink(missing_ok=True)
            os.close(self._held)
            self._held = None

    def _path(self, name: str) -> Path:
        return self._folder / f"{Path(name).name}.lock"


class PostgresPresence:
    """An advisory lock on a connection that is used for nothing else. Safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self._guard = threading.RLock()
        self._engine = engine
        self._connection: Connection | None = None
        self._number = secrets.randbits(31)

    @property
    def name(self) -> str:
        """Ends with the number of the lock, so that the name alone leads to it."""
        return _new_name(self._number)

    @property
    def lock(self) -> str:
        """The key of the advisory lock."""
        return f"{FAMILY}/{self._number}"

    def hold(self) -> bool:
        """Make sure that the lock is held. False where the connection broke: others may have taken over by now."""
        with self._guard:
            if self._connection is None:
                self._take()
                return True
            if self._still_held(self._connection):
                return True
            self.leave()
            self._number = secrets.randbits(31)
            self._take()
            return False

    def is_alive(self, name: str) -> bool:
        """Whether a session holds the lock that the name ends with."""
        try:
            number = int(name.rpartition("-")[2], 16)
        except ValueError:
            return False
        with self._guard:
            return self._granted(self._connection or self._take(), number)

    def leave(self) -> None:
        """Close the connection, and with it let go of the lock."""
        with self._guard:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _still_held(self, connection: Connection) -> bool:
        try:
            return self._granted(connection, self._number)
        except SQLAlchemyError:
            connection.invalidate()
            return False

    def _take(self) -> Connection:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
        connection.execute(
            text("SELECT pg_advisory_lock(:family, :number)"), {"family": FAMILY, "number": self._number}
        )
        self._connection = connection
        return connection

    @staticmethod
    def _granted(connection: Connection, number: int) -> bool:
        found = connection.execute(
            text(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                " AND classid = CAST(:family AS bigint) AND objid = CAST(:number AS bigint)"
            ),
            {"family": FAMILY, "number": number},
        )
        return found.first() is not None
