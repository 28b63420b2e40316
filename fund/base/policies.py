"""Who is reminded of a deadline and when: as its definition says, or as its round says instead."""

from collections.abc import Sequence

from sqlmodel import Session

from fund.base.audience import Audience
from fund.base.links import link_for
from fund.base.subjects import Subject, application_of, kind_of, round_of
from notifications.dates import KEEP, MONDAY_TO_FRIDAY, WorkingDays
from notifications.plan import Offset, Recipient
from schema.people import Role
from schema.rounds import WEEKDAYS, ReminderLine, Round
from workflows import DeadlineRule, Reminder
from workflows.parts import APPLICANT, COLLEAGUE, OWNER


def calendar_of(round_: Round) -> WorkingDays:
    """The days on which people work, as the round says."""
    return WorkingDays(
        frozenset(WEEKDAYS.index(day) for day in round_.weekend),
        frozenset(holiday.on for holiday in round_.days_off),
    )


def name_of(kind: str, key: str) -> str:
    """Under what the round keeps its own reminders of a deadline: ``review.review``."""
    return f"{kind}.{key}"


def own_reminders(round_: Round, kind: str, key: str) -> tuple[Reminder, ...] | None:
    """The reminders that the round has of its own for a deadline; None where it goes by the definition."""
    stored = round_.reminders.get(name_of(kind, key))
    if stored is None:
        return None
    lines = [ReminderLine.model_validate(item) for item in stored]
    return tuple(Reminder(line.days, line.to, line.weekends) for line in lines)


def reminders_of(round_: Round, kind: str, rule: DeadlineRule) -> tuple[Reminder, ...]:
    """The reminders of a deadline of that rule in the round: its own, or those of the definition."""
    own = own_reminders(round_, kind, rule.key)
    return rule.reminders if own is None else own


def offsets_of(
    session: Session, audience: Audience, subject: Subject, rule: DeadlineRule, changed: Round | None = None
) -> list[Offset]:
    """The reminders that a deadline of that rule calls for on the subject. A function of what is stored alone.

    ``changed`` is the subject's round as it would be, where that is to be looked at before it is stored.
    """
    round_ = changed or round_of(session, subject)
    reminders = reminders_of(round_, kind_of(subject), rule)
    if not reminders:
        return []
    moves = any(reminder.weekends != KEEP for reminder in reminders)
    calendar = calendar_of(round_) if moves else MONDAY_TO_FRIDAY
    found = []
    for reminder in reminders:
        role, people = reached(session, audience, reminder.to, rule.owner, subject)
        path = link_for(session, subject, role, rule.key)
        template = _template(reminder, role, rule.owner)
        found.append(Offset(reminder.days, people, path, template, reminder.weekends, calendar))
    return found


def reached(
    session: Session, audience: Audience, to: str, owner: str, subject: Subject
) -> tuple[str, Sequence[Recipient]]:
    """Whom a reminder to ``to`` reaches, and in which role, where ``owner`` is the role that owes it.

    A role is everybody in it. The owner of an application, and of what belongs to it, is who began the application, as
    long as she acts for its member, else all who do; her colleagues are the others. A reviewer stands alone, and
    managers all run the fund: in the place of their colleague, and of one whom nobody else stands by, are the managers.
    """
    if to not in (OWNER, COLLEAGUE):
        return to, audience.people_in(to, subject)
    everybody = audience.people_in(owner, subject)
    application = application_of(session, subject) if owner == APPLICANT else None
    began = application.author_id if application is not None else 0
    alone = [one for one in everybody if one.person_id == began]
    if to == OWNER:
        return owner, alone or everybody
    others = [one for one in everybody if one.person_id != began] if alone else []
    return (owner, others) if others else (Role.MANAGER.value, audience.people_in(Role.MANAGER, subject))


def _template(reminder: Reminder, role: str, owner: str) -> str:
    if role != owner:
        return "escalation"
    if reminder.to == COLLEAGUE and role == APPLICANT:
        return "colleague"
    return "overdue" if reminder.days > 0 else "reminder"
