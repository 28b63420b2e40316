"""What is known about reviews by their keys: deadlines, reasons given, how they ended."""

from collections.abc import Iterable

from sqlmodel import Session, col, select

from fund.base import undo
from fund.base.definitions import definition_by_id
from schema.deadlines import OWED, Deadline
from schema.ledger import LedgerEvent
from schema.reviews import Review

CAME_IN = "submitted"
"""The declared outcome of a review that counts."""


def deadlines(session: Session, reviews: Iterable[Review]) -> dict[int, Deadline]:
    """The nearest deadline of each of the reviews that is open or stands still. One query."""
    found = session.exec(
        select(Deadline)
        .where(
            Deadline.subject_kind == "review",
            col(Deadline.subject_id).in_([review.id for review in reviews]),
            col(Deadline.status).in_(OWED),
        )
        .order_by(col(Deadline.due_at).desc())
    )
    return {deadline.subject_id: deadline for deadline in found}


def notes(session: Session, reviews: Iterable[Review]) -> dict[int, str]:
    """The reason of each review's last move that had one. One query. For its reviewer and for managers.

    What was undone counts as not made; why a deadline was moved or waived is no reason of a move.
    """
    found = session.exec(
        select(LedgerEvent)
        .where(
            LedgerEvent.subject_kind == "review",
            col(LedgerEvent.subject_id).in_([review.id for review in reviews]),
            (col(LedgerEvent.note).is_not(None) & (col(LedgerEvent.target) != ""))
            | (col(LedgerEvent.action) == undo.UNDONE),
        )
        .order_by(col(LedgerEvent.id))
    ).all()
    return {event.subject_id: event.note or "" for event in undo.live(found)}


def outcome(session: Session, review: Review) -> str | None:
    """How the review ended, as its workflow declares it (``submitted``, ``conflict`` …); None while it goes on."""
    return definition_by_id(session, review.workflow_id).state(review.state).outcome
