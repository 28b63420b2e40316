"""The page on which a round is decided. The applicant reads the decision on the page of her proposal."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.deciding import queries
from fund.web.deps import DbDep, ReadsEverything
from fund.web.page import render

router = APIRouter(include_in_schema=False)


@router.get("/rounds/{slug}/decisions")
def deliberation(request: Request, slug: str, viewer: ReadsEverything, db: DbDep) -> Response:
    """What can be decided, ranked, against the money left. ``?fund=REFERENCE`` (repeated) adds up a trial choice."""
    picked = request.query_params.getlist("fund")
    with db.read() as session:
        found = queries.deliberation(session, viewer, slug, picked)
    return render(
        request,
        "deciding/deliberation.html",
        found=found,
        trial=bool(picked),
    )
