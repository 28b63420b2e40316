"""Whether the product can do its work: the process is there, the database answers, the worker sweeps and mail goes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, func, select

from fund.base import migrations, soundness
from fund.base.database import Database
from fund.base.errors import Misconfigured
from notifications.pace import Limit, full, used
from schema.outbox import DeliveryAttempt, Message, MessageStatus, Worker

STANDS_STILL_AFTER = timedelta(minutes=5)
"""A worker that has not swept for so long is taken for standing still."""


@dataclass(frozen=True, slots=True)
class Mailing:
    """How the mail goes. Moments are None where there is nothing of the kind."""

    swept_at: datetime | None
    """When a worker last began a sweep, to half a minute."""
    oldest_due: datetime | None
    """The moment of the mail that has been due for longest and waits."""
    tried_at: datetime | None
    """When a mail was last handed to the mail server."""
    unreachable_since: datetime | None
    """Since when a worker cannot talk to the mail server: the circuit is open."""
    unreachable: str
    """What the mail server, or the way to it, answered."""
    held: tuple[Limit, ...] = ()
    """The limits that let no mail through right now, while mail is due."""


def mailing(session: Session, now: datetime, limits: Sequence[Limit] = ()) -> Mailing:
    """How the mail goes at ``now`` under ``limits``. Looks at the ends of indices, however much mail there is."""
    # Spelled out as in the definition of its partial index, which a parameter would not match.
    mail = col(Message.webhook_id).is_(None)
    due = (text("message.status = 'pending'"), col(Message.next_at) <= now, mail)
    down = col(Worker.unreachable_since).is_not(None)
    since = select(Worker).where(down).order_by(col(Worker.unreachable_since)).limit(1)
    worker = session.exec(since).first()
    oldest: datetime | None = session.exec(select(func.min(Message.next_at)).where(*due)).one()
    tries = select(DeliveryAttempt.started_at).join(Message, col(Message.id) == DeliveryAttempt.message_id)
    tried = tries.where(mail).order_by(col(DeliveryAttempt.id).desc()).limit(1)
    return Mailing(
        swept_at=session.exec(select(func.max(Worker.beat_at))).one(),
        oldest_due=oldest,
        tried_at=session.exec(tried).first(),
        unreachable_since=worker.unreachable_since if worker else None,
        unreachable=(worker.unreachable or "") if worker else "",
        held=tuple(full(session, limits, now)) if oldest is not None else (),
    )


def problems(database: Database, now: datetime, limits: Sequence[Limit] = ()) -> list[str]:
    """What keeps the fund from working, in words; empty if nothing does."""
    try:
        if not migrations.is_current(database):
            return ["the database does not have this version's schema; run: fund migrate"]
        with database.read() as session:
            found = mailing(session, now, limits)
    except Misconfigured as error:
        return [error.message]
    except SQLAlchemyError:
        return ["the database does not answer"]
    return standstill(found, now)


def faults(database: Database) -> list[str]:
    """What is wrong with some workflows and keeps nothing else from working: moves whose guard is gone."""
    try:
        with database.read() as session:
            return list(soundness.lost_guards(session))
    except SQLAlchemyError:
        return []  # told as a problem


def standstill(found: Mailing, now: datetime) -> list[str]:
    """Why no mail goes out although it could, in words; empty where it does.

    A mail server out of reach is no standstill, nor is a limit that is used up: the worker goes on trying.
    """
    if found.swept_at is None:
        return ["no worker has ever swept; run: fund worker"]
    if now - found.swept_at > STANDS_STILL_AFTER:
        return [f"the worker has not swept since {_second(found.swept_at)}"]
    past = now - STANDS_STILL_AFTER
    waits = found.oldest_due is not None and found.oldest_due < past
    hindered = found.unreachable_since is not None or bool(found.held)
    if waits and not hindered and (found.tried_at is None or found.tried_at < past):
        assert found.oldest_due is not None
        return [f"mail has been due since {_second(found.oldest_due)}, and the worker sends none"]
    return []


def metrics(database: Database, now: datetime, limits: Sequence[Limit] = ()) -> bytes:
    """How the mail goes, as numbers for Prometheus (text format). Names and addresses are not among them."""
    registry = CollectorRegistry()
    messages = Gauge("fund_mail_messages", "Mails by status.", ["status"], registry=registry)
    called = Gauge("fund_webhook_calls", "Calls of webhooks by status.", ["status"], registry=registry)
    left = Gauge(
        "fund_mail_limit_left", "Mails that a limit still lets through.", ["limit"], registry=registry
    )
    with database.read() as session:
        found = mailing(session, now)
        for limit in limits:
            left.labels(str(limit)).set(max(0, limit.most - used(session, limit, now)))
        mails, calls = (_counts(session, is_call) for is_call in (False, True))
    for status in MessageStatus:
        messages.labels(status.value).set(mails.get(status.value, 0))
        called.labels(status.value).set(calls.get(status.value, 0))
    for name, words, since, never in (
        ("fund_mail_oldest_due_seconds", "For how long the oldest due mail waits.", found.oldest_due, 0.0),
        ("fund_mail_unreachable_seconds", "How long the mail server is gone.", found.unreachable_since, 0.0),
        ("fund_worker_sweep_age_seconds", "Since when no worker began a sweep.", found.swept_at, math.inf),
    ):
        seconds = max(0.0, (now - since).total_seconds()) if since else never
        Gauge(name, words, registry=registry).set(seconds)
    state = Gauge("fund_mail_circuit_open", "1 while the mail server is out of reach.", registry=registry)
    state.set(found.unreachable_since is not None)
    return generate_latest(registry)


def _counts(session: Session, calls: bool) -> dict[str, int]:
    which = col(Message.webhook_id).is_not(None) if calls else col(Message.webhook_id).is_(None)
    found = session.exec(select(Message.status, func.count()).where(which).group_by(Message.status))
    return dict(found.all())


def _second(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
