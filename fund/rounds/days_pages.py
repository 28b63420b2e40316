"""The page on which the days of a round under way are moved, and drafts that alone may be given more time."""

from datetime import date

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.base.database import Database
from fund.base.errors import Invalid
from fund.base.permissions import Viewer
from fund.rounds import extending, queries
from fund.web import flash
from fund.web.deps import DbDep, FormDep, ManagerDep, NowDep
from fund.web.forms import Form
from fund.web.i18n import lazy
from fund.web.page import redirect, render

router = APIRouter(include_in_schema=False)
flash.register("rounds.days_moved", lazy("The new days hold. Everybody who owes something by them is told."))


@router.get("/rounds/{slug}/days")
def days_form(request: Request, slug: str, viewer: ManagerDep, db: DbDep) -> Response:
    """The days as they are, to be changed."""
    with db.read() as session:
        round_ = queries.round_by_slug(session, viewer, slug)
    days = {name: getattr(round_, name) for name in extending.DAYS}
    return _page(request, viewer, db, slug, Form.of(**days, edition=queries.edition(round_)))


@router.post("/rounds/{slug}/days")
def move_days(
    request: Request, slug: str, viewer: ManagerDep, db: DbDep, now: NowDep, form: FormDep
) -> Response:
    """Say what is wrong; then how many are told; then do it."""
    if form.value("again"):
        return _page(request, viewer, db, slug, form)
    days, reason = _days(form), form.long_text("reason")
    try:
        form.check()
        if not form.value("confirmed"):
            with db.read() as session:
                reach = extending.reach(session, viewer, slug, days, reason, now)
            return _page(request, viewer, db, slug, form, days, reach)
        with db.write() as session:
            extending.move_days(session, viewer, slug, days, reason, edition=form.value("edition"), now=now)
    except Invalid as invalid:
        form.refuse_all(invalid)
        return _page(request, viewer, db, slug, form)
    return redirect(f"/rounds/{slug}/manage", done="rounds.days_moved")


def _days(form: Form) -> dict[str, date | None]:
    """The days that were typed; one left empty stays as it is."""
    return {name: form.date(name, required=False) for name in extending.DAYS}


def _page(
    request: Request,
    viewer: Viewer,
    db: Database,
    slug: str,
    form: Form,
    days: dict[str, date | None] | None = None,
    reach: extending.Reach | None = None,
) -> Response:
    with db.read() as session:
        round_ = queries.run_by(session, viewer, slug)
        return render(
            request,
            "rounds/days.html",
            round=round_,
            form=form,
            days=days,
            reach=reach,
            movable=extending.movable(session, round_),
            fixed=extending.fixed(session, round_),
            reopenable=extending.reopenable(session, round_),
            writing=extending.writing(session, viewer, round_),
        )
