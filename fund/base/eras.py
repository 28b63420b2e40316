"""The versions that something lived by: what a state was called when an event was written, and what it is called now.

A round may be put onto another version of a workflow while things stand in it. What the ledger tells of the time before
is to be read with the definition of that time; where a state took another's place, what stood there stands there still.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, or_, select

from fund.base.definitions import definition_by_id, definition_of
from fund.base.subjects import Subject, get, kind_of, round_of
from schema.ledger import LedgerEvent
from schema.workflows import Workflow
from workflows import Definition, State

CHANGED, ROUND_CHANGED = "workflow_changed", "workflows_changed"
"""Actions in the ledger: of each thing that was put onto another version, and of its round."""


@dataclass(frozen=True)
class Turn:
    """A change of version: the definitions before and after it, and by old name the states that took others' places."""

    before: Definition
    after: Definition
    places: Mapping[str, str]

    @property
    def renamed(self) -> Mapping[str, str]:
        """Of the places those that are the same state under a new name: the old version did not know it."""
        return {old: new for old, new in self.places.items() if new not in self.before.states}


@dataclass(frozen=True)
class Reading:
    """How an event is to be read: by the definitions before and after it, which differ at a change of version."""

    before: Definition
    after: Definition
    places: Mapping[str, str]
    """By the name that a state had after the event what it is called now, where that is not the same."""

    def source(self, event: LedgerEvent) -> State | None:
        """The state that was left, as it was called then; None where there is none."""
        return self.before.states.get(event.source)

    def target(self, event: LedgerEvent) -> State | None:
        """The state that was come to, as it was called then; None where there is none."""
        return self.after.states.get(event.target)

    def now(self, name: str) -> str:
        """What a state of that time is called now."""
        return self.places.get(name, name)


def readings(session: Session, subject: Subject, events: Iterable[LedgerEvent]) -> dict[int, Reading]:
    """How each of the subject's own events is to be read, by its number. Every later one of them has to be there."""
    definition, places = definition_of(session, subject), dict[str, str]()
    mine = sorted(events, key=lambda event: event.seq, reverse=True)
    turns = _turns_of(session, subject) if any(event.action == CHANGED for event in mine) else {}
    found: dict[int, Reading] = {}
    for event in mine:
        turn = turns.get(event.at) if event.action == CHANGED else None
        found[event.seq] = Reading(turn.before if turn else definition, definition, places)
        if turn:
            definition, places = turn.before, _carried(turn.places, places)
    return found


def reading(session: Session, event: LedgerEvent) -> Reading:
    """How one event is to be read. Raises NotFound where what it was of was taken away again."""
    since = select(LedgerEvent).where(
        LedgerEvent.chain == event.chain,
        LedgerEvent.subject_kind == event.subject_kind,
        LedgerEvent.subject_id == event.subject_id,
        LedgerEvent.seq >= event.seq,
        or_(LedgerEvent.seq == event.seq, LedgerEvent.action == CHANGED),
    )
    subject = get(session, event.subject_kind, event.subject_id)
    return readings(session, subject, session.exec(since))[event.seq]


def names_of_one(session: Session, kind: str) -> dict[str, str]:
    """For each name of a state of that kind that was given up for another: the name by which all of them go here."""
    found: dict[str, str] = {}
    for _event, turn in _turns(session, kind):
        for old, new in turn.renamed.items():
            one, other = found.get(old, old), found.get(new, new)
            found |= {name: one for name, known in found.items() if known == other} | {old: one, new: one}
    return found


def _turns_of(session: Session, subject: Subject) -> dict[datetime, Turn]:
    """The changes of version that the subject went through, by their moment."""
    mine = LedgerEvent.subject_id == round_of(session, subject).id
    return {event.at: turn for event, turn in _turns(session, kind_of(subject), mine)}


def _turns(session: Session, kind: str, *where: Any) -> Iterator[tuple[LedgerEvent, Turn]]:
    events = session.exec(
        select(LedgerEvent)
        .where(LedgerEvent.subject_kind == "round", LedgerEvent.action == ROUND_CHANGED, *where)
        .order_by(col(LedgerEvent.id))
    )
    for event in events.all():
        if event.data["kind"] == kind:
            yield event, _turn(session, event.data)


def _turn(session: Session, data: Mapping[str, Any]) -> Turn:
    before, after = (definition_by_id(session, key) for key in data.get("keys") or _keys(session, data))
    vanished = {old: new for old, new in data["places"].items() if old not in after.states}
    return Turn(before, after, vanished)


def _keys(session: Session, data: Mapping[str, Any]) -> tuple[int, int]:
    """The keys of the definitions of a change that was written before keys were: the old one found by its version."""
    after = session.exec(select(Workflow).where(Workflow.digest == data["digest"])).one()
    older = select(Workflow.id).where(Workflow.name == after.name, Workflow.version == data["workflow"][0])
    new = after.id or 0
    return session.exec(older.order_by(col(Workflow.id).desc())).first() or new, new


def _carried(places: Mapping[str, str], since: Mapping[str, str]) -> dict[str, str]:
    """By the name before a change what a state is called now."""
    return {**since, **{old: since.get(new, new) for old, new in places.items()}}
