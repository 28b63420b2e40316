"""Pages for those who propose: start, write, check, submit, and see where it stands."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.applying import comments, forms, queries, service, standing
from fund.applying.fields import choices
from fund.base.database import Database
from fund.base.errors import Conflict, Forbidden, Invalid
from fund.base.moved import last_moves
from fund.base.permissions import Viewer
from fund.people.sign_in import local_path
from fund.rounds import queries as rounds
from fund.web import flash
from fund.web.deps import DbDep, FormDep, NowDep, SignedIn
from fund.web.forms import Form
from fund.web.i18n import gettext as _
from fund.web.i18n import lazy
from fund.web.moving import given, note_missing
from fund.web.page import redirect, render
from schema.rounds import THEMES

router = APIRouter(include_in_schema=False)
flash.register("applying.begun", lazy("You had begun this draft already. Here you can go on."), "info")
flash.register("applying.saved", lazy("Your proposal is saved."))
flash.register(
    "applying.closed", lazy("This proposal cannot be changed now. Here you see its status."), "info"
)
flash.register("applying.moved", lazy("Done. Here you see the new status."))


@router.get("/rounds/{slug}/start")
def start_page(request: Request, slug: str, viewer: SignedIn, db: DbDep, now: NowDep) -> Response:
    """For whom to propose; drafts that the viewer has begun in this round already."""
    return _start_page(request, slug, viewer, db, now, Form({}))


@router.post("/rounds/{slug}/start")
def start(request: Request, slug: str, viewer: SignedIn, db: DbDep, now: NowDep, form: FormDep) -> Response:
    """Start a draft and go on to its task list."""
    own = {str(key) for key in viewer.member_ids}
    member = form.choice("member", own, missing=_("Choose for whom you propose"))
    if form.errors:
        return _start_page(request, slug, viewer, db, now, form)
    with db.write() as session:
        another = form.ticked("another")
        started = service.start(session, viewer, slug, int(member), now, another=another)
    path = f"/applications/{started.application.reference}/edit"
    return redirect(path, done=None if started.is_new else "applying.begun")


@router.get("/applications")
def index(request: Request, viewer: SignedIn, db: DbDep, now: NowDep) -> Response:
    """The proposals of the viewer's members, and the rounds in which she can propose."""
    with db.read() as session:
        lines = queries.mine(session, viewer)
        moved = last_moves(session, viewer, [line.deadline for line in lines])
        open_rounds = rounds.open_rounds(session, now)
    return render(request, "applying/index.html", lines=lines, moved=moved, open_rounds=open_rounds)


@router.get("/applications/{reference}")
def show(request: Request, reference: str, viewer: SignedIn, db: DbDep, now: NowDep) -> Response:
    """Where it stands and what comes next, for its applicant; others are sent to their own page of it."""
    with db.read() as session:
        if path := queries.elsewhere(session, viewer, reference):
            return redirect(path)
        where = standing.standing(session, viewer, reference, now)
        said = comments.count(session, viewer, where.application)
    return render(
        request,
        "applying/show.html",
        where=where,
        comments=said,
        own_page=queries.own_page,
        themes=THEMES,
    )


@router.get("/applications/{reference}/edit")
def tasks(request: Request, reference: str, viewer: SignedIn, db: DbDep, now: NowDep) -> Response:
    """The pages of the form, each with how far it is."""
    return _write_page(request, "applying/tasks.html", reference, viewer, db, now)


@router.get("/applications/{reference}/edit/{page}")
def edit(request: Request, reference: str, page: str, viewer: SignedIn, db: DbDep, now: NowDep) -> Response:
    """One page of the form."""
    return _write_page(request, "applying/edit.html", reference, viewer, db, now, page)


@router.post("/applications/{reference}/edit/{page}")
def save(
    request: Request, reference: str, page: str, viewer: SignedIn, db: DbDep, now: NowDep, form: FormDep
) -> Response:
    """Save what can be saved, complete or not; say what cannot. Nothing typed is lost, whatever happens."""
    try:
        with db.write() as session:
            here = queries.writing(session, viewer, reference, now)
            edited = forms.edit(form, here, page)
            saved = service.save(session, viewer, reference, edited, edit_version=form.version(), now=now)
    except Conflict:
        return _conflict_page(request, reference, page, viewer, db, now, form)
    except Forbidden as refused:
        return render(request, "applying/closed.html", 403, error=refused, typed=form, reference=reference)
    if form.errors:
        return _page(request, "applying/edit.html", here, page, form, saved.edit_version)
    if form.value("then") == "list":
        return redirect(f"/applications/{reference}/edit", done="applying.saved")
    following = here.after(page)
    return redirect(f"/applications/{reference}/edit" + (f"/{following}" if following else ""))


@router.get("/applications/{reference}/check")
def check(request: Request, reference: str, viewer: SignedIn, db: DbDep, now: NowDep) -> Response:
    """All answers on one page, what is missing, the declaration."""
    return _write_page(request, "applying/check.html", reference, viewer, db, now)


@router.post("/applications/{reference}/check")
def submit(
    request: Request, reference: str, viewer: SignedIn, db: DbDep, now: NowDep, form: FormDep
) -> Response:
    """Submit, or say what is missing with links to where it is asked."""
    with db.read() as session:
        here = queries.writing(session, viewer, reference, now)
    if here.submit is None:
        raise Forbidden(_("This proposal cannot be submitted by you now."))
    links = _note_gaps(form, here)
    data = given(form, here.submit.move.asks, here.application.currency)
    note_missing(form, here.submit.move.asks, data)
    if form.errors:
        return _page(request, "applying/check.html", here, "", form, links=links)
    with db.write() as session:
        data["edit_version"] = form.version("edit_version")
        trigger = here.submit.move.trigger
        service.move(session, viewer, reference, trigger, version=form.version(), now=now, data=data)
    return redirect(f"/applications/{reference}/submitted")


@router.get("/applications/{reference}/submitted")
def submitted(request: Request, reference: str, viewer: SignedIn, db: DbDep, now: NowDep) -> Response:
    """That it has arrived, under which reference, and what happens next."""
    with db.read() as session:
        where = standing.standing(session, viewer, reference, now)
    if not where.submissions or where.editable:
        return redirect(f"/applications/{reference}")
    return render(request, "applying/submitted.html", where=where)


@router.get("/applications/{reference}/moves/{trigger}")
def confirm(
    request: Request, reference: str, trigger: str, viewer: SignedIn, db: DbDep, now: NowDep
) -> Response:
    """What the move means, the reason it asks for, and the button."""
    form = Form.of(next=request.query_params.get("next", ""))
    return _move_page(request, reference, trigger, viewer, db, now, form)


@router.post("/applications/{reference}/moves")
@router.post("/applications/{reference}/moves/{trigger}")
def move(
    request: Request,
    reference: str,
    viewer: SignedIn,
    db: DbDep,
    now: NowDep,
    form: FormDep,
    trigger: str = "",
) -> Response:
    """Make the move; ``next`` (of the form or the address) says where to go on, within the fund."""
    trigger = trigger or form.value("trigger")
    reason = form.long_text("reason")
    try:
        with db.write() as session:
            service.move(
                session,
                viewer,
                reference,
                trigger,
                version=form.version(),
                now=now,
                reason=reason,
                data=given(form, *queries.asks(session, viewer, reference, trigger)),
            )
            form.check()
    except Invalid as invalid:
        form.refuse_all(invalid)
        return _move_page(request, reference, trigger, viewer, db, now, form)
    wanted = form.value("next") or request.query_params.get("next", "")
    return redirect(local_path(wanted) if wanted else f"/applications/{reference}", done="applying.moved")


def _start_page(
    request: Request, slug: str, viewer: Viewer, db: Database, now: NowDep, form: Form
) -> Response:
    with db.read() as session:
        round_ = rounds.round_by_slug(session, viewer, slug)
        view = rounds.view(session, round_, now)
        members = queries.members(session, viewer)
        drafts = queries.drafts(session, viewer, round_.id or 0)
    return render(request, "applying/start.html", view=view, members=members, drafts=drafts, form=form)


def _write_page(
    request: Request,
    template: str,
    reference: str,
    viewer: Viewer,
    db: Database,
    now: NowDep,
    page: str = "",
) -> Response:
    """A page for writing; once nothing can be changed any more, its applicant is sent to where it stands."""
    try:
        with db.read() as session:
            here = queries.writing(session, viewer, reference, now)
    except Forbidden:
        return redirect(f"/applications/{reference}", done="applying.closed")
    return _page(request, template, here, page, forms.filled(here, page) if page else Form({}))


def _page(
    request: Request,
    template: str,
    here: queries.Writing,
    page: str,
    form: Form,
    edit_version: int | None = None,
    **more: Any,
) -> Response:
    part = here.part(page) if page and page != queries.PROJECT else None
    return render(
        request,
        template,
        here=here,
        page=page,
        part=part,
        form=form,
        edit_version=here.application.edit_version if edit_version is None else edit_version,
        themes=THEMES,
        choices=choices,
        **more,
    )


def _conflict_page(
    request: Request, reference: str, page: str, viewer: Viewer, db: Database, now: NowDep, form: Form
) -> Response:
    """What was typed beside what is stored by now. Nothing is overwritten before the viewer has seen both."""
    with db.read() as session:
        here = queries.writing(session, viewer, reference, now)
    stored = forms.filled(here, page)
    form.errors.clear()
    differing = forms.differing(form, stored, here, page)
    response = _page(request, "applying/conflict.html", here, page, form, stored=stored, differing=differing)
    response.status_code = Conflict.status
    return response


def _move_page(
    request: Request, reference: str, trigger: str, viewer: Viewer, db: Database, now: NowDep, form: Form
) -> Response:
    with db.read() as session:
        asked = standing.asked(session, viewer, reference, trigger, now)
    if page := queries.own_page(asked.option.move):
        return redirect(f"/applications/{reference}/{page}")
    return render(request, "applying/move.html", asked=asked, form=form)


def _note_gaps(form: Form, here: queries.Writing) -> dict[str, str]:
    """Note what is missing on the form; answers where each is asked."""
    links = {}
    for gap in here.gaps:
        page = here.page_of(gap.key)
        anchor = gap.key if page == queries.PROJECT else f"answers.{gap.key}"
        links[anchor] = f"/applications/{here.application.reference}/edit/{page}#{anchor}"
        form.refuse(anchor, _("Not answered yet: %(question)s") % {"question": _(gap.label)})
    return links
