"""What becomes of deadlines when states change: which end, which begin, which stay, stand still or go on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeAlias

from sqlalchemy import bindparam, select
from sqlmodel import Session

from fund.base import holding
from fund.base.audience import Audience
from fund.base.deadlines import (
    DEADLINES,
    IS_OPEN,
    Due,
    Ending,
    due_on,
    end_all,
    move_to,
    open_all,
    stands_still,
)
from fund.base.definitions import definition_of
from fund.base.subjects import Subject, id_of, kind_of
from notifications.outbox import MessageRow
from schema.applications import Application
from schema.deadlines import Deadline, DeadlineStatus
from schema.statements import About
from workflows import Outcome

OPEN_AMONG = About(
    lambda these: select(DEADLINES.c.subject_id, DEADLINES.c.key, DEADLINES.c.id).where(
        DEADLINES.c.subject_kind == bindparam("kind"), these(DEADLINES.c.subject_id), IS_OPEN
    )
)
Moved: TypeAlias = tuple[Subject, Outcome]


@dataclass(slots=True)
class Change:
    """What a move did to deadlines, by their keys. It is kept in the move's event, so that it can be undone."""

    closed: list[int] = field(default_factory=list)
    opened: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    moved: dict[int, tuple[date, datetime | None]] = field(default_factory=dict)
    """The day on which each was due before, and since when it had been on hold, if it was."""

    def as_data(self) -> dict[str, Any]:
        """The same as JSON, without what is empty."""
        moved = {
            str(key): [day.isoformat(), held_at.isoformat() if held_at else None]
            for key, (day, held_at) in self.moved.items()
        }
        said = {"closed": self.closed, "opened": self.opened, "held": self.held, "moved": moved}
        return {name: value for name, value in said.items() if value}

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> "Change":
        """What ``as_data`` said."""
        moved = {
            int(key): (date.fromisoformat(day), datetime.fromisoformat(held_at) if held_at else None)
            for key, (day, held_at) in data.get("moved", {}).items()
        }
        return cls(data.get("closed", []), data.get("opened", []), data.get("held", []), moved)


@dataclass(slots=True)
class _Plan:
    """What is to be done for all moves together."""

    ending: list[Ending] = field(default_factory=list)
    opening: list[Due] = field(default_factory=list)
    of: list[Change] = field(default_factory=list)
    """For each that is opened, the change that it belongs to."""

    def end(self, change: Change, key: int, status: DeadlineStatus, why: str) -> None:
        self.ending.append(Ending(key, status, why))
        change.closed.append(key)

    def open(self, change: Change, due: Due) -> None:
        self.opening.append(due)
        self.of.append(change)


def follow(
    session: Session, audience: Audience, moved: Sequence[Moved], now: datetime
) -> tuple[list[Change], list[MessageRow]]:
    """Close what the states left behind had opened, open what the new states open; a deadline both name stays.

    One that the move declares as moved stays as well, and its day is found anew. Where a state holds, they stand still
    (``fund.base.holding``). The states are written already. Answers what was done, in the order of the moves, and the
    reminders of what was opened, for the caller to queue.
    """
    plain = [not holding.touches(session, one, to.source, to.target) for one, to in moved]
    here = _open_among(session, [one for (one, _), simple in zip(moved, plain, strict=True) if simple])
    plan, changes = _Plan(), [Change() for _ in moved]
    for step, simple, change in zip(moved, plain, changes, strict=True):
        if simple:
            _simply(session, step, here.get((kind_of(step[0]), id_of(step[0])), {}), plan, change, now)
        else:
            _around_hold(session, step, plan, change, now)
    end_all(session, plan.ending, now)
    keys, reminders = open_all(session, audience, plan.opening, now)
    for key, change in zip(keys, plan.of, strict=True):
        change.opened.append(key)
    return changes, reminders


def _open_among(session: Session, subjects: Sequence[Subject]) -> dict[tuple[str, int], dict[str, int]]:
    """Keys of the open deadlines of each subject, by their names."""
    kinds: dict[str, list[int]] = {}
    for subject in subjects:
        kinds.setdefault(kind_of(subject), []).append(id_of(subject))
    found: dict[tuple[str, int], dict[str, int]] = {}
    for kind, keys in kinds.items():
        for subject_id, name, row in OPEN_AMONG.rows(session, keys, kind=kind):
            found.setdefault((kind, subject_id), {})[name] = row
    return found


def _simply(
    session: Session, step: Moved, here: Mapping[str, int], plan: _Plan, change: Change, now: datetime
) -> None:
    outcome = step[1]
    kept = {key for key in here if _stays(key, outcome)}
    for key, row in here.items():
        if key not in kept:
            plan.end(change, row, _ended(key, outcome), outcome.move.label)
    _open_others(session, step, kept, plan, change)
    for key in kept.intersection(outcome.move.moves):
        _find_anew(session, step, session.get_one(Deadline, here[key]), change, now)


def _around_hold(session: Session, step: Moved, plan: _Plan, change: Change, now: datetime) -> None:
    """As ``_simply``, where time stood still before, stands still from now on, or both."""
    subject, outcome = step
    own = holding.of_subject(session, subject)
    pausing = outcome.target.hold and not outcome.source.hold
    paused = outcome.target.hold or stands_still(session, subject)
    kept, stopping, going_on = set(), [], []
    for key, deadline in own.items():
        held = deadline.status == DeadlineStatus.HELD
        ends = key in outcome.move.meets or key in outcome.move.cancels
        if not ends and (_stays(key, outcome) or (outcome.target.hold and (held or pausing))):
            kept.add(key)
            stopping += [deadline] if pausing and not held and not _stays(key, outcome) else []
            going_on += [deadline] if held and not paused else []
        else:
            plan.end(change, deadline.id or 0, _ended(key, outcome), outcome.move.label)
    if isinstance(subject, Application):
        stopping += holding.of_children(session, subject, DeadlineStatus.OPEN) if pausing else []
        if outcome.source.hold and not outcome.target.hold:
            _children_after_hold(session, step, going_on, plan, change)
    _stop_and_go(session, step, stopping, going_on, change, now)
    _open_others(session, step, kept, plan, change)
    for key in kept.intersection(outcome.move.moves):
        _find_anew(session, step, own[key], change, now)


def _children_after_hold(
    session: Session, step: Moved, going_on: list[Deadline], plan: _Plan, change: Change
) -> None:
    subject, outcome = step
    held = holding.of_children(session, subject, DeadlineStatus.HELD)
    if not outcome.target.final:
        going_on += held
        return
    for deadline in held:
        plan.end(change, deadline.id or 0, DeadlineStatus.CANCELLED, outcome.move.label)


def _stop_and_go(
    session: Session,
    step: Moved,
    stopping: Sequence[Deadline],
    going_on: Sequence[Deadline],
    change: Change,
    now: datetime,
) -> None:
    change.held += [deadline.id or 0 for deadline in stopping]
    change.moved |= {deadline.id or 0: (deadline.due_on, deadline.held_at) for deadline in going_on}
    holding.hold(session, stopping, step[1].move.label, now)
    holding.resume(session, going_on, now)


def _open_others(session: Session, step: Moved, kept: set[str], plan: _Plan, change: Change) -> None:
    subject, outcome = step
    rules = definition_of(session, subject).deadlines
    for key in outcome.target.deadlines:
        if key not in kept:
            plan.open(change, (subject, rules[key]))


def _find_anew(session: Session, step: Moved, deadline: Deadline, change: Change, now: datetime) -> None:
    subject, outcome = step
    day = due_on(session, subject, definition_of(session, subject).deadlines[deadline.key], now)
    change.moved.setdefault(deadline.id or 0, (deadline.due_on, deadline.held_at))
    move_to(session, deadline, day, outcome.move.label, now)


def _stays(key: str, outcome: Outcome) -> bool:
    ends = key in outcome.move.meets or key in outcome.move.cancels
    return key in outcome.target.deadlines and not ends


def _ended(key: str, outcome: Outcome) -> DeadlineStatus:
    return DeadlineStatus.MET if key in outcome.move.meets else DeadlineStatus.CANCELLED
