"""The hourly look whether plan and truth agree, and the daily clearing up. Normally it finds nothing to do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, or_, select, text
from sqlmodel import Session, col
from sqlmodel import select as rows

from notifications import lease, outbox, recovery
from notifications.dates import end_of_local_day
from notifications.handing import ATTEMPTS
from notifications.lease import DEADLINES
from notifications.outbox import MESSAGES
from notifications.plan import Offset
from notifications.ports import Clock, Database
from notifications.replan import Mended, differences, mend
from notifications.wanted import KIND as WEBHOOK
from schema.deadlines import Deadline, DeadlineStatus

Policy = Callable[[Session, Deadline], Sequence[Offset]]
"""The reminders that a deadline calls for now: the same answer as when it was planned, if nothing changed."""

BATCH = 200
KEPT = {"sign_in": timedelta(days=30), WEBHOOK: timedelta(days=90)}
"""For how long messages that are no record of who was told what are kept after their end."""


@dataclass(slots=True)
class Found:
    """What the look found and set right.

    ``drifted`` are deadlines whose instant no longer fits their day and zone because the zone's rules changed: to
    move one is a change of state, which is not done here.
    """

    planned: int = 0
    retimed: int = 0
    cancelled: int = 0
    drifted: list[int] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        """Plan and truth agreed."""
        return not (self.planned or self.retimed or self.cancelled or self.drifted)


def reconcile(database: Database, policy: Policy, clock: Clock) -> Found:
    """Compare every open deadline's reminders with ``policy`` and set right what differs, one deadline at a time.

    Looking takes no lock; only what differs is looked at again and mended in a unit of work of its own.
    """
    found = Found()
    for deadline_id in _suspects(database, policy, clock, found):
        with database.write() as session:
            deadline = session.get_one(Deadline, deadline_id)
            if deadline.status == DeadlineStatus.OPEN:
                now = clock.now()
                wanted = [(deadline, policy(session, deadline))]
                _note(found, mend(session, differences(session, wanted, now), now))
    _cancel_closed(database, clock, found)
    return found


def _suspects(database: Database, policy: Policy, clock: Clock, found: Found) -> list[int]:
    suspects: list[int] = []
    after = 0
    while True:
        with database.read() as session:
            batch = session.exec(
                rows(Deadline)
                .where(Deadline.status == DeadlineStatus.OPEN, col(Deadline.id) > after)
                .order_by(col(Deadline.id))
                .limit(BATCH)
            ).all()
            for deadline in batch:
                assert deadline.id is not None
                after = deadline.id
                if deadline.due_at != end_of_local_day(deadline.due_on, deadline.zone):
                    found.drifted.append(deadline.id)
            wanted = [(deadline, policy(session, deadline)) for deadline in batch]
            suspects += [one.deadline_id for one in differences(session, wanted, clock.now())]
        if len(batch) < BATCH:
            return suspects


def _note(found: Found, done: Mended) -> None:
    found.planned += done.planned
    found.retimed += done.changed
    found.cancelled += done.cancelled


def _cancel_closed(database: Database, clock: Clock, found: Found) -> None:
    """Reminders of a deadline that is not open any more. They would not go out; this says so in time."""
    c = MESSAGES.c
    with database.read() as session:
        stale = select(c.id).join(DEADLINES, DEADLINES.c.id == c.deadline_id)
        ids = (
            session.connection()
            .execute(
                stale.where(text("message.status = 'pending'"), DEADLINES.c.status != "open").limit(1000)
            )
            .scalars()
            .all()
        )
    if ids:
        with database.write() as session:
            reason = "The deadline was met or cancelled"
            found.cancelled += outbox.cancel(session, c.id.in_(ids), reason=reason, now=clock.now())


def prune(session: Session, is_alive: Callable[[str], bool], now: datetime) -> int:
    """Remove sign-in mails and calls of webhooks that ended long ago with their attempts, and dead workers.

    Returns how many messages. Notices and reminders stay: they are the record of who was told what.
    """
    c = MESSAGES.c
    ended = [and_(c.kind == kind, c.finished_at < now - kept) for kind, kept in KEPT.items()]
    old = select(c.id).where(or_(*ended))
    session.connection().execute(delete(ATTEMPTS).where(ATTEMPTS.c.message_id.in_(old)))
    removed = session.connection().execute(delete(MESSAGES).where(c.id.in_(old))).rowcount
    held = set(recovery.holders(session))
    names = session.connection().execute(select(lease.WORKERS.c.name)).scalars().all()
    gone = [name for name in names if name not in held and not is_alive(name)]
    session.connection().execute(delete(lease.WORKERS).where(lease.WORKERS.c.name.in_(gone)))
    return removed
