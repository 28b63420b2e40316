"""What would become of everything in a round under other versions of its workflows. Nothing here writes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from sqlmodel import Session, col, func, select

from fund.base.editions import edition_of
from fund.base.errors import Invalid
from fund.base.migrating.changes import Change, NoPlace, Places, changes, require_company, require_sound
from fund.base.migrating.dates import Adjustment, Desk, Passage
from fund.base.migrating.follows import Follow, Foresight, Key, name_of
from fund.base.subjects import KINDS, Subject, id_of, kind_of
from notifications.outbox import CANCELLABLE
from schema.applications import Application
from schema.deadlines import OWED, Deadline
from schema.outbox import Message
from schema.rounds import Round
from workflows import Definition, Reason, State


@dataclass(frozen=True)
class Step:
    """What becomes of one thing: where it stands before and after, and what becomes of its deadlines."""

    subject: Subject
    name: str
    """What people call it: ``PIF-3F9A``, or ``PIF-3F9A, review 7``."""
    before: State
    after: State
    deadlines: Sequence[Adjustment]

    @property
    def moves(self) -> bool:
        """Whether it stands in another state afterwards."""
        return self.before.name != self.after.name


@dataclass(frozen=True)
class Plan:
    """What would become of everything in a round, if some of its workflows were changed at ``now``."""

    round: Round
    changes: Sequence[Change]
    steps: Sequence[Step]
    follows: Sequence[Follow]
    """The moves that are then made by themselves, because the new versions call for them."""
    now: datetime
    fingerprint: str = ""
    """Tells this plan from any other: another one if the plan would say anything else."""

    def count(self, fate: str) -> int:
        """How many deadlines have that fate: kept, changed, moved, opened or cancelled."""
        return sum(one.fate == fate for step in self.steps for one in step.deadlines)

    @property
    def moved(self) -> int:
        """How many things stand in another state afterwards."""
        return sum(step.moves for step in self.steps)


def plan(
    session: Session, round_: Round, wanted: Sequence[Definition], places: Places, now: datetime
) -> Plan:
    """What would become of everything that the wanted definitions move in the round.

    ``places`` names by kind, for states that a new definition does not have, those that take their place. Raises
    Invalid for definitions that cannot follow the round's present ones or do not go with each other, and for unknown
    states; NoPlace where something stands in a state that would vanish and nobody said where it goes.
    """
    wanted_changes = changes(session, round_, wanted, places)
    require_sound(session, round_, wanted_changes)
    by_kind = {change.kind: change for change in wanted_changes}
    passages = _passages(session, _subjects(session, round_, by_kind), by_kind)
    steps = _steps(session, round_, passages, now)
    placed = {_key(one.subject): (one.new, one.after.name) for one in passages}
    foresight = Foresight(session, round_, placed, _open_after(steps, now), now)
    concerned = {change.kind: foresight.concerned(change.kind, change.moved) for change in wanted_changes}
    require_company(session, round_, wanted_changes, concerned)
    found = Plan(round_, wanted_changes, steps, foresight.follows(), now)
    return replace(found, fingerprint=_fingerprint(found))


def _key(subject: Subject) -> Key:
    return kind_of(subject), id_of(subject)


def _subjects(session: Session, round_: Round, kinds: Iterable[str]) -> list[Subject]:
    """Everything of those kinds in the round, by kind and in the order in which it began."""
    found: list[Subject] = []
    for kind, table in KINDS.items():
        if kind not in kinds:
            continue
        if table is Round:
            found.append(round_)
            continue
        query = select(table) if table is Application else select(table).join(Application)
        in_order = query.where(Application.round_id == round_.id).order_by(col(table.id))
        found += cast(Sequence[Subject], session.exec(in_order).all())
    return found


def _passages(session: Session, subjects: Sequence[Subject], changed: Mapping[str, Change]) -> list[Passage]:
    """Each thing between its two versions. Raises NoPlace, naming what is left without a place."""
    found: list[Passage] = []
    standing: dict[tuple[str, str], list[str]] = {}
    labels: dict[tuple[str, str], str] = {}
    for subject in subjects:
        change = changed[kind_of(subject)]
        before = change.old.states[subject.state]
        place = change.place(before.name)
        if place is None:
            at = (change.kind, before.name)
            standing.setdefault(at, []).append(name_of(session, subject))
            labels[at] = before.label
        else:
            found.append(Passage(subject, change.old, before, change.new, change.new.states[place]))
    if standing:
        raise NoPlace(standing, labels)
    _require_time(found)
    return found


def _require_time(passages: Iterable[Passage]) -> None:
    """Raises Invalid where time would begin or cease to stand still without anybody's move."""
    wrong: dict[str, str] = {}
    for one in passages:
        if one.before.hold != one.after.hold:
            kind = kind_of(one.subject)
            at = kind if one.before.name == one.after.name else f"map-{kind}-{one.before.name}"
            still, runs = (one.before, one.after) if one.before.hold else (one.after, one.before)
            wrong[at] = Reason(
                "Time stands still in “%(still)s” and runs in “%(runs)s”. Move what stands there first.",
                still=still.label,
                runs=runs.label,
            )
    if wrong:
        raise Invalid(wrong)


def _steps(session: Session, round_: Round, passages: Sequence[Passage], now: datetime) -> list[Step]:
    rows = _open_deadlines(session, round_)
    waiting = _waiting(session, [row.id or 0 for each in rows.values() for row in each])
    desk = Desk(session, [one.subject for one in passages], waiting, now)
    return [
        Step(
            one.subject,
            name_of(session, one.subject),
            one.before,
            one.after,
            desk.adjustments(one, rows.get(_key(one.subject), ())),
        )
        for one in passages
    ]


def _open_deadlines(session: Session, round_: Round) -> dict[Key, list[Deadline]]:
    """Every deadline in the round that is open or on hold, by what it hangs on, the nearest first."""
    found: dict[Key, list[Deadline]] = {}
    for row in session.exec(
        select(Deadline)
        .where(Deadline.round_id == round_.id, col(Deadline.status).in_(OWED))
        .order_by(col(Deadline.due_at), col(Deadline.id))
    ):
        found.setdefault((row.subject_kind, row.subject_id), []).append(row)
    return found


def _waiting(session: Session, keys: Sequence[int]) -> dict[int, int]:
    """How many reminders of each deadline are still to go out."""
    counted = (
        select(Message.deadline_id, func.count())
        .where(CANCELLABLE, col(Message.deadline_id).in_(keys), col(Message.webhook_id).is_(None))
        .group_by(col(Message.deadline_id))
    )
    return {key: count for key, count in session.exec(counted) if key is not None}


def _open_after(steps: Sequence[Step], now: datetime) -> dict[Key, frozenset[str]]:
    """The deadlines that are open and not passed once the steps are made; a day that lies ahead counts as open."""
    return {
        _key(step.subject): frozenset(one.key for one in step.deadlines if one.still_open(now))
        for step in steps
    }


def _fingerprint(made: Plan) -> str:
    said = {
        "round": made.round.id,
        "changes": [(one.kind, one.old.digest, one.new.digest, dict(one.places)) for one in made.changes],
        "steps": [
            (
                *_key(step.subject),
                step.subject.version,
                step.before.name,
                step.after.name,
                _told(step.deadlines),
            )
            for step in made.steps
        ],
        "follows": [(*_key(one.subject), one.subject.version, one.label) for one in made.follows],
    }
    return edition_of(said)


def _told(adjustments: Sequence[Adjustment]) -> list[tuple[object, ...]]:
    return [
        (
            one.key,
            one.fate,
            one.day,
            one.new_day,
            one.called_off,
            one.planned,
            one.row.generation if one.row else 0,
        )
        for one in adjustments
    ]
