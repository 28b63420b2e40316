"""Reviews in the JSON API: a reviewer's own; for managers, asking for reviews and what they come to."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from fund.base import access, moves, undo
from fund.base.database import Database
from fund.base.permissions import Viewer
from fund.reviewing import opinions, queries, service
from fund.reviewing.scorecard import Given, Scorecard
from fund.reviewing.wire import Panel, ReviewersIn, ReviewOut, ReviewWhole, ScorecardIn
from fund.web import moving
from fund.web.deps import DbDep, ManagerDep, NowDep, ReadsEverything, ReviewerDep, SignedIn
from fund.web.problems import Listing, Paging, paging, responses

router = APIRouter(prefix="/api/v1", tags=["reviews"])

Key = Annotated[int, Path(ge=1, lt=2**31)]


@router.get("/reviews", responses=responses(401, 403, 422))
def mine(viewer: ReviewerDep, db: DbDep, page: Annotated[Paging, Depends(paging())]) -> Listing[ReviewOut]:
    """The caller's own reviews: what waits first, the nearest deadline on top."""
    with db.read() as session:
        tasks = queries.mine(session, viewer)
    shown = tasks[page.offset : page.offset + page.size]
    return page.listing([ReviewOut.of(task) for task in shown], len(tasks))


@router.get("/reviews/{review_id}", responses=responses(401, 404))
def show(review_id: Key, viewer: SignedIn, db: DbDep) -> ReviewWhole:
    """A review with its scorecard; the answers beside it once the reviewer has begun."""
    with db.read() as session:
        return ReviewWhole.whole(queries.reading(session, viewer, review_id))


@router.put("/reviews/{review_id}", responses=responses(401, 403, 404, 409, 422))
def save(review_id: Key, body: ScorecardIn, viewer: SignedIn, db: DbDep) -> ReviewWhole:
    """Save the scorecard as it stands. For its reviewer, while the review is in progress."""
    card = Scorecard(
        scores={key: Given(one.value, one.reason) for key, one in body.scores.items()},
        recommendation=body.recommendation,
        comment=body.comment,
        feedback=body.feedback,
    )
    with db.write() as session:
        service.save_scores(session, viewer, review_id, card, edit_version=body.edit_version)
        return ReviewWhole.whole(queries.reading(session, viewer, review_id))


@router.get("/reviews/{review_id}/moves", responses=responses(401, 404))
def options(review_id: Key, viewer: SignedIn, db: DbDep, now: NowDep) -> moving.MoveOptions:
    """The moves that are the caller's, allowed or with the reasons why not."""
    with db.read() as session:
        review = service.of(session, viewer, review_id)
        found = moves.options(session, review, viewer, now)
        return moving.offered(review.state, review.version, found, undo.offer(session, review, viewer, now))


@router.post("/reviews/{review_id}/moves", responses=responses(401, 403, 404, 409, 422))
def move(review_id: Key, body: moving.MoveRequest, viewer: SignedIn, db: DbDep, now: NowDep) -> moving.Moved:
    """Begin, submit, declare a conflict of interest, decline; reopen or cancel as a manager."""
    with db.write() as session:
        review = service.move(
            session,
            viewer,
            review_id,
            body.trigger,
            version=body.version,
            now=now,
            reason=body.reason,
            data=body.data,
        )
        return moving.Moved(state=review.state, version=review.version)


@router.get("/applications/{reference}/reviews", responses=responses(401, 403, 404))
def panel(reference: str, viewer: ReadsEverything, db: DbDep) -> Panel:
    """Who reviews the application and what the reviews come to. For managers and auditors."""
    return _panel(viewer, db, reference)


@router.post(
    "/applications/{reference}/reviews", status_code=201, responses=responses(401, 403, 404, 409, 422)
)
def assign(reference: str, body: ReviewersIn, viewer: ManagerDep, db: DbDep, now: NowDep) -> Panel:
    """Ask people for a review of the application. For managers."""
    with db.write() as session:
        application = access.application(session, viewer, reference)
        service.assign(session, viewer, application, body.reviewers, now=now)
    return _panel(viewer, db, reference)


def _panel(viewer: Viewer, db: Database, reference: str) -> Panel:
    with db.read() as session:
        application = access.application(session, viewer, reference)
        return Panel.of(
            opinions.of_application(session, viewer, application),
            opinions.opinion(session, viewer, application),
        )
