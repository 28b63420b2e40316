"""What a change of a round's reminders or days off comes to, counted before and carried out: for one round at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from fund.base.audience import Audience
from fund.base.definitions import definition_of
from fund.base.policies import offsets_of
from fund.base.subjects import get_all, id_of, lock_all
from notifications.replan import Difference, differences
from schema.deadlines import Deadline, DeadlineStatus
from schema.rounds import Round


@dataclass(frozen=True)
class Reach:
    """How many planned reminders change (come, go or stand at another time), and of how many open deadlines."""

    reminders: int = 0
    deadlines: int = 0


def open_in(session: Session, round_: Round) -> Sequence[Deadline]:
    """Every open deadline in the round, read afresh."""
    return session.exec(
        select(Deadline)
        .where(Deadline.round_id == id_of(round_), Deadline.status == DeadlineStatus.OPEN)
        .order_by(col(Deadline.id))
        .execution_options(populate_existing=True)
    ).all()


def lock_whole(session: Session, round_: Round) -> None:
    """Make whoever moves the round or something in it that has an open deadline wait until this unit of work ends.

    What was begun while this waited does not wait: no reminder of what ends goes out, and the hourly look mends.
    """
    seen = open_in(session, round_)
    lock_all(session, [*get_all(session, [(one.subject_kind, one.subject_id) for one in seen]), round_])


def differing(
    session: Session,
    round_: Round,
    now: datetime,
    only: tuple[str, str] | None = None,
    **changes: Any,
) -> list[Difference]:
    """How the reminders of the round's open deadlines differ from what it calls for with ``changes`` to its columns.

    ``only`` names the kind of subject and the key of the deadlines to look at. Writes nothing.
    """
    changed = Round(**round_.model_dump() | changes)
    rows = [one for one in open_in(session, round_) if only in (None, (one.subject_kind, one.key))]
    subjects = get_all(session, [(one.subject_kind, one.subject_id) for one in rows])
    audience = Audience(session, subjects)
    wanted = [
        (
            row,
            offsets_of(
                session, audience, subject, definition_of(session, subject).deadline(row.key), changed
            ),
        )
        for row, subject in zip(rows, subjects, strict=True)
    ]
    return differences(session, wanted, now)


def reach_of(found: Sequence[Difference]) -> Reach:
    """The differences, counted."""
    return Reach(sum(len(one) for one in found), len(found))
