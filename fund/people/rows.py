"""How many rows a conditional UPDATE found: the way this room guards against two at once."""

from sqlalchemy import CursorResult, Update
from sqlmodel import Session


def changed(session: Session, statement: Update) -> int:
    """Carry ``statement`` out and answer how many rows it changed."""
    result = session.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount
