"""Proposals in the JSON API. Amounts are in minor units of ``currency``."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from fund.applying import comments, queries, service
from fund.applying.fields import Edit, Keep
from fund.base import undo
from fund.base.permissions import Viewer
from fund.web import moving
from fund.web.deps import DbDep, NowDep, SignedIn
from fund.web.problems import Listing, Paging, paging, responses
from schema.applications import Application
from schema.comments import Comment

router = APIRouter(prefix="/api/v1", tags=["applications"])


class StartIn(BaseModel):
    """Whom to propose for; may be left out by those who act for one member only."""

    model_config = ConfigDict(extra="forbid")

    member: str | None = Field(default=None, description="Slug of the member.")
    another: bool = Field(default=False, description="Start one even where you have a draft in this round.")


class ApplicationOut(BaseModel):
    """A proposal and where it stands."""

    reference: str
    round: str = Field(description="Slug of the round.")
    member: str = Field(description="Slug of the member that proposes.")
    member_name: str
    title: str
    theme: str
    requested_minor: int | None
    currency: str
    state: str
    state_label: str = Field(description="The state as it is called for you.")
    version: int = Field(description="Counts changes of state: send it with a move.")
    edit_version: int = Field(description="Counts saves of the text: send it with a change.")
    created_at: datetime
    submitted_at: datetime | None


class ApplicationWhole(ApplicationOut):
    """A proposal with its answers."""

    answers: dict[str, str] = Field(description="By the keys of the round's questions.")
    missing: dict[str, str] = Field(description="What has to be filled in before it can be submitted.")


class ApplicationChange(BaseModel):
    """What to change; what is left out stays as it is. An amount of null empties it."""

    model_config = ConfigDict(extra="forbid")

    edit_version: int
    title: str | None = None
    theme: str | None = None
    requested_minor: int | None = None
    answers: dict[str, str] = Field(default_factory=dict)


THERE_ALREADY: dict[int | str, dict[str, Any]] = {
    200: {"model": ApplicationWhole, "description": "You have a draft in this round already; here it is."}
}


@router.post(
    "/rounds/{slug}/applications",
    status_code=201,
    responses=THERE_ALREADY | responses(401, 403, 404, 409, 422),
)
def start(
    slug: str, body: StartIn, response: Response, viewer: SignedIn, db: DbDep, now: NowDep
) -> ApplicationWhole:
    """Start a draft in the round."""
    with db.write() as session:
        member = queries.member_by_slug(session, viewer, body.member)
        started = service.start(session, viewer, slug, member.id or 0, now, another=body.another)
    response.status_code = 201 if started.is_new else 200
    return _whole(viewer, db, started.application.reference)


@router.get("/applications", responses=responses(401, 422))
def index(viewer: SignedIn, db: DbDep, page: Annotated[Paging, Depends(paging())]) -> Listing[ApplicationOut]:
    """The proposals of the members that you act for, the newest first."""
    with db.read() as session:
        lines = queries.mine(session, viewer)
    items = [
        ApplicationOut.model_validate(
            _fields(
                line.application,
                line.round.slug,
                line.member.slug,
                line.member.name,
                line.state.applicant_label,
            )
        )
        for line in lines[page.offset : page.offset + page.size]
    ]
    return page.listing(items, len(lines))


@router.get("/applications/{reference}", responses=responses(401, 404))
def show(reference: str, viewer: SignedIn, db: DbDep) -> ApplicationWhole:
    """A proposal that you may read, with its answers."""
    return _whole(viewer, db, reference)


@router.patch("/applications/{reference}", responses=responses(401, 403, 404, 409, 422))
def change(
    reference: str, body: ApplicationChange, viewer: SignedIn, db: DbDep, now: NowDep
) -> ApplicationWhole:
    """Save a part of the proposal, complete or not."""
    edit = Edit(
        title=body.title,
        theme=body.theme,
        requested_minor=body.requested_minor if "requested_minor" in body.model_fields_set else Keep.KEEP,
        answers=body.answers,
    )
    with db.write() as session:
        service.save(session, viewer, reference, edit, edit_version=body.edit_version, now=now)
    return _whole(viewer, db, reference)


@router.get("/applications/{reference}/moves", responses=responses(401, 404))
def options(reference: str, viewer: SignedIn, db: DbDep, now: NowDep) -> moving.MoveOptions:
    """The moves that are yours from here, allowed or with the reasons why not."""
    with db.read() as session:
        application, found = queries.options(session, viewer, reference, now)
        taken = undo.offer(session, application, viewer, now)
        return moving.offered(application.state, application.version, found, taken)


@router.post("/applications/{reference}/moves", responses=responses(401, 403, 404, 409, 422))
def move(reference: str, body: moving.MoveRequest, viewer: SignedIn, db: DbDep, now: NowDep) -> moving.Moved:
    """Make a move: submit (``data``: ``declaration`` true, and the ``edit_version`` you read), withdraw, decline …"""
    with db.write() as session:
        application = service.move(
            session,
            viewer,
            reference,
            body.trigger,
            version=body.version,
            now=now,
            reason=body.reason,
            data=body.data,
        )
        return moving.Moved(state=application.state, version=application.version)


class CommentIn(BaseModel):
    """What to say."""

    model_config = ConfigDict(extra="forbid")

    text: str


class CommentOut(BaseModel):
    """What was said about a proposal."""

    id: int
    by: str = Field(description="Name of the person.")
    said_at: datetime
    text: str
    read_by: list[str] = Field(description="The roles that read it; auditors do as well.")


class Comments(BaseModel):
    """What you may read of what was said, the oldest first."""

    items: list[CommentOut]
    open_to: list[str] = Field(
        description="Who would read what you say now; empty where you may not comment."
    )


@router.get("/applications/{reference}/comments", responses=responses(401, 404))
def comments_of(reference: str, viewer: SignedIn, db: DbDep) -> Comments:
    """What was said about the proposal, as far as you may read it."""
    with db.read() as session:
        here = comments.conversation(session, viewer, reference)
        return Comments(items=[_said(one, by.name) for one, by in here.said], open_to=sorted(here.open_to))


@router.post(
    "/applications/{reference}/comments", status_code=201, responses=responses(401, 403, 404, 422, 429)
)
def comment(reference: str, body: CommentIn, viewer: SignedIn, db: DbDep, now: NowDep) -> CommentOut:
    """Say something about the proposal. It cannot be changed afterwards."""
    with db.write() as session:
        return _said(comments.say(session, viewer, reference, body.text, now), viewer.name)


def _said(one: Comment, name: str) -> CommentOut:
    return CommentOut.model_validate(one.model_dump() | {"by": name})


def _whole(viewer: Viewer, db: DbDep, reference: str) -> ApplicationWhole:
    with db.read() as session:
        found = queries.content(session, viewer, reference)
    fields = _fields(found.application, found.round.slug, found.member.slug, found.member.name, found.label)
    missing = {gap.key: gap.label for gap in found.gaps}
    return ApplicationWhole.model_validate(fields | {"answers": found.answers, "missing": missing})


def _fields(application: Application, round_: str, member: str, name: str, label: str) -> dict[str, object]:
    return application.model_dump() | {
        "round": round_,
        "member": member,
        "member_name": name,
        "state_label": label,
    }
