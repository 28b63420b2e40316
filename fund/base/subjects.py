"""What a workflow can move: applications, reviews, reports, lessons and rounds, and how they hang together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from sqlalchemy import literal_column, union_all
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from fund.base.errors import NotFound
from schema.applications import Application
from schema.lessons import Lesson
from schema.reports import Report
from schema.reviews import Review
from schema.rounds import Round
from schema.rows import Whole
from schema.statements import About

Child: TypeAlias = Review | Report | Lesson
Subject: TypeAlias = Application | Review | Report | Lesson | Round

KINDS: dict[str, type[Subject]] = {
    "application": Application,
    "review": Review,
    "report": Report,
    "lesson": Lesson,
    "round": Round,
}
AFRESH: dict[str, Whole[Any]] = {
    kind: Whole(table, col(table.id), lock=True) for kind, table in KINDS.items()
}
"""By kind, the rows of some keys as they are now, kept from others until the unit of work ends."""
ROUND = Whole(Round, col(Round.id))
CHILDREN: tuple[type[Child], ...] = (Review, Report, Lesson)
STANDING = About(
    lambda these: union_all(
        *(
            sql_select(
                literal_column(f"'{table.__name__.lower()}'"),
                col(table.id),
                col(table.state),
                col(table.workflow_id),
            ).where(these(col(table.application_id)))
            for table in CHILDREN
        )
    )
)


def kind_of(subject: Subject) -> str:
    """The subject's name in definitions, deadlines, messages and the ledger."""
    return type(subject).__name__.lower()


def id_of(subject: Subject) -> int:
    """The stored subject's key."""
    key = subject.id
    if key is None:
        raise ValueError("the subject is not stored yet")
    return key


def get(session: Session, kind: str, key: int) -> Subject:
    """The subject of that kind and key. Raises NotFound."""
    subject = session.get(KINDS[kind], key) if kind in KINDS else None
    if subject is None:
        raise NotFound
    return cast(Subject, subject)


def get_all(session: Session, names: Sequence[tuple[str, int]]) -> list[Subject]:
    """The subjects of these kinds and keys, in their order: one query for each kind. Raises NotFound."""
    known: dict[tuple[str, int], Subject] = {}
    for kind in {kind for kind, _key in names}:
        table = KINDS[kind]
        wanted = {key for one, key in names if one == kind}
        for row in session.exec(select(table).where(col(table.id).in_(wanted))):
            known[kind, id_of(cast(Subject, row))] = cast(Subject, row)
    if not known.keys() >= set(names):
        raise NotFound
    return [known[name] for name in names]


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
    # A session forgets what nobody holds; kept here, one round is read once for however many of its applications.
    kept: dict[int, Round] = session.info.setdefault("rounds", {})
    key = application.round_id
    if key not in kept:
        [kept[key]] = ROUND.of(session, [key])
    return kept[key]


def children_of(session: Session, application: Application) -> Sequence[Child]:
    """Every review, report and lesson of the application, in the order in which they were started."""
    found: list[Child] = []
    for table in CHILDREN:
        found += session.exec(
            select(table).where(table.application_id == application.id).order_by(table.id)  # type: ignore[arg-type]
        ).all()
    return found


@dataclass(frozen=True, slots=True)
class ChildStands:
    """Where something that belongs to an application stands, without the rest of its row."""

    kind: str
    id: int
    state: str
    workflow_id: int


def children_among(session: Session, applications: Sequence[int]) -> list[ChildStands]:
    """Where everything stands that belongs to the applications of these keys: one question for all of them."""
    found = STANDING.rows(session, applications)
    return [ChildStands(kind, key, state, workflow) for kind, key, state, workflow in found]


def member_of(session: Session, subject: Subject) -> int | None:
    """Key of the member that applies; None for a round."""
    application = application_of(session, subject)
    return application.member_id if application is not None else None


def round_key_of(session: Session, subject: Subject) -> int:
    """Key of the round that the subject is or belongs to; the round itself is not read."""
    application = application_of(session, subject)
    return application.round_id if application is not None else id_of(subject)


def chain_of(subject: Subject) -> str:
    """The ledger chain that the subject's events stand in."""
    if isinstance(subject, Application | Round):
        return f"{kind_of(subject)}:{subject.id}"
    return f"application:{subject.application_id}"


def lock(session: Session, subject: Subject) -> None:
    """Make whoever else moves this application (or anything of it) wait until this unit of work ends.

    The subject and its application are read afresh, so the version compared afterwards is the true one. SQLite
    needs no more than its BEGIN IMMEDIATE: whatever this unit of work read is still true.
    """
    lock_all(session, [subject])


def lock_all(session: Session, subjects: Sequence[Subject]) -> None:
    """The same for many subjects, always in the same order, so that two who lock the same never wait for each other."""
    if session.get_bind().dialect.name == "sqlite":
        return
    of_kind: dict[str, set[int]] = {}
    for subject in subjects:
        of_kind.setdefault(kind_of(subject), set()).add(id_of(subject))
        if not isinstance(subject, Round | Application):
            of_kind.setdefault("application", set()).add(subject.application_id)
    for kind, afresh in AFRESH.items():
        if kind in of_kind:
            afresh.of(session, of_kind[kind])


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
