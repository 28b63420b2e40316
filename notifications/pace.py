"""How many mails may go out: several limits at once, for all mail or for the addresses of one domain.

Counted from the tries on record, so that a limit holds over all workers and over a restart.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select, text
from sqlmodel import Session

from notifications.outbox import MESSAGES
from notifications.outcomes import Outcome
from schema.outbox import DeliveryAttempt, MessageStatus
from schema.people import Person
from schema.rows import table_of

ATTEMPTS = table_of(DeliveryAttempt)
PERSONS = table_of(Person)
SPANS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
FORM = re.compile(r"([1-9]\d{0,8})/(minute|hour|day)(?: +([a-z0-9-]+(?:\.[a-z0-9-]+)+))?")
EXPECTED = "expected limits such as 600/minute, 10000/day, 60/minute example.org"
SLACK = timedelta(minutes=1)
"""By how much another worker's clock may be ahead. What lies further ahead is from before a clock was set back."""
FAMILY = 7461904
"""The number under which PostgreSQL keeps the turns of counting apart from other locks."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` mails in any ``span``: of all mails, or of those to ``domain``."""

    most: int
    span: str
    domain: str = ""

    def __str__(self) -> str:
        return f"{self.most}/{self.span} {self.domain}".rstrip()


@dataclass(frozen=True, slots=True)
class Room:
    """How many mails may go out now: in all (None: any number), and to each domain that has limits of its own."""

    total: int | None = None
    domains: Mapping[str, int] | None = None


def limits_of(words: str) -> tuple[Limit, ...]:
    """The limits that a list such as ``600/minute, 60/minute example.org`` names; none where it is empty.

    Raises ValueError, saying what is expected.
    """
    found = []
    for part in filter(None, (part.strip() for part in words.lower().split(","))):
        match = FORM.fullmatch(part)
        if match is None:
            raise ValueError(EXPECTED)
        found.append(Limit(int(match[1]), match[2], match[3] or ""))
    return tuple(found)


def room(session: Session, limits: Sequence[Limit], now: datetime) -> Room:
    """What the limits leave at ``now``. Whoever asks next waits until the caller's unit of work has claimed."""
    if not limits:
        return Room()
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(text("SELECT pg_advisory_xact_lock(:family, 0)"), {"family": FAMILY})
    left: dict[str, int] = {}
    for limit in limits:
        free = max(0, limit.most - used(session, limit, now) - _claimed(session, limit.domain))
        left[limit.domain] = min(free, left.get(limit.domain, free))
    return Room(left.pop("", None), left)


def used(session: Session, limit: Limit, now: datetime) -> int:
    """How many mails that count for ``limit`` were handed over in its span up to ``now``."""
    a = ATTEMPTS.c
    older = select(a.id).where(a.started_at <= now - SPANS[limit.span])
    # Keys rise with time: the walk from the end meets only what lies in the span.
    before = older.order_by(a.id.desc()).limit(1).scalar_subquery()
    counted = (
        select(func.count())
        .select_from(ATTEMPTS.join(MESSAGES, MESSAGES.c.id == a.message_id))
        .where(
            a.id > func.coalesce(before, 0),
            a.started_at <= now + SLACK,
            a.outcome != Outcome.UNREACHABLE.value,
            MESSAGES.c.webhook_id.is_(None),
        )
    )
    return _count(session, counted, limit.domain)


def full(session: Session, limits: Iterable[Limit], now: datetime) -> list[Limit]:
    """The limits that let no mail through at ``now``."""
    return [limit for limit in limits if used(session, limit, now) >= limit.most]


def goes_to(domain: str) -> Any:
    """The condition that a message goes to an address of ``domain``."""
    theirs = select(PERSONS.c.email).where(PERSONS.c.id == MESSAGES.c.person_id).scalar_subquery()
    address = func.lower(func.coalesce(theirs, MESSAGES.c.address))
    return address.endswith(f"@{domain}", autoescape=True)


def _claimed(session: Session, domain: str) -> int:
    """What workers have claimed and not yet begun to hand over."""
    # Spelled out as in the definition of its partial index, which a parameter would not match.
    held = text("message.status IN ('claimed', 'sending')")
    claimed = select(func.count()).select_from(MESSAGES).where(MESSAGES.c.webhook_id.is_(None))
    return _count(session, claimed.where(held, MESSAGES.c.status == MessageStatus.CLAIMED.value), domain)


def _count(session: Session, counted: Select[Any], domain: str) -> int:
    which = counted.where(goes_to(domain)) if domain else counted
    return int(session.connection().execute(which).scalar() or 0)
