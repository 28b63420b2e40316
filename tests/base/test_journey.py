"""The whole life of an application through the one function that moves it."""

from sqlmodel import select

from fund.base import ledger
from schema.applications import Application
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent
from schema.outbox import Message
from tests.support.world import to_published, world


def test_from_draft_to_published_lesson(db, clock):
    now = clock.now()
    here = world(db, now)
    with db.write() as session:
        to_published(session, here, now)
    with db.read() as session:
        application = session.exec(select(Application)).one()
        assert application.state == "lesson_published"
        states = [
            e.target
            for e in session.exec(
                select(LedgerEvent).where(LedgerEvent.subject_kind == "application").order_by(LedgerEvent.seq)
            )
            if e.target
        ]
        assert states == [
            "draft",
            "submitted",
            "screening",
            "in_review",
            "deliberation",
            "offered",
            "agreement_signed",
            "active",
            "report_under_review",
            "active",
            "report_under_review",
            "reports_accepted",
            "lesson_due",
            "lesson_under_review",
            "lesson_published",
        ]
        verdict = ledger.verify(session)
        assert verdict.broken is None
        assert verdict.chains == 2
        still_open = session.exec(
            select(Deadline.key).where(Deadline.status == "open").order_by(Deadline.key)
        ).all()
        assert still_open == ["close_file", "closing"]
        pending = session.exec(
            select(Message.template, Message.offset_days).where(
                Message.kind == "reminder", Message.status == "pending"
            )
        ).all()
        assert {t for t, _ in pending} == {"reminder", "overdue"}
