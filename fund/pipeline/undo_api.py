"""Undo in JSON. What can be undone stands in each thing's ``…/moves``; this does it."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter

from fund.base import access, undo
from fund.base.permissions import Viewer
from fund.base.subjects import Subject
from fund.reporting import queries as reporting
from fund.rounds import queries as rounds
from fund.sharing import queries as sharing
from fund.web.deps import DbDep, NowDep, RowId, SignedIn
from fund.web.moving import Moved, UndoRequest
from fund.web.problems import responses

router = APIRouter(prefix="/api/v1", tags=["undo"], responses=responses(401, 403, 404, 409, 422))


@router.post("/applications/{reference}/undo")
def undo_application(reference: str, body: UndoRequest, viewer: SignedIn, db: DbDep, now: NowDep) -> Moved:
    """Take back the last move of a proposal, with all that followed it by itself."""
    with db.write() as session:
        return _undone(session, access.application(session, viewer, reference), body, viewer, now)


@router.post("/applications/{reference}/reports/{kind}/undo")
def undo_report(
    reference: str, kind: str, body: UndoRequest, viewer: SignedIn, db: DbDep, now: NowDep
) -> Moved:
    """Take back the last step of a report."""
    with db.write() as session:
        return _undone(session, reporting.report(session, viewer, reference, kind), body, viewer, now)


@router.post("/applications/{reference}/lesson/undo")
def undo_lesson(reference: str, body: UndoRequest, viewer: SignedIn, db: DbDep, now: NowDep) -> Moved:
    """Take back the last step of a lesson."""
    with db.write() as session:
        return _undone(session, sharing.lesson(session, viewer, reference), body, viewer, now)


@router.post("/reviews/{review_id}/undo")
def undo_review(review_id: RowId, body: UndoRequest, viewer: SignedIn, db: DbDep, now: NowDep) -> Moved:
    """Take back the last step of a review; also for a reviewer who declined and reads it no more."""
    with db.write() as session:
        review, _found = undo.wanted(session, "review", review_id, viewer, now)
        return _undone(session, review, body, viewer, now)


@router.post("/rounds/{slug}/undo")
def undo_round(slug: str, body: UndoRequest, viewer: SignedIn, db: DbDep, now: NowDep) -> Moved:
    """Take back the last move of a round."""
    with db.write() as session:
        return _undone(session, rounds.round_by_slug(session, viewer, slug), body, viewer, now)


def _undone(session: Any, subject: Subject, body: UndoRequest, viewer: Viewer, now: datetime) -> Moved:
    undo.undo(session, subject, viewer, event=body.event, version=body.version, now=now)
    return Moved(state=subject.state, version=subject.version)
