"""Statements that are put together once and carried out for many rows at a time.

What a move writes goes this way: the object mapper takes several times as long as the database itself. Rows in hand
that a statement changed are told to look again (``forget``).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import CursorResult, Executable
from sqlalchemy.orm.util import identity_key
from sqlmodel import Session, SQLModel

from fund.base.errors import Conflict


def rows(session: Session, statement: Executable, **parameters: Any) -> Sequence[Any]:
    """What the statement answers, with everything that is in hand written before."""
    session.flush()
    return session.connection().execute(statement, parameters).all()


def carry_out(session: Session, statement: Executable, each: Sequence[Mapping[str, Any]]) -> int:
    """Carry the statement out once for each of the parameters; how many rows it reached in all."""
    if not each:
        return 0
    session.flush()
    result: CursorResult[Any] = session.connection().execute(statement, list(each))
    return result.rowcount


def reach_each(session: Session, statement: Executable, each: Sequence[Mapping[str, Any]]) -> None:
    """As ``carry_out``. Raises Conflict unless it reached one row for each of the parameters."""
    if carry_out(session, statement, each) != len(each):
        raise Conflict


def keys_of(session: Session, insert: Executable, each: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert the rows with a statement that returns their keys; the keys in the order of the rows."""
    return list(session.connection().execute(insert, list(each)).scalars())


def forget(session: Session, table: type[SQLModel], keys: Iterable[int]) -> None:
    """Let the rows of these keys that are in hand be read again when somebody looks at them."""
    for key in keys:
        held = session.identity_map.get(identity_key(table, key))
        if held is not None:
            session.expire(held)
