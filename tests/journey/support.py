"""What the journeys share: the people of a world behind the API, and what must be true of every fund at rest."""

from collections import Counter
from datetime import datetime
from typing import Any

from sqlmodel import select

from fund.base import ledger
from fund.base.database import Database
from fund.base.definitions import definition_of
from fund.base.subjects import KINDS
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent
from schema.outbox import TERMINAL, DeliveryAttempt, Message


def check_at_rest(db: Database, now: datetime, arrived: list[Any]) -> None:
    """State, deadlines, ledger and mail agree with each other, and nothing that was due is still waiting."""
    with db.read() as session:
        assert ledger.verify(session).broken is None
        for kind, table in KINDS.items():
            for row in session.exec(select(table)).all():
                _check_subject(session, kind, row)
        messages = session.exec(select(Message)).all()
        assert [m.id for m in messages if m.status not in TERMINAL and m.next_at <= now] == []
        sent = Counter(m.mail_id for m in messages if m.status == "sent")
        taken = Counter(mail.mail_id.strip("<>") for mail in arrived)
        assert set(sent) == set(taken), "what the outbox calls sent is what arrived"
        doubled = {mail_id for mail_id, count in taken.items() if count > 1}
        unknown = set(
            session.exec(
                select(Message.mail_id)
                .join(DeliveryAttempt, DeliveryAttempt.message_id == Message.id)
                .where(DeliveryAttempt.outcome.in_(("unknown", "")))
            )
        )
        assert doubled <= unknown, "a mail came twice only where the record says that nobody knew"


def _check_subject(session: Any, kind: str, row: Any) -> None:
    definition = definition_of(session, row)
    events = session.exec(
        select(LedgerEvent)
        .where(LedgerEvent.subject_kind == kind, LedgerEvent.subject_id == row.id, LedgerEvent.target != "")
        .order_by(LedgerEvent.seq)
    ).all()
    assert events[-1].target == row.state, "folding the ledger gives the stored state"
    assert [e.source for e in events[1:]] == [e.target for e in events[:-1]]
    still_open = session.exec(
        select(Deadline.key).where(
            Deadline.subject_kind == kind, Deadline.subject_id == row.id, Deadline.status == "open"
        )
    ).all()
    assert sorted(still_open) == sorted(definition.state(row.state).deadlines)
    waiting = session.exec(
        select(Message.id)
        .join(Deadline, Deadline.id == Message.deadline_id)
        .where(
            Deadline.subject_kind == kind,
            Deadline.subject_id == row.id,
            Deadline.status != "open",
            Message.status.in_(("pending", "claimed", "sending")),
        )
    ).all()
    assert waiting == [], "nobody is reminded of what is over"
