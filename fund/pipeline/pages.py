"""The pages of the pipeline: everybody's first page, the manager's overview, and the file of one application."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from fund.applying import comments
from fund.base.history import usual_times
from fund.base.moved import last_moves
from fund.pipeline import bulk, dossier, outbox, owed, queries, weekly
from fund.pipeline.wanted import WantedDep
from fund.reviewing.scorecard import RECOMMENDATIONS
from fund.sharing import newsletter
from fund.web.deps import DbDep, NowDep, ReadsEverything, SignedIn
from fund.web.page import render

router = APIRouter(include_in_schema=False)

Page = Annotated[int, Query(ge=1, le=100_000)]


@router.get("/home")
def home(request: Request, viewer: SignedIn, db: DbDep, now: NowDep) -> Response:
    """What the viewer owes and by when, and the ways to her work."""
    with db.read() as session:
        return render(
            request,
            "pipeline/home.html",
            owed=owed.by(session, viewer, now),
            most=owed.MOST,
            letter=newsletter.waiting(session, viewer),
        )


@router.get("/pipeline")
def pipeline(
    request: Request,
    viewer: ReadsEverything,
    db: DbDep,
    now: NowDep,
    wanted: WantedDep,
    page: Page = 1,
) -> Response:
    """Where all applications stand, and the list that a link or a search chose."""
    with db.read() as session:
        rows, total = queries.rows(session, viewer, wanted, now, page)
        return render(
            request,
            "pipeline/pipeline.html",
            stages=queries.stages(session, viewer, wanted.round, now),
            usual=usual_times(session),
            rounds=queries.rounds(session),
            orders=queries.ORDERS,
            most=bulk.MOST,
            wanted=wanted,
            rows=rows,
            total=total,
            rounds_told=weekly.rounds(session, wanted),
            page=page,
            pages=-(-total // queries.PAGE),
        )


class _File:
    """The file of one application, opened by somebody who may read it."""

    def __init__(self, request: Request, reference: str, viewer: ReadsEverything, db: DbDep) -> None:
        self.request, self.reference, self.viewer, self.db = request, reference, viewer, db

    def tab(self, name: str, more: Callable[[Any, Any], dict[str, Any]]) -> Response:
        """One tab of it; ``more`` reads what stands there."""
        with self.db.read() as session:
            application = dossier.find(session, self.viewer, self.reference)
            return render(
                self.request,
                f"pipeline/{name}.html",
                file=dossier.of(session, self.viewer, application),
                tab=name,
                comments=comments.count(session, self.viewer, application),
                **more(session, application),
            )


FileDep = Annotated[_File, Depends()]


@router.get("/pipeline/{reference}")
def overview(file: FileDep, now: NowDep) -> Response:
    """The first page of the file: where it stands, what can be done, who reviews, what is due."""

    def more(session: Any, application: Any) -> dict[str, Any]:
        due = owed.of_application(session, application)
        return {
            "seen": dossier.overview(session, file.viewer, application, now),
            "deadlines": due,
            "moved": last_moves(session, file.viewer, due),
            "usual": usual_times(session).get(application.state),
            "recommendations": RECOMMENDATIONS,
        }

    return file.tab("overview", more)


@router.get("/pipeline/{reference}/proposal")
def proposal(file: FileDep) -> Response:
    """The answers as they stand, and what was submitted when."""
    return file.tab(
        "proposal",
        lambda session, application: {
            "sections": dossier.answers(session, application),
            "submissions": dossier.submissions(session, application),
        },
    )


@router.get("/pipeline/{reference}/workflow")
def workflow(file: FileDep, now: NowDep) -> Response:
    """The way that it came, the moves that lead on, and the picture of the whole workflow."""
    return file.tab("workflow", lambda session, application: {"way": dossier.way(session, application, now)})


@router.get("/pipeline/{reference}/mail")
def mail(file: FileDep) -> Response:
    """Every mail about the application: what went, what waits, what was called off and why."""
    return file.tab(
        "mail", lambda session, application: {"mail": outbox.of_application(session, application)}
    )


@router.get("/pipeline/{reference}/history")
def history(file: FileDep) -> Response:
    """Every event of the ledger in words."""
    return file.tab(
        "history",
        lambda session, application: {
            "events": dossier.history(session, application),
            "fault": dossier.fault(session, application),
        },
    )
