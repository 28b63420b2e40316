"""The messages that moves or births call for, to be queued beside the change itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fund.base.audience import Audience
from fund.base.ledger import Written
from fund.base.links import link_for
from fund.base.subjects import Subject, application_of, id_of, kind_of
from notifications.outbox import MessageRow, message_row
from workflows import Notice


@dataclass(frozen=True, slots=True)
class News:
    """What happened to a subject, and who is to hear of it."""

    subject: Subject
    event: Written
    notices: Sequence[Notice]
    reason: str = ""
    step: str = ""
    """What the workflow calls it."""


def told(session: Session, audience: Audience, news: Iterable[News], now: datetime) -> list[MessageRow]:
    """Each notice to everybody in its audience, to be queued. By the ledger event: no event tells a person twice.

    Whoever caused the event is told like everybody else; a receipt is for her most of all.
    """
    return [row for one in news for row in _messages(session, audience, one, now)]


def _messages(session: Session, audience: Audience, news: News, now: datetime) -> Iterable[MessageRow]:
    if not news.notices:
        return
    subject, event = news.subject, news.event
    application = application_of(session, subject)
    about = {
        "subject_kind": kind_of(subject),
        "subject_id": id_of(subject),
        "application_id": application.id if application else None,
        "payload": {"reason": news.reason, "what": news.step},
    }
    for notice in news.notices:
        path = link_for(session, subject, notice.to, notice.template)
        for person in audience.people_in(notice.to, subject):
            yield message_row(
                key=f"move:{event.chain}:{event.seq}:{notice.template}:{person.person_id}",
                kind="notice",
                template=notice.template,
                person_id=person.person_id,
                path=path,
                now=now,
                next_at=now,
                **about,
            )
