"""Which deadlines a manager gave another day, for those who may know: from when, to when and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from fund.base import access
from fund.base.extending import MOVED
from fund.base.permissions import Viewer
from fund.base.subjects import get_all
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent


@dataclass(frozen=True, slots=True)
class Moved:
    """The last time that a deadline was given another local day by hand."""

    was: date
    day: date
    reason: str


def last_moves(session: Session, viewer: Viewer, deadlines: Iterable[Deadline | None]) -> dict[int, Moved]:
    """How each was moved last, by its key; left out are those that never were, and what is not for the viewer.

    No query where none was moved, and as many for several as for one of the same kind.
    """
    moved = [one for one in deadlines if one is not None and one.generation > 1]
    names = [(one.subject_kind, one.subject_id) for one in moved]
    subjects = zip(moved, get_all(session, names), names, strict=True)
    of = {name for one, what, name in subjects if access.reads_history(session, what, viewer, one)}
    if not of:
        return {}
    found = session.exec(
        select(LedgerEvent)
        .where(
            tuple_(col(LedgerEvent.subject_kind), col(LedgerEvent.subject_id)).in_(of),
            LedgerEvent.action == MOVED,
        )
        .order_by(col(LedgerEvent.seq))
    )
    moves = {event.data["id"]: event for event in found}
    return {key: _read(event) for key, event in moves.items()}


def _read(event: LedgerEvent) -> Moved:
    was, day = (date.fromisoformat(event.data[name]) for name in ("before", "due_on"))
    return Moved(was, day, event.note or "")
