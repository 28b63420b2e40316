"""Time stands still while a state holds: deadlines are kept, do not run, and go on afterwards by the time held."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from fund.base import announcing
from fund.base.deadlines import policy, stands_still
from fund.base.definitions import definition_by_id, definition_of
from fund.base.subjects import Subject, children_among, get, id_of, kind_of
from notifications.dates import end_of_local_day
from notifications.plan import cancel_for_deadline, plan_reminders
from schema.deadlines import OWED, Deadline, DeadlineStatus
from schema.wording import gettext_noop as _n
from workflows import State

STOOD = _n("time stood still")
"""Why the day was moved, beside the reminders that this called off."""


def of_subject(session: Session, subject: Subject) -> dict[str, Deadline]:
    """The subject's own deadlines that are open or on hold, by their names."""
    found = session.exec(
        select(Deadline).where(
            Deadline.subject_kind == kind_of(subject),
            Deadline.subject_id == id_of(subject),
            col(Deadline.status).in_(OWED),
        )
    )
    return {deadline.key: deadline for deadline in found}


def of_children(session: Session, application: Subject, status: DeadlineStatus) -> list[Deadline]:
    """Deadlines in that status of what belongs to the application, without those of a child that holds by itself."""
    standing = children_among(session, [id_of(application)])
    apart = {
        (one.kind, one.id)
        for one in standing
        if definition_by_id(session, one.workflow_id).state(one.state).hold
    }
    found = session.exec(
        select(Deadline).where(
            Deadline.application_id == id_of(application),
            Deadline.subject_kind != kind_of(application),
            Deadline.status == status,
        )
    )
    return [one for one in found if (one.subject_kind, one.subject_id) not in apart]


def hold(session: Session, deadlines: Iterable[Deadline], label: str, now: datetime) -> None:
    """Let open deadlines stand still from now on. None of their reminders goes out any more."""
    for deadline in deadlines:
        deadline.status, deadline.held_at = DeadlineStatus.HELD, now
        session.add(deadline)
        session.flush()
        cancel_for_deadline(session, deadline.id or 0, f"held: {label}", now)


def resume(session: Session, deadlines: Iterable[Deadline], now: datetime) -> None:
    """Let held deadlines run again, each later by the time that it was held, with its reminders planned anew."""
    for deadline in deadlines:
        assert deadline.held_at is not None
        day = shifted(deadline.due_on, deadline.zone, deadline.held_at, now)
        put(session, deadline, day, None, STOOD, now)


def shifted(due_on: date, zone: str, held_at: datetime, now: datetime) -> date:
    """The local day that a deadline held from ``held_at`` until ``now`` is due on.

    The first on whose end at least as much time is left as when it was held, counted in UTC.
    """
    left = end_of_local_day(due_on, zone) - held_at
    place = ZoneInfo(zone)
    days = (now.astimezone(place).date() - held_at.astimezone(place).date()).days
    day = due_on + timedelta(days=max(days - 1, 0))
    while end_of_local_day(day, zone) - now < left:
        day += timedelta(days=1)
    return day


def put(
    session: Session, deadline: Deadline, day: date, held_at: datetime | None, why: str, now: datetime
) -> None:
    """Let a deadline that is not over run until the end of that local day, or stand still since ``held_at``.

    Its generation counts up: nothing that was planned before goes out, and what is still to come is planned anew.
    The row that its rule takes the day from, such as a report, names the new day too.
    """
    grace = deadline.grace_until - deadline.due_at
    deadline.due_on, deadline.due_at = day, end_of_local_day(day, deadline.zone)
    deadline.grace_until = deadline.due_at + grace
    deadline.status = DeadlineStatus.HELD if held_at else DeadlineStatus.OPEN
    deadline.held_at, deadline.closed_at, deadline.reason = held_at, None, ""
    deadline.generation, deadline.moved_at = deadline.generation + 1, now
    if deadline.grace_until > now:
        deadline.passed_at = None
    session.add(deadline)
    _tell_subject(session, deadline)
    session.flush()
    cancel_for_deadline(session, deadline.id or 0, f"moved: {why}", now)
    if held_at is None:
        plan_reminders(session, deadline, policy(session, deadline), now)
    announcing.changed(session, deadline, "moved", now)


def _tell_subject(session: Session, deadline: Deadline) -> None:
    subject = get(session, deadline.subject_kind, deadline.subject_id)
    due = definition_of(session, subject).deadline(deadline.key).due
    noun, _, attribute = due.field.partition(".")
    if due.kind == "field" and noun == deadline.subject_kind and noun not in ("round", "application"):
        setattr(subject, attribute, deadline.due_on)
        session.add(subject)


def touches(session: Session, subject: Subject, *states: State) -> bool:
    """Whether one of the states holds, or what the subject belongs to stands still."""
    return any(state.hold for state in states) or stands_still(session, subject)
