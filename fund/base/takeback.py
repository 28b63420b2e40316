"""What was mailed about moves that are taken back: what never went out is cancelled, what did is set right."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, false, func, or_
from sqlmodel import Session, col, select

from fund.base.following import Change
from fund.base.ledger import Written
from fund.base.permissions import Viewer
from fund.base.subjects import Subject, application_of, id_of, kind_of, path_of
from notifications import outbox
from schema.ledger import LedgerEvent
from schema.outbox import Message, MessageStatus
from schema.people import Person
from workflows import Move

TEMPLATE = "taken_back"
OUT = (MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.UNCERTAIN)
"""What may stand in somebody's mailbox by now."""
MAIL = col(Message.webhook_id).is_(None)
"""Programs that are called are told of the undoing by itself."""
UNSENT = (MessageStatus.PENDING, MessageStatus.CLAIMED, MessageStatus.GATHERED)


@dataclass(frozen=True)
class Gone:
    """A mail that went out already: its subject line and its reader."""

    subject: str
    person_id: int
    name: str


def told(
    session: Session, subject: Subject, group: Sequence[LedgerEvent], opened: Iterable[int]
) -> tuple[int, tuple[Gone, ...]]:
    """How many mails about the moves wait to go out, and which went out already, reminders included."""
    where = _about(session, subject, group, opened)
    unsent = select(func.count()).select_from(Message).where(*where, MAIL, col(Message.status).in_(UNSENT))
    return session.exec(unsent).one(), tuple(_gone(session, where))


def mails(
    session: Session,
    subject: Subject,
    group: Sequence[LedgerEvent],
    undone: Written,
    move: Move,
    viewer: Viewer,
    now: datetime,
) -> None:
    """Cancel what waits to go out about the moves, and queue a word to everybody else who was told already."""
    opened = [key for event in group for key in Change.of_data(event.data.get("deadlines", {})).opened]
    where = _about(session, subject, group, opened)
    outbox.cancel(session, *where, reason=f"undone: {move.label}", now=now)
    readers = {gone.person_id for gone in _gone(session, where)} - {viewer.person_id}
    application = application_of(session, subject)
    rows = [
        outbox.message_row(
            key=f"move:{undone.chain}:{undone.seq}:{TEMPLATE}:{person}",
            kind="notice",
            template=TEMPLATE,
            person_id=person,
            subject_kind=kind_of(subject),
            subject_id=id_of(subject),
            application_id=application.id if application else None,
            path=path_of(session, subject),
            payload={"what": move.label},
            now=now,
            next_at=now,
        )
        for person in sorted(readers)
    ]
    outbox.queue_rows(session, rows)


def _about(
    session: Session, subject: Subject, group: Sequence[LedgerEvent], opened: Iterable[int]
) -> list[ColumnElement[bool]]:
    """Which messages were caused by the events, or remind of what they opened."""
    keys = [col(Message.dedup_key).like(f"move:{event.chain}:{event.seq}:%") for event in group]
    application = application_of(session, subject)
    of_reminders: Any = col(Message.deadline_id).in_(sorted(opened)) if opened else false()
    # The index by application is what finds them; only rounds, which are few, are looked for without it.
    found = col(Message.application_id) == (application.id if application else None)
    return [found, or_(*keys, of_reminders)]


def _gone(session: Session, where: Sequence[ColumnElement[bool]]) -> list[Gone]:
    found = session.exec(
        select(Message.rendered_subject, Message.template, Person.id, Person.name)
        .join(Person, col(Person.id) == col(Message.person_id))
        .where(*where, MAIL, col(Message.status).in_(OUT))
        .order_by(col(Message.id))
    )
    return [
        Gone(line or template.replace("_", " ").capitalize(), key or 0, name)
        for line, template, key, name in found
    ]
