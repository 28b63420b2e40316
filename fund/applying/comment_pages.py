"""The page on which a proposal is talked about, by those whom its workflow lets comment."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.applying import comments, queries
from fund.base.database import Database
from fund.base.errors import Invalid, TooMany
from fund.base.permissions import Viewer
from fund.web import flash
from fund.web.deps import DbDep, FormDep, NowDep, SignedIn
from fund.web.forms import Form
from fund.web.i18n import lazy
from fund.web.page import redirect, render, too_often

router = APIRouter(include_in_schema=False)
flash.register("applying.commented", lazy("Your comment is there for all who may read it."))


@router.get("/applications/{reference}/comments")
def read(request: Request, reference: str, viewer: SignedIn, db: DbDep) -> Response:
    """What was said, and the field for more where the viewer may comment."""
    return _page(request, reference, viewer, db, Form({}))


@router.post("/applications/{reference}/comments")
def say(
    request: Request, reference: str, viewer: SignedIn, db: DbDep, now: NowDep, form: FormDep
) -> Response:
    """Say something. What was typed stays in the field where it is refused."""
    try:
        with db.write() as session:
            comments.say(session, viewer, reference, form.value("text"), now)
    except Invalid as wrong:
        form.refuse_all(wrong)
        return _page(request, reference, viewer, db, form)
    except TooMany as often:
        form.refuse("text", often.message)
        return too_often(_page(request, reference, viewer, db, form), often)
    return redirect(f"/applications/{reference}/comments", done="applying.commented")


def _page(request: Request, reference: str, viewer: Viewer, db: Database, form: Form) -> Response:
    with db.read() as session:
        here = comments.conversation(session, viewer, reference)
        back = queries.elsewhere(session, viewer, reference) or f"/applications/{reference}"
        return render(request, "applying/comments.html", here=here, back=back, form=form)
