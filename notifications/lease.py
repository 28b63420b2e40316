"""Claim and release: how a message is handed to exactly one worker. What follows is in ``handing``.

Each function works in the caller's short transaction. A claim carries a lease token; whoever comes with a token
that is no longer on the row changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from secrets import token_hex
from typing import Any

from sqlalchemy import (
    Integer,
    bindparam,
    exists,
    literal,
    not_,
    or_,
    select,
    text,
    union_all,
    update,
)
from sqlmodel import Session

from notifications import digest
from notifications.kinds import DIGEST
from notifications.outbox import MESSAGES, closed
from notifications.pace import goes_to
from schema.deadlines import Deadline
from schema.outbox import DeliveryAttempt, MessageStatus, Worker
from schema.people import Person
from schema.rows import table_of
from schema.statements import Prepared, among

ATTEMPTS = table_of(DeliveryAttempt)
WORKERS = table_of(Worker)
DEADLINES = table_of(Deadline)
PERSONS = table_of(Person)
BATCH = 100
TOO_LATE = "It could not go out before it was of no more use"

# Partial indices are only used where the condition is spelled out as in their definition, not sent as a parameter.
_PENDING = "message.status = 'pending'"
_MAIL = "message.status = 'pending' AND message.webhook_id IS NULL"
_URGENT = "message.status = 'pending' AND message.kind = 'sign_in'"
HELD = text("message.status IN ('claimed', 'sending')")


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send one message, as long as its token is on the row."""

    message_id: int
    lease: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What a claim got: messages to send, and how many it settled without sending (expired, superseded)."""

    claims: tuple[Claim, ...]
    settled: int

    @property
    def empty(self) -> bool:
        """Nothing was due."""
        return not self.claims and not self.settled


def claim(
    session: Session,
    worker: str,
    now: datetime,
    limit: int = BATCH,
    domains: Mapping[str, int] | None = None,
    webhook: int | None = None,
) -> Batch:
    """Claim at most ``limit`` mails that are due at ``now``, sign-in mail first; or calls of one ``webhook``.

    Of those to each of ``domains`` no more than it says; they hold up no others. Of reminders that were missed, the
    newest for a deadline and person stays and the older are superseded; what is past its ``expires_at`` expires. Two
    workers never claim the same message.
    """
    lease = token_hex(16)
    apart = domains or {}
    first, then = (_URGENT, _MAIL) if webhook is None else (_calls(webhook),) * 2
    rows = _take_each(session, first, worker, lease, now, limit, apart) or _take_each(
        session, then, worker, lease, now, limit, apart
    )
    late = [row for row in rows if row.expires_at is not None and row.expires_at <= now]
    gone = {row.id for row in late}
    _settle(session, gone, lease, MessageStatus.EXPIRED, TOO_LATE, now)
    digest.follow(session, [row.id for row in late if row.kind == DIGEST], "expired", TOO_LATE, now)
    gone |= _supersede(session, [row.id for row in rows if row.deadline_id and row.id not in gone], now)
    gone |= digest.settle(session, [row for row in rows if row.id not in gone], lease, now)
    left = sorted((row for row in rows if row.id not in gone), key=lambda row: (row.next_at, row.id))
    return Batch(tuple(Claim(row.id, lease) for row in left), len(rows) - len(left))


def look(session: Session, now: datetime) -> tuple[list[str], bool]:
    """The workers that hold messages, and whether any mail is due at ``now``.

    One statement, and of each index as much as is held, and one entry: the same however much is pending.
    """
    found = [row.worker for row in _LOOK.rows(session, moment=now)]
    return [worker for worker in found if worker], "" in found


def _look_statement() -> Any:
    """The workers by name, and an empty name if anything is due."""
    c, moment = MESSAGES.c, bindparam("moment", type_=MESSAGES.c.next_at.type)
    held = select(c.worker).where(HELD).distinct()
    due = select(literal("").label("worker")).where(text(_MAIL), c.next_at <= moment)
    due = due.order_by(c.next_at).limit(1)  # by the index, whatever part of the pending ones is taken for due
    return union_all(held, select(due.subquery()))


def _calls(webhook: int) -> str:
    return f"{_PENDING} AND message.webhook_id = {webhook:d}"


def _take_each(
    session: Session,
    which: str,
    worker: str,
    lease: str,
    now: datetime,
    limit: int,
    domains: Mapping[str, int],
) -> list[Any]:
    """What is for a domain with a limit of its own first: it is little, and would else stand behind all others."""
    lanes = [(_taking(which, domain), most) for domain, most in domains.items()]
    lanes.append((_taking(which, "", frozenset(domains)), limit))
    rows: list[Any] = []
    for taking, most in lanes:
        if (room := min(most, limit - len(rows))) > 0:
            rows += taking.rows(session, its_worker=worker, its_lease=lease, moment=now, most=room)
    return rows


@cache
def _taking(which: str, to: str, not_to: frozenset[str] = frozenset()) -> Prepared:
    """The statement that claims what is due: to one domain, or to all but some."""
    c, moment = MESSAGES.c, bindparam("moment", type_=MESSAGES.c.next_at.type)
    where: list[Any] = [text(which), c.next_at <= moment]
    where += [goes_to(to)] if to else [not_(goes_to(domain)) for domain in sorted(not_to)]
    due = select(c.id).where(*where).order_by(c.next_at, c.id).limit(bindparam("most", type_=Integer))
    # As a common table expression the locking selection runs once; as a plain subquery it might be repeated.
    chosen = due.with_for_update(skip_locked=True).cte("due")
    claimed = {
        "status": MessageStatus.CLAIMED.value,
        "worker": bindparam("its_worker"),
        "lease": bindparam("its_lease"),
    }
    mine = (c.id.in_(select(chosen.c.id)), text(_PENDING))
    return Prepared(update(MESSAGES).where(*mine).values(claimed).returning(c.next_at, *digest.PART))


def _settle(
    session: Session, ids: set[int], lease: str, status: MessageStatus, reason: str, now: datetime
) -> None:
    if ids:
        session.connection().execute(
            update(MESSAGES)
            .where(MESSAGES.c.id.in_(ids), MESSAGES.c.lease == lease)
            .values(closed(status, reason, now))
        )


def _supersede(session: Session, ids: Sequence[int], now: datetime) -> set[int]:
    return {row.id for row in _SUPERSEDE.rows(session, ids=ids, now=now)} if ids else set()


def _supersede_statement() -> Any:
    c, newer = MESSAGES.c, MESSAGES.alias("newer").c
    now: Any = bindparam("now", type_=c.next_at.type)
    has_newer = exists().where(
        newer.deadline_id == c.deadline_id,
        text("newer.status IN ('pending', 'claimed', 'gathered')"),
        newer.deadline_generation == c.deadline_generation,
        newer.person_id == c.person_id,
        newer.webhook_id.is_not_distinct_from(c.webhook_id),
        newer.offset_days > c.offset_days,
        or_(newer.next_at <= now, newer.attempts > 0),
    )
    reason = "A newer reminder of the same deadline was due as well"
    values = closed(MessageStatus.SUPERSEDED, reason, now)
    return update(MESSAGES).where(among(c.id, "ids"), has_newer).values(values).returning(c.id)


_SUPERSEDE = Prepared(_supersede_statement())
_LOOK = Prepared(_look_statement())


def release(session: Session, worker: str, webhook: int | None = None) -> int:
    """Give back what ``worker`` claimed (of one ``webhook``) and has not begun to hand over. Returns how many."""
    c = MESSAGES.c
    whose = [c.worker == worker, *([] if webhook is None else [c.webhook_id == webhook])]
    return (
        session.connection()
        .execute(
            update(MESSAGES)
            .where(*whose, HELD, c.status == MessageStatus.CLAIMED.value)
            .values(status=MessageStatus.PENDING.value, worker=None, lease=None)
        )
        .rowcount
    )
