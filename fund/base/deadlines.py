"""Opening, moving and closing deadlines as states come and go. When mail goes out is for notifications.plan."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import Table, bindparam, insert, update
from sqlmodel import Session, col, select

from fund.base.audience import Audience
from fund.base.definitions import definition_of
from fund.base.links import link_for
from fund.base.statements import carry_out, forget, keys_of, rows
from fund.base.subjects import Subject, application_of, get, id_of, kind_of, round_of
from notifications.dates import add_months, add_working_days, end_of_local_day
from notifications.outbox import queue_rows
from notifications.plan import Offset, cancel_for_deadline, cancel_for_deadlines, plan_reminders, planned_rows
from schema.awards import Award
from schema.deadlines import Deadline, DeadlineStatus
from workflows import DeadlineRule, Outcome

DEADLINES: Table = Deadline.__table__  # type: ignore[attr-defined]
OPEN_AMONG = select(DEADLINES.c.subject_id, DEADLINES.c.key, DEADLINES.c.id).where(
    DEADLINES.c.subject_kind == bindparam("kind"),
    DEADLINES.c.subject_id.in_(bindparam("subjects", expanding=True)),
    DEADLINES.c.status == DeadlineStatus.OPEN.value,
)
WRITE = insert(DEADLINES).returning(DEADLINES.c.id, sort_by_parameter_order=True)
END = (
    update(DEADLINES)
    .where(DEADLINES.c.id == bindparam("row"))
    .values(status=bindparam("ended"), closed_at=bindparam("now"), reason=bindparam("why"))
)

Due: TypeAlias = tuple[Subject, DeadlineRule]
"""A deadline to be opened: on what, and by which rule."""


@dataclass(frozen=True, slots=True)
class Ending:
    """An open deadline that ends, how, and why in words."""

    key: int
    status: DeadlineStatus
    reason: str


def open_of(session: Session, subject: Subject) -> Sequence[Deadline]:
    """The subject's open deadlines, the nearest first."""
    return session.exec(
        select(Deadline)
        .where(
            Deadline.subject_kind == kind_of(subject),
            Deadline.subject_id == id_of(subject),
            Deadline.status == DeadlineStatus.OPEN,
        )
        .order_by(col(Deadline.due_at))
    ).all()


def follow(
    session: Session, audience: Audience, moved: Iterable[tuple[Subject, Outcome]], now: datetime
) -> None:
    """Close what the states left behind had opened, open what the new states open; a deadline both name stays.

    One that the move declares as moved stays as well, and its day is found anew.
    """
    steps = list(moved)
    held = _open_among(session, [subject for subject, _ in steps])
    ending: list[Ending] = []
    opening: list[Due] = []
    for subject, outcome in steps:
        here = held.get((kind_of(subject), id_of(subject)), {})
        kept = {key for key in here if _stays(key, outcome)}
        ending += [_ending(row, key, outcome) for key, row in here.items() if key not in kept]
        rules = definition_of(session, subject).deadlines
        opening += [(subject, rules[key]) for key in outcome.target.deadlines if key not in kept]
        for key in kept.intersection(outcome.move.moves):
            day = due_on(session, subject, rules[key], now)
            move_to(session, session.get_one(Deadline, here[key]), day, outcome.move.label, now)
    end_all(session, ending, now)
    open_all(session, audience, opening, now)


def _open_among(session: Session, subjects: Sequence[Subject]) -> dict[tuple[str, int], dict[str, int]]:
    """Keys of the open deadlines of each subject, by their names."""
    kinds: dict[str, list[int]] = {}
    for subject in subjects:
        kinds.setdefault(kind_of(subject), []).append(id_of(subject))
    found: dict[tuple[str, int], dict[str, int]] = {}
    for kind, keys in kinds.items():
        for subject_id, name, row in rows(session, OPEN_AMONG, kind=kind, subjects=keys):
            found.setdefault((kind, subject_id), {})[name] = row
    return found


def _stays(key: str, outcome: Outcome) -> bool:
    ends = key in outcome.move.meets or key in outcome.move.cancels
    return key in outcome.target.deadlines and not ends


def _ending(row: int, key: str, outcome: Outcome) -> Ending:
    met = key in outcome.move.meets
    return Ending(row, DeadlineStatus.MET if met else DeadlineStatus.CANCELLED, outcome.move.label)


def begin(session: Session, audience: Audience, subjects: Iterable[Subject], now: datetime) -> None:
    """Open the deadlines of the present states of subjects: for rows that have just been created."""
    opening: list[Due] = []
    for subject in subjects:
        definition = definition_of(session, subject)
        opening += [(subject, definition.deadlines[key]) for key in definition.state(subject.state).deadlines]
    open_all(session, audience, opening, now)


def open_one(session: Session, subject: Subject, rule: DeadlineRule, now: datetime) -> None:
    """Open the deadline of that rule on the subject and plan its reminders."""
    open_all(session, Audience(session), [(subject, rule)], now)


def open_all(session: Session, audience: Audience, opening: Sequence[Due], now: datetime) -> None:
    """Open the deadlines and plan their reminders."""
    if not opening:
        return
    written = [row_of(session, subject, rule, now) for subject, rule in opening]
    planned: list[dict[str, Any]] = []
    for key, row, (subject, rule) in zip(keys_of(session, WRITE, written), written, opening, strict=True):
        deadline = Deadline(id=key, **row)
        planned += planned_rows(deadline, offsets_of(session, audience, subject, rule), now)
    queue_rows(session, planned)


def row_of(session: Session, subject: Subject, rule: DeadlineRule, now: datetime) -> dict[str, Any]:
    """The columns of a deadline of that rule, if it were opened now. Writes nothing."""
    round_ = round_of(session, subject)
    application = application_of(session, subject)
    due = due_on(session, subject, rule, now)
    due_at = end_of_local_day(due, round_.zone)
    return {
        "subject_kind": kind_of(subject),
        "subject_id": id_of(subject),
        "application_id": application.id if application else None,
        "round_id": round_.id,
        "key": rule.key,
        "label": rule.label,
        "owner_role": rule.owner,
        "due_on": due,
        "zone": round_.zone,
        "due_at": due_at,
        "grace_until": due_at + timedelta(days=rule.grace_days, minutes=rule.grace_minutes),
        "generation": 1,
        "status": DeadlineStatus.OPEN.value,
        "opened_at": now,
        "reason": "",
    }


def close(session: Session, deadline: Deadline, status: DeadlineStatus, reason: str, now: datetime) -> None:
    """End an open deadline, and with it every reminder of it that has not gone out."""
    session.add(deadline)
    session.flush()
    assert deadline.id is not None
    end_all(session, [Ending(deadline.id, status, reason)], now)


def end_all(session: Session, ending: Sequence[Ending], now: datetime) -> None:
    """End open deadlines, and with them all their reminders that have not gone out."""
    each = [{"row": one.key, "ended": one.status.value, "now": now, "why": one.reason} for one in ending]
    carry_out(session, END, each)
    cancel_for_deadlines(session, [(one.key, f"{one.status}: {one.reason}") for one in ending], now)
    forget(session, Deadline, (one.key for one in ending))


def move_to(session: Session, deadline: Deadline, day: date, reason: str, now: datetime) -> bool:
    """Move an open deadline to the end of another local day, its grace with it, and plan its reminders anew.

    Its generation counts up, so that nothing planned before goes out. A day that is the same already changes
    nothing; whether it was another is the answer.
    """
    if day == deadline.due_on:
        return False
    grace = deadline.grace_until - deadline.due_at
    deadline.due_on, deadline.due_at = day, end_of_local_day(day, deadline.zone)
    deadline.grace_until = deadline.due_at + grace
    deadline.generation += 1
    if deadline.grace_until > now:
        deadline.passed_at = None
    session.add(deadline)
    session.flush()
    assert deadline.id is not None
    cancel_for_deadline(session, deadline.id, f"moved: {reason}", now)
    plan_reminders(session, deadline, policy(session, deadline), now)
    return True


def policy(session: Session, deadline: Deadline) -> list[Offset]:
    """The reminders that an open deadline calls for, by the definition that its subject was started with."""
    subject = get(session, deadline.subject_kind, deadline.subject_id)
    rule = definition_of(session, subject).deadline(deadline.key)
    return offsets_of(session, Audience(session), subject, rule)


def offsets_of(session: Session, audience: Audience, subject: Subject, rule: DeadlineRule) -> list[Offset]:
    """The reminders that a deadline of that rule calls for on the subject."""
    return [
        (
            reminder.days,
            audience.people_in(reminder.to, subject),
            link_for(session, subject, reminder.to, rule.key),
            _template(reminder.days, reminder.to == rule.owner),
        )
        for reminder in rule.reminders
    ]


def _template(days: int, to_owner: bool) -> str:
    if not to_owner:
        return "escalation"
    return "overdue" if days > 0 else "reminder"


def due_on(session: Session, subject: Subject, rule: DeadlineRule, now: datetime) -> date:
    """The local day that the rule calls for, if its deadline were opened now. Never before today."""
    today = now.astimezone(ZoneInfo(round_of(session, subject).zone)).date()
    match rule.due.kind:
        case "field":
            return max(_field(session, subject, rule.due.field), today)
        case "working_days":
            return add_working_days(today, rule.due.count)
        case "months":
            return add_months(today, rule.due.count)
    return today + timedelta(days=rule.due.count)


def _field(session: Session, subject: Subject, name: str) -> date:
    """The date that a rule names, such as ``round.closes_on``; names of other things are refused."""
    noun, _, attribute = name.partition(".")
    if noun == "round":
        value = getattr(round_of(session, subject), attribute, None)
    elif noun == kind_of(subject):
        value = getattr(subject, attribute, None)
    elif noun == "award":
        application = application_of(session, subject)
        award = session.exec(
            select(Award).where(Award.application_id == (application.id if application else 0))
        ).first()
        value = getattr(award, attribute, None)
    else:
        value = None
    if not isinstance(value, date):
        raise ValueError(f"the deadline's date {name!r} is not known for this {kind_of(subject)}")
    return value
