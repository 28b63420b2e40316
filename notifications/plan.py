"""Deadlines into reminders: which mails a deadline calls for, and their end when it is moved or closed.

Works in the caller's transaction: a deadline and its reminders commit together. To move a deadline the caller
raises its ``generation``, cancels and plans anew; reminders of an older generation never go out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, Protocol

from sqlmodel import Session

from notifications import outbox
from notifications.dates import (
    KEEP,
    MONDAY_TO_FRIDAY,
    WorkingDays,
    counted_day,
    first_morning,
    reminder_day,
    reminder_moment,
)

STALE_AFTER = timedelta(days=30)
"""A mail about something overdue that could not go out for so long says nothing new any more."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is reminded, in the morning of her own IANA zone."""

    person_id: int
    zone: str


class Owed(Protocol):
    """What planning looks at of a deadline: of one that is stored, or one that has just been written."""

    @property
    def id(self) -> int | None: ...
    @property
    def subject_kind(self) -> str: ...
    @property
    def subject_id(self) -> int: ...
    @property
    def application_id(self) -> int | None: ...
    @property
    def generation(self) -> int: ...
    @property
    def due_on(self) -> date: ...
    @property
    def due_at(self) -> datetime: ...
    @property
    def grace_until(self) -> datetime: ...


class Offset(NamedTuple):
    """One line of a reminder policy: ``days`` from the due day (negative: before), and whom it reaches with what."""

    days: int
    recipients: Sequence[Recipient]
    path: str
    """Where the mail's link leads, below the fund's address."""
    template: str
    weekends: str = KEEP
    """What becomes of it on a day off of ``calendar``: keep, before or after."""
    calendar: WorkingDays = MONDAY_TO_FRIDAY


class Called(NamedTuple):
    """A reminder that a deadline calls for, whether its moment is past or still to come."""

    key: str
    moment: datetime
    expires_at: datetime
    offset: Offset
    person_id: int


def plan_reminders(session: Session, deadline: Owed, offsets: Sequence[Offset], now: datetime) -> int:
    """Queue the reminders of ``deadline`` whose moment is still to come. Returns how many it calls for.

    Planning twice writes nothing twice. ``deadline`` must have its id (be flushed). A reminder from before
    the due day expires with the deadline, one from after it 30 days after its moment.
    """
    if deadline.id is None:
        raise ValueError("a deadline needs its id before its reminders can be planned")
    rows = planned_rows(deadline, offsets, now)
    outbox.queue_rows(session, rows)
    return len(rows)


def cancel_for_deadline(session: Session, deadline_id: int, reason: str, now: datetime) -> int:
    """Cancel every reminder of a deadline that is not yet being handed over. Returns how many."""
    return outbox.cancel(session, outbox.MESSAGES.c.deadline_id == deadline_id, reason=reason, now=now)


def cancel_for_deadlines(session: Session, ending: Sequence[tuple[int, str]], now: datetime) -> None:
    """The same for many deadlines, each with its reason."""
    outbox.cancel_each(session, ending, now)


def reminder_key(deadline: Owed, days: int, person_id: int) -> str:
    """The key that makes a second reminder for the same reason impossible."""
    return f"{_key(deadline)}:{days}:{person_id}"


def called_for(deadline: Owed, offsets: Sequence[Offset]) -> list[Called]:
    """Every reminder that the deadline calls for, in the morning of its reader. Reads and writes nothing.

    Nobody is told that something is overdue before the deadline has passed with its grace: such a mail waits for the
    next morning. Of two that would reach somebody in the same morning, the later one of the policy stays.
    """
    found: dict[tuple[int, datetime], Called] = {}
    of_deadline, due_at = _key(deadline), deadline.due_at
    for offset in offsets:
        for recipient in offset.recipients:
            moment = _moment(deadline, offset, recipient.zone)
            place = (recipient.person_id, moment)
            if place in found and found[place].offset.days >= offset.days:
                continue
            found[place] = Called(
                f"{of_deadline}:{offset.days}:{recipient.person_id}",
                moment,
                moment + STALE_AFTER if offset.days > 0 else due_at,
                offset,
                recipient.person_id,
            )
    return list(found.values())


def _key(deadline: Owed) -> str:
    return f"rem:{deadline.id}:{deadline.generation}"


def planned_rows(deadline: Owed, offsets: Sequence[Offset], now: datetime) -> list[dict[str, Any]]:
    """The rows that ``plan_reminders`` would queue. Reads and writes nothing."""
    common = {
        "kind": "reminder",
        "subject_kind": deadline.subject_kind,
        "subject_id": deadline.subject_id,
        "application_id": deadline.application_id,
        "deadline_id": deadline.id,
        "deadline_generation": deadline.generation,
    }
    return [
        outbox.message_row(
            key=one.key,
            now=now,
            next_at=one.moment,
            expires_at=one.expires_at,
            template=one.offset.template,
            person_id=one.person_id,
            offset_days=one.offset.days,
            path=one.offset.path,
            **common,
        )
        for one in called_for(deadline, offsets)
        if now <= one.moment < one.expires_at
    ]


def _moment(deadline: Owed, offset: Offset, zone: str) -> datetime:
    days, weekends, calendar = offset.days, offset.weekends, offset.calendar
    counted = counted_day(deadline.due_on, deadline.due_at, zone)
    if weekends == KEEP:
        moment = reminder_moment(counted, days, zone)
    else:
        moment = reminder_moment(reminder_day(counted, days, weekends, calendar), 0, zone)
    if days > 0 and moment < deadline.grace_until:
        return first_morning(deadline.grace_until, zone, weekends, calendar)
    return moment
