"""Opening and closing deadlines as states come and go. When mail goes out is for notifications.plan to compute."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from fund.base.audience import people_in
from fund.base.definitions import definition_of
from fund.base.subjects import Subject, application_of, get, id_of, kind_of, path_of, round_of
from notifications.dates import add_months, add_working_days, end_of_local_day
from notifications.plan import Offset, Recipient, cancel_for_deadline, plan_reminders
from schema.awards import Award
from schema.deadlines import Deadline, DeadlineStatus
from workflows import DeadlineRule, Definition, Outcome


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
    session: Session, subject: Subject, definition: Definition, outcome: Outcome, now: datetime
) -> None:
    """Close what the state left behind had opened, open what the new state opens; a deadline both name stays."""
    wanted = outcome.target.deadlines
    kept = set()
    for deadline in open_of(session, subject):
        if deadline.key in outcome.move.meets:
            close(session, deadline, DeadlineStatus.MET, outcome.move.label, now)
        elif deadline.key in wanted and deadline.key not in outcome.move.cancels:
            kept.add(deadline.key)
        else:
            close(session, deadline, DeadlineStatus.CANCELLED, outcome.move.label, now)
    for key in wanted:
        if key not in kept:
            open_one(session, subject, definition.deadlines[key], now)


def begin(session: Session, subject: Subject, definition: Definition, now: datetime) -> None:
    """Open the deadlines of the subject's present state: for a row that has just been created."""
    for key in definition.state(subject.state).deadlines:
        open_one(session, subject, definition.deadlines[key], now)


def open_one(session: Session, subject: Subject, rule: DeadlineRule, now: datetime) -> Deadline:
    """Open the deadline of that rule on the subject and plan its reminders."""
    round_ = round_of(session, subject)
    application = application_of(session, subject)
    due = due_on(session, subject, rule, now)
    due_at = end_of_local_day(due, round_.zone)
    deadline = Deadline(
        subject_kind=kind_of(subject),
        subject_id=id_of(subject),
        application_id=application.id if application else None,
        round_id=round_.id,
        key=rule.key,
        label=rule.label,
        owner_role=rule.owner,
        due_on=due,
        zone=round_.zone,
        due_at=due_at,
        grace_until=due_at + timedelta(days=rule.grace_days, minutes=rule.grace_minutes),
        opened_at=now,
    )
    session.add(deadline)
    session.flush()
    plan_reminders(session, deadline, policy(session, deadline), now)
    return deadline


def close(session: Session, deadline: Deadline, status: DeadlineStatus, reason: str, now: datetime) -> None:
    """End an open deadline, and with it every reminder of it that has not gone out."""
    deadline.status, deadline.closed_at, deadline.reason = status, now, reason
    session.add(deadline)
    session.flush()
    assert deadline.id is not None
    cancel_for_deadline(session, deadline.id, f"{status}: {reason}", now)


def policy(session: Session, deadline: Deadline) -> list[Offset]:
    """The reminders that an open deadline calls for, by the definition that its subject was started with."""
    subject = get(session, deadline.subject_kind, deadline.subject_id)
    rule = definition_of(session, subject).deadline(deadline.key)
    path = path_of(session, subject)
    return [
        (
            reminder.days,
            [Recipient(p.id, p.zone) for p in people_in(session, reminder.to, subject) if p.id is not None],
            path,
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
