"""The pipeline in JSON: what I owe, where everything stands, the history and the mail of one application."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from fund.base import extending
from fund.pipeline import dossier, outbox, owed, queries, story
from fund.web.deps import DbDep, ManagerDep, NowDep, ReadsEverything, RowId, SignedIn
from fund.web.problems import responses
from fund.web.words import zone_name
from schema.deadlines import Deadline

router = APIRouter(prefix="/api/v1", tags=["pipeline"])


class AmountOut(BaseModel):
    """An amount in minor units."""

    minor: int
    currency: str


class StateOut(BaseModel):
    """One state in numbers."""

    state: str
    label: str
    stage: str
    count: int
    overdue: int
    money: list[AmountOut]
    longest_days: int


class DeadlineOut(BaseModel):
    """A deadline. ``due_at`` is its exclusive end in UTC: the first instant after the last local day."""

    id: int
    key: str
    label: str
    owner: str
    due_on: str
    zone: str
    zone_name: str
    """For people: ``Brussels time (UTC+2)``, ``Anywhere on Earth (UTC-12)``."""
    due_at: datetime
    grace_until: datetime
    generation: int
    """How often its day was moved, from 1. Send it back when moving or waiving it."""
    status: str
    held_at: datetime | None
    """Since when it stands still (status ``held``), or stood still when it ended."""


class StepOut(BaseModel):
    """Something that happened to a deadline."""

    at: datetime
    kind: str
    """opened, moved, held, went_on, passed, undone, met, waived or cancelled."""
    because: str
    by: str
    note: str
    day: date | None
    """The last local day from then on, and the one before where it was moved."""
    was: date | None


class StoryOut(BaseModel):
    """A deadline and what became of it, the first first."""

    deadline: DeadlineOut
    steps: list[StepOut]


class WaiveIn(BaseModel):
    """Why a deadline is waived, and its generation that was seen."""

    model_config = ConfigDict(extra="forbid")

    reason: str
    generation: int = Field(ge=0, lt=2**31)


class MoveIn(WaiveIn):
    """The new last local day of a deadline, in its own zone."""

    day: date


class OwedOut(BaseModel):
    """Something that the caller owes."""

    deadline: DeadlineOut
    title: str
    member: str
    path: str
    late: bool


class EventOut(BaseModel):
    """One event of the ledger in words."""

    at: datetime
    title: str
    by: str
    note: str
    about: str
    source: str
    """The state that was left, if one was, and the one that was reached, as the workflow calls them."""
    target: str


class MailOut(BaseModel):
    """One message of the outbox."""

    id: int
    kind: str
    template: str
    to: str
    subject: str
    status: str
    reason: str
    next_at: datetime
    attempts: int


@router.get("/deadlines", responses=responses(401))
def my_deadlines(viewer: SignedIn, db: DbDep, now: NowDep) -> list[OwedOut]:
    """Everything that the caller owes by a date, the next first."""
    with db.read() as session:
        return [
            OwedOut(
                deadline=_deadline(one.deadline),
                title=one.title,
                member=one.member,
                path=one.path,
                late=one.late,
            )
            for one in owed.by(session, viewer, now)
        ]


@router.get("/deadlines/{key}", responses=responses(401, 403, 404, 422))
def deadline(key: RowId, viewer: SignedIn, db: DbDep) -> StoryOut:
    """One deadline and its history. For those who read everything, and for whoever owes it."""
    with db.read() as session:
        found = story.of(session, viewer, key)
        steps = [StepOut(**vars(step)) for step in found.steps]
        return StoryOut(deadline=_deadline(found.deadline), steps=steps)


@router.post("/deadlines/{key}/move", responses=responses(401, 403, 404, 409, 422))
def move_deadline(key: RowId, body: MoveIn, viewer: ManagerDep, db: DbDep, now: NowDep) -> DeadlineOut:
    """Give an open deadline another day, earlier or later; who owes it is told by mail. For managers."""
    with db.write() as session:
        moved = extending.move(
            session, viewer, key, body.day, body.reason, generation=body.generation, now=now
        )
        return _deadline(moved)


@router.post("/deadlines/{key}/waive", responses=responses(401, 403, 404, 409, 422))
def waive_deadline(key: RowId, body: WaiveIn, viewer: ManagerDep, db: DbDep, now: NowDep) -> DeadlineOut:
    """Ask for it no more; who owed it is told by mail. For managers."""
    with db.write() as session:
        return _deadline(
            extending.waive(session, viewer, key, body.reason, generation=body.generation, now=now)
        )


@router.get("/pipeline", responses=responses(401, 403, 422))
def pipeline(
    viewer: ReadsEverything, db: DbDep, now: NowDep, round: Annotated[str, Query(max_length=200)] = ""
) -> list[StateOut]:
    """Every state with how many applications stand in it, for how much money, how long, how many late."""
    with db.read() as session:
        return [
            StateOut(
                state=one.state.name,
                label=one.state.label,
                stage=stage.name,
                count=one.count,
                overdue=one.overdue,
                money=[AmountOut(minor=money.minor, currency=money.currency) for money in one.money],
                longest_days=one.longest_days(now),
            )
            for stage in queries.stages(session, viewer, round, now)
            for one in stage.states
        ]


@router.get("/applications/{reference}/deadlines", responses=responses(401, 403, 404))
def deadlines(reference: str, viewer: ReadsEverything, db: DbDep) -> list[DeadlineOut]:
    """Every deadline of the application and of what belongs to it."""
    with db.read() as session:
        application = dossier.find(session, viewer, reference)
        return [_deadline(one) for one in owed.of_application(session, application)]


@router.get("/applications/{reference}/history", responses=responses(401, 403, 404))
def history(reference: str, viewer: ReadsEverything, db: DbDep) -> list[EventOut]:
    """The application's ledger in words, the latest first."""
    with db.read() as session:
        application = dossier.find(session, viewer, reference)
        return [EventOut(**vars(event)) for event in dossier.history(session, application)]


@router.get("/applications/{reference}/mail", responses=responses(401, 403, 404))
def mail(reference: str, viewer: ReadsEverything, db: DbDep) -> list[MailOut]:
    """Every message about the application and what became of it."""
    with db.read() as session:
        application = dossier.find(session, viewer, reference)
        return [_mail(entry) for entry in outbox.of_application(session, application)]


def _deadline(deadline: Deadline) -> DeadlineOut:
    return DeadlineOut(
        id=deadline.id or 0,
        key=deadline.key,
        label=deadline.label,
        owner=deadline.owner_role,
        due_on=deadline.due_on.isoformat(),
        zone=deadline.zone,
        zone_name=zone_name(deadline.zone, deadline.due_at),
        due_at=deadline.due_at,
        grace_until=deadline.grace_until,
        generation=deadline.generation,
        status=deadline.status,
        held_at=deadline.held_at,
    )


def _mail(entry: outbox.Entry) -> MailOut:
    message = entry.message
    return MailOut(
        id=message.id or 0,
        kind=message.kind,
        template=message.template,
        to=entry.person.name if entry.person else message.address,
        subject=entry.subject,
        status=message.status,
        reason=message.reason,
        next_at=message.next_at,
        attempts=message.attempts,
    )
