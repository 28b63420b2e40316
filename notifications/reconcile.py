"""The hourly look whether plan and truth agree, and the daily clearing up. Normally it finds nothing to do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, select, update
from sqlmodel import Session, col
from sqlmodel import select as rows

from notifications import lease, outbox
from notifications.dates import end_of_local_day
from notifications.lease import ATTEMPTS, DEADLINES
from notifications.outbox import MESSAGES
from notifications.plan import Offset, planned_rows, reminder_key
from notifications.ports import Clock, Database
from schema.deadlines import Deadline, DeadlineStatus

Policy = Callable[[Session, Deadline], Sequence[Offset]]
"""The reminders that a deadline calls for now: the same answer as when it was planned, if nothing changed."""

BATCH = 200
SIGN_IN_KEPT = timedelta(days=30)


@dataclass(slots=True)
class Found:
    """What the look found and set right. ``drifted`` are deadlines whose instant no longer fits their day and zone
    because the zone's rules changed: moving one is a change of state, which is not done here."""

    planned: int = 0
    retimed: int = 0
    cancelled: int = 0
    drifted: list[int] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        """Plan and truth agreed."""
        return not (self.planned or self.retimed or self.cancelled or self.drifted)


def reconcile(database: Database, policy: Policy, clock: Clock) -> Found:
    """Compare every open deadline's reminders with ``policy`` and set right what differs, batch by batch."""
    found, after = Found(), 0
    while True:
        with database.write() as session:
            batch = session.exec(
                rows(Deadline)
                .where(Deadline.status == DeadlineStatus.OPEN, col(Deadline.id) > after)
                .order_by(col(Deadline.id))
                .limit(BATCH)
            ).all()
            for deadline in batch:
                _compare(session, deadline, policy(session, deadline), clock.now(), found)
            if not batch:
                found.cancelled += _cancel_closed(session, clock.now())
                return found
            after = batch[-1].id or 0


def _compare(
    session: Session, deadline: Deadline, offsets: Sequence[Offset], now: datetime, found: Found
) -> None:
    if deadline.due_at != end_of_local_day(deadline.due_on, deadline.zone) and deadline.id is not None:
        found.drifted.append(deadline.id)
    wanted = {
        reminder_key(deadline, days, recipient.person_id)
        for days, recipients, _path, _template in offsets
        for recipient in recipients
    }
    there = {
        row.dedup_key: row
        for row in session.connection().execute(
            select(MESSAGES.c.dedup_key, MESSAGES.c.next_at, MESSAGES.c.status, MESSAGES.c.attempts).where(
                MESSAGES.c.deadline_id == deadline.id
            )
        )
    }
    planned = planned_rows(deadline, offsets, now)
    missing = [row for row in planned if row["dedup_key"] not in there]
    outbox.queue_rows(session, missing)
    found.planned += len(missing)
    for row in planned:
        old = there.get(row["dedup_key"])
        if old and old.status == "pending" and not old.attempts and old.next_at != row["next_at"]:
            found.retimed += _retime(session, row["dedup_key"], row["next_at"])
    excess = [key for key, row in there.items() if row.status == "pending" and key not in wanted]
    if excess:
        where = MESSAGES.c.dedup_key.in_(excess)
        found.cancelled += outbox.cancel(session, where, reason="No longer called for", now=now)


def _retime(session: Session, key: str, next_at: datetime) -> int:
    """The reader moved to another zone, or the zone's rules changed."""
    c = MESSAGES.c
    pending = (c.dedup_key == key, c.status == "pending", c.attempts == 0)
    return session.connection().execute(update(MESSAGES).where(*pending).values(next_at=next_at)).rowcount


def _cancel_closed(session: Session, now: datetime) -> int:
    closed = exists().where(DEADLINES.c.id == MESSAGES.c.deadline_id, DEADLINES.c.status != "open")
    reason = "The deadline was met or cancelled"
    return outbox.cancel(session, MESSAGES.c.deadline_id.is_not(None), closed, reason=reason, now=now)


def prune(session: Session, is_alive: Callable[[str], bool], now: datetime) -> int:
    """Remove sign-in mails that ended 30 days ago with their attempts, and workers that died. Returns how many mails.

    Notices and reminders stay: they are the record of who was told what.
    """
    c = MESSAGES.c
    old = select(c.id).where(c.kind == "sign_in", c.finished_at < now - SIGN_IN_KEPT)
    session.connection().execute(delete(ATTEMPTS).where(ATTEMPTS.c.message_id.in_(old)))
    removed = session.connection().execute(delete(MESSAGES).where(c.id.in_(old))).rowcount
    held = set(lease.holders(session))
    names = session.connection().execute(select(lease.WORKERS.c.name)).scalars().all()
    gone = [name for name in names if name not in held and not is_alive(name)]
    session.connection().execute(delete(lease.WORKERS).where(lease.WORKERS.c.name.in_(gone)))
    return removed
