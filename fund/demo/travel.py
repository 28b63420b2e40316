"""Moving the clock as time itself would: from one thing that is due to the next, and everything on the way happens."""

from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import col

from fund.base import passing
from fund.base.database import Database
from fund.demo.clock import MovedClock
from fund.worker import Worker
from schema.outbox import Message, MessageStatus


def travel(worker: Worker, clock: MovedClock, target: datetime) -> None:
    """Move to ``target`` (aware), stopping wherever a deadline passes or a mail is due."""
    while True:
        coming = next_event(worker.database, clock.now())
        stop = min(coming, target) if coming else target
        before = clock.now()
        clock.move_to(stop)
        settle(worker)
        if clock.now().date() != before.date():
            worker.daily()
        if stop >= target:
            return


def settle(worker: Worker) -> None:
    """Let happen whatever is due at this moment, mail included."""
    while worker.sweep() and worker.sender.circuit.down_since is None:
        pass


def next_event(database: Database, now: datetime) -> datetime | None:
    """When, after ``now``, the next deadline passes or the next mail is due."""
    with database.read() as session:
        mail = session.execute(
            select(func.min(col(Message.next_at))).where(
                col(Message.status) == MessageStatus.PENDING, col(Message.next_at) > now
            )
        ).scalar_one()
        passed = passing.next_moment(session, now)
    moments = [moment for moment in (mail, passed) if moment is not None]
    return min(moments, default=None)
