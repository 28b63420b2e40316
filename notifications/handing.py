"""Intent and acknowledgement: the two sides of handing over what was claimed.

Each function works in the caller's short transaction. The intent (claimed → sending) is the point after which a cancel
comes too late: it succeeds only while the deadline stands as it was planned.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import and_, bindparam, case, exists, insert, literal, or_, select, update
from sqlmodel import Session

from notifications import digest
from notifications.kinds import DIGEST
from notifications.lease import DEADLINES, PERSONS, TOO_LATE, Claim
from notifications.outbox import CANCELLABLE, MESSAGES, closed, ended
from notifications.outcomes import Handed, OnUnknown, Outcome, onward
from notifications.wanted import KIND as WEBHOOK
from schema.outbox import TERMINAL, DeliveryAttempt, MessageStatus
from schema.rows import table_of
from schema.statements import About, Call, Prepared, together

ATTEMPTS = table_of(DeliveryAttempt)


@dataclass(frozen=True, slots=True)
class Intent:
    """A message that is being handed over, and the record of the attempt."""

    message_id: int
    lease: str
    attempt_id: int
    attempts: int
    kind: str
    expires_at: datetime | None
    reminds: tuple[int, int, int | None, int] | None = None
    """Deadline, its generation, person and offset of a reminder."""


Among: TypeAlias = Callable[[Any], Any]
"""Makes, of a column, the condition that it holds one of the keys that are asked about."""
Done: TypeAlias = tuple[Intent, Handed]
"""A message that was handed over, and what that came to."""


def intend(session: Session, claimed: Claim, now: datetime, domain: str) -> Intent | None:
    """Declare that the message is being handed over from now on, and record the attempt.

    None where it is not to go: the lease was lost, or (then it is cancelled, with the reason) the deadline was
    met, cancelled or moved in the meantime, the person was disabled, or it expired. ``domain`` completes the
    Message-ID at the first attempt.
    """
    return next(iter(intend_all(session, [claimed], now, domain)), None)


def intend_all(
    session: Session,
    claims: Sequence[Claim],
    now: datetime,
    domain: str,
    besides: Sequence[Call] = (),
) -> list[Intent]:
    """The same for several messages: the intents of those that are to go, in the order of the claims.

    ``besides`` is carried out before, without a wait of its own.
    """
    by_lease: dict[str, list[int]] = {}
    for one in claims:
        by_lease.setdefault(one.lease, []).append(one.message_id)
    calls = list(besides)
    for lease, ids in by_lease.items():
        calls.append(_INTEND.call(ids, its_lease=lease, moment=now, domain=f"@{domain}"))
        calls.append(_ATTEMPT.call(ids, its_lease=lease, moment=now))
    answers = [rows for answer in together(session, *calls)[len(besides) :] for rows, _ in answer]
    declared = {row.id: row for rows in answers[0::2] for row in rows}
    attempts = {row.message_id: row.id for rows in answers[1::2] for row in rows}
    begun = (_begun(session, one, declared.get(one.message_id), attempts, now) for one in claims)
    return [intent for intent in begun if intent is not None]


def _begun(
    session: Session, claimed: Claim, row: Any, attempts: Mapping[int, int], now: datetime
) -> Intent | None:
    """The intent where it was declared, by now also looked through where it is a digest."""
    if row is None:
        _explain(session, claimed, now)
    elif row.kind != DIGEST:
        return _intent(claimed, row, attempts[claimed.message_id])
    elif digest.look_again(session, claimed.message_id, now):
        of = {"its_lease": claimed.lease, "moment": now}
        (attempt,) = _ATTEMPT_OF_DIGEST.rows(session, [claimed.message_id], **of)
        return _intent(claimed, row, attempt.id)
    else:
        _call_off(session, claimed.message_id, now)
    return None


def _intent(claimed: Claim, row: Any, attempt_id: int) -> Intent:
    reminds = None
    if row.deadline_id is not None and row.kind != WEBHOOK:
        reminds = (row.deadline_id, row.deadline_generation, row.person_id, row.offset_days)
    return Intent(
        claimed.message_id, claimed.lease, attempt_id, row.attempts, row.kind, row.expires_at, reminds
    )


def _call_off(session: Session, message_id: int, now: datetime) -> None:
    """A digest of which nothing is left: it was never tried."""
    values = closed(MessageStatus.CANCELLED, digest.NOTHING_LEFT, now) | {"attempts": MESSAGES.c.attempts - 1}
    session.connection().execute(update(MESSAGES).where(MESSAGES.c.id == message_id).values(values))


def _mine(message_id: int, lease: str, status: MessageStatus) -> tuple[Any, ...]:
    c = MESSAGES.c
    return (c.id == message_id, c.lease == lease, c.status == status.value)


# Scalar, not EXISTS: beside an OR PostgreSQL may read a whole table for that, each time.
_DEADLINE_STANDS = (
    select(and_(DEADLINES.c.generation == MESSAGES.c.deadline_generation, DEADLINES.c.status == "open"))
    .where(DEADLINES.c.id == MESSAGES.c.deadline_id)
    .scalar_subquery()
)
_PERSON_STANDS = (
    select(PERSONS.c.disabled_at.is_(None)).where(PERSONS.c.id == MESSAGES.c.person_id).scalar_subquery()
)


def _intend_statement(these: Among) -> Any:
    c, moment = MESSAGES.c, bindparam("moment", type_=MESSAGES.c.next_at.type)
    return (
        update(MESSAGES)
        .where(
            these(c.id),
            c.lease == bindparam("its_lease"),
            c.status == MessageStatus.CLAIMED.value,
            or_(c.expires_at.is_(None), c.expires_at > moment),
            or_(c.deadline_id.is_(None), _DEADLINE_STANDS),
            or_(c.person_id.is_(None), _PERSON_STANDS),
        )
        .values(
            status=MessageStatus.SENDING.value,
            attempts=c.attempts + 1,
            mail_id=case((c.mail_id.contains("@"), c.mail_id), else_=c.mail_id + bindparam("domain")),
        )
        .returning(
            c.id,
            c.attempts,
            c.kind,
            c.expires_at,
            c.deadline_id,
            c.deadline_generation,
            c.person_id,
            c.offset_days,
        )
    )


def _attempt_statement(these: Among, which: Any) -> Any:
    """Records that messages whose intents were declared are being handed over."""
    c, moment = MESSAGES.c, bindparam("moment", type_=ATTEMPTS.c.started_at.type)
    sending = (c.lease == bindparam("its_lease"), c.status == MessageStatus.SENDING.value)
    known = exists().where(ATTEMPTS.c.message_id == c.id, ATTEMPTS.c.outcome == "")
    begun = select(c.id, c.attempts, c.worker, moment, literal(""), literal(""))
    columns = ["message_id", "number", "worker", "started_at", "outcome", "reply"]
    return (
        insert(ATTEMPTS)
        .from_select(columns, begun.where(these(c.id), *sending, which, ~known), include_defaults=False)
        .returning(ATTEMPTS.c.id, ATTEMPTS.c.message_id)
    )


# Built once: putting such a statement together costs more than running it.
_INTEND = About(_intend_statement)
_ATTEMPT = About(lambda these: _attempt_statement(these, MESSAGES.c.kind != DIGEST))
# A digest is looked through before it is begun.
_ATTEMPT_OF_DIGEST = About(lambda these: _attempt_statement(these, MESSAGES.c.kind == DIGEST))


def _explain(session: Session, claimed: Claim, now: datetime) -> None:
    """Close a claimed message that is not wanted any more with the reason why."""
    c = MESSAGES.c
    mine = _mine(claimed.message_id, claimed.lease, MessageStatus.CLAIMED)
    row = session.connection().execute(
        select(
            c.kind,
            case((c.expires_at <= now, "expired"), else_="").label("expired"),
            case((or_(c.person_id.is_(None), _PERSON_STANDS), ""), else_="disabled").label("disabled"),
        ).where(*mine)
    ).one_or_none()  # fmt: skip
    if row is None:
        return
    status, reason = MessageStatus.CANCELLED, "The deadline was met, cancelled or moved"
    if row.expired:
        status, reason = MessageStatus.EXPIRED, TOO_LATE
    elif row.disabled:
        reason = "The person's account is disabled"
    session.connection().execute(update(MESSAGES).where(*mine).values(closed(status, reason, now)))
    if row.kind == DIGEST:
        digest.follow(session, [claimed.message_id], status, reason, now)


def acknowledge(
    session: Session, intent: Intent, handed: Handed, now: datetime, on_unknown: OnUnknown = "resend"
) -> MessageStatus | None:
    """Record what the server said and move the message on. None where the lease was lost: nothing changes then.

    Sent, refused for good and parked are terminal. The rest waits for its next attempt: at once where the server
    could not be reached, else after ``wait`` seconds; after 14 attempts, or past its expiry, it is dead.
    """
    (status,) = acknowledge_all(session, [(intent, handed)], now, on_unknown)
    return status


def acknowledge_all(
    session: Session, done: Sequence[Done], now: datetime, on_unknown: OnUnknown = "resend"
) -> list[MessageStatus | None]:
    """The same for several messages, in their order."""
    became, rest = begin_to_acknowledge(session, done, now, on_unknown)
    together(session, *rest)
    return became


def begin_to_acknowledge(
    session: Session, done: Sequence[Done], now: datetime, on_unknown: OnUnknown = "resend"
) -> tuple[list[MessageStatus | None], Sequence[Call]]:
    """The same, but for what the caller is still to ask in this transaction, together with more."""
    became = [_became(intent, handed, now, on_unknown) for intent, handed in done]
    held = _write_down(session, [intent for intent, _ in done], became)
    kept = [one for one, holds in zip(zip(done, became, strict=True), held, strict=True) if holds]
    for (intent, _), values in kept:
        if intent.kind == DIGEST:
            digest.follow(session, [intent.message_id], values["status"], values["reason"], now)
    sent = [intent for (intent, handed), _ in kept if handed.outcome == Outcome.SENT]
    reminded = [reminds for intent in sent for reminds in _reminded(session, intent)]
    statuses = [
        MessageStatus(values["status"]) if holds else None for values, holds in zip(became, held, strict=True)
    ]
    return statuses, (Call(_RESULT, [_result(*one, now) for one, _ in kept]), _outdating(reminded, now))


def _became(intent: Intent, handed: Handed, now: datetime, on_unknown: OnUnknown) -> dict[str, Any]:
    """The columns of a message after it was handed over."""
    values = onward(intent.message_id, intent.attempts, intent.expires_at, handed, now, on_unknown)
    if intent.kind != "sign_in":
        values |= {"rendered_subject": handed.subject, "rendered_text": handed.text} if handed.subject else {}
    elif values["status"] in TERMINAL:
        values |= {"payload": {}, "path": "/"}
    return values | ({"address": handed.address} if handed.address else {})


def _write_down(session: Session, intents: Sequence[Intent], became: Sequence[dict[str, Any]]) -> list[bool]:
    """Write these columns of each message; whether its lease still held."""
    alike: dict[frozenset[str], list[int]] = {}
    for place, values in enumerate(became):
        alike.setdefault(frozenset(values), []).append(place)
    mine = [{"its_id": one.message_id, "its_lease": one.lease} for one in intents]
    calls = (
        Call(_acknowledging(names), [became[n] | mine[n] for n in places]) for names, places in alike.items()
    )
    held = [False] * len(intents)
    for places, answers in zip(alike.values(), together(session, *calls), strict=True):
        for place, answer in zip(places, answers, strict=True):
            held[place] = answer.reached == 1
    return held


def _reminded(session: Session, intent: Intent) -> list[tuple[int, int, int | None, int]]:
    if intent.kind == DIGEST:
        return digest.reminders_in(session, intent.message_id)
    return [intent.reminds] if intent.reminds else []


def _result(intent: Intent, handed: Handed, now: datetime) -> dict[str, Any]:
    return {
        "ended_at": now,
        "outcome": handed.outcome.value,
        "reply": handed.reply,
        "address": handed.address or None,
        "its_id": intent.attempt_id,
    }


def _outdating(reminders: Sequence[tuple[int, int, int | None, int]], now: datetime) -> Call:
    """Older reminders that are still being retried say nothing new once a newer one has gone out."""
    names = ("its_deadline", "its_generation", "its_person", "its_offset")
    values = ended(MessageStatus.SUPERSEDED, "A newer reminder of the same deadline went out", now)
    return Call(_OUTDATE, [values | dict(zip(names, reminds, strict=True)) for reminds in reminders])


@cache
def _acknowledging(columns: frozenset[str]) -> Prepared:
    """The statement that writes these columns of a message that is being handed over."""
    mine = (MESSAGES.c.id == bindparam("its_id"), MESSAGES.c.lease == bindparam("its_lease"))
    sending = MESSAGES.c.status == MessageStatus.SENDING.value
    return Prepared(update(MESSAGES).where(*mine, sending), sorted(columns))


_RESULT = Prepared(
    update(ATTEMPTS).where(ATTEMPTS.c.id == bindparam("its_id"), ATTEMPTS.c.outcome == ""),
    ["ended_at", "outcome", "reply", "address"],
)
_OUTDATE = Prepared(
    update(MESSAGES).where(
        MESSAGES.c.deadline_id == bindparam("its_deadline"),
        CANCELLABLE,
        MESSAGES.c.deadline_generation == bindparam("its_generation"),
        MESSAGES.c.person_id == bindparam("its_person"),
        MESSAGES.c.offset_days < bindparam("its_offset"),
        MESSAGES.c.webhook_id.is_(None),
    ),
    ["status", "reason", "finished_at", "worker", "lease"],
)
