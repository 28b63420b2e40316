"""The one statement that writes where a thing stands, and only if nobody moved it since it was read.

``fund.base.moves`` uses it for a move, ``fund.base.migrating`` for a change of version. Nothing else may.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, col

from fund.base.errors import Conflict
from fund.base.subjects import Subject


def write(
    session: Session,
    subject: Subject,
    *,
    state: str,
    since: datetime | None = None,
    workflow_id: int | None = None,
) -> None:
    """Put the subject into ``state``, with one version more, if the version that was read is still there.

    ``since`` is when it came there (UTC; unchanged without), ``workflow_id`` the definition that moves it from now on
    (unchanged without). Raises Conflict where somebody else was faster. The row in hand shows what was written.
    """
    session.flush()
    table, read = type(subject), subject.version
    values: dict[str, Any] = {"state": state, "version": read + 1}
    if since is not None:
        values["state_since"] = since
    if workflow_id is not None:
        values["workflow_id"] = workflow_id
    done = session.execute(
        update(table)
        .where(col(table.id) == subject.id, col(table.version) == read)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    if done.rowcount != 1:  # type: ignore[attr-defined]
        raise Conflict
    for name, value in values.items():
        set_committed_value(subject, name, value)
