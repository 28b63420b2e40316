"""What is shared, in the JSON API: projects and lessons for everybody, a lesson's own file for grantee and fund."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from fund.base import undo
from fund.base.database import Database
from fund.base.permissions import Viewer
from fund.reporting.wire import MoneyOut, StateOut, Text
from fund.sharing import projects, queries, service
from fund.sharing.queries import PublicView
from fund.sharing.reach import Card
from fund.web import moving
from fund.web.deps import DbDep, NowDep, SignedIn, ViewerDep
from fund.web.problems import Listing, Paging, paging, responses

PATH = "/api/v1/applications/{reference}/lesson"
PUBLIC_PATH = "/api/v1/applications/{reference}/public"
Level = Literal["fund", "network", "public"]
PartName = Literal[
    "title", "problem", "approach", "worked", "failed", "advice", "evidence", "grantee", "city"
]
PublicName = Literal["title", "summary", "grantee", "city", "theme", "amount"]
Page = Annotated[Paging, Depends(paging(20))]
router = APIRouter(tags=["sharing"])
own = APIRouter(tags=["lessons"], responses=responses(401, 403, 404, 409, 422))


class CardOut(BaseModel):
    """A published lesson as far as it gets to you. Parts that do not get to you are not there."""

    slug: str
    theme: str
    published_at: datetime | None
    fields: dict[str, str]
    members_only: list[str] = Field(description="Parts that the public does not get: do not pass them on.")


class ProjectOut(BaseModel):
    """A funded project as far as it is shown to everybody; what is not shown is null."""

    title: str
    summary: str | None
    grantee: str | None
    city: str | None
    theme: str | None
    amount: MoneyOut | None
    lesson: str | None = Field(description="The slug of its lesson, if there is one for you.")


class PartOut(BaseModel):
    """One part of a lesson in its own file."""

    name: str
    label: str
    text: str
    consent: Level
    clearance: Level | None = Field(description="Null while the fund has not decided.")
    reach: Level


class LessonOut(BaseModel):
    """A lesson in its own file."""

    application: str
    slug: str
    theme: str
    state: StateOut
    version: int
    edit_version: int
    parts: list[PartOut]
    missing: dict[str, str]
    draft: dict[str, str] = Field(description="What a form may begin with; nothing of it is stored.")


class LessonIn(BaseModel):
    """Texts and consent to save; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    edit_version: int
    title: Text = ""
    theme: Text = ""
    problem: Text = ""
    approach: Text = ""
    worked: Text = ""
    failed: Text = ""
    advice: Text = ""
    evidence: Text = ""
    consent: dict[PartName, Level] = Field(default_factory=dict)


class ClearanceIn(BaseModel):
    """The fund's decisions; parts that are left out stay as they are."""

    model_config = ConfigDict(extra="forbid")

    edit_version: int
    clearance: dict[PartName, Level]


class TakeBackIn(BaseModel):
    """The part that is to stay within the fund from now on."""

    model_config = ConfigDict(extra="forbid")

    field: PartName


class PublicOut(BaseModel):
    """What everybody may read of a project."""

    edit_version: int
    public_fields: list[PublicName]
    public_summary: str


class PublicIn(PublicOut):
    """What everybody may read of it from now on."""

    model_config = ConfigDict(extra="forbid")

    public_summary: Text


@router.get("/api/v1/projects", responses=responses(422))
def list_projects(viewer: ViewerDep, db: DbDep, page: Page) -> Listing[ProjectOut]:
    """Funded projects, the latest first. Open to everybody."""
    with db.read() as session:
        found = projects.projects(session, viewer, limit=page.size, offset=page.offset)
        total = projects.count(session)
    return page.listing([_project(one) for one in found], total)


@router.get("/api/v1/lessons", responses=responses(422))
def list_lessons(
    viewer: ViewerDep,
    db: DbDep,
    page: Page,
    theme: Annotated[str, Query(max_length=100)] = "",
    q: Annotated[str, Query(max_length=100, description="Words to look for in parts that get to you.")] = "",
) -> Listing[CardOut]:
    """Published lessons, the latest first, as far as they get to you. Open to everybody."""
    with db.read() as session:
        found = queries.library(session, viewer, theme=theme, words=q, limit=page.size, offset=page.offset)
    return page.listing([_card(card) for card in found.cards], found.total)


@router.get("/api/v1/lessons/{slug}", responses=responses(404))
def read_card(slug: str, viewer: ViewerDep, db: DbDep) -> CardOut:
    """One published lesson, as far as it gets to you. Open to everybody."""
    with db.read() as session:
        return _card(queries.card(session, viewer, slug))


@own.get(PATH)
def read_lesson(reference: str, viewer: SignedIn, db: DbDep, now: NowDep) -> LessonOut:
    """The lesson in its own file: for its grantee and the fund."""
    return _lesson(db, viewer, reference, now)


@own.patch(PATH)
def change_lesson(reference: str, body: LessonIn, viewer: SignedIn, db: DbDep, now: NowDep) -> LessonOut:
    """Save texts, complete or not, and who may read them: fund, network or public."""
    texts = body.model_dump(exclude_unset=True, exclude={"edit_version", "consent"})
    with db.write() as session:
        lesson = queries.lesson(session, viewer, reference)
        consent = {str(name): str(level) for name, level in body.consent.items()}
        service.save_lesson(session, viewer, lesson, texts, consent, body.edit_version, now)
    return _lesson(db, viewer, reference, now)


@own.put(f"{PATH}/clearance")
def clear_lesson(reference: str, body: ClearanceIn, viewer: SignedIn, db: DbDep, now: NowDep) -> LessonOut:
    """Decide for the fund how far parts may go, never further than the grantee lets them."""
    with db.write() as session:
        lesson = queries.lesson(session, viewer, reference)
        clearance = {str(name): str(level) for name, level in body.clearance.items()}
        service.clear(session, viewer, lesson, clearance, body.edit_version, now)
    return _lesson(db, viewer, reference, now)


@own.post(f"{PATH}/take-back")
def take_back(reference: str, body: TakeBackIn, viewer: SignedIn, db: DbDep, now: NowDep) -> LessonOut:
    """Keep one part within the fund from now on, whatever the state."""
    with db.write() as session:
        lesson = queries.lesson(session, viewer, reference)
        service.take_back(session, viewer, lesson, body.field, now)
    return _lesson(db, viewer, reference, now)


@own.get(f"{PATH}/moves")
def lesson_moves(reference: str, viewer: SignedIn, db: DbDep, now: NowDep) -> moving.MoveOptions:
    """The steps that are yours from here, and why not where one cannot be taken."""
    with db.read() as session:
        view = queries.view(session, viewer, reference, now)
        taken = undo.offer(session, view.lesson, viewer, now)
    return moving.offered(view.lesson.state, view.lesson.version, view.standing.options, taken)


@own.post(f"{PATH}/moves")
def move_lesson(
    reference: str, body: moving.MoveRequest, viewer: SignedIn, db: DbDep, now: NowDep
) -> moving.Moved:
    """Take a step: hand in, return, publish, take down …"""
    with db.write() as session:
        lesson = queries.lesson(session, viewer, reference)
        service.move(session, viewer, lesson, body.trigger, body.version, now, body.reason, body.data)
        return moving.Moved(state=lesson.state, version=lesson.version)


@own.get(PUBLIC_PATH)
def read_public(reference: str, viewer: SignedIn, db: DbDep) -> PublicOut:
    """What everybody may read of a project, for the fund."""
    with db.read() as session:
        return _public(queries.public_view(session, viewer, reference))


@own.put(PUBLIC_PATH)
def change_public(reference: str, body: PublicIn, viewer: SignedIn, db: DbDep, now: NowDep) -> PublicOut:
    """Decide what everybody may read of a funded project. Nothing is shown without its title."""
    with db.write() as session:
        view = queries.public_view(session, viewer, reference)
        fields: list[str] = list(body.public_fields)
        service.show_project(
            session, viewer, view.application, fields, body.public_summary, body.edit_version, now
        )
        return _public(view)


router.include_router(own)


def _card(card: Card) -> CardOut:
    return CardOut(
        slug=card.slug,
        theme=card.theme,
        published_at=card.published_at,
        fields=dict(card.fields),
        members_only=sorted(card.members_only),
    )


def _project(project: projects.Project) -> ProjectOut:
    return ProjectOut(
        title=project.title,
        summary=project.summary or None,
        grantee=project.grantee or None,
        city=project.city or None,
        theme=project.theme or None,
        amount=MoneyOut.of(project.amount),
        lesson=project.lesson or None,
    )


def _public(view: PublicView) -> PublicOut:
    return PublicOut.model_validate(view.application, from_attributes=True)


def _lesson(db: Database, viewer: Viewer, reference: str, now: datetime) -> LessonOut:
    with db.read() as session:
        view = queries.view(session, viewer, reference, now)
    parts = [
        PartOut.model_validate({**vars(part), "clearance": part.clearance or None}) for part in view.parts
    ]
    return LessonOut(
        application=view.application.reference,
        slug=view.lesson.slug,
        theme=view.lesson.theme,
        state=StateOut.of(view.standing),
        version=view.lesson.version,
        edit_version=view.lesson.edit_version,
        parts=parts,
        missing=queries.missing(view.lesson),
        draft=view.beginning,
    )
