"""Which deadlines a manager gave another day, for those who owe them: from when, to when and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from fund.base.extending import MOVED
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent


@dataclass(frozen=True, slots=True)
class Moved:
    """The last time that a deadline was given another local day by hand."""

    was: date
    day: date
    reason: str


def last_moves(session: Session, deadlines: Sequence[Deadline]) -> dict[int, Moved]:
    """How each was moved last, by its key; those that never were are left out. One query, or none."""
    of = {(one.subject_kind, one.subject_id) for one in deadlines if one.generation > 1}
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
