"""The page on which managers say who of them runs a round."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.base.database import Database
from fund.base.errors import Invalid
from fund.base.permissions import Viewer
from fund.rounds import forms, running
from fund.web import flash
from fund.web.deps import DbDep, FormDep, ManagerDep, NowDep
from fund.web.forms import Form
from fund.web.i18n import lazy
from fund.web.page import redirect, render

router = APIRouter(include_in_schema=False)
flash.register("rounds.managers_saved", lazy("Saved. Reminders to managers go to those who run the round."))


@router.get("/rounds/{slug}/managers")
def managers(request: Request, slug: str, viewer: ManagerDep, db: DbDep) -> Response:
    """Who runs the round, to be changed by any manager."""
    with db.read() as session:
        found = running.of(session, viewer, slug)
    form = Form.of(managers=sorted(found.named), edition=found.edition)
    return _page(request, slug, viewer, db, form)


@router.post("/rounds/{slug}/managers")
def save(request: Request, slug: str, viewer: ManagerDep, db: DbDep, now: NowDep, form: FormDep) -> Response:
    """Save it, or say what is wrong."""
    try:
        with db.write() as session:
            chosen, edition = forms.managers(form), form.value("edition")
            running.choose(session, viewer, slug, chosen, edition=edition, now=now)
    except Invalid as invalid:
        form.refuse_all(invalid)
        return _page(request, slug, viewer, db, form)
    return redirect(f"/rounds/{slug}/manage", done="rounds.managers_saved")


def _page(request: Request, slug: str, viewer: Viewer, db: Database, form: Form) -> Response:
    with db.read() as session:
        found = running.of(session, viewer, slug)
    return render(request, "rounds/managers.html", running=found, form=form)
