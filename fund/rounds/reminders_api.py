"""Reminders and working days of a round in the JSON API. Both can be looked at before they are changed."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from fund.rounds import queries, reminders, working_days
from fund.rounds.reminders import Policy
from fund.web.deps import DbDep, ManagerDep, NowDep, ReadsEverything
from fund.web.problems import responses
from schema.rounds import Holiday, ReminderLine

router = APIRouter(prefix="/api/v1", tags=["rounds"])
MOST = 1000
"""So many lines are read at all."""


class PolicyOut(BaseModel):
    """The reminders of one deadline in a round. ``days`` count from the due day, negative before it."""

    kind: str
    """What the deadline is of: application, review, report, lesson or round."""
    key: str
    label: str
    owner: str
    """The role that owes it."""
    reminders: list[ReminderLine]
    definition: list[ReminderLine]
    """What its workflow says."""
    own: bool
    """Whether the round has reminders of its own for it."""
    open: int
    """How many such deadlines are open now."""
    edition: str
    """Send it back when changing the reminders."""


class Change(BaseModel):
    """The ``edition`` of what was seen; with ``preview`` nothing is changed, only counted."""

    model_config = ConfigDict(extra="forbid")

    edition: str
    preview: bool = False


class RemindersChange(Change):
    """The reminders that a deadline is to have in the round; null goes back to what its workflow says."""

    reminders: Annotated[list[ReminderLine], Field(max_length=MOST)] | None


class DaysOff(BaseModel):
    """On which days nobody works: days of every week (``saturday``), and public holidays by day."""

    weekend: list[str]
    holidays: list[Holiday]
    edition: str


class DaysChange(Change):
    """The days off that a round is to have."""

    weekend: Annotated[list[str], Field(max_length=MOST)]
    holidays: Annotated[list[Holiday], Field(max_length=MOST)]


class Changed(BaseModel):
    """How many planned reminders changed, or would, and of how many open deadlines."""

    reminders: int
    deadlines: int


@router.get("/rounds/{slug}/reminders", responses=responses(401, 403, 404))
def index(slug: str, viewer: ReadsEverything, db: DbDep) -> list[PolicyOut]:
    """Every deadline that there can be in the round, with its reminders. For managers and auditors."""
    with db.read() as session:
        families = reminders.families(session, viewer, slug)
    return [_shown(one) for family in families for one in family.policies]


@router.put("/rounds/{slug}/reminders/{kind}/{key}", responses=responses(401, 403, 404, 409, 422))
def change(
    slug: str, kind: str, key: str, body: RemindersChange, viewer: ManagerDep, db: DbDep, now: NowDep
) -> Changed:
    """Change the reminders of one deadline in the round; those of open deadlines are planned anew. For managers."""
    name, lines = (kind, key), body.reminders
    if body.preview:
        with db.read() as session:
            return Changed(**vars(reminders.reach(session, viewer, slug, name, lines, now)))
    with db.write() as session:
        done = reminders.change(session, viewer, slug, name, lines, edition=body.edition, now=now)
    return Changed(**vars(done))


@router.get("/rounds/{slug}/working-days", responses=responses(401, 403, 404))
def days(slug: str, viewer: ReadsEverything, db: DbDep) -> DaysOff:
    """The round's weekend and public holidays. For managers and auditors."""
    with db.read() as session:
        round_ = queries.round_by_slug(session, viewer, slug)
    edition = working_days.edition_of(round_)
    return DaysOff(weekend=round_.weekend, holidays=round_.days_off, edition=edition)


@router.put("/rounds/{slug}/working-days", responses=responses(401, 403, 404, 409, 422))
def change_days(slug: str, body: DaysChange, viewer: ManagerDep, db: DbDep, now: NowDep) -> Changed:
    """Change the round's days off. No open deadline moves, reminders that keep off days off do. For managers."""
    weekend, holidays = body.weekend, body.holidays
    if body.preview:
        with db.read() as session:
            return Changed(**vars(working_days.reach(session, viewer, slug, weekend, holidays, now)))
    with db.write() as session:
        done = working_days.change(session, viewer, slug, weekend, holidays, edition=body.edition, now=now)
    return Changed(**vars(done))


def _shown(one: Policy) -> PolicyOut:
    return PolicyOut(
        kind=one.kind,
        key=one.rule.key,
        label=one.rule.label,
        owner=one.rule.owner,
        reminders=[ReminderLine(**vars(line)) for line in one.reminders],
        definition=[ReminderLine(**vars(line)) for line in one.rule.reminders],
        own=one.own,
        open=one.open,
        edition=one.edition,
    )
