"""What somebody owes by a date: the list on everybody's first page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, or_, select
from sqlmodel import Session, col

from fund.base.permissions import Viewer
from fund.base.subjects import KINDS, Subject, id_of, path_of
from schema.applications import Application
from schema.deadlines import Deadline, DeadlineStatus
from schema.people import Member, Role
from schema.reports import Report
from schema.reviews import Review
from schema.running import runs

MOST = 50


@dataclass(frozen=True)
class Owed:
    """One open deadline with what it is about and where to meet it."""

    deadline: Deadline
    title: str
    member: str
    path: str
    late: bool
    kind: str
    """Which of its kind a report is: interim or final; nothing for all else."""


def by(session: Session, viewer: Viewer, now: datetime) -> list[Owed]:
    """Everything that the viewer owes, the next first, at most ``MOST``: as applicant, reviewer and manager."""
    open_ = col(Deadline.status) == DeadlineStatus.OPEN
    found = rows(session, [open_, by_her(viewer)], [col(Deadline.due_at), col(Deadline.id)], MOST)
    return [
        Owed(
            deadline,
            application.title if application else getattr(subject, "title", ""),
            member.name if member else "",
            path_of(session, subject),
            deadline.grace_until <= now,
            subject.kind if isinstance(subject, Report) else "",
        )
        for deadline, application, member, subject in found
    ]


def by_her(viewer: Viewer) -> ColumnElement[bool]:
    """Which deadlines are the viewer's: as applicant, as reviewer, and as a manager in rounds that she runs."""
    mine: list[ColumnElement[bool]] = [
        (col(Deadline.owner_role) == "applicant") & col(Application.member_id).in_(viewer.member_ids),
        (col(Deadline.owner_role) == Role.REVIEWER)
        & (col(Deadline.subject_kind) == "review")
        & col(Deadline.subject_id).in_(
            select(col(Review.id)).where(col(Review.reviewer_id) == viewer.person_id)
        ),
    ]
    if viewer.is_manager:
        mine.append((col(Deadline.owner_role) == Role.MANAGER) & apart(viewer) & run_by(viewer))
    return or_(*mine)


def run_by(viewer: Viewer) -> ColumnElement[bool]:
    """Which deadlines are of rounds that the viewer, a manager, runs."""
    return runs(viewer.person_id, col(Deadline.round_id), col(Application.member_id))


def apart(viewer: Viewer) -> ColumnElement[bool]:
    """Which deadlines are of no proposal of the viewer's own members."""
    return col(Application.id).is_(None) | col(Application.member_id).not_in(viewer.member_ids)


def rows(
    session: Session, where: Sequence[ColumnElement[bool]], order: Sequence[Any], most: int
) -> list[tuple[Deadline, Application | None, Member | None, Subject]]:
    """At most so many deadlines with what they are of."""
    found = session.execute(
        select(Deadline, Application, Member)
        .join(Application, col(Application.id) == col(Deadline.application_id), isouter=True)
        .join(Member, col(Member.id) == col(Application.member_id), isouter=True)
        .where(*where)
        .order_by(*order)
        .limit(most)
    ).all()
    subjects = _subjects(session, [deadline for deadline, _application, _member in found])
    return [(*row, subject) for row, subject in zip(found, subjects, strict=True)]


def _subjects(session: Session, deadlines: Sequence[Deadline]) -> list[Subject]:
    """What each deadline is of: one query for each kind, however many there are."""
    known: dict[tuple[str, int], Subject] = {}
    for kind, table in KINDS.items():
        ids = [deadline.subject_id for deadline in deadlines if deadline.subject_kind == kind]
        for row in session.scalars(select(table).where(col(table.id).in_(ids))) if ids else ():
            subject = cast(Subject, row)
            known[kind, id_of(subject)] = subject
    return [known[deadline.subject_kind, deadline.subject_id] for deadline in deadlines]


def of_application(session: Session, application: Application) -> Sequence[Deadline]:
    """Every deadline of the application and of what belongs to it: open ones first, then the latest."""
    return session.scalars(
        select(Deadline)
        .where(col(Deadline.application_id) == application.id)
        .order_by(col(Deadline.status) != DeadlineStatus.OPEN, col(Deadline.due_at).desc(), col(Deadline.id))
    ).all()
