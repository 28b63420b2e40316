"""Taking turns, where what must not be there twice cannot be told by one row."""

from zlib import crc32

from sqlalchemy import text
from sqlmodel import Session

FAMILY = 7461902
"""The number under which PostgreSQL keeps these turns apart from other locks."""


def take_turn(session: Session, what: str) -> None:
    """Wait until whoever does ``what`` now is done, and let others wait until this unit of work ends.

    What is read afterwards shows what the others did. SQLite lets one write at a time anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        number = crc32(what.encode()) - 2**31
        session.execute(
            text("SELECT pg_advisory_xact_lock(:family, :number)"), {"family": FAMILY, "number": number}
        )
