"""Opening, moving and closing deadlines as states come and go. When mail goes out is for notifications.plan."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, text, update
from sqlmodel import Session, col, select

from fund.base import announcing
from fund.base.audience import Audience
from fund.base.definitions import definition_of
from fund.base.policies import calendar_of, offsets_of
from fund.base.subjects import Subject, application_of, get, id_of, kind_of, round_of
from notifications.dates import add_months, add_working_days, end_of_local_day
from notifications.outbox import MessageRow, queue_rows
from notifications.plan import Offset, cancel_for_deadline, cancel_for_deadlines, plan_reminders, planned_rows
from schema.awards import Award
from schema.deadlines import OWED, Deadline, DeadlineStatus
from schema.rows import Insert, table_of
from schema.statements import Prepared, forget
from workflows import DeadlineRule, State

DEADLINES = table_of(Deadline)
# Spelled out as in its partial index, which a parameter would not match.
IS_OPEN = text("deadline.status = 'open'")
WRITE = Insert(
    Deadline,
    [
        column.name
        for column in DEADLINES.c
        if column.name not in ("id", "moved_at", "closed_at", "passed_at")
    ],
)
END = Prepared(
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


def open_of(session: Session, subject: Subject, *, held: bool = False) -> Sequence[Deadline]:
    """The subject's open deadlines, the nearest first; with ``held`` also those that stand still."""
    return session.exec(
        select(Deadline)
        .where(
            Deadline.subject_kind == kind_of(subject),
            Deadline.subject_id == id_of(subject),
            col(Deadline.status).in_(OWED if held else (DeadlineStatus.OPEN,)),
        )
        .order_by(col(Deadline.due_at))
    ).all()


def waived_among(state: State, deadlines: Iterable[Deadline]) -> list[Deadline]:
    """Of all deadlines that one thing had those that a manager waived and that would else hold in its state."""
    latest = {one.key: one for one in sorted(deadlines, key=lambda one: one.opened_at)}
    return [
        one for key, one in latest.items() if key in state.deadlines and one.status == DeadlineStatus.WAIVED
    ]


def begin(
    session: Session, audience: Audience, subjects: Iterable[Subject], now: datetime
) -> list[MessageRow]:
    """Open the deadlines of the present states of subjects: for rows that have just been created.

    Answers their reminders, for the caller to queue.
    """
    opening: list[Due] = []
    for subject in subjects:
        definition = definition_of(session, subject)
        opening += [(subject, definition.deadlines[key]) for key in definition.state(subject.state).deadlines]
    return open_all(session, audience, opening, now)[1]


def open_one(session: Session, subject: Subject, rule: DeadlineRule, now: datetime) -> None:
    """Open the deadline of that rule on the subject and plan its reminders."""
    queue_rows(session, open_all(session, Audience(session), [(subject, rule)], now)[1])


def open_all(
    session: Session, audience: Audience, opening: Sequence[Due], now: datetime
) -> tuple[list[int], list[MessageRow]]:
    """Open the deadlines; answers their keys, in the same order, and their reminders, for the caller to queue.

    Where time stands still they are on hold from the beginning.
    """
    if not opening:
        return [], []
    written = [row_of(session, subject, rule, now) for subject, rule in opening]
    keys = WRITE.keys(session, written)
    planned: list[MessageRow] = []
    for key, row, (subject, rule) in zip(keys, written, opening, strict=True):
        if row["status"] == DeadlineStatus.OPEN:
            offsets = offsets_of(session, audience, subject, rule)
            planned += planned_rows(SimpleNamespace(id=key, **row), offsets, now)
    announcing.opened(session, keys, written, now)
    return keys, planned


def stands_still(session: Session, subject: Subject) -> bool:
    """Whether the subject belongs to an application that stands in a state that holds."""
    application = application_of(session, subject)
    if application is None or application is subject:
        return False
    return definition_of(session, application).state(application.state).hold


def row_of(session: Session, subject: Subject, rule: DeadlineRule, now: datetime) -> dict[str, Any]:
    """The columns of a deadline of that rule, if it were opened now. Writes nothing."""
    round_ = round_of(session, subject)
    application = application_of(session, subject)
    due = due_on(session, subject, rule, now)
    due_at = end_of_local_day(due, round_.zone)
    held = stands_still(session, subject)
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
        "status": (DeadlineStatus.HELD if held else DeadlineStatus.OPEN).value,
        "opened_at": now,
        "held_at": now if held else None,
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
    END.each(session, each)
    cancel_for_deadlines(session, [(one.key, f"{one.status}: {one.reason}") for one in ending], now)
    forget(session, Deadline, (one.key for one in ending))


def move_to(session: Session, deadline: Deadline, day: date, reason: str, now: datetime) -> bool:
    """Move an open deadline to the end of another local day, its grace with it, and plan its reminders anew.

    Its generation counts up, so that nothing planned before goes out. One that is on hold stays so, and the time held
    counts from now. A day that is the same already changes nothing; whether it was another is the answer.
    """
    if day == deadline.due_on:
        return False
    grace = deadline.grace_until - deadline.due_at
    deadline.due_on, deadline.due_at = day, end_of_local_day(day, deadline.zone)
    deadline.grace_until = deadline.due_at + grace
    deadline.generation, deadline.moved_at = deadline.generation + 1, now
    if deadline.grace_until > now:
        deadline.passed_at = None
    if deadline.status == DeadlineStatus.HELD:
        deadline.held_at = now
    session.add(deadline)
    session.flush()
    assert deadline.id is not None
    cancel_for_deadline(session, deadline.id, f"moved: {reason}", now)
    if deadline.status == DeadlineStatus.OPEN:
        plan_reminders(session, deadline, policy(session, deadline), now)
    announcing.changed(session, deadline, "moved", now)
    return True


def policy(session: Session, deadline: Deadline) -> list[Offset]:
    """The reminders that an open deadline calls for: by its round, or its subject's definition."""
    subject = get(session, deadline.subject_kind, deadline.subject_id)
    rule = definition_of(session, subject).deadline(deadline.key)
    return offsets_of(session, Audience(session), subject, rule)


def due_on(session: Session, subject: Subject, rule: DeadlineRule, now: datetime) -> date:
    """The local day that the rule calls for, if its deadline were opened now. Never before today."""
    today = now.astimezone(ZoneInfo(round_of(session, subject).zone)).date()
    match rule.due.kind:
        case "field":
            return max(_field(session, subject, rule.due.field), today)
        case "working_days":
            return add_working_days(today, rule.due.count, calendar_of(round_of(session, subject)))
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
