"""The public first page, projects and library; and a lesson's own file, where it is written, cleared and published."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from fund.base import moves
from fund.base.database import Database
from fund.base.errors import Conflict, Invalid
from fund.reporting.standing import move_named
from fund.sharing import forms, projects, queries, service
from fund.sharing.queries import LessonView, PublicView
from fund.web import flash
from fund.web.deps import DbDep, FormDep, NowDep, SignedIn, ViewerDep
from fund.web.forms import Form
from fund.web.i18n import gettext as _
from fund.web.i18n import lazy
from fund.web.moving import given
from fund.web.page import redirect, render
from fund.web.problems import Paging, paging
from schema.lessons import TEXTS
from schema.rounds import THEMES

PATH = "/applications/{reference}/lesson"
LONGEST_SEARCH = 100
LessonsPage = Annotated[Paging, Depends(paging(20))]
ProjectsPage = Annotated[Paging, Depends(paging(24))]
router = APIRouter(include_in_schema=False)

SAVED = flash.register("sharing.saved", lazy("Your lesson is saved. Nothing of it is published yet."))
CLEARED = flash.register("sharing.cleared", lazy("Your decisions are saved. Nothing is published yet."))
TAKEN_BACK = flash.register(
    "sharing.taken_back", lazy("From now on this part stays within the fund."), "info"
)
SHOWN = flash.register("sharing.shown", lazy("What the public reads of this project is saved."))
DONE = {
    "hand_in": flash.register("sharing.handed_in", lazy("Your lesson is handed in. The fund now reads it.")),
    "hand_in_again": flash.register("sharing.again", lazy("Your lesson is handed in again. The fund now reads it.")),
    "return": flash.register("sharing.returned", lazy("The lesson went back to the grantee, with what you wrote.")),
    "publish": flash.register("sharing.published", lazy("The lesson is published, as far as each part may go.")),
    "unpublish": flash.register("sharing.unpublished", lazy("The lesson is taken down. Nobody outside can read it.")),
}  # fmt: skip


@router.get("/")
def front(request: Request, viewer: ViewerDep, db: DbDep, now: NowDep) -> Response:
    """The fund's first page, for everybody."""
    with db.read() as session:
        shown = queries.front(session, viewer, now)
    return _render(request, "front", front=shown)


@router.get("/projects")
def funded(request: Request, viewer: ViewerDep, db: DbDep, pages: ProjectsPage) -> Response:
    """Every funded project that is shown."""
    with db.read() as session:
        found = projects.projects(session, viewer, limit=pages.size, offset=pages.offset)
        total = projects.count(session)
    return _render(
        request,
        "projects",
        projects=found,
        total=total,
        page=pages.page,
        pages=pages.pages(total),
    )


@router.get("/lessons")
def library(request: Request, viewer: ViewerDep, db: DbDep, pages: LessonsPage) -> Response:
    """The library: lessons as far as they get to the reader, by theme and words."""
    theme = request.query_params.get("theme", "")
    words = request.query_params.get("q", "")[:LONGEST_SEARCH]
    theme = theme if theme in THEMES else ""
    with db.read() as session:
        found = queries.library(
            session, viewer, theme=theme, words=words, limit=pages.size, offset=pages.offset
        )
        counts = queries.themes(session, viewer)
    return _render(
        request,
        "library",
        found=found,
        counts=counts,
        search=Form.of(theme=theme, q=words),
        query=urlencode({"theme": theme, "q": words}),
        page=pages.page,
        pages=pages.pages(found.total),
    )


@router.get("/lessons/{slug}")
def lesson(request: Request, slug: str, viewer: ViewerDep, db: DbDep) -> Response:
    """One lesson as far as it gets to the reader."""
    with db.read() as session:
        found = queries.card(session, viewer, slug)
    return _render(request, "card", card=found)


@router.get(PATH)
def show(request: Request, reference: str, viewer: SignedIn, db: DbDep, now: NowDep) -> Response:
    """The lesson: a form for the grantee while it is hers, for the fund while it decides, else a text to read."""
    with db.read() as session:
        view = queries.view(session, viewer, reference, now)
    if view.standing.editable and view.standing.is_applicant:
        return _edit(request, view, forms.filled(view))
    if view.standing.editable and view.standing.is_manager:
        return _clear(request, view, forms.clearing(view))
    return _render(request, "read", view=view)


@router.post(PATH)
def save(
    request: Request, reference: str, viewer: SignedIn, db: DbDep, now: NowDep, form: FormDep
) -> Response:
    """Save what can be saved, complete or not; then stay, or go on to the check."""
    texts, consent = forms.typed(form)
    try:
        with db.write() as session:
            lesson = queries.lesson(session, viewer, reference)
            service.save_lesson(session, viewer, lesson, texts, consent, form.version(), now)
            view = queries.view(session, viewer, reference, now)
    except Conflict:
        view = _view(db, viewer, reference, now)
        return _edit(request, view, form, 409, clashes=forms.clashes(view, form))
    forward = view.standing.forward
    if form.value("then") != "check" or forward is None:
        return _edit(request, view, form) if form.errors else redirect(view.path, done=SAVED)
    forms.refuse_missing(form, queries.missing(view.lesson))
    if form.errors:
        return _edit(request, view, form)
    return redirect(f"{view.path}/moves/{forward.move.trigger}")


@router.post(f"{PATH}/clearance")
def clear(
    request: Request, reference: str, viewer: SignedIn, db: DbDep, now: NowDep, form: FormDep
) -> Response:
    """Save the fund's decisions, complete or not."""
    levels = forms.levels(form, "clearance")
    try:
        with db.write() as session:
            lesson = queries.lesson(session, viewer, reference)
            service.clear(session, viewer, lesson, levels, form.version(), now)
    except Conflict:
        return _clear(request, _view(db, viewer, reference, now), form, 409)
    except Invalid as invalid:
        forms.refuse_levels(form, invalid, "clearance")
    if form.errors:
        return _clear(request, _view(db, viewer, reference, now), form)
    return redirect(f"/applications/{reference}/lesson", done=CLEARED)


@router.post(f"{PATH}/take-back")
def take_back(reference: str, viewer: SignedIn, db: DbDep, now: NowDep, form: FormDep) -> Response:
    """Keep one part within the fund from now on."""
    with db.write() as session:
        lesson = queries.lesson(session, viewer, reference)
        service.take_back(session, viewer, lesson, form.text("field"), now)
    return redirect(f"/applications/{reference}/lesson", done=TAKEN_BACK)


@router.get(f"{PATH}/moves/{{trigger}}")
def confirm(
    request: Request, reference: str, trigger: str, viewer: SignedIn, db: DbDep, now: NowDep
) -> Response:
    """See once more what goes how far, and give a reason where one is asked for; or why the step has to wait."""
    return _confirm(request, reference, trigger, viewer, db, now, Form.of())


@router.post(f"{PATH}/moves/{{trigger}}")
def make_move(
    request: Request, reference: str, trigger: str, viewer: SignedIn, db: DbDep, now: NowDep, form: FormDep
) -> Response:
    """Take the step."""
    reason = form.long_text("reason")
    if form.errors:
        return _confirm(request, reference, trigger, viewer, db, now, form)
    try:
        with db.write() as session:
            lesson = queries.lesson(session, viewer, reference)
            data = given(form, *moves.asked(session, lesson, trigger))
            service.move(session, viewer, lesson, trigger, form.version(), now, reason, data)
            form.check()
    except Invalid as invalid:
        form.refuse_all(invalid)
        return _confirm(request, reference, trigger, viewer, db, now, form)
    return redirect(f"/applications/{reference}/lesson", done=DONE.get(trigger))


@router.get("/pipeline/{reference}/public")
def public(request: Request, reference: str, viewer: SignedIn, db: DbDep) -> Response:
    """What everybody may read of a funded project, for the manager who decides it."""
    with db.read() as session:
        view = queries.public_view(session, viewer, reference)
    return _public(request, view, forms.shown(view))


@router.post("/pipeline/{reference}/public")
def show_public(
    request: Request, reference: str, viewer: SignedIn, db: DbDep, now: NowDep, form: FormDep
) -> Response:
    """Save what everybody may read of it."""
    with db.read() as session:
        view = queries.public_view(session, viewer, reference)
    chosen, summary = forms.ticked(form), form.long_text("public_summary")
    if form.errors:
        return _public(request, view, form)
    try:
        with db.write() as session:
            application = queries.public_view(session, viewer, reference).application
            service.show_project(session, viewer, application, chosen, summary, form.version(), now)
    except Invalid as invalid:
        form.refuse_all(invalid)
        return _public(request, view, form)
    return redirect(f"/pipeline/{reference}", done=SHOWN)


def _render(request: Request, template: str, status: int | None = None, **context: Any) -> Response:
    """A page of this room: with the names of themes and parts."""
    options = [(key, _(label)) for key, label in THEMES.items()]
    names = {"themes": THEMES, "theme_options": options, "texts": TEXTS.items()}
    return render(request, f"sharing/{template}.html", status, **names, **context)


def _view(db: Database, viewer: SignedIn, reference: str, now: NowDep) -> LessonView:
    with db.read() as session:
        return queries.view(session, viewer, reference, now)


def _edit(request: Request, view: LessonView, form: Form, status: int | None = None, **more: Any) -> Response:
    context: dict[str, Any] = {"clashes": {}} | more
    return _render(request, "edit", status, view=view, form=form, **context)


def _clear(request: Request, view: LessonView, form: Form, status: int | None = None) -> Response:
    return _render(request, "clear", status, view=view, form=form, late=status == 409)


def _public(request: Request, view: PublicView, form: Form) -> Response:
    return _render(request, "public", view=view, form=form)


def _confirm(
    request: Request, reference: str, trigger: str, viewer: SignedIn, db: DbDep, now: NowDep, form: Form
) -> Response:
    with db.read() as session:
        view = queries.view(session, viewer, reference, now)
        move_named(session, view.lesson, viewer, trigger)
    option = view.standing.option(trigger)
    if option is None:
        return redirect(view.path)
    return _render(request, "move", view=view, option=option, form=form)
