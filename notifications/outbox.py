"""The outbox: a message is a row written beside the change it tells of, and sent after the commit.

Every function works in the caller's transaction and commits nothing. A message moves pending → claimed →
sending and from there to one terminal state; each step is a conditional UPDATE: of two workers one wins.
"""

from collections.abc import Sequence
from datetime import datetime
from secrets import token_hex
from typing import Any, TypeAlias

from sqlalchemy import bindparam, case, literal, text, update
from sqlmodel import Session

from notifications.wanted import echoes
from schema.outbox import Message, MessageStatus
from schema.rows import Insert, table_of
from schema.statements import Prepared
from schema.values import Json

MessageRow: TypeAlias = dict[str, Any]
"""The columns of a message that is to be queued."""
MESSAGES = table_of(Message)
# Spelled out as in the definition of its partial index, which a parameter would not match.
CANCELLABLE = text("message.status IN ('pending', 'claimed', 'gathered')")

CANCEL_OF_DEADLINE = Prepared(
    update(MESSAGES)
    .where(CANCELLABLE, MESSAGES.c.deadline_id == bindparam("deadline"))
    .values(
        status=MessageStatus.CANCELLED.value,
        reason=bindparam("why"),
        finished_at=bindparam("now"),
        worker=None,
        lease=None,
    )
)
ENDS = ("id", "worker", "lease", "finished_at", "digest_id")
"""Columns that a new message has no value in."""
STUCK = (MessageStatus.DEAD, MessageStatus.UNCERTAIN)
"""What a person has to decide on: it did not go, or nobody knows whether it did."""
PENDING: dict[str, str | int] = {
    "status": MessageStatus.PENDING.value,
    "attempts": 0,
    "reason": "",
    "rendered_subject": "",
    "rendered_text": "",
}
"""What every new message begins with."""
WRITTEN = [column.name for column in MESSAGES.c if column.name not in (*ENDS, *PENDING)]
"""The columns of a ``MessageRow``."""
WRITE = Insert(Message, WRITTEN, same=PENDING, once="dedup_key")


def queue(
    session: Session,
    *,
    key: str,
    kind: str,
    template: str,
    now: datetime,
    person_id: int | None = None,
    address: str = "",
    subject_kind: str = "",
    subject_id: int | None = None,
    application_id: int | None = None,
    path: str = "/",
    payload: dict[str, Any] | None = None,
    at: datetime | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Queue one mail to ``person_id`` (or to a bare ``address``), due ``at`` (now, where not said).

    ``key`` is the reason for the mail (``move:{subject}:{id}:{seq}:{template}:{person}``): a second one with
    the same key is not written. ``payload`` holds only what cannot be looked up by the ids at sending.
    """
    row = message_row(
        key=key, kind=kind, template=template, now=now, person_id=person_id, address=address,
        subject_kind=subject_kind, subject_id=subject_id, application_id=application_id, path=path,
        payload=payload or {}, next_at=at or now, expires_at=expires_at,
    )  # fmt: skip
    queue_rows(session, [row])


def message_row(*, key: str, now: datetime, next_at: datetime, **columns: Any) -> dict[str, Any]:
    """A pending message as a row for ``queue_rows``, with a Message-ID of its own.

    The domain is joined to the Message-ID when the mail first goes out; from then on it stays as it is.
    """
    return {
        "person_id": None, "address": "", "subject_kind": "", "subject_id": None, "application_id": None,
        "deadline_id": None, "deadline_generation": None, "offset_days": None, "path": "/", "payload": {},
        "webhook_id": None, "expires_at": None, "dedup_key": key, "mail_id": token_hex(16), "created_at": now,
        "next_at": next_at, **columns,
    }  # fmt: skip


def queue_rows(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write many rows at once; those whose key is there already are left out by the database itself.

    Beside each reminder goes a call to every webhook that wants to hear of reminders.
    """
    WRITE.write(session, [*rows, *echoes(session, rows)])


def cancel(session: Session, *where: Any, reason: str, now: datetime) -> int:
    """Cancel what matches ``where`` and is not yet being handed over; keep ``reason``. Returns how many."""
    session.flush()
    result = session.connection().execute(
        update(MESSAGES)
        .where(CANCELLABLE, *where)
        .values(status=MessageStatus.CANCELLED.value, reason=reason, finished_at=now, worker=None, lease=None)
    )
    return result.rowcount


def cancel_each(session: Session, deadlines: Sequence[tuple[int, str]], now: datetime) -> None:
    """Cancel what is not yet being handed over of each deadline, for the reason beside it."""
    CANCEL_OF_DEADLINE.each(
        session, [{"deadline": key, "why": reason, "now": now} for key, reason in deadlines]
    )


def ended(status: MessageStatus, reason: str, now: datetime) -> dict[str, Any]:
    """The columns of a message that ends as ``status``, apart from what ``closed`` erases."""
    return {"status": status.value, "reason": reason, "finished_at": now, "worker": None, "lease": None}


def closed(status: MessageStatus, reason: str, now: datetime) -> dict[str, Any]:
    """The columns of whatever messages end as ``status``. A sign-in link or code is not kept beyond its use."""
    c = MESSAGES.c
    sign_in = c.kind == "sign_in"
    return ended(status, reason, now) | {
        "payload": case((sign_in, literal({}, Json)), else_=c.payload),
        "path": case((sign_in, "/"), else_=c.path),
    }


def cancel_for_person(session: Session, person_id: int, reason: str, now: datetime) -> int:
    """Cancel what one person was still to get. Returns how many."""
    return cancel(session, MESSAGES.c.person_id == person_id, reason=reason, now=now)


def send_again(session: Session, message_id: int, now: datetime) -> bool:
    """Let a message that is stuck go out at ``now``, with all its tries and the Message-ID that it had.

    A digest takes its parts along. False where it is not stuck (any more): somebody else was faster.
    """
    waits = {"status": MessageStatus.PENDING.value, "reason": "", "finished_at": None}
    of_parts = waits | {"status": MessageStatus.GATHERED.value}
    return _decide(session, message_id, STUCK, waits | {"next_at": now, "attempts": 0}, of_parts)


def give_up(session: Session, message_id: int, reason: str, now: datetime) -> bool:
    """Call off a message that is stuck, a digest with its parts. False where it is not (any more)."""
    values = closed(MessageStatus.CANCELLED, reason, now)
    return _decide(session, message_id, STUCK, values, values)


def came_back(session: Session, message_id: int, reason: str, now: datetime) -> bool:
    """A mail that was sent did not arrive after all, a digest with its parts: it is stuck from now on.

    What is known of its tries stays. False where it was not sent, or somebody else was faster.
    """
    values = closed(MessageStatus.DEAD, reason, now)
    return _decide(session, message_id, (MessageStatus.SENT,), values, values)


def _decide(
    session: Session,
    message_id: int,
    where: Sequence[MessageStatus],
    values: dict[str, Any],
    of_parts: dict[str, Any],
) -> bool:
    c, connection = MESSAGES.c, session.connection()
    stands = c.status.in_([status.value for status in where])
    alone = (c.id == message_id, c.digest_id.is_(None), stands)
    if connection.execute(update(MESSAGES).where(*alone).values(values)).rowcount == 0:
        return False
    connection.execute(update(MESSAGES).where(c.digest_id == message_id, stands).values(of_parts))
    return True
