"""The way that something came: the states that it stood in, since when, and the moves that led there."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session, col, or_, select

from fund.base.eras import CHANGED, readings
from fund.base.subjects import Subject, id_of, kind_of
from fund.base.undo import live
from schema.ledger import LedgerEvent
from workflows import State


@dataclass(frozen=True)
class Step:
    """A state that something came to, and when. The last one is where it stands.

    ``state`` is as the definition of that time has it. ``name``, and ``left`` with ``trigger`` (the move that led
    there; empty for the first), are by the names of now.
    """

    state: State
    at: datetime
    name: str
    left: str
    trigger: str


def steps(session: Session, subject: Subject) -> list[Step]:
    """Every state that the subject came to, in order. What was undone is left out.

    Where another version of the workflow only gave it another place, the last step goes on under the new name.
    """
    event = LedgerEvent
    mine = (event.subject_kind == kind_of(subject), event.subject_id == id_of(subject))
    moved = or_(event.target != "", event.action == CHANGED)
    events = session.exec(select(event).where(*mine, moved).order_by(col(event.seq))).all()
    read = readings(session, subject, events)
    found: list[Step] = []
    for one in live(events):
        said = read[one.seq]
        state = said.target(one)
        if state is None or one.source == one.target:
            continue
        if one.action == CHANGED and found:
            found[-1] = replace(found[-1], state=state, name=said.now(one.target))
        else:
            left = said.now(one.source)
            found.append(Step(state, one.at, said.now(one.target), left, one.action if left else ""))
    return found
