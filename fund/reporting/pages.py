"""A report's pages: writing it, checking it before it is handed in, reading it, and the fund's answer."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.base import moves
from fund.base.errors import Conflict, Invalid
from fund.reporting import forms, queries, service
from fund.reporting.queries import ReportView
from fund.reporting.standing import move_named
from fund.web import flash
from fund.web.deps import DbDep, FormDep, NowDep, SignedIn
from fund.web.forms import Form
from fund.web.i18n import lazy
from fund.web.moving import given
from fund.web.page import redirect, render

PATH = "/applications/{reference}/reports/{kind}"
router = APIRouter(include_in_schema=False)

SAVED = flash.register("reporting.saved", lazy("Your report is saved."))
DONE = {
    "hand_in": flash.register(
        "reporting.handed_in", lazy("Your report is handed in. The fund now reads it.")
    ),
    "hand_in_again": flash.register(
        "reporting.again", lazy("Your report is handed in again. The fund now reads it.")
    ),
    "accept": flash.register(
        "reporting.accepted", lazy("The report is accepted. The grantee is told by email.")
    ),
    "return": flash.register(
        "reporting.returned", lazy("The report went back to the grantee, with what you wrote.")
    ),
}


@router.get(PATH)
def show(request: Request, reference: str, kind: str, viewer: SignedIn, db: DbDep, now: NowDep) -> Response:
    """The report: a form for whoever may change it now, else a text to read with the steps that are hers."""
    with db.read() as session:
        view = queries.view(session, viewer, reference, kind, now)
    if view.standing.editable:
        return _edit(request, view, forms.filled(view))
    return render(request, "reporting/read.html", view=view)


@router.post(PATH)
def save(
    request: Request, reference: str, kind: str, viewer: SignedIn, db: DbDep, now: NowDep, form: FormDep
) -> Response:
    """Save what can be saved, complete or not; then stay, or go on to the check."""
    try:
        with db.write() as session:
            report = queries.report(session, viewer, reference, kind)
            parts = forms.typed(form, report.currency)
            service.save_report(session, viewer, report, parts, form.version())
            view = queries.view(session, viewer, reference, kind, now)
    except Conflict:
        with db.read() as session:
            view = queries.view(session, viewer, reference, kind, now)
        return _edit(request, view, form, 409, clashes=forms.clashes(view, form))
    forward = view.standing.forward
    if form.value("then") != "check" or forward is None:
        return _edit(request, view, form) if form.errors else redirect(view.path, done=SAVED)
    forms.refuse_missing(form, queries.missing(view.report))
    if form.errors:
        return _edit(request, view, form)
    return redirect(f"{view.path}/moves/{forward.move.trigger}")


@router.get(f"{PATH}/moves/{{trigger}}")
def confirm(
    request: Request, reference: str, kind: str, trigger: str, viewer: SignedIn, db: DbDep, now: NowDep
) -> Response:
    """Check once more, and give a reason where one is asked for; or read why the step cannot be taken now."""
    return _confirm(request, reference, kind, trigger, viewer, db, now, Form.of())


@router.post(f"{PATH}/moves/{{trigger}}")
def make_move(
    request: Request,
    reference: str,
    kind: str,
    trigger: str,
    viewer: SignedIn,
    db: DbDep,
    now: NowDep,
    form: FormDep,
) -> Response:
    """Take the step."""
    reason = form.long_text("reason")
    if form.errors:
        return _confirm(request, reference, kind, trigger, viewer, db, now, form)
    try:
        with db.write() as session:
            report = queries.report(session, viewer, reference, kind)
            data = given(form, *moves.asked(session, report, trigger))
            service.move(session, viewer, report, trigger, form.version(), now, reason, data)
            form.check()
    except Invalid as invalid:
        form.refuse_all(invalid)
        return _confirm(request, reference, kind, trigger, viewer, db, now, form)
    return redirect(f"/applications/{reference}/reports/{kind}", done=DONE.get(trigger))


def _edit(request: Request, view: ReportView, form: Form, status: int | None = None, **more: Any) -> Response:
    context: dict[str, Any] = {"clashes": {}} | more
    return render(request, "reporting/edit.html", status, view=view, form=form, **context)


def _confirm(
    request: Request,
    reference: str,
    kind: str,
    trigger: str,
    viewer: SignedIn,
    db: DbDep,
    now: NowDep,
    form: Form,
) -> Response:
    with db.read() as session:
        view = queries.view(session, viewer, reference, kind, now)
        move_named(session, view.report, viewer, trigger)
    option = view.standing.option(trigger)
    if option is None:
        return redirect(view.path)
    return render(request, "reporting/move.html", view=view, option=option, form=form)
