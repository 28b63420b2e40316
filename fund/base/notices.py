"""Queueing the messages that a move or a birth calls for, beside the change itself."""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session

from fund.base.audience import people_in
from fund.base.subjects import Subject, application_of, id_of, kind_of, path_of
from notifications.outbox import queue
from schema.ledger import LedgerEvent
from workflows import Notice


def notify(
    session: Session,
    subject: Subject,
    notices: Iterable[Notice],
    event: LedgerEvent,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Queue each notice to everybody in its audience, keyed by the ledger event: no event tells a person twice.

    Whoever caused the event is told like everybody else; a receipt is for her most of all.
    """
    application = application_of(session, subject)
    for notice in notices:
        for person in people_in(session, notice.to, subject):
            queue(
                session,
                key=f"move:{event.chain}:{event.seq}:{notice.template}:{person.id}",
                kind="notice",
                template=notice.template,
                person_id=person.id,
                subject_kind=kind_of(subject),
                subject_id=id_of(subject),
                application_id=application.id if application else None,
                path=path_of(session, subject),
                payload={"reason": (reason or "").strip()},
                now=now,
            )
