"""One's own calendar address in JSON. What calendars read under it is no JSON: text/calendar."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from fund.base.errors import NotFound
from fund.people import feeds
from fund.web.deps import DbDep, NowDep, SettingsDep, SignedIn
from fund.web.problems import responses

router = APIRouter(prefix="/api/v1", tags=["people"])


class CalendarOut(BaseModel):
    """Whether there is an address, without the address itself."""

    made_at: datetime
    read_at: datetime | None
    """When a calendar last asked, to the hour."""


class CalendarMade(BaseModel):
    """New addresses, told this once."""

    deadlines: str
    """What the person owes; for managers also what others owe the fund."""
    round: str
    """The days of a round and what is owed in it: put its slug in the place of ``{slug}``."""


@router.get("/calendar", responses=responses(401, 404))
def show(viewer: SignedIn, db: DbDep) -> CalendarOut:
    """When one's own address was made and last read; 404 where there is none."""
    with db.read() as session:
        own = feeds.of_person(session, viewer.person_id or 0)
        if own is None:
            raise NotFound
        return CalendarOut(made_at=own.made_at, read_at=own.read_at)


@router.post("/calendar", status_code=201, responses=responses(401))
def renew(viewer: SignedIn, db: DbDep, now: NowDep, settings: SettingsDep) -> CalendarMade:
    """Make the address, in the place of the one before, which works no more."""
    with db.write() as session:
        base = f"{settings.address}/calendar/{feeds.renew(session, viewer.person_id or 0, now)}"
    return CalendarMade(deadlines=f"{base}/deadlines.ics", round=f"{base}/rounds/{{slug}}.ics")


@router.delete("/calendar", status_code=204, responses=responses(401, 404))
def end(viewer: SignedIn, db: DbDep) -> None:
    """Let the address be known no more."""
    with db.write() as session:
        if not feeds.end(session, viewer.person_id or 0):
            raise NotFound
