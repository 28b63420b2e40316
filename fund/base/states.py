"""The one statement that writes where things stand, and only if nobody moved them since they were read.

``fund.base.moves`` uses it for a move, ``fund.base.migrating`` for a change of version. Nothing else may.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session

from fund.base.errors import Conflict
from fund.base.subjects import Subject, id_of
from schema.rows import table_of
from schema.statements import Prepared


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
    values: dict[str, Any] = {"state": state}
    if since is not None:
        values["state_since"] = since
    if workflow_id is not None:
        values["workflow_id"] = workflow_id
    write_all(session, [(subject, values)])


def write_all(session: Session, changes: Sequence[tuple[Subject, Mapping[str, Any]]]) -> None:
    """The same for many subjects, which may be of several kinds; ``values`` name the same columns for each of a kind.

    Raises Conflict if one of them was moved by somebody else.
    """
    by_table: dict[type[Subject], list[dict[str, Any]]] = {}
    for subject, values in changes:
        parameters = dict(values) | {
            "version": subject.version + 1,
            "of": id_of(subject),
            "read": subject.version,
        }
        by_table.setdefault(type(subject), []).append(parameters)
    for table, each in by_table.items():
        if _statement(table, tuple(each[0])[:-2]).each(session, each) != len(each):
            raise Conflict
    for subject, values in changes:
        for name, value in (dict(values) | {"version": subject.version + 1}).items():
            set_committed_value(subject, name, value)


@cache
def _statement(table: type[Subject], columns: tuple[str, ...]) -> Prepared:
    core = table_of(table)
    where = (core.c.id == bindparam("of"), core.c.version == bindparam("read"))
    return Prepared(update(core).where(*where).values({name: bindparam(name) for name in columns}))
