"""What a workflow can move: applications, reviews, reports, lessons and rounds, and how they hang together."""

from collections.abc import Sequence
from typing import TypeAlias, cast

from sqlmodel import Session, select

from fund.base.errors import NotFound
from schema.applications import Application
from schema.lessons import Lesson
from schema.reports import Report
from schema.reviews import Review
from schema.rounds import Round

Child: TypeAlias = Review | Report | Lesson
Subject: TypeAlias = Application | Review | Report | Lesson | Round

KINDS: dict[str, type[Subject]] = {
    "application": Application,
    "review": Review,
    "report": Report,
    "lesson": Lesson,
    "round": Round,
}
CHILDREN: tuple[type[Child], ...] = (Review, Report, Lesson)


def kind_of(subject: Subject) -> str:
    """The subject's name in definitions, deadlines, messages and the ledger."""
    return type(subject).__name__.lower()


def id_of(subject: Subject) -> int:
    """The stored subject's key."""
    if subject.id is None:
        raise ValueError("the subject is not stored yet")
    return subject.id


def get(session: Session, kind: str, key: int) -> Subject:
    """The subject of that kind and key. Raises NotFound."""
    subject = session.get(KINDS[kind], key) if kind in KINDS else None
    if subject is None:
        raise NotFound
    return cast(Subject, subject)


def application_of(session: Session, subject: Subject) -> Application | None:
    """The application that the subject is or belongs to; None for a round."""
    if isinstance(subject, Application):
        return subject
    if isinstance(subject, Round):
        return None
    return session.get_one(Application, subject.application_id)


def round_of(session: Session, subject: Subject) -> Round:
    """The round that the subject is or belongs to."""
    if isinstance(subject, Round):
        return subject
    application = application_of(session, subject)
    assert application is not None
    return session.get_one(Round, application.round_id)


def children_of(session: Session, application: Application) -> Sequence[Child]:
    """Every review, report and lesson of the application, in the order in which they were started."""
    found: list[Child] = []
    for table in CHILDREN:
        found += session.exec(
            select(table).where(table.application_id == application.id).order_by(table.id)  # type: ignore[arg-type]
        ).all()
    return found


def chain_of(subject: Subject) -> str:
    """The ledger chain that the subject's events stand in."""
    if isinstance(subject, Application | Round):
        return f"{kind_of(subject)}:{subject.id}"
    return f"application:{subject.application_id}"


def lock(session: Session, subject: Subject) -> None:
    """Make whoever else moves this application (or anything of it) wait until this unit of work ends.

    The subject and its application are read afresh, so the version compared afterwards is the true one. SQLite
    needs no more than its BEGIN IMMEDIATE.
    """
    application = application_of(session, subject)
    if application is not None:
        session.refresh(application, with_for_update=True)
    if subject is not application:
        session.refresh(subject, with_for_update=True)


def path_of(session: Session, subject: Subject) -> str:
    """Where people find the subject, below the fund's address."""
    if isinstance(subject, Round):
        return f"/rounds/{subject.slug}"
    if isinstance(subject, Review):
        return f"/reviews/{subject.id}"
    application = application_of(session, subject)
    assert application is not None
    base = f"/applications/{application.reference}"
    if isinstance(subject, Report):
        return f"{base}/reports/{subject.kind}"
    return f"{base}/lesson" if isinstance(subject, Lesson) else base
