"""The rehearsal of a round as JSON."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from fund.rehearsing import queries, telling
from fund.rehearsing.scenario import Manner, Scenario
from fund.rounds.queries import round_by_slug
from fund.web.deps import DbDep, DemoNote, NowDep, ReadsEverything, SettingsDep
from fund.web.problems import responses

router = APIRouter(prefix="/api/v1", tags=["rounds"])
Days = Annotated[int, Query(ge=1, le=365)]
Count = Annotated[int | None, Query(ge=0, le=queries.AT_ONCE)]


class RehearsedMail(BaseModel):
    """One mail that would go out: ``at`` in UTC, ``local`` as its reader's clock shows it."""

    at: datetime
    local: str
    zone: str
    recipient: str
    name: str
    template: str
    subject: str
    about: str
    deadline: str


class MailsOf(BaseModel):
    """How much mail somebody would get."""

    name: str
    mails: int


class CouldNot(BaseModel):
    """What somebody owed and could not do, and why."""

    at: datetime
    about: str
    deadline: str
    reason: str


class RehearsalOut(BaseModel):
    """One scenario, lived through. ``applications`` took part, of the ``applications_in_round``."""

    round: str
    scenario: Manner
    lead_days: int
    late_days: int
    begins: datetime
    until: datetime
    applications: int
    applications_in_round: int
    invented: int
    mails: list[RehearsedMail]
    people: list[MailsOf]
    could_not: list[CouldNot]


@router.get("/rounds/{slug}/rehearsal", responses=responses(401, 403, 404, 422, 429))
def rehearsal(
    slug: str,
    viewer: ReadsEverything,
    db: DbDep,
    now: NowDep,
    settings: SettingsDep,
    note: DemoNote,
    scenario: Manner = Manner.IN_TIME,
    late: Days = 7,
    until: date | None = None,
    invented: Count = None,
) -> RehearsalOut:
    """Every mail that the round would send, to whom and when. Nothing is written and nothing sent.

    At most so many applications take part as the limit of ``invented`` says; the command ``fund rehearse`` takes all.
    """
    with db.read() as session:
        round_by_slug(session, viewer, slug)
    found = queries.rehearse(
        db,
        settings,
        slug,
        Scenario(scenario, late=late),
        now,
        until=until,
        applications=invented,
        most=queries.AT_ONCE,
        demo=bool(note),
    )
    return RehearsalOut.model_validate(telling.data(found.apart_from(viewer.member_ids)))
