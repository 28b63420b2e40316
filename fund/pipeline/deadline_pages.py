"""The pages of one deadline: what became of it, giving it another day, waiving it."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.base import extending
from fund.base.database import Database
from fund.base.errors import Invalid
from fund.base.permissions import Viewer
from fund.pipeline import story
from fund.web import flash
from fund.web.deps import DbDep, FormDep, ManagerDep, NowDep, RowId, SignedIn
from fund.web.forms import Form
from fund.web.i18n import gettext as _
from fund.web.i18n import lazy
from fund.web.page import redirect, render

router = APIRouter(include_in_schema=False)
flash.register("pipeline.deadline_moved", lazy("The new day holds. Those who owe it are told by email."))
flash.register(
    "pipeline.deadline_waived", lazy("The deadline is waived. Those who owed it are told by email.")
)


@router.get("/deadlines/{key}")
def history(request: Request, key: RowId, viewer: SignedIn, db: DbDep) -> Response:
    """What became of the deadline until now, for whoever owes it too, and what a manager can do about it."""
    with db.read() as session:
        return render(request, "pipeline/deadline.html", story=story.of(session, viewer, key))


@router.get("/deadlines/{key}/move")
def move_form(request: Request, key: RowId, viewer: ManagerDep, db: DbDep) -> Response:
    """The form for another day and the reason."""
    with db.read() as session:
        deadline, _subject = extending.wanted(session, viewer, key)
    form = Form.of(day=deadline.due_on, generation=deadline.generation)
    return _page(request, viewer, db, key, form, "move", confirm=False)


@router.post("/deadlines/{key}/move")
def move(request: Request, key: RowId, viewer: ManagerDep, db: DbDep, now: NowDep, form: FormDep) -> Response:
    """Say what is wrong; then who would be told; then do it."""
    day, reason = form.date("day", required=False), form.long_text("reason")
    generation = form.version("generation")
    try:
        if not form.value("confirmed") or form.errors:
            _look(form, viewer, db, key, now, move=True)
            return _page(request, viewer, db, key, form, "move", confirm=not form.value("again"))
        with db.write() as session:
            deadline = extending.move(session, viewer, key, day, reason, generation=generation, now=now)
    except Invalid as invalid:
        form.refuse_all(invalid)
        return _page(request, viewer, db, key, form, "move", confirm=False)
    return redirect(f"/deadlines/{deadline.id}", done="pipeline.deadline_moved")


@router.get("/deadlines/{key}/waive")
def waive_form(request: Request, key: RowId, viewer: ManagerDep, db: DbDep) -> Response:
    """The form for the reason, or why it cannot be waived."""
    with db.read() as session:
        deadline, _subject = extending.wanted(session, viewer, key)
    return _page(request, viewer, db, key, Form.of(generation=deadline.generation), "waive", confirm=False)


@router.post("/deadlines/{key}/waive")
def waive(
    request: Request, key: RowId, viewer: ManagerDep, db: DbDep, now: NowDep, form: FormDep
) -> Response:
    """Say what is wrong; then who would be told; then do it."""
    reason, generation = form.long_text("reason"), form.version("generation")
    try:
        if not form.value("confirmed"):
            _look(form, viewer, db, key, now, move=False)
            return _page(request, viewer, db, key, form, "waive", confirm=not form.value("again"))
        with db.write() as session:
            extending.waive(session, viewer, key, reason, generation=generation, now=now)
    except Invalid as invalid:
        form.refuse_all(invalid)
        return _page(request, viewer, db, key, form, "waive", confirm=False)
    return redirect(f"/deadlines/{key}", done="pipeline.deadline_waived")


def _look(form: Form, viewer: Viewer, db: Database, key: int, now: NowDep, *, move: bool) -> None:
    """Raise Invalid for what is wrong with what was typed, before anything is done."""
    if form.value("again"):
        return
    day, reason = form.date("day", required=False), form.value("reason")
    with db.read() as session:
        deadline, _subject = extending.wanted(session, viewer, key)
    found = extending.wrong(day, reason, deadline.zone, now) if move else extending.wrong_reason(reason)
    if move and day == deadline.due_on:
        found["day"] = _("This is the day that it has already")
    form.refuse_all(Invalid(found))
    form.check()


def _page(
    request: Request, viewer: Viewer, db: Database, key: int, form: Form, what: str, *, confirm: bool
) -> Response:
    with db.read() as session:
        deadline, subject = extending.wanted(session, viewer, key)
        people = extending.names(session, extending.told(session, deadline, subject, viewer))
        told = story.of(session, viewer, key)
        day = form.date("day", required=False) if confirm else None
        return render(
            request,
            "pipeline/deadline_change.html",
            story=told,
            form=form,
            what=what,
            confirm=confirm,
            day=day,
            people=people,
        )
