"""Time passes: deadlines whose grace lies behind us are marked as passed, and what waits for them happens."""

import logging
from datetime import datetime

from sqlalchemy import bindparam, text
from sqlmodel import Session, col, select

from fund.base import announcing, ledger, moves
from fund.base.clock import Clock
from fund.base.database import Database
from fund.base.deadlines import DEADLINES
from fund.base.errors import NotFound
from fund.base.subjects import chain_of, get, lock
from schema.deadlines import Deadline, DeadlineStatus
from schema.statements import Prepared

log = logging.getLogger(__name__)
BATCH = 200
# Spelled out as in its partial index, which parameters would not match.
WAITING = text("deadline.status = 'open' AND deadline.passed_at IS NULL")
OVER = Prepared(
    select(DEADLINES.c.id)
    .where(WAITING, DEADLINES.c.grace_until <= bindparam("moment"), DEADLINES.c.id > bindparam("after"))
    .order_by(DEADLINES.c.id)
    .limit(BATCH)
)


def sweep(database: Database, clock: Clock) -> int:
    """Let every deadline pass that is over by now, each in a unit of work of its own; answers how many did.

    One that fails is logged and left for the next sweep; it never stops the others.
    """
    now, done, after = clock.now(), 0, 0
    while batch := _over(database, now, after):
        for key in batch:
            done += _pass_safely(database, key, now)
        after = batch[-1]
    return done


def next_moment(session: Session, after: datetime) -> datetime | None:
    """When, after that moment, the next open deadline passes (grace included), or None if none waits."""
    return session.exec(
        select(Deadline.grace_until)
        .where(WAITING, Deadline.grace_until > after)
        .order_by(col(Deadline.grace_until))
        .limit(1)
    ).first()


def _over(database: Database, now: datetime, after: int) -> list[int]:
    with database.read() as session:
        return [row.id for row in OVER.rows(session, moment=now, after=after)]


def _pass_safely(database: Database, key: int, now: datetime) -> bool:
    try:
        with database.write() as session:
            return _pass(session, key, now)
    except Exception:  # one bad row must not stop the others
        log.exception("deadline %s could not pass; it will be tried again", key)
        return False


def _pass(session: Session, key: int, now: datetime) -> bool:
    deadline = session.get(Deadline, key)
    if deadline is None:
        raise NotFound
    subject = get(session, deadline.subject_kind, deadline.subject_id)
    lock(session, subject)
    session.refresh(deadline, with_for_update=True)
    if deadline.status != DeadlineStatus.OPEN or deadline.passed_at or deadline.grace_until > now:
        return False
    deadline.passed_at = now
    session.add(deadline)
    ledger.append(
        session,
        chain=chain_of(subject),
        actor=None,
        role=ledger.CLOCK_ROLE,
        subject_kind=deadline.subject_kind,
        subject_id=deadline.subject_id,
        action="deadline_passed",
        now=now,
        data={"deadline": deadline.key, "due_on": deadline.due_on.isoformat()},
    )
    announcing.changed(session, deadline, "passed", now)
    moves.pass_deadline(session, subject, deadline.key, now)
    return True
