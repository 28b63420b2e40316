"""What is true of a message at the moment it goes out: its person, proposal, round, award and deadline.

A message row holds ids only; whatever it says is looked up here, in the transaction that declares the intent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeAlias

from sqlalchemy import (
    FromClause,
    Row,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.exc import NoResultFound
from sqlmodel import Session

from notifications.edited import NEWEST
from notifications.kinds import DIGEST
from notifications.lease import DEADLINES, PERSONS
from notifications.letters import Letter, letter
from notifications.outbox import MESSAGES
from schema.applications import Application
from schema.awards import Award
from schema.people import Member, Membership, PersonRole, Role
from schema.reports import Report
from schema.reviews import Review
from schema.rounds import Round
from schema.rows import table_of
from schema.running import runs
from schema.statements import About, Prepared

APPLICATIONS = table_of(Application)
AWARDS = table_of(Award)
MEMBERS = table_of(Member)
MEMBERSHIPS = table_of(Membership)
REPORTS = table_of(Report)
REVIEWS = table_of(Review)
ROLES = table_of(PersonRole)
ROUNDS = table_of(Round)

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
ANSWERED = frozenset({"agreement_receipt", "lesson_receipt", "report_receipt"})
"""The receipts that tell by when the fund owes the next step."""
TAKEN_BACK = "taken_back"
"""The mail that tells that a step was undone: it shows what its reader owes again."""


@dataclass(frozen=True, slots=True)
class Truth:
    """One row of facts about a message, and the deadline that its mail shows (None where it shows none).

    ``over`` is what its reader owed until what the mail tells of, the nearest first: it goes from her calendar.
    """

    facts: Facts
    deadline: Facts | None
    over: Sequence[Facts] = ()
    parts: tuple["Truth", ...] = ()
    """What a digest stands for, what is due first at the beginning."""
    letter: Letter | None = None
    answer: Facts | None = None
    """What the fund owes next of what its reader handed in."""


def look_up(session: Session, message_id: int) -> Truth:
    """Everything that the mail may say. Raises NoResultFound where there is no such message."""
    (truth,) = look_up_all(session, [message_id])
    return truth


def look_up_all(session: Session, ids: Sequence[int]) -> list[Truth]:
    """The same for several messages, in their order."""
    found = {row.id: row for row in _OF_MESSAGE.rows(session, ids)}
    if len(found) < len(set(ids)):
        raise NoResultFound
    return [_truth(session, found[key]) for key in ids]


def _truth(session: Session, facts: Facts) -> Truth:
    deadline = _deadline(session, facts)
    over = () if deadline else _over(session, facts)
    told = letter(session, facts.subject_id) if facts.subject_kind == "newsletter" else None
    return Truth(facts, deadline, over, _parts(session, facts), told, _answer(session, facts))


def _parts(session: Session, facts: Facts) -> tuple[Truth, ...]:
    """What goes out with a digest; afterwards what went out with it."""
    if facts.kind != DIGEST:
        return ()
    found = session.connection().execute(_PARTS, {"digest": facts.id}).scalars().all()
    each = [look_up(session, key) for key in found]
    return tuple(sorted(each, key=lambda one: (one.deadline is None, one.deadline and one.deadline.due_at)))


def imagine(session: Session, columns: Mapping[str, Any]) -> Truth:
    """What a message with these columns would tell, if there were one."""
    told = [literal(columns.get(column.name), column.type).label(column.name) for column in MESSAGES.c]
    facts = session.connection().execute(_facts_query(select(*told).subquery("message"))).one()
    return Truth(facts, _deadline(session, facts), answer=_answer(session, facts))


def invent(
    values: Mapping[str, Any], deadline: Mapping[str, Any] | None, answer: Mapping[str, Any] | None = None
) -> Truth:
    """A message of which everything is invented; what is not given is not known."""
    facts = {str(column.key): None for column in _FACTS.selected_columns} | dict(values)
    columns: dict[str, Any] = dict.fromkeys(_NAMES)

    def owed(given: Mapping[str, Any] | None) -> Any:
        return None if given is None else SimpleNamespace(**(columns | dict(given)))

    own: Any = SimpleNamespace(**facts)
    return Truth(own, owed(deadline), answer=owed(answer))


def _deadline(session: Session, facts: Facts) -> Any:
    if facts.deadline_id is not None:
        return SimpleNamespace(**dict(zip(_NAMES, facts[-len(_NAMES) :], strict=True)))
    if facts.template == TAKEN_BACK:
        return next(iter(_owed_by_reader(session, facts, _AGAIN)), None)
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


def _answer(session: Session, facts: Facts) -> Facts | None:
    """By when the fund owes the next step of the very thing that was handed in."""
    if facts.template not in ANSWERED:
        return None
    of = {"application": facts.application_id, "kind": facts.subject_kind, "subject": facts.subject_id}
    return next(iter(_ANSWER.rows(session, **of)), None)


def _over(session: Session, facts: Facts) -> Sequence[Facts]:
    """What the reader owed of it that ended, or stands still, since the moment in which the mail was written down."""
    if facts.kind != "notice":
        return ()
    return _owed_by_reader(session, facts, _OVER_OF_ROUND if facts.application_id is None else _OVER)


def _owed_by_reader(session: Session, facts: Facts, which: Prepared) -> Sequence[Facts]:
    if facts.person_id is None or (facts.application_id is None and facts.subject_kind != "round"):
        return ()
    values = {
        "application": facts.application_id,
        "kind": facts.subject_kind,
        "subject": facts.subject_id,
        "person": facts.person_id,
        "moment": facts.created_at,
    }
    return which.rows(session, **values)


_DEADLINE_COLUMNS = (
    DEADLINES.c.id,
    DEADLINES.c.label,
    DEADLINES.c.owner_role,
    DEADLINES.c.due_at,
    DEADLINES.c.zone,
    DEADLINES.c.generation,
    DEADLINES.c.opened_at,
    DEADLINES.c.moved_at,
    DEADLINES.c.held_at,
    DEADLINES.c.closed_at,
)
_NAMES = [column.name for column in _DEADLINE_COLUMNS]
"""What is known of a deadline; of the one of which a message reminds, these are the last columns of its facts."""


def _facts_query(message: FromClause) -> Any:
    m, a = message.c, APPLICATIONS.c
    reviewer, author = PERSONS.alias("reviewer"), PERSONS.alias("author")
    of_review = and_(m.subject_kind == "review", REVIEWS.c.id == m.subject_id)
    of_report = and_(m.subject_kind == "report", REPORTS.c.id == m.subject_id)
    round_id = func.coalesce(a.round_id, case((m.subject_kind == "round", m.subject_id)))
    joined = (
        message.outerjoin(PERSONS, PERSONS.c.id == m.person_id)
        .outerjoin(APPLICATIONS, a.id == m.application_id)
        .outerjoin(author, author.c.id == a.author_id)
        .outerjoin(MEMBERS, MEMBERS.c.id == a.member_id)
        .outerjoin(ROUNDS, ROUNDS.c.id == round_id)
        .outerjoin(AWARDS, AWARDS.c.application_id == a.id)
        .outerjoin(REVIEWS, of_review)
        .outerjoin(reviewer, reviewer.c.id == REVIEWS.c.reviewer_id)
        .outerjoin(REPORTS, of_report)
        .outerjoin(DEADLINES, DEADLINES.c.id == m.deadline_id)
    )
    return select(
        m.id, m.kind, m.template, m.mail_id, m.path, m.payload, m.address, m.deadline_id,
        m.subject_kind, m.subject_id, m.application_id, m.person_id, m.created_at,
        PERSONS.c.name, PERSONS.c.email, PERSONS.c.locale, PERSONS.c.zone,
        PERSONS.c.mail_key, PERSONS.c.calendar_files,
        a.reference, a.title,
        MEMBERS.c.name.label("member"), author.c.name.label("author"),
        ROUNDS.c.title.label("round"), ROUNDS.c.decision_on,
        AWARDS.c.amount_minor, AWARDS.c.currency, AWARDS.c.starts_on, AWARDS.c.ends_on,
        reviewer.c.name.label("reviewer"), REPORTS.c.kind.label("report_kind"),
        NEWEST.label("newest_words"),
        *(column.label(f"own_{column.name}") for column in _DEADLINE_COLUMNS),
    ).select_from(joined)  # fmt: skip


_FACTS = _facts_query(MESSAGES)
_OF_MESSAGE = About(lambda these: _FACTS.where(these(MESSAGES.c.id)))
_PARTS = (
    select(MESSAGES.c.id)
    .where(
        MESSAGES.c.digest_id == bindparam("digest"), MESSAGES.c.status.in_(("gathered", "sending", "sent"))
    )
    .order_by(MESSAGES.c.id)
)


def _owed_query(since: Any, *of: Any) -> Prepared:
    """What a person owes of it, or owed, where it became so at that moment."""
    d, person = DEADLINES.c, bindparam("person", type_=MESSAGES.c.person_id.type)
    acts = exists().where(
        APPLICATIONS.c.id == d.application_id,
        MEMBERSHIPS.c.member_id == APPLICATIONS.c.member_id,
        MEMBERSHIPS.c.person_id == person,
    )
    manages = exists().where(ROLES.c.person_id == person, ROLES.c.role == Role.MANAGER.value)
    member = (
        select(APPLICATIONS.c.member_id)
        .where(APPLICATIONS.c.id == d.application_id)
        .correlate(DEADLINES)
        .scalar_subquery()
    )
    reviews = exists().where(
        d.subject_kind == "review", REVIEWS.c.id == d.subject_id, REVIEWS.c.reviewer_id == person
    )
    owed = or_(
        and_(d.owner_role == "applicant", acts),
        and_(d.owner_role == "manager", manages, ~acts, runs(person, d.round_id, member)),
        and_(d.owner_role == "reviewer", reviews),
    )
    same = and_(d.subject_kind == bindparam("kind"), d.subject_id == bindparam("subject"))
    moment = bindparam("moment", type_=since.type)
    return Prepared(
        select(*_DEADLINE_COLUMNS)
        .where(*of, since == moment, owed)
        .order_by(case((same, 0), else_=1), d.due_at)
    )


_IS_OVER = text("deadline.status IN ('met', 'cancelled', 'waived', 'held')")
_OVER_SINCE = func.coalesce(DEADLINES.c.closed_at, DEADLINES.c.held_at)
_OF_APPLICATION = DEADLINES.c.application_id == bindparam("application")
_OF_ROUND = and_(DEADLINES.c.round_id == bindparam("subject"), DEADLINES.c.subject_kind == bindparam("kind"))
_OVER = _owed_query(_OVER_SINCE, _OF_APPLICATION, _IS_OVER)
_OVER_OF_ROUND = _owed_query(_OVER_SINCE, _OF_ROUND, _IS_OVER)
_ANSWER = Prepared(
    select(*_DEADLINE_COLUMNS)
    .where(
        _OF_APPLICATION,
        DEADLINES.c.subject_kind == bindparam("kind"),
        DEADLINES.c.subject_id == bindparam("subject"),
        DEADLINES.c.owner_role == "manager",
        text("deadline.status = 'open'"),
    )
    .order_by(DEADLINES.c.due_at)
    .limit(literal_column("1"))
)
_AGAIN = _owed_query(DEADLINES.c.moved_at, _OF_APPLICATION, text("deadline.status = 'open'"))
