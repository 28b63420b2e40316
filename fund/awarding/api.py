"""Awards in the JSON API. Offering, accepting and declining are moves of the application."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from fund.awarding import queries, service
from fund.awarding.terms import LONGEST, Terms
from fund.base import access
from fund.web.deps import DbDep, ManagerDep, NowDep, SignedIn
from fund.web.parse import LARGEST, tidy
from fund.web.problems import responses
from schema.applications import Application
from schema.awards import Award
from schema.values import Money

router = APIRouter(prefix="/api/v1", tags=["awards"])


class AwardIn(BaseModel):
    """The terms. ``amount_minor`` is in minor units (cents) of ``currency``, which is the round's."""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=0, lt=2**31)
    """The application's version that the caller saw."""
    amount_minor: int = Field(gt=0, le=LARGEST, strict=True)
    currency: str = Field(min_length=3, max_length=3)
    starts_on: date
    ends_on: date
    conditions: Annotated[str, AfterValidator(tidy), Field(max_length=LONGEST)] = ""


class AwardOut(BaseModel):
    """An award with the state and the version of its application."""

    reference: str
    state: str
    version: int
    """Of the application: send it back with a move or with changed terms."""
    amount_minor: int
    currency: str
    starts_on: date
    ends_on: date
    conditions: str
    signed_at: datetime | None
    signed_name: str

    @classmethod
    def of(cls, application: Application, award: Award) -> "AwardOut":
        """The award of the application."""
        return cls(
            reference=application.reference,
            state=application.state,
            version=application.version,
            amount_minor=award.amount_minor,
            currency=award.currency,
            starts_on=award.starts_on,
            ends_on=award.ends_on,
            conditions=award.conditions,
            signed_at=award.signed_at,
            signed_name=award.signed_name,
        )


@router.get("/applications/{reference}/award", responses=responses(401, 404))
def show(reference: str, viewer: SignedIn, db: DbDep) -> AwardOut:
    """The terms: for managers and auditors from the start, for the applicant once they were offered."""
    with db.read() as session:
        application = access.application(session, viewer, reference)
        return AwardOut.of(application, queries.visible_award(session, viewer, application))


@router.put("/applications/{reference}/award", responses=responses(401, 403, 404, 409, 422))
def prepare(reference: str, body: AwardIn, viewer: ManagerDep, db: DbDep, now: NowDep) -> AwardOut:
    """Set the terms that can then be offered by the move ``offer``. For managers."""
    terms = Terms(Money(body.amount_minor, body.currency), body.starts_on, body.ends_on, body.conditions)
    with db.write() as session:
        application = access.application(session, viewer, reference)
        award = service.prepare_award(session, viewer, application, terms, version=body.version, now=now)
        return AwardOut.of(application, award)
