"""Mail in JSON: what somebody has to decide on, all mail to one person, and the decisions about one."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from fund.base.errors import NotFound
from fund.base.permissions import Viewer
from fund.pipeline import mending, outbox
from fund.web.deps import DbDep, ManagerDep, NowDep, ReadsEverything, RowId
from fund.web.problems import Listing, Paging, paging, responses

router = APIRouter(prefix="/api/v1", tags=["mail"])
Seen = Annotated[int, Field(ge=0, lt=2**31)]


class MailDetailOut(BaseModel):
    """One mail, why there is one, and what comes next for it."""

    id: int
    to: str
    about: str
    subject: str
    status: str
    because: str
    why: str
    next: str
    next_at: datetime
    attempts: int
    seen: int | None
    """What a decision has to name, where there is one to make."""
    against: list[str]
    """Why it cannot be sent again."""


class DecisionIn(BaseModel):
    """How many decisions about this mail the caller saw."""

    model_config = ConfigDict(extra="forbid")

    seen: Seen


class AddressIn(DecisionIn):
    """The address that the person really has."""

    email: str = Field(max_length=500)


class BounceIn(DecisionIn):
    """What the other server said when it sent the mail back; may be empty."""

    said: str = Field(default="", max_length=5000)


class ReasonIn(DecisionIn):
    """Why it is given up."""

    reason: str = Field(max_length=5000)


@router.get("/mail/problems", responses=responses(401, 403, 422))
def problems(
    viewer: ReadsEverything,
    db: DbDep,
    now: NowDep,
    paged: Annotated[Paging, Depends(paging(outbox.PAGE))],
) -> Listing[MailDetailOut]:
    """What did not arrive, or nobody knows of, the latest first."""
    with db.read() as session:
        found, total = outbox.stuck(session, viewer, paged.page)
        return paged.listing(_shown(session, found, now), total)


@router.get("/people/{person_id}/mail", responses=responses(401, 403, 422))
def of_person(
    person_id: RowId,
    viewer: ReadsEverything,
    db: DbDep,
    now: NowDep,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> list[MailDetailOut]:
    """The mail to a person: what comes next, what went, what did not go, the latest first; a page has 50 of each."""
    with db.read() as session:
        parts = outbox.of_person(session, viewer, person_id, number=page)
        return _shown(session, [entry for part in parts.values() for entry in part.entries], now)


@router.post("/mail/{message_id}/came-back", responses=responses(401, 403, 404, 409, 422))
def came_back(message_id: RowId, body: BounceIn, viewer: ManagerDep, db: DbDep, now: NowDep) -> MailDetailOut:
    """Say that a mail that was sent came back: it stands among the problems from now on."""
    with db.write() as session:
        mending.came_back(session, viewer, message_id, body.said, body.seen, now)
    return _one(db, viewer, message_id, now)


@router.post("/mail/{message_id}/send-again", responses=responses(401, 403, 404, 409, 422))
def send_again(
    message_id: RowId, body: DecisionIn, viewer: ManagerDep, db: DbDep, now: NowDep
) -> MailDetailOut:
    """Send it again, with the Message-ID that it had and a new budget of tries."""
    with db.write() as session:
        mending.send_again(session, viewer, message_id, body.seen, now)
    return _one(db, viewer, message_id, now)


@router.post("/mail/{message_id}/correct-address", responses=responses(401, 403, 404, 409, 422))
def correct_address(
    message_id: RowId, body: AddressIn, viewer: ManagerDep, db: DbDep, now: NowDep
) -> MailDetailOut:
    """Correct the person's address and send it again."""
    with db.write() as session:
        mending.correct_address(session, viewer, message_id, body.email, body.seen, now)
    return _one(db, viewer, message_id, now)


@router.post("/mail/{message_id}/give-up", responses=responses(401, 403, 404, 409, 422))
def give_up(message_id: RowId, body: ReasonIn, viewer: ManagerDep, db: DbDep, now: NowDep) -> MailDetailOut:
    """Give it up, with a reason; it stays on record."""
    with db.write() as session:
        mending.give_up(session, viewer, message_id, body.reason, body.seen, now)
    return _one(db, viewer, message_id, now)


def _one(db: DbDep, viewer: Viewer, message_id: int, now: datetime) -> MailDetailOut:
    with db.read() as session:
        entry = outbox.one(session, viewer, message_id)
        if entry is None:
            raise NotFound
        return _shown(session, [entry], now)[0]


def _shown(session: Any, entries: list[outbox.Entry], now: datetime) -> list[MailDetailOut]:
    offers = mending.offers(session, entries, now)
    because = mending.because(session, entries)
    keys = [entry.message.id or 0 for entry in entries]
    return [_out(entry, because[key], offers.get(key), now) for key, entry in zip(keys, entries, strict=True)]


def _out(entry: outbox.Entry, because: str, offer: mending.Mending | None, now: datetime) -> MailDetailOut:
    message = entry.message
    return MailDetailOut(
        id=message.id or 0,
        to=entry.recipient,
        about=entry.reference,
        subject=entry.subject,
        status=message.status,
        because=because,
        why=entry.why,
        next=mending.what_next(entry, now),
        next_at=message.next_at,
        attempts=message.attempts,
        seen=offer.seen if offer else None,
        against=list(offer.against) if offer else [],
    )
