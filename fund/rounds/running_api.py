"""Who runs a round, in the JSON API."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from fund.rounds import running
from fund.web.deps import DbDep, ManagerDep, NowDep, ReadsEverything
from fund.web.problems import responses

router = APIRouter(prefix="/api/v1", tags=["rounds"])


class ManagerOut(BaseModel):
    """A manager, and whether the round names her."""

    id: int
    name: str
    named: bool


class RunningOut(BaseModel):
    """All managers by name. Where none is named, or none of these can, all of them run the round."""

    managers: list[ManagerOut]
    edition: str
    """Send it back when changing it."""


class RunningChange(BaseModel):
    """The keys of all managers who are to run the round (none: every manager), and the ``edition`` that was seen."""

    model_config = ConfigDict(extra="forbid")

    edition: str
    managers: list[int]


@router.get("/rounds/{slug}/managers", responses=responses(401, 403, 404))
def managers(slug: str, viewer: ReadsEverything, db: DbDep) -> RunningOut:
    """Who runs the round. For managers and auditors."""
    with db.read() as session:
        found = running.of(session, viewer, slug)
    listed = [
        ManagerOut(id=one.id or 0, name=one.name, named=one.id in found.named) for one in found.managers
    ]
    return RunningOut(managers=listed, edition=found.edition)


@router.put("/rounds/{slug}/managers", responses=responses(401, 403, 404, 409, 422))
def change(slug: str, body: RunningChange, viewer: ManagerDep, db: DbDep, now: NowDep) -> RunningOut:
    """Change who runs the round; reminders to managers are planned anew. For every manager."""
    with db.write() as session:
        running.choose(session, viewer, slug, body.managers, edition=body.edition, now=now)
    return managers(slug, viewer, db)
