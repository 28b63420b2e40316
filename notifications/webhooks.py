"""Telling webhooks what happened: a row in the outbox beside the change, for each webhook that wants to hear of it."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from notifications.outbox import message_row, queue_rows
from notifications.wanted import KIND, listeners

KEPT = timedelta(days=3)
"""A call that could not be made for so long says nothing new any more."""


def announce(
    session: Session, event: str, key: str, data: dict[str, Any], now: datetime, **about: Any
) -> None:
    """Queue ``event`` for all that want it, in the caller's transaction. ``key`` makes a second one impossible.

    ``data`` is what the receiver gets: ids, dates and states, never a name. ``about`` are columns of the message
    (``application_id``, ``subject_kind``, ``path`` …).
    """
    payload = {"data": data, "at": now.isoformat()}
    queue_rows(
        session,
        [
            message_row(
                key=f"hook:{webhook_id}:{key}", now=now, next_at=now, expires_at=now + KEPT, kind=KIND,
                template=event, webhook_id=webhook_id, address=name, payload=payload, **about,
            )
            for webhook_id, name in listeners(session, event)
        ],
    )  # fmt: skip


def test_call(session: Session, webhook_id: int, name: str, key: str, now: datetime) -> None:
    """Queue a call that only shows whether calls arrive."""
    row = message_row(
        key=f"hook:{webhook_id}:{key}", now=now, next_at=now, expires_at=now + timedelta(hours=1), kind=KIND,
        template="webhook.test", webhook_id=webhook_id, address=name, payload={"data": {}, "at": now.isoformat()},
    )  # fmt: skip
    queue_rows(session, [row])
