"""What a worker that died was holding goes on with another: found by its lock, freed by what it had begun."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import and_, delete, func, select
from sqlmodel import Session

from notifications import handing, lease
from notifications.handing import ATTEMPTS, Intent
from notifications.lease import HELD, WORKERS
from notifications.outbox import MESSAGES
from notifications.outcomes import Handed, OnUnknown, Outcome
from notifications.wanted import KIND as WEBHOOK
from schema.outbox import MessageStatus


def holders(session: Session) -> list[str]:
    """The workers that hold messages right now."""
    rows = session.connection().execute(select(MESSAGES.c.worker).where(HELD).distinct())
    return [worker for worker in rows.scalars() if worker is not None]


def take_over(session: Session, worker: str, now: datetime, on_unknown: OnUnknown = "resend") -> int:
    """Free what a dead ``worker`` held. Returns how many messages.

    What it had only claimed is pending again. What it was handing over may have gone out: the attempt is recorded
    as unknown, and the message goes out again with the same Message-ID, or is parked.
    """
    freed = lease.release(session, worker)
    c, a = MESSAGES.c, ATTEMPTS.c
    open_attempt = and_(a.message_id == c.id, a.outcome == "")
    rows = session.connection().execute(
        select(c.id, c.lease, c.attempts, c.kind, c.expires_at, func.max(a.id).label("attempt_id"))
        .select_from(MESSAGES.outerjoin(ATTEMPTS, open_attempt))
        .where(c.worker == worker, HELD, c.status == MessageStatus.SENDING.value)
        .group_by(c.id)
    ).all()  # fmt: skip
    for row in rows:
        intent = Intent(row.id, row.lease, row.attempt_id or 0, row.attempts, row.kind, row.expires_at)
        stopped = Handed(Outcome.UNKNOWN, "The worker stopped while it was handing the mail over")
        # A receiver knows a call that it had already by its id; a reader would get the same mail again.
        policy: OnUnknown = "resend" if row.kind == WEBHOOK else on_unknown
        freed += handing.acknowledge(session, intent, stopped, now, policy) is not None
    return freed


def recover(
    session: Session, is_alive: Callable[[str], bool], now: datetime, on_unknown: OnUnknown = "resend"
) -> Mapping[str, int]:
    """Free what dead workers hold. Returns how many messages by worker. Two survivors may do it at once."""
    dead = [worker for worker in holders(session) if not is_alive(worker)]
    freed = {worker: take_over(session, worker, now, on_unknown) for worker in dead}
    if dead:
        session.connection().execute(delete(WORKERS).where(WORKERS.c.name.in_(dead)))
    return freed
