"""Workflows in the JSON API: their versions, what changes between them, and changing a round under way.

A version is named by its ``key``, the beginning of the SHA-256 of its file, or as ``name`` or ``name@version``.
"""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fund.base.migrating import Fate, Plan
from fund.base.subjects import kind_of
from fund.base.versions import find, key_of
from fund.governing import forms, queries, service
from fund.web.deps import DbDep, ManagerDep, NowDep, ReadsEverything
from fund.web.problems import Listing, Paging, paging, responses
from workflows import Finding, Level
from workflows.compare import compare

router = APIRouter(prefix="/api/v1", tags=["workflows"])
Key = Annotated[str, Field(max_length=100)]


class VersionOut(BaseModel):
    """One version of a workflow."""

    key: str
    name: str
    version: int
    subject: str
    """What it moves: application, review, report, lesson or round."""
    label: str
    newest: bool
    """Whether rounds that are planned now follow it."""
    stored_at: datetime | None
    """None for one that only comes with the product."""
    rounds: list[str]
    """Slugs of the rounds that follow it."""


class VersionWhole(VersionOut):
    """A version with its file, word for word."""

    source: str


class Source(BaseModel):
    """The text of a workflow's file (TOML)."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(max_length=service.LARGEST)


class FindingOut(BaseModel):
    """One thing that is wrong or doubtful in a file."""

    level: Level
    line: int
    """From 1; 0 where it concerns the whole file."""
    where: str
    message: str


class DifferenceOut(BaseModel):
    """One thing that is not as it was."""

    where: str
    """Such as ``state draft``; empty for the workflow as a whole."""
    message: str


class BoundOut(BaseModel):
    """What a round follows for one kind of thing, and what it could change to."""

    kind: str
    key: str
    name: str
    version: int
    others: list[str]
    """Keys of the versions that it could change to."""


class ChangeIn(BaseModel):
    """The versions that a round is to change to, by kind of thing."""

    model_config = ConfigDict(extra="forbid")

    workflows: dict[str, Key] = Field(max_length=10)
    """By kind of thing the key of a version: ``{"application": "0f3a…"}``."""
    places: dict[str, dict[str, str]] = Field(default_factory=dict, max_length=10)
    """By kind, for each state that vanishes the one that takes its place: ``{"application": {"old": "new"}}``."""


class ChangeNow(ChangeIn):
    """The same, with the ``fingerprint`` of the plan that was looked at."""

    fingerprint: str = Field(max_length=100)


class DeadlineOut(BaseModel):
    """What becomes of one deadline."""

    key: str
    label: str
    fate: Fate
    day: date | None
    """When it is due now."""
    new_day: date | None
    """When it is due then."""
    reminders_called_off: int
    reminders_planned: int


class StepOut(BaseModel):
    """What becomes of one thing."""

    name: str
    kind: str
    before: str
    after: str
    deadlines: list[DeadlineOut]


class FollowOut(BaseModel):
    """A move that is then made by itself."""

    name: str
    label: str


class PlanOut(BaseModel):
    """What would become, or became, of everything."""

    fingerprint: str
    """Send it back to have done just this."""
    steps: list[StepOut]
    follows: list[FollowOut]


@router.get("/workflows", responses=responses(401, 403, 422))
def index(
    viewer: ReadsEverything, db: DbDep, page: Annotated[Paging, Depends(paging())]
) -> Listing[VersionOut]:
    """Every version that the fund knows, by subject and name, the latest first."""
    with db.read() as session:
        found = queries.listed(session)
    shown = found[page.offset : page.offset + page.size]
    return page.listing([VersionOut.model_validate(_fields(one)) for one in shown], len(found))


async def _given(request: Request) -> forms.Sent:
    """What was sent: one file in JSON, or several as a browser sends them."""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await forms.sent(request)
    try:
        source = Source.model_validate_json(await request.body() or b"{}").source
    except ValidationError as error:
        raise RequestValidationError(
            [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        ) from error
    return forms.Sent([("", _encoded(source))])


SEVERAL = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": Source.model_json_schema()},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "maxItems": service.MOST_FILES,
                            "description": "Workflows' files (TOML) that may speak of each other, each with its name.",
                        }
                    },
                },
                "encoding": {"file": {"contentType": "application/toml"}},
            },
        },
    }
}
"""How the description of the API says what ``_given`` reads."""


@router.post(
    "/workflows", status_code=201, responses=responses(401, 403, 409, 413, 422), openapi_extra=SEVERAL
)
def accept(
    viewer: ManagerDep, db: DbDep, now: NowDep, given: Annotated[forms.Sent, Depends(_given)]
) -> VersionWhole | list[VersionWhole]:
    """Take a file as a new version, or several that fit together: all of them, or none. For managers.

    One file comes as JSON and is answered as one version; several come as ``multipart/form-data`` in fields called
    ``file`` and are answered as a list, in the same order. Files with errors are refused with all of them: ``errors``
    says by file what is wrong (``file`` in JSON), ``findings`` lists by file what the checker found.
    """
    with db.write() as session:
        taken = service.accept_all(session, viewer, given.files, now)
    made = [_whole(db, key_of(one)) for one in taken]
    return made[0] if given.files[0][0] == "" else made


@router.post("/workflows/check", responses=responses(401, 403, 413, 422), openapi_extra=SEVERAL)
def check(
    viewer: ReadsEverything, db: DbDep, given: Annotated[forms.Sent, Depends(_given)]
) -> list[FindingOut] | dict[str, list[FindingOut]]:
    """What is wrong or doubtful in a file, or in several that speak of each other. Stores nothing.

    One file comes as JSON and is answered as a list; several come as ``multipart/form-data`` in fields called ``file``
    and are answered as a list for each, by its name.
    """
    with db.read() as session:
        found = service.examine_all(session, given.files)
    told = {file: [_finding(one) for one in findings] for file, findings in found.items()}
    return next(iter(told.values())) if given.files[0][0] == "" else told


@router.get("/workflows/compare", responses=responses(401, 403, 404, 422))
def compared(
    viewer: ReadsEverything,
    db: DbDep,
    old: Annotated[str, Query(max_length=100)],
    new: Annotated[str, Query(max_length=100)],
) -> list[DifferenceOut]:
    """What changes from one version to another, in words."""
    with db.read() as session:
        found = compare(find(session, old), find(session, new))
    return [DifferenceOut(where=one.where, message=one.message) for one in found]


@router.get("/workflows/{key}", responses=responses(401, 403, 404))
def show(key: str, viewer: ReadsEverything, db: DbDep) -> VersionWhole:
    """One version with its file."""
    with db.read() as session:
        key = key_of(find(session, key))
    return _whole(db, key)


@router.get("/rounds/{slug}/workflows", responses=responses(401, 403, 404))
def of_round(slug: str, viewer: ReadsEverything, db: DbDep) -> list[BoundOut]:
    """What the round follows for each kind of thing."""
    with db.read() as session:
        governed = queries.governed(session, viewer, slug)
    return [
        BoundOut(
            kind=one.kind,
            key=one.key,
            name=one.definition.name,
            version=one.definition.version,
            others=[key_of(other) for other in one.others],
        )
        for one in governed.bound
    ]


@router.post("/rounds/{slug}/workflows/plan", responses=responses(401, 403, 404, 422))
def plan(slug: str, body: ChangeIn, viewer: ManagerDep, db: DbDep, now: NowDep) -> PlanOut:
    """What would become of everything in the round. Changes nothing. For managers."""
    with db.read() as session:
        wanted = service.chosen(session, body.workflows)
        return _plan(service.preview(session, viewer, slug, wanted, body.places, now))


@router.post("/rounds/{slug}/workflows", responses=responses(401, 403, 404, 409, 422))
def change(slug: str, body: ChangeNow, viewer: ManagerDep, db: DbDep, now: NowDep) -> PlanOut:
    """Change the round as the plan of that fingerprint said, as a whole; nothing if anything has changed since."""
    with db.write() as session:
        wanted = service.chosen(session, body.workflows)
        return _plan(
            service.change(session, viewer, slug, wanted, body.places, fingerprint=body.fingerprint, now=now)
        )


def _encoded(source: str) -> bytes:
    return source.encode("utf-8", "replace")


def _whole(db: DbDep, key: str) -> VersionWhole:
    with db.read() as session:
        found = queries.version(session, key)
    return VersionWhole.model_validate(_fields(found) | {"source": found.definition.source})


def _fields(version: queries.Version) -> dict[str, object]:
    one = version.definition
    return {
        "key": version.key,
        "name": one.name,
        "version": one.version,
        "subject": one.subject,
        "label": one.label,
        "newest": version.newest,
        "stored_at": version.stored_at,
        "rounds": [round_.slug for round_ in version.rounds],
    }


def _finding(one: Finding) -> FindingOut:
    return FindingOut(level=one.level, line=one.line, where=one.where, message=one.message)


def _plan(made: Plan) -> PlanOut:
    return PlanOut(
        fingerprint=made.fingerprint,
        steps=[
            StepOut(
                name=step.name,
                kind=kind_of(step.subject),
                before=step.before.name,
                after=step.after.name,
                deadlines=[
                    DeadlineOut(
                        key=one.key,
                        label=one.label,
                        fate=one.fate,
                        day=one.day,
                        new_day=one.new_day,
                        reminders_called_off=one.called_off,
                        reminders_planned=one.planned,
                    )
                    for one in step.deadlines
                ],
            )
            for step in made.steps
        ],
        follows=[FollowOut(name=one.name, label=one.label) for one in made.follows],
    )
