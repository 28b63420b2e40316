"""Time passes under a clock that is moved: from one thing that is due to the next, and all on the way happens."""

from datetime import datetime
from typing import Protocol

from sqlalchemy import select, text
from sqlmodel import col

from fund.base import passing
from fund.base.clock import Clock
from fund.base.database import Database
from fund.worker import Worker
from schema.outbox import Message

# Spelled out as in its partial index, which a parameter would not match.
PENDING = text("message.status = 'pending'")


class Moved(Clock, Protocol):
    """A clock that is moved by hand."""

    def move_to(self, moment: datetime) -> None:
        """Stand at, or go on from, ``moment`` (aware)."""
        ...


class Players(Protocol):
    """Those who act as time passes."""

    def next_moment(self) -> datetime | None:
        """When one of them acts next; None if nobody will."""
        ...

    def act(self, now: datetime) -> bool:
        """Do whatever is to be done by ``now``, and see what is to be done next. Whether anything was done."""
        ...


def live(worker: Worker, clock: Moved, players: Players, until: datetime) -> None:
    """Live from the clock's moment to ``until`` (aware), or until nothing more can happen.

    At each moment deadlines pass first, then mail goes out, then people act, then goes out what that called for.
    """
    moment: datetime | None = clock.now()
    while moment is not None and moment <= until:
        clock.move_to(moment)
        settle(worker)
        if players.act(moment):
            settle(worker)
        moment = _next(worker.database, players, moment)


def settle(worker: Worker) -> None:
    """Let happen whatever is due at this moment, mail included."""
    while worker.sweep() and worker.sender.circuit.down_since is None:
        pass


def next_event(database: Database, now: datetime) -> datetime | None:
    """When, after ``now``, the next deadline passes or the next mail is due."""
    mail = select(col(Message.next_at)).where(
        PENDING, col(Message.next_at) > now, col(Message.webhook_id).is_(None)
    )
    with database.read() as session:
        due = session.execute(mail.order_by(col(Message.next_at)).limit(1)).scalar()
        passed = passing.next_moment(session, now)
    return min((moment for moment in (due, passed) if moment is not None), default=None)


def _next(database: Database, players: Players, now: datetime) -> datetime | None:
    moments = (next_event(database, now), players.next_moment())
    return min((moment for moment in moments if moment is not None), default=None)
