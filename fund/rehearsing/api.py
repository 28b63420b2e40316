"""The rehearsal of a round as JSON."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from fund.rehearsing import telling
from fund.rehearsing.asked import AskedDep
from fund.rehearsing.queries import AT_MOST, AT_ONCE
from fund.rehearsing.scenario import LATE, LATEST, Manner, Scenario
from fund.web.problems import responses

router = APIRouter(prefix="/api/v1", tags=["rounds"])
Days = Annotated[int, Query(ge=1, le=LATEST)]
Count = Annotated[int | None, Query(ge=0, le=AT_ONCE)]
Most = Annotated[int, Query(ge=1, le=AT_MOST)]


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
    asked: AskedDep,
    scenario: Manner = Manner.IN_TIME,
    late: Days = LATE,
    until: date | None = None,
    invented: Count = None,
    most: Most = AT_ONCE,
) -> RehearsalOut:
    """Every mail that the round would send, to whom and when. Nothing is written and nothing sent.

    ``most`` of the round's applications take part: the more there are, the longer it takes, up to half a minute. The
    command ``fund rehearse`` takes all.
    """
    found = asked.rehearse(Scenario(scenario, late=late), until=until, applications=invented, most=most)
    return RehearsalOut.model_validate(telling.data(found))
