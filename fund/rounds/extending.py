"""The days of a round under way are moved to later ones, and with them all that is owed by them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from fund.base import extending
from fund.base.definitions import definition_of
from fund.base.errors import Conflict, Invalid, MoveRefused
from fund.base.extending import Shift
from fund.base.permissions import Viewer
from fund.base.subjects import Subject, get_all, id_of, lock_all
from fund.rounds import queries
from fund.rounds.fields import draft_of, wrong_days
from fund.rounds.record import note_change
from fund.rounds.replanning import open_in
from schema.applications import Application
from schema.deadlines import Deadline
from schema.people import Member, Role
from schema.rounds import Round
from schema.wording import gettext_noop as _n
from workflows import Reason

DAYS = ("closes_on", "review_due_on", "decision_on")
MOVED = "days_moved"


@dataclass(frozen=True)
class Reach:
    """What moves with the days of a round, and how many people are told."""

    drafts: int
    reviews: int
    others: int
    """Deadlines of the fund itself."""
    people: int


@dataclass(frozen=True)
class Writing:
    """The deadline of one draft, and the member that writes it: what a manager may know before it is submitted."""

    deadline: Deadline
    member: str
    reference: str


def movable(session: Session, round_: Round) -> tuple[str, ...]:
    """Which days of the round can be moved now: those that the round itself still waits for, and those after.

    The closing day of one that is closed too, if its workflow lets it be reopened: that needs a day that lies ahead.
    """
    definition = definition_of(session, round_)
    fields = {
        definition.deadline(one.key).due.field.removeprefix("round.")
        for one in open_in(session, round_)
        if one.subject_kind == "round"
    }
    if "closes_on" in fields or reopenable(session, round_):
        return DAYS
    return DAYS[1:] if "decision_on" in fields else ()


def reopenable(session: Session, round_: Round) -> bool:
    """Whether the round is closed, and its workflow has a move back to where it closes on its closing day."""
    definition = definition_of(session, round_)
    if definition.state(round_.state).stage in (queries.PREPARATION, queries.CALL):
        return False
    targets = [definition.state(move.target) for move in definition.leaving(round_.state)]
    rules = [definition.deadline(key) for target in targets for key in target.deadlines]
    return any(rule.due.field == "round.closes_on" for rule in rules)


def fixed(session: Session, round_: Round) -> list[str]:
    """Why no day of the round can be moved now, each a sentence; empty where one can."""
    if movable(session, round_):
        return []
    if definition_of(session, round_).state(round_.state).stage == queries.PREPARATION:
        return [
            Reason(_n("The round is not open yet. Change its days on the page where everything is planned."))
        ]
    return [Reason(_n("All of this round is decided. Give another day to single deadlines instead."))]


def move_days(
    session: Session,
    viewer: Viewer,
    slug: str,
    days: Mapping[str, date | None],
    reason: str,
    *,
    edition: str,
    now: datetime,
) -> Round:
    """Move days of the round (``DAYS``; None leaves one as it is) to later ones, with every open deadline by them.

    A later day that somebody was given alone stays. Days that are the same change nothing. ``edition`` is
    ``queries.edition`` of the round that was seen. Raises NotFound, Forbidden, MoveRefused, Conflict, and Invalid by
    the names of the days.
    """
    round_, shifts = _locked(session, viewer, slug)
    changed = _changed(round_, days)
    if not changed:
        return round_
    if reasons := fixed(session, round_):
        raise MoveRefused(reasons)
    if queries.edition(round_) != edition:
        raise Conflict
    if found := _wrong(session, round_, changed, now) | extending.wrong_reason(reason):
        raise Invalid(found)
    before = {name: getattr(round_, name).isoformat() for name in changed}
    for name, day in changed.items():
        setattr(round_, name, day)
    session.add(round_)
    session.flush()
    _record(session, viewer, round_, before, reason.strip(), now)
    later = [
        Shift(one.deadline, one.subject, changed[name])
        for name, one in shifts
        if name in changed and one.deadline.due_on < changed[name]
    ]
    extending.carry_out(session, later, viewer, reason.strip(), now, about=round_)
    return round_


def reach(
    session: Session, viewer: Viewer, slug: str, days: Mapping[str, date | None], reason: str, now: datetime
) -> Reach:
    """What ``move_days`` would do. Raises what it raises, but for Conflict; writes nothing."""
    round_ = queries.run_by(session, viewer, slug)
    if reasons := fixed(session, round_):
        raise MoveRefused(reasons)
    changed = _changed(round_, days)
    found = _wrong(session, round_, changed, now) | extending.wrong_reason(reason)
    if not changed:
        found = {DAYS[0]: Reason(_n("Give at least one day that is later than now planned"))} | found
    if found:
        raise Invalid(found)
    moving = [
        one
        for name, one in _shifts(session, round_)
        if name in changed and one.deadline.due_on < changed[name]
    ]
    kinds = [one.deadline.owner_role for one in moving]
    people = {
        person.person_id
        for one in moving
        for person in extending.told(
            session, one.deadline, round_ if one.deadline.owner_role == Role.MANAGER else one.subject, viewer
        )
    }
    drafts, reviews = kinds.count("applicant"), kinds.count(Role.REVIEWER.value)
    return Reach(drafts, reviews, len(kinds) - drafts - reviews, len(people))


def writing(session: Session, viewer: Viewer, round_: Round) -> list[Writing]:
    """The open deadlines of applicants by the closing day, without those of the viewer's own members, by member."""
    found = {
        one.deadline.application_id: one.deadline
        for name, one in _shifts(session, round_)
        if name == "closes_on" and one.deadline.owner_role == "applicant"
    }
    rows = session.exec(
        select(Application.id, Application.reference, Member.name)
        .join(Member, col(Member.id) == col(Application.member_id))
        .where(Application.round_id == id_of(round_), col(Application.member_id).not_in(viewer.member_ids))
        .order_by(Member.name, col(Application.id))
    )
    return [Writing(found[key], member, reference) for key, reference, member in rows if key in found]


def _locked(session: Session, viewer: Viewer, slug: str) -> tuple[Round, list[tuple[str, Shift]]]:
    """The round and all that its days move, locked. Raises Conflict where a draft has just begun."""
    round_ = queries.run_by(session, viewer, slug)
    seen = {one.deadline.id: one.subject for _name, one in _shifts(session, round_)}
    lock_all(session, [*seen.values(), round_])
    shifts = _shifts(session, round_)
    if {one.deadline.id for _name, one in shifts} - seen.keys():
        raise Conflict
    return round_, shifts


def _shifts(session: Session, round_: Round) -> list[tuple[str, Shift]]:
    """Every open deadline whose day is a day of the round, with the name of that day."""
    found = open_in(session, round_)
    subjects: list[Subject] = get_all(session, [(one.subject_kind, one.subject_id) for one in found])
    named = [
        (definition_of(session, subject).deadline(one.key).due.field, one, subject)
        for one, subject in zip(found, subjects, strict=True)
    ]
    return [
        (field.removeprefix("round."), Shift(one, subject, one.due_on))
        for field, one, subject in named
        if field.startswith("round.") and field.removeprefix("round.") in DAYS
    ]


def _changed(round_: Round, days: Mapping[str, date | None]) -> dict[str, date]:
    given = {name: days.get(name) for name in DAYS}
    return {name: day for name, day in given.items() if day is not None and day != getattr(round_, name)}


def _wrong(session: Session, round_: Round, changed: Mapping[str, date], now: datetime) -> dict[str, str]:
    """What is wrong with the new days, by name: too early, out of order, or a day that cannot move any more."""
    open_ = movable(session, round_)
    found: dict[str, str] = {}
    for name, day in changed.items():
        if name not in open_:
            found[name] = Reason(
                _n("The round is closed for good. Plan another round for those who missed it.")
            )
        elif day < getattr(round_, name):
            found[name] = Reason(_n("Choose a later day: people count on the one that was promised"))
        elif wrong := extending.wrong_day(day, round_.zone, now):
            found[name] = wrong["day"]
    days: dict[str, Any] = dict(changed)
    order = wrong_days(replace(draft_of(round_), **days))
    return {name: text for name, text in order.items() if name in DAYS} | found


def _record(
    session: Session,
    viewer: Viewer,
    round_: Round,
    before: Mapping[str, str],
    reason: str,
    now: datetime,
) -> None:
    days = {name: [was, getattr(round_, name).isoformat()] for name, was in before.items()}
    note_change(session, viewer, round_, MOVED, {"days": days}, now, note=reason)
