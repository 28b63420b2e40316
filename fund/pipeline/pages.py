"""The pages of the pipeline: everybody's first page, the manager's overview, and the file of one application."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from fund.applying import comments
from fund.base.database import Database
from fund.base.history import usual_times
from fund.base.permissions import Viewer
from fund.pipeline import bulk, dossier, outbox, owed, queries
from fund.reviewing.scorecard import RECOMMENDATIONS
from fund.web.deps import DbDep, NowDep, ReadsEverything, SignedIn
from fund.web.page import render

router = APIRouter(include_in_schema=False)

Words = Annotated[str, Query(max_length=200)]
Page = Annotated[int, Query(ge=1, le=100_000)]


@router.get("/home")
def home(request: Request, viewer: SignedIn, db: DbDep, now: NowDep) -> Response:
    """What the viewer owes and by when, and the ways to her work."""
    with db.read() as session:
        return render(request, "pipeline/home.html", owed=owed.by(session, viewer, now), most=owed.MOST)


@router.get("/pipeline")
def pipeline(
    request: Request,
    viewer: ReadsEverything,
    db: DbDep,
    now: NowDep,
    round: Words = "",
    stage: Words = "",
    state: Words = "",
    overdue: bool = False,
    words: Words = "",
    order: Words = "",
    page: Page = 1,
) -> Response:
    """Where all applications stand, and the list that a link or a search chose."""
    wanted = queries.Filter(
        round, stage, state, overdue, words.strip(), order if order in queries.ORDERS else ""
    )
    with db.read() as session:
        rows, total = queries.rows(session, viewer, wanted, now, page)
        return render(
            request,
            "pipeline/pipeline.html",
            stages=queries.stages(session, viewer, round, now),
            usual=usual_times(session),
            rounds=queries.rounds(session),
            orders=queries.ORDERS,
            most=bulk.MOST,
            wanted=wanted,
            rows=rows,
            total=total,
            page=page,
            pages=-(-total // queries.PAGE),
        )


@router.get("/pipeline/{reference}")
def overview(request: Request, reference: str, viewer: ReadsEverything, db: DbDep, now: NowDep) -> Response:
    """The first page of the file: where it stands, what can be done, who reviews, what is due."""
    return _file(
        request,
        reference,
        viewer,
        db,
        "overview",
        lambda session, application: {
            "seen": dossier.overview(session, viewer, application, now),
            "deadlines": owed.of_application(session, application),
            "usual": usual_times(session).get(application.state),
            "recommendations": RECOMMENDATIONS,
        },
    )


@router.get("/pipeline/{reference}/proposal")
def proposal(request: Request, reference: str, viewer: ReadsEverything, db: DbDep) -> Response:
    """The answers as they stand, and what was submitted when."""
    return _file(
        request,
        reference,
        viewer,
        db,
        "proposal",
        lambda session, application: {
            "sections": dossier.answers(session, application),
            "submissions": dossier.submissions(session, application),
        },
    )


@router.get("/pipeline/{reference}/workflow")
def workflow(request: Request, reference: str, viewer: ReadsEverything, db: DbDep) -> Response:
    """The way that it came, the moves that lead on, and the picture of the whole workflow."""
    return _file(
        request,
        reference,
        viewer,
        db,
        "workflow",
        lambda session, application: {
            "way": dossier.way(session, application),
        },
    )


@router.get("/pipeline/{reference}/mail")
def mail(request: Request, reference: str, viewer: ReadsEverything, db: DbDep) -> Response:
    """Every mail about the application: what went, what waits, what was called off and why."""
    return _file(
        request,
        reference,
        viewer,
        db,
        "mail",
        lambda session, application: {
            "mail": outbox.of_application(session, application),
        },
    )


@router.get("/pipeline/{reference}/history")
def history(request: Request, reference: str, viewer: ReadsEverything, db: DbDep) -> Response:
    """Every event of the ledger in words."""
    return _file(
        request,
        reference,
        viewer,
        db,
        "history",
        lambda session, application: {
            "events": dossier.history(session, application),
            "fault": dossier.fault(session, application),
        },
    )


def _file(
    request: Request,
    reference: str,
    viewer: Viewer,
    db: Database,
    tab: str,
    more: Callable[[Any, Any], dict[str, Any]],
) -> Response:
    """One tab of the file; ``more`` reads what stands on it."""
    with db.read() as session:
        application = dossier.find(session, viewer, reference)
        file = dossier.of(session, application)
        said = comments.count(session, viewer, application)
        return render(
            request,
            f"pipeline/{tab}.html",
            file=file,
            tab=tab,
            comments=said,
            **more(session, application),
        )
