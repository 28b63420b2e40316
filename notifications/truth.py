"""What is true of a message at the moment it goes out: its person, proposal, round, award and deadline.

A message row holds ids only; whatever it says is looked up here, in the transaction that declares the intent.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Row, Table, and_, bindparam, case, func, select
from sqlmodel import Session

from notifications.lease import DEADLINES, PERSONS
from notifications.outbox import MESSAGES
from schema.applications import Application
from schema.awards import Award
from schema.people import Member
from schema.reports import Report
from schema.reviews import Review
from schema.rounds import Round

APPLICATIONS: Table = Application.__table__  # type: ignore[attr-defined]
AWARDS: Table = Award.__table__  # type: ignore[attr-defined]
MEMBERS: Table = Member.__table__  # type: ignore[attr-defined]
REPORTS: Table = Report.__table__  # type: ignore[attr-defined]
REVIEWS: Table = Review.__table__  # type: ignore[attr-defined]
ROUNDS: Table = Round.__table__  # type: ignore[attr-defined]

Facts: TypeAlias = Row[*tuple[Any, ...]]

SHOWS_NEXT = {
    "submitted_to_managers": "manager",
    "returned": "applicant",
    "review_assigned": "reviewer",
    "review_reopened": "reviewer",
    "offer": "applicant",
    "offer_accepted": "manager",
    "project_started": "applicant",
    "report_received": "manager",
    "report_accepted": "applicant",
    "report_returned": "applicant",
    "lesson_asked": "applicant",
    "lesson_received": "manager",
    "lesson_returned": "applicant",
    "resumed": "applicant",
    "reviews_in": "manager",
}
"""The notices that tell their reader what she owes next, and as whom. A reminder shows its own deadline."""


@dataclass(frozen=True, slots=True)
class Truth:
    """One row of facts about a message, and the deadline that its mail shows (None where it shows none)."""

    facts: Facts
    deadline: Facts | None


def look_up(session: Session, message_id: int) -> Truth:
    """Everything that the mail may say. Raises NoResultFound where there is no such message."""
    facts = session.connection().execute(_FACTS, {"message_id": message_id}).one()
    return Truth(facts, _deadline(session, facts))


def _deadline(session: Session, facts: Facts) -> Facts | None:
    if facts.deadline_id is not None:
        return session.connection().execute(_DEADLINE, {"deadline_id": facts.deadline_id}).one_or_none()
    role = SHOWS_NEXT.get(facts.template)
    if role is None or facts.application_id is None:
        return None
    d = DEADLINES.c
    same = and_(d.subject_kind == facts.subject_kind, d.subject_id == facts.subject_id)
    found = (
        select(*_DEADLINE_COLUMNS)
        .where(d.application_id == facts.application_id, d.status == "open", d.owner_role == role)
        .order_by(case((same, 0), else_=1), d.due_at)
    )
    # Another reviewer's date is no business of this one.
    found = found.where(same) if role == "reviewer" else found
    return session.connection().execute(found.limit(1)).one_or_none()


_DEADLINE_COLUMNS = (
    DEADLINES.c.id,
    DEADLINES.c.label,
    DEADLINES.c.due_at,
    DEADLINES.c.zone,
    DEADLINES.c.generation,
)


def _facts_query() -> Any:
    m, a = MESSAGES.c, APPLICATIONS.c
    reviewer = PERSONS.alias("reviewer")
    of_review = and_(m.subject_kind == "review", REVIEWS.c.id == m.subject_id)
    of_report = and_(m.subject_kind == "report", REPORTS.c.id == m.subject_id)
    round_id = func.coalesce(a.round_id, case((m.subject_kind == "round", m.subject_id)))
    joined = (
        MESSAGES.outerjoin(PERSONS, PERSONS.c.id == m.person_id)
        .outerjoin(APPLICATIONS, a.id == m.application_id)
        .outerjoin(MEMBERS, MEMBERS.c.id == a.member_id)
        .outerjoin(ROUNDS, ROUNDS.c.id == round_id)
        .outerjoin(AWARDS, AWARDS.c.application_id == a.id)
        .outerjoin(REVIEWS, of_review)
        .outerjoin(reviewer, reviewer.c.id == REVIEWS.c.reviewer_id)
        .outerjoin(REPORTS, of_report)
    )
    return select(
        m.id, m.kind, m.template, m.mail_id, m.path, m.payload, m.address, m.deadline_id,
        m.subject_kind, m.subject_id, m.application_id,
        PERSONS.c.name, PERSONS.c.email, PERSONS.c.locale, PERSONS.c.zone,
        a.reference, a.title,
        MEMBERS.c.name.label("member"),
        ROUNDS.c.title.label("round"), ROUNDS.c.decision_on,
        AWARDS.c.amount_minor, AWARDS.c.currency, AWARDS.c.starts_on, AWARDS.c.ends_on,
        reviewer.c.name.label("reviewer"), REPORTS.c.kind.label("report_kind"),
    ).select_from(joined)  # fmt: skip


_FACTS = _facts_query().where(MESSAGES.c.id == bindparam("message_id"))
_DEADLINE = select(*_DEADLINE_COLUMNS).where(DEADLINES.c.id == bindparam("deadline_id"))
