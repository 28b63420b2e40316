"""Deadlines into reminders: which mails a deadline calls for, and their end when it is moved or closed.

Works in the caller's transaction: a deadline and its reminders commit together. To move a deadline the caller
raises its ``generation``, cancels and plans anew; reminders of an older generation never go out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from sqlmodel import Session

from notifications import outbox
from notifications.dates import reminder_moment

STALE_AFTER = timedelta(days=30)
"""A mail about something overdue that could not go out for so long says nothing new any more."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is reminded, in the morning of her own IANA zone."""

    person_id: int
    zone: str


@dataclass(frozen=True, slots=True)
class ReminderRule:
    """One line of a reminder policy: ``days`` from the due day (negative: before), and the role it is for."""

    days: int
    to: str


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


Offset = tuple[int, Sequence[Recipient], str, str]
"""Days from the due day (negative: before), whom, the path of the mail's link, the template."""


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
    return f"rem:{deadline.id}:{deadline.generation}:{days}:{person_id}"


def planned_rows(deadline: Owed, offsets: Sequence[Offset], now: datetime) -> list[dict[str, Any]]:
    """The rows that ``plan_reminders`` would queue. Reads and writes nothing."""
    return list(_rows(deadline, offsets, now))


def _rows(deadline: Owed, offsets: Sequence[Offset], now: datetime) -> Iterator[dict[str, Any]]:
    due_on, due_at = deadline.due_on, deadline.due_at
    common = {
        "kind": "reminder",
        "subject_kind": deadline.subject_kind,
        "subject_id": deadline.subject_id,
        "application_id": deadline.application_id,
        "deadline_id": deadline.id,
        "deadline_generation": deadline.generation,
    }
    for days, recipients, path, template in offsets:
        for recipient in recipients:
            moment = reminder_moment(due_on, days, recipient.zone)
            expires_at = moment + STALE_AFTER if days > 0 else due_at
            if now <= moment < expires_at:
                yield outbox.message_row(
                    key=reminder_key(deadline, days, recipient.person_id),
                    now=now,
                    next_at=moment,
                    expires_at=expires_at,
                    template=template,
                    person_id=recipient.person_id,
                    offset_days=days,
                    path=path,
                    **common,
                )
