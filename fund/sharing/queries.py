"""Reading lessons: in their own file by grantee and fund, in the library by everybody else, cut down by ``reach``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from fund.base import access
from fund.base.audience import actor_of
from fund.base.errors import NotFound
from fund.base.facts import missing_lesson
from fund.base.permissions import Viewer
from fund.reporting.queries import Promised, promised
from fund.reporting.standing import Standing, standing
from fund.rounds.queries import RoundView, open_rounds
from fund.sharing import projects, reach
from fund.sharing.drafting import draft
from fund.sharing.projects import Numbers, Project
from fund.sharing.reach import Card
from fund.web.i18n import gettext as _
from fund.web.parse import tidy
from schema.applications import Application
from schema.lessons import CLEARED_ONE_BY_ONE, TEXTS, Lesson, Reach
from schema.people import Member
from schema.reports import Report, ReportKind
from schema.rounds import THEMES
from schema.wording import gettext_noop as _n

FIRST_PROJECTS = 12
FIRST_LESSONS = 3
"""How many of each stand on the first page; all stand on pages of their own."""


@dataclass(frozen=True)
class Part:
    """One part of a lesson as grantee and fund see it."""

    name: str
    label: str
    text: str
    consent: str
    clearance: str
    """Empty while the fund has not decided."""
    reach: str
    """How far it may go once the lesson is published."""

    @property
    def waits(self) -> bool:
        """Whether the grantee lets it out of the fund and the fund has not decided."""
        return self.consent != Reach.FUND and not self.clearance


@dataclass(frozen=True)
class LessonView:
    """Everything that the pages of a lesson's own file show. Never for anybody but grantee and fund."""

    application: Application
    member: Member
    lesson: Lesson
    standing: Standing
    parts: Sequence[Part]
    promised: Promised
    final: Report | None

    @property
    def path(self) -> str:
        """Where the lesson's file is found."""
        return f"/applications/{self.application.reference}/lesson"

    @property
    def is_published(self) -> bool:
        """Whether it stands in the library."""
        return self.standing.state.outcome == "published"

    @property
    def beginning(self) -> dict[str, str]:
        """What the form begins with: what is stored, and a draft for what is empty until somebody saves.

        Nothing of the draft is stored before the grantee saves.
        """
        stored = {name: getattr(self.lesson, name) for name in (*TEXTS, "theme")}
        if self.lesson.edit_version:
            return stored
        drafted = draft(self.promised, self.final)
        return {name: text or drafted.get(name, "") for name, text in stored.items()}


@dataclass(frozen=True)
class Library:
    """One page of the library for one reader."""

    cards: Sequence[Card]
    total: int


@dataclass(frozen=True)
class Front:
    """What the first page shows to one reader."""

    rounds: Sequence[RoundView]
    projects: Sequence[Project]
    numbers: Numbers
    lessons: Sequence[Card]

    @property
    def cities(self) -> list[str]:
        """The cities of these projects, as far as they are shown, each once."""
        names = (project.city.split(",")[0] for project in self.projects if project.city)
        return sorted(dict.fromkeys(names))


@dataclass(frozen=True)
class PublicView:
    """A funded project for the manager who decides what everybody may read of it."""

    application: Application
    member: Member
    promised: Promised
    city: str
    is_funded: bool


def lesson(session: Session, viewer: Viewer, reference: str) -> Lesson:
    """The application's lesson, for a viewer who may read it whole. Raises NotFound otherwise."""
    application = access.application(session, viewer, reference)
    found = session.exec(select(Lesson).where(Lesson.application_id == application.id)).first()
    if found is None or not access.may_read(session, found, viewer):
        raise NotFound
    return found


def view(session: Session, viewer: Viewer, reference: str, now: datetime) -> LessonView:
    """The lesson with all that stands beside it in its own file. Raises NotFound."""
    found = lesson(session, viewer, reference)
    application = session.get_one(Application, found.application_id)
    member = session.get_one(Member, application.member_id)
    return LessonView(
        application=application,
        member=member,
        lesson=found,
        standing=standing(session, found, viewer, now),
        parts=_parts(found, member),
        promised=promised(session, application),
        final=session.exec(
            select(Report).where(Report.application_id == application.id, Report.kind == ReportKind.FINAL)
        ).first(),
    )


def missing(lesson: Lesson) -> dict[str, str]:
    """Name and label of each part that is still empty."""
    empty = missing_lesson(lesson)
    return {name: label for name, label in {**TEXTS, "theme": _n("Theme")}.items() if label in empty}


def library(
    session: Session,
    viewer: Viewer,
    *,
    theme: str = "",
    words: str = "",
    limit: int = 20,
    offset: int = 0,
) -> Library:
    """Published lessons as far as they get to the viewer, the latest first.

    ``theme`` is a key of THEMES; another one finds nothing. ``words`` are looked for as they stand, in fields that get
    to the viewer only. The same number of queries whatever there is.
    """
    if theme and theme not in THEMES:
        return Library([], 0)
    reader, words = reach.audience(viewer), tidy(words)
    conditions = [reach.listed(session, reader)]
    conditions += [col(Lesson.theme) == theme] if theme else []
    conditions += [reach.found_by(words, reader)] if words else []
    rows = session.exec(
        select(Lesson, Member)
        .join(Application, col(Application.id) == Lesson.application_id)
        .join(Member, col(Member.id) == Application.member_id)
        .where(*conditions)
        .order_by(col(Lesson.published_at).desc(), col(Lesson.id).desc())
        .limit(limit)
        .offset(offset)
    ).all()
    total = session.exec(
        select(func.count())
        .select_from(Lesson)
        .join(Application, col(Application.id) == Lesson.application_id)
        .join(Member, col(Member.id) == Application.member_id)
        .where(*conditions)
    ).one()
    return Library([reach.card(found, member, reader) for found, member in rows], total)


def front(session: Session, viewer: Viewer, now: datetime) -> Front:
    """The open rounds, the latest projects and lessons as far as they get to the viewer, and what there is in all."""
    return Front(
        rounds=open_rounds(session, now),
        projects=projects.projects(session, viewer, limit=FIRST_PROJECTS),
        numbers=projects.numbers(session),
        lessons=library(session, viewer, limit=FIRST_LESSONS).cards,
    )


def themes(session: Session, viewer: Viewer) -> dict[str, int]:
    """How many lessons get to the viewer, for each theme that has any, in the order of THEMES."""
    reader = reach.audience(viewer)
    rows = session.exec(
        select(Lesson.theme, func.count()).where(reach.listed(session, reader)).group_by(Lesson.theme)
    ).all()
    found = dict(rows)
    return {key: found[key] for key in THEMES if key in found}


def card(session: Session, viewer: Viewer, slug: str) -> Card:
    """The published lesson as far as it gets to the viewer. Raises NotFound where nothing of it does."""
    reader = reach.audience(viewer)
    found = session.exec(
        select(Lesson, Member)
        .join(Application, col(Application.id) == Lesson.application_id)
        .join(Member, col(Member.id) == Application.member_id)
        .where(Lesson.slug == tidy(slug), reach.listed(session, reader))
    ).first()
    if found is None:
        raise NotFound
    return reach.card(*found, reader)


def public_view(session: Session, viewer: Viewer, reference: str) -> PublicView:
    """The project for whoever decides what is shown of it. Raises NotFound, and Forbidden for who may only read it."""
    application = access.application(session, viewer, reference)
    if "manager" not in actor_of(session, application, viewer).roles:
        raise access.refusal(session, application, viewer, _("Only a fund manager can do this."))
    member = session.get_one(Member, application.member_id)
    return PublicView(
        application=application,
        member=member,
        promised=promised(session, application),
        city=reach.place(member),
        is_funded=projects.is_funded(session, application),
    )


def _parts(lesson: Lesson, member: Member) -> list[Part]:
    texts = reach.values(lesson, member)
    return [
        Part(
            name=name,
            label=label,
            text=texts[name],
            consent=lesson.consent.get(name, Reach.FUND.value),
            clearance=lesson.clearance.get(name, ""),
            reach=lesson.reach(name).value,
        )
        for name, label in CLEARED_ONE_BY_ONE.items()
    ]
