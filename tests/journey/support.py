"""What the journeys share: the mails that come of one, and what must be true of every fund at rest."""

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
from tests.support.smtp import Mailbox
from tests.support.world import World

EXPECTED = {
    ("applicant", "1 day left: Hand in the lesson – Safe streets at night"): 2,
    ("applicant", "1 day left: Hand in the report (final) – Safe streets at night"): 2,
    ("applicant", "1 day left: Hand in the report (interim) – Safe streets at night"): 2,
    ("applicant", "1 day left: Submit the proposal – Safe streets at night"): 2,
    ("applicant", "1 day overdue: Hand in the lesson – Safe streets at night"): 2,
    ("applicant", "1 day overdue: Hand in the report (final) – Safe streets at night"): 1,
    ("applicant", "1 day overdue: Hand in the report (interim) – Safe streets at night"): 1,
    ("applicant", "14 days left: Accept or decline the offer – Safe streets at night"): 2,
    ("applicant", "14 days left: Submit the proposal – Safe streets at night"): 2,
    ("applicant", "2 days left: Accept or decline the offer – Safe streets at night"): 2,
    ("applicant", "2 days left: Submit the proposal – Safe streets at night"): 2,
    ("applicant", "30 days left: Hand in the lesson – Safe streets at night"): 2,
    ("applicant", "30 days left: Hand in the report (final) – Safe streets at night"): 2,
    ("applicant", "30 days left: Hand in the report (interim) – Safe streets at night"): 2,
    ("applicant", "7 days left: Accept or decline the offer – Safe streets at night"): 2,
    ("applicant", "7 days left: Hand in the lesson – Safe streets at night"): 2,
    ("applicant", "7 days left: Hand in the report (final) – Safe streets at night"): 2,
    ("applicant", "7 days left: Hand in the report (interim) – Safe streets at night"): 2,
    ("applicant", "7 days left: Submit the proposal – Safe streets at night"): 2,
    ("applicant", "7 days overdue: Hand in the report (final) – Safe streets at night"): 2,
    ("applicant", "7 days overdue: Hand in the report (interim) – Safe streets at night"): 2,
    ("applicant", "Lesson received: Safe streets at night"): 2,
    ("applicant", "Offer accepted: Safe streets at night"): 2,
    ("applicant", "Received: Safe streets at night"): 2,
    ("applicant", "Report accepted: Safe streets at night"): 4,
    ("applicant", "Report received: Safe streets at night"): 4,
    ("applicant", "We offer you a grant: Safe streets at night"): 2,
    ("applicant", "What did you learn? Safe streets at night"): 2,
    ("applicant", "Your lesson is published: Safe streets at night"): 2,
    ("applicant", "Your project starts: Safe streets at night"): 2,
    ("manager", "1 day left: Close the round – Peace Incentive Fund 2022"): 2,
    ("manager", "1 day left: Decide on the proposal – Safe streets at night"): 2,
    ("manager", "1 day overdue: Decide on all proposals of the round – Peace Incentive Fund 2022"): 2,
    ("manager", "1 day overdue: Decide on the proposal – Safe streets at night"): 2,
    ("manager", "1 day overdue: Read the lesson and answer – Safe streets at night"): 2,
    ("manager", "1 day overdue: Read the report and answer (final) – Safe streets at night"): 2,
    ("manager", "1 day overdue: Read the report and answer (interim) – Safe streets at night"): 2,
    ("manager", "1 day overdue: See that all reviews are in – Safe streets at night"): 2,
    ("manager", "1 day overdue: Start the project – Safe streets at night"): 2,
    ("manager", "14 days left: Decide on all proposals of the round – Peace Incentive Fund 2022"): 2,
    ("manager", "14 days overdue: Hand in the lesson – Safe streets at night"): 2,
    ("manager", "14 days overdue: Hand in the report (final) – Safe streets at night"): 2,
    ("manager", "14 days overdue: Hand in the report (interim) – Safe streets at night"): 2,
    ("manager", "2 days left: Read the lesson and answer – Safe streets at night"): 2,
    ("manager", "2 days left: Read the report and answer (final) – Safe streets at night"): 2,
    ("manager", "2 days left: Read the report and answer (interim) – Safe streets at night"): 2,
    ("manager", "3 days overdue: Submit the review – Safe streets at night"): 4,
    ("manager", "4 days overdue: See that all reviews are in – Safe streets at night"): 2,
    ("manager", "7 days left: Close the round – Peace Incentive Fund 2022"): 2,
    ("manager", "7 days left: Decide on the proposal – Safe streets at night"): 2,
    ("manager", "7 days left: Start the project – Safe streets at night"): 2,
    ("manager", "All reviews are in: Safe streets at night"): 2,
    ("manager", "Lesson handed in: Safe streets at night"): 2,
    ("manager", "Offer accepted: Safe streets at night"): 2,
    ("manager", "Proposal submitted: Safe streets at night"): 2,
    ("manager", "Report handed in: Safe streets at night"): 4,
    ("reviewer", "1 day overdue: Submit the review – Safe streets at night"): 2,
    ("reviewer", "2 days left: Submit the review – Safe streets at night"): 2,
    ("reviewer", "7 days left: Submit the review – Safe streets at night"): 2,
    ("reviewer", "Please review: Safe streets at night"): 2,
    ("reviewer", "Review received: Safe streets at night"): 2,
}
"""Every mail by audience and subject. Two people act for the applicant, two manage, two review."""


def mails(mailbox: Mailbox, here: World) -> dict[tuple[str, str], int]:
    """How often which subject came to which audience."""
    names = {here.applicant.email: "applicant", here.colleague.email: "applicant"}
    names |= {here.manager.email: "manager", here.second_manager.email: "manager"}
    names |= {viewer.email: "reviewer" for viewer in here.reviewers}
    return dict(
        Counter((names.get(mail.recipient, mail.recipient), mail.subject) for mail in mailbox.messages)
    )


def check_at_rest(db: Database, now: datetime, arrived: list[Any]) -> None:
    """State, deadlines, ledger and mail agree with each other, and nothing that was due is still waiting."""
    with db.read() as session:
        assert ledger.verify(session).broken is None
        for kind, table in KINDS.items():
            for row in session.exec(select(table)).all():
                _check_subject(session, kind, row)
        messages = session.exec(
            select(Message).where(Message.kind != "sign_in")
        ).all()  # forgotten after a month
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
