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
from notifications.digest import Reminder
from notifications.kinds import DIGEST
from notifications.lease import DEADLINES, PERSONS, TOO_LATE, Claim
from notifications.outbox import CANCELLABLE, MESSAGES, closed
from notifications.outcomes import Handed, OnUnknown, Outcome, onward
from notifications.wanted import KIND as WEBHOOK
from schema.outbox import TERMINAL, DeliveryAttempt, MessageStatus
from schema.rows import table_of
from schema.statements import About, Call, Prepared, among, given, together

ATTEMPTS = table_of(DeliveryAttempt)
_WORDS = ("reason", "address", "rendered_subject", "rendered_text")
"""The columns that say of each message something of its own when it was handed over."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A message that is being handed over, and the record of the attempt."""

    message_id: int
    lease: str
    attempt_id: int
    attempts: int
    kind: str
    expires_at: datetime | None
    reminder: Reminder | None = None


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
    """The intent of this row; ``reminder`` tells of which deadline a mail reminds, and whom."""
    mail = row.deadline_id is not None and row.kind != WEBHOOK
    reminder = digest.reminder(row) if mail else None
    return Intent(
        claimed.message_id, claimed.lease, attempt_id, row.attempts, row.kind, row.expires_at, reminder
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
        .returning(c.id, c.attempts, c.kind, c.expires_at, *digest.REMINDER)
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
    kept = [one for one in zip(done, became, strict=True) if one[0][0].message_id in held]
    for (intent, _), values in kept:
        if intent.kind == DIGEST:
            digest.follow(session, [intent.message_id], values["status"], values["reason"], now)
    sent = [intent for (intent, handed), _ in kept if handed.outcome == Outcome.SENT]
    newer = [reminder for intent in sent for reminder in _reminded(session, intent)]
    statuses = [
        MessageStatus(values["status"]) if intent.message_id in held else None
        for (intent, _), values in zip(done, became, strict=True)
    ]
    results = [_result(intent, handed) for (intent, handed), _ in kept]
    rest = [_of_each(_RESULT, "results", results, ended_at=now)] if results else []
    return statuses, rest + ([_of_each(_OUTDATE, "newer", newer, finished_at=now)] if newer else [])


def _became(intent: Intent, handed: Handed, now: datetime, on_unknown: OnUnknown) -> dict[str, Any]:
    """The columns of a message after it was handed over."""
    values = onward(intent.message_id, intent.attempts, intent.expires_at, handed, now, on_unknown)
    if intent.kind != "sign_in":
        values |= {"rendered_subject": handed.subject, "rendered_text": handed.text} if handed.subject else {}
    elif values["status"] in TERMINAL:
        values |= {"payload": {}, "path": "/"}
    return values | ({"address": handed.address} if handed.address else {})


def _write_down(session: Session, intents: Sequence[Intent], became: Sequence[dict[str, Any]]) -> set[int]:
    """Write these columns of each message. Those whose lease still held."""
    alike: list[tuple[dict[str, Any], frozenset[str], list[dict[str, Any]]]] = []
    for intent, values in zip(intents, became, strict=True):
        words = {name: values[name] for name in _WORDS if name in values}
        same = {name: value for name, value in values.items() if name not in words}
        mine = words | {"id": intent.message_id, "lease": intent.lease}
        for other, names, rows in alike:
            if other == same and names == words.keys():
                rows.append(mine)
                break
        else:
            alike.append((same, frozenset(words), [mine]))
    calls = [
        _of_each(_acknowledging(frozenset(same), names), "messages", rows, **same)
        for same, names, rows in alike
    ]
    return {row.id for answers in together(session, *calls) for answer in answers for row in answer.rows}


def _of_each(statement: Prepared, name: str, rows: Sequence[Mapping[str, Any]], **same: Any) -> Call:
    return Call(statement, [same | {name: rows, "keys": [row["id"] for row in rows]}])


def _reminded(session: Session, intent: Intent) -> Sequence[Reminder]:
    """The reminders that went out with the mail."""
    if intent.kind == DIGEST:
        return digest.reminders_in(session, intent.message_id)
    return [intent.reminder] if intent.reminder else []


def _result(intent: Intent, handed: Handed) -> dict[str, Any]:
    return {
        "id": intent.attempt_id,
        "outcome": handed.outcome.value,
        "reply": handed.reply,
        "address": handed.address or None,
    }


@cache
def _acknowledging(same: frozenset[str], words: frozenset[str]) -> Prepared:
    """The statement that writes columns of messages that are being handed over: alike for all, and words of each."""
    one, c = given("messages"), MESSAGES.c
    mine = (c.lease == one["lease"].as_string(), c.status == MessageStatus.SENDING.value)
    values = {name: one[name].as_string() for name in words}
    return Prepared(
        update(MESSAGES).where(*_each(c.id, one), *mine).values(values).returning(c.id), sorted(same)
    )


def _each(column: Any, one: Any) -> tuple[Any, Any]:
    """The rows of these keys, beside what is given for each. PostgreSQL takes any such list for a hundred rows long."""
    return among(column, "keys"), column == one["id"].as_integer()


def _result_statement() -> Any:
    one, c = given("results"), ATTEMPTS.c
    values = {name: one[name].as_string() for name in ("outcome", "reply", "address")}
    return update(ATTEMPTS).where(*_each(c.id, one), c.outcome == "").values(values)


def _outdate_statement() -> Any:
    """Older reminders that are still being retried say nothing new once a newer one has gone out."""
    one, c = given("newer"), MESSAGES.c
    older = (
        c.deadline_generation == one["generation"].as_integer(),
        c.person_id == one["person"].as_integer(),
        c.offset_days < one["offset"].as_integer(),
    )
    why = "A newer reminder of the same deadline went out"
    values = {"status": MessageStatus.SUPERSEDED.value, "reason": why, "worker": None, "lease": None}
    mails = (CANCELLABLE, c.webhook_id.is_(None))
    return update(MESSAGES).where(*_each(c.deadline_id, one), *mails, *older).values(values)


_RESULT = Prepared(_result_statement(), ["ended_at"])
_OUTDATE = Prepared(_outdate_statement(), ["finished_at"])
