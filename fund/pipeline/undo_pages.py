"""The page on which the last move of anything is taken back: what that means, and the button."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.base import undo
from fund.base.subjects import path_of
from fund.web import flash
from fund.web.deps import DbDep, FormDep, NowDep, RowId, SignedIn
from fund.web.i18n import lazy
from fund.web.page import redirect, render

router = APIRouter(include_in_schema=False)
flash.register("pipeline.undone", lazy("Undone. It stands as it did before."))


@router.get("/undo/{kind}/{key}")
def confirm(request: Request, kind: str, key: RowId, viewer: SignedIn, db: DbDep, now: NowDep) -> Response:
    """What would be undone, what went out already, and until when it is possible."""
    with db.read() as session:
        subject, offer = undo.wanted(session, kind, key, viewer, now)
        return render(request, "pipeline/undo.html", offer=offer, back=path_of(session, subject), kind=kind)


@router.post("/undo/{kind}/{key}")
def take_back(kind: str, key: RowId, viewer: SignedIn, db: DbDep, now: NowDep, form: FormDep) -> Response:
    """Undo it, and go back to the thing. Pressed twice, it is undone once."""
    event, version = form.version("event"), form.version()
    with db.write() as session:
        subject = undo.undone(session, kind, key, event, viewer)
        if subject is None:
            subject, _offer = undo.wanted(session, kind, key, viewer, now)
            undo.undo(session, subject, viewer, event=event, version=version, now=now)
        path = path_of(session, subject)
    return redirect(path, done="pipeline.undone")
