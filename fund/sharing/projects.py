"""Funded projects, as far as the fund shows them to everybody."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Text, and_, case, cast, distinct
from sqlmodel import Session, col, func, select

from fund.base.definitions import definition_of, where_state
from fund.base.permissions import Viewer
from fund.sharing import reach
from schema.applications import Application
from schema.awards import Award
from schema.lessons import Lesson, Reach
from schema.people import Member
from schema.values import Money
from workflows import State

FUNDED_STAGES = ("award", "reporting", "sharing")
NOT_SHOWN = ("offer_declined", "offer_lapsed", "terminated")
"""Ends after which a project is no example to show."""


@dataclass(frozen=True)
class Project:
    """A funded project as everybody may read it; what is not shown is empty."""

    title: str
    summary: str
    grantee: str
    city: str
    theme: str
    amount: Money | None
    lesson: str
    """Slug of its lesson if there is one for this reader."""


@dataclass(frozen=True)
class Numbers:
    """What can be counted of what is shown to everybody."""

    projects: int
    cities: int
    countries: int
    lessons: int


def is_funded(session: Session, application: Application) -> bool:
    """Whether its agreement is signed and it has not ended without a project."""
    award = session.exec(select(Award).where(Award.application_id == application.id)).first()
    state = definition_of(session, application).state(application.state)
    return award is not None and award.signed_at is not None and _counts(state)


def projects(session: Session, viewer: Viewer, *, limit: int = 50, offset: int = 0) -> Sequence[Project]:
    """Funded projects that are shown, the latest first, each cut down to what is shown of it. Three queries at most."""
    reader = reach.audience(viewer)
    rows = session.exec(
        select(Application, Member, Award, Lesson.slug)
        .join(Member, col(Member.id) == Application.member_id)
        .join(Award, col(Award.application_id) == Application.id)
        .join(
            Lesson,
            and_(col(Lesson.application_id) == Application.id, reach.listed(session, reader)),
            isouter=True,
        )
        .where(_shown(session))
        .order_by(col(Award.signed_at).desc(), col(Application.id).desc())
        .limit(limit)
        .offset(offset)
    ).all()
    return [_project(application, member, award, slug) for application, member, award, slug in rows]


def count(session: Session) -> int:
    """How many projects are shown to everybody. Two queries."""
    counted = (
        select(func.count()).select_from(Application).join(Award, col(Award.application_id) == Application.id)
    )
    return session.exec(counted.where(_shown(session))).one()


def numbers(session: Session) -> Numbers:
    """How much is shown to everybody; what is hidden is not counted either."""
    place = case((_is_public("city"), col(Member.city) + "/" + col(Member.country)))
    country = case((_is_public("city"), col(Member.country)))
    lessons = select(func.count()).select_from(Lesson).where(reach.listed(session, Reach.PUBLIC))
    counted = (
        select(
            func.count(),
            func.count(distinct(place)),
            func.count(distinct(country)),
            lessons.scalar_subquery(),
        )
        .select_from(Application)
        .join(Member, col(Member.id) == Application.member_id)
        .join(Award, col(Award.application_id) == Application.id)
        .where(_shown(session))
    )
    return Numbers(*session.exec(counted).one())


def _project(application: Application, member: Member, award: Award, lesson: str | None) -> Project:
    shown = set(application.public_fields)
    return Project(
        title=application.title,
        summary=application.public_summary if "summary" in shown else "",
        grantee=member.name if "grantee" in shown else "",
        city=reach.place(member) if "city" in shown else "",
        theme=application.theme if "theme" in shown else "",
        amount=award.amount if "amount" in shown else None,
        lesson=lesson or "",
    )


def _counts(state: State) -> bool:
    return state.stage in FUNDED_STAGES and state.outcome not in NOT_SHOWN


def _shown(session: Session) -> ColumnElement[bool]:
    """Signed, not ended without a project, and its title is public: without a title nothing is shown."""
    return and_(col(Award.signed_at).is_not(None), where_state(session, _counts), _is_public("title"))


def _is_public(field: str) -> ColumnElement[bool]:
    # A JSON list of plain words reads alike as text on both databases.
    return cast(col(Application.public_fields), Text).contains(f'"{field}"', autoescape=True)
