"""What webhooks want to hear of, and the messages to them that go beside those to people."""

from collections.abc import Iterable, Iterator
from secrets import token_hex
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from schema.rows import table_of
from schema.statements import Prepared
from schema.webhooks import Webhook
from schema.wording import gettext_noop as _n

WEBHOOKS = table_of(Webhook)
KIND = "webhook"
"""What kind of message a call of a webhook is."""
REMINDER = "reminder.due"
EVENTS = {
    "application.moved": _n("A proposal moved from one state to another"),
    "deadline.opened": _n("A deadline began"),
    "deadline.moved": _n("A deadline got another day"),
    "deadline.passed": _n("A deadline passed"),
    REMINDER: _n("A person is reminded of a deadline"),
}
"""Everything that can be wanted. Texts are English, to be translated where shown."""
CALLS = EVENTS | {"webhook.test": _n("A test call")}
"""The same, and the call with which a webhook is tried."""
LISTENING = Prepared(
    select(WEBHOOKS.c.id, WEBHOOKS.c.name, WEBHOOKS.c.events).where(WEBHOOKS.c.disabled_at.is_(None))
)


def listeners(session: Session, event: str) -> list[tuple[int, str]]:
    """Key and name of each webhook that wants to hear of ``event``. Read once in a unit of work."""
    known = session.info.get(KIND)
    if known is None:
        known = session.info[KIND] = [
            (key, name, events.split()) for key, name, events in LISTENING.rows(session)
        ]
    return [(key, name) for key, name, events in known if event in events]


def forget_listeners(session: Session) -> None:
    """Read anew what webhooks want, where that changed in this unit of work."""
    session.info.pop(KIND, None)


def echoes(session: Session, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """For each reminder among message ``rows`` one to each webhook that wants it, at the same moment.

    It ends with its deadline as the reminder does. Reads nothing where there is no reminder.
    """
    reminders = [row for row in rows if row["kind"] == "reminder"]
    for key, name in listeners(session, REMINDER) if reminders else ():
        for row in reminders:
            yield row | {
                "dedup_key": f"hook:{key}:{row['dedup_key']}",
                "kind": KIND,
                "webhook_id": key,
                "address": name,
                "payload": row["payload"] | {"at": row["next_at"].isoformat()},
                "mail_id": token_hex(16),
            }
