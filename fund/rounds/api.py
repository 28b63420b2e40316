"""Rounds in the JSON API. Amounts are in minor units of ``currency``; days are local to ``zone``."""

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from fund.base import undo
from fund.base.definitions import APPLICATION
from fund.base.permissions import Viewer
from fund.rounds import extending, queries, service
from fund.rounds.fields import RoundDraft, draft_of
from fund.web import moving
from fund.web.deps import DbDep, ManagerDep, NowDep, SettingsDep, SignedIn, ViewerDep
from fund.web.problems import Listing, Paging, paging, responses
from fund.web.words import zone_name
from schema.rounds import Criterion, Section

router = APIRouter(prefix="/api/v1", tags=["rounds"])


class RoundIn(BaseModel):
    """What a manager sets about a round."""

    model_config = ConfigDict(extra="forbid")

    title: str
    summary: str
    eligibility: list[str]
    """Who may apply: one condition an item."""
    zone: str
    """IANA zone in which the days end."""
    opens_on: date
    closes_on: date
    review_due_on: date
    decision_on: date
    currency: str
    pot_minor: int
    ceiling_minor: int
    project_months: int = 9
    workflow: str = APPLICATION
    """Name of the workflow that applications go through."""


class RoundChange(BaseModel):
    """What to change, and the ``edition`` of the round that the change was made on."""

    model_config = ConfigDict(extra="forbid")

    edition: str
    title: str | None = None
    summary: str | None = None
    eligibility: list[str] | None = None
    zone: str | None = None
    opens_on: date | None = None
    closes_on: date | None = None
    review_due_on: date | None = None
    decision_on: date | None = None
    currency: str | None = None
    pot_minor: int | None = None
    ceiling_minor: int | None = None
    project_months: int | None = None
    workflow: str | None = None


class DaysMove(BaseModel):
    """Days of a round under way that become later, the reason, and the ``edition`` of the round that was seen."""

    model_config = ConfigDict(extra="forbid")

    edition: str
    reason: str
    closes_on: date | None = None
    review_due_on: date | None = None
    decision_on: date | None = None


class RoundOut(BaseModel):
    """A round as everybody may see it."""

    slug: str
    title: str
    state: str
    state_label: str
    takes_proposals: bool
    opens_on: date
    closes_on: date
    closes_at: datetime
    """The first moment after the closing day, in UTC."""
    review_due_on: date
    decision_on: date
    zone: str
    zone_name: str
    """For people: ``Brussels time (UTC+2)``, ``Anywhere on Earth (UTC-12)``."""
    currency: str
    pot_minor: int
    ceiling_minor: int
    project_months: int


class RoundWhole(RoundOut):
    """A round with its words, its form and its scorecard."""

    summary: str
    eligibility: list[str]
    form: list[Section]
    scorecard: list[Criterion]
    workflow: str
    workflow_version: int
    version: int
    edition: str
    """Send it back when changing the round."""
    committed_minor: int | None = Field(default=None)
    """What the round has promised; only for those who read everything."""


@router.get("/rounds", responses=responses(422))
def index(
    viewer: ViewerDep, db: DbDep, now: NowDep, page: Annotated[Paging, Depends(paging())]
) -> Listing[RoundOut]:
    """Every round that the caller may see, the latest closing day first."""
    with db.read() as session:
        rounds = queries.visible(session, viewer)
        shown = rounds[page.offset : page.offset + page.size]
        items = [RoundOut.model_validate(_fields(queries.view(session, one, now))) for one in shown]
    return page.listing(items, len(rounds))


@router.post("/rounds", status_code=201, responses=responses(401, 403, 422))
def create(body: RoundIn, viewer: ManagerDep, db: DbDep, now: NowDep, settings: SettingsDep) -> RoundWhole:
    """Plan a round with the fund's own form, scorecard and weekend. For managers."""
    draft = RoundDraft(**body.model_dump() | {"eligibility": tuple(body.eligibility)})
    with db.write() as session:
        slug = service.create_round(session, viewer, draft, now, settings.weekend_days).slug
    return _whole(viewer, db, now, slug)


@router.get("/rounds/{slug}", responses=responses(404))
def show(slug: str, viewer: ViewerDep, db: DbDep, now: NowDep) -> RoundWhole:
    """The round with its questions and its criteria."""
    return _whole(viewer, db, now, slug)


@router.patch("/rounds/{slug}", responses=responses(401, 403, 404, 409, 422))
def change(slug: str, body: RoundChange, viewer: ManagerDep, db: DbDep, now: NowDep) -> RoundWhole:
    """Change a planned round in everything, an open one in its words. For managers."""
    given = body.model_dump(exclude_none=True, exclude={"edition"})
    if "eligibility" in given:
        given["eligibility"] = tuple(given["eligibility"])
    with db.write() as session:
        stored = draft_of(queries.round_by_slug(session, viewer, slug))
        draft = replace(stored, **given)
        service.update_round(session, viewer, slug, draft, edition=body.edition, now=now)
    return _whole(viewer, db, now, slug)


@router.post("/rounds/{slug}/days", responses=responses(401, 403, 404, 409, 422))
def move_days(slug: str, body: DaysMove, viewer: ManagerDep, db: DbDep, now: NowDep) -> RoundWhole:
    """Move days of a round under way to later ones, with every open deadline by them. For managers."""
    days = body.model_dump(include=set(extending.DAYS))
    with db.write() as session:
        extending.move_days(session, viewer, slug, days, body.reason, edition=body.edition, now=now)
    return _whole(viewer, db, now, slug)


@router.get("/rounds/{slug}/moves", responses=responses(401, 404))
def options(slug: str, viewer: SignedIn, db: DbDep, now: NowDep) -> moving.MoveOptions:
    """The moves that are the caller's, allowed or with the reasons why not."""
    with db.read() as session:
        round_ = queries.round_by_slug(session, viewer, slug)
        found = queries.options(session, viewer, round_, now)
        return moving.offered(round_.state, round_.version, found, undo.offer(session, round_, viewer, now))


@router.post("/rounds/{slug}/moves", responses=responses(401, 403, 404, 409, 422))
def move(slug: str, body: moving.MoveRequest, viewer: SignedIn, db: DbDep, now: NowDep) -> moving.Moved:
    """Open, close, reopen, decide or archive the round."""
    with db.write() as session:
        service.move(
            session,
            viewer,
            slug,
            body.trigger,
            version=body.version,
            now=now,
            reason=body.reason,
            data=body.data,
        )
        round_ = queries.round_by_slug(session, viewer, slug)
        return moving.Moved(state=round_.state, version=round_.version)


def _whole(viewer: Viewer, db: DbDep, now: datetime, slug: str) -> RoundWhole:
    with db.read() as session:
        view = queries.view(session, queries.round_by_slug(session, viewer, slug), now)
        committed = queries.purse(session, view.round).committed.minor if viewer.reads_everything else None
        workflow = queries.workflow(session, view.round)
    extra = {
        "form": view.round.sections,
        "scorecard": view.round.criteria,
        "workflow": workflow.name,
        "workflow_version": workflow.version,
        "edition": queries.edition(view.round),
        "committed_minor": committed,
    }
    return RoundWhole.model_validate(_fields(view) | extra)


def _fields(view: queries.RoundView) -> dict[str, object]:
    return view.round.model_dump() | {
        "state_label": view.state.label,
        "takes_proposals": view.takes_proposals,
        "closes_at": view.closing.due_at,
        "zone_name": zone_name(view.round.zone, view.closing.due_at),
    }
