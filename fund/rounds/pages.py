"""Pages about rounds: what everybody reads before proposing, and what managers set."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.base import definitions
from fund.base.database import Database
from fund.base.errors import Invalid
from fund.base.permissions import Viewer
from fund.people import places
from fund.rounds import extending, forms, queries, running, service
from fund.rounds.calendar import Voice, closing
from fund.web import flash
from fund.web.deps import (
    DbDep,
    DemoNote,
    FormDep,
    ManagerDep,
    NowDep,
    ReadsEverything,
    SettingsDep,
    ViewerDep,
)
from fund.web.forms import Form
from fund.web.i18n import gettext as _
from fund.web.i18n import lazy, speech
from fund.web.moving import given
from fund.web.page import redirect, render
from notifications.calendar import Publisher, calendar_file

router = APIRouter(include_in_schema=False)
flash.register(
    "rounds.planned", lazy("The round is planned. Nobody outside the fund sees it before you open it.")
)
flash.register("rounds.saved", lazy("The round is saved."))
flash.register("rounds.moved", lazy("Done. The round stands as shown here."))


@router.get("/rounds")
def index(request: Request, viewer: ViewerDep, db: DbDep, now: NowDep) -> Response:
    """Open, planned (for those who may see them) and past rounds."""
    with db.read() as session:
        listed = queries.listed(session, viewer, now)
    return render(request, "rounds/index.html", listed=listed)


@router.get("/rounds/new")
def new(request: Request, _viewer: ManagerDep, db: DbDep, settings: SettingsDep) -> Response:
    """The form for a new round."""
    return _edit_page(request, db, forms.blank(settings.zone), "")


@router.post("/rounds/new")
def create(
    request: Request, viewer: ManagerDep, db: DbDep, now: NowDep, settings: SettingsDep, form: FormDep
) -> Response:
    """Plan the round, or say what is wrong."""
    draft = forms.draft(form)
    try:
        with db.write() as session:
            round_ = service.create_round(session, viewer, draft, now, settings.weekend_days)
            if chosen := forms.managers(form):
                running.choose(session, viewer, round_.slug, chosen, edition=None, now=now)
            form.check()
    except Invalid as invalid:
        form.refuse_all(invalid)
        return _edit_page(request, db, form, "")
    return redirect(f"/rounds/{round_.slug}/manage", done="rounds.planned")


@router.get("/rounds/{slug}")
def show(request: Request, slug: str, viewer: ViewerDep, db: DbDep, now: NowDep) -> Response:
    """What the round is for, who may apply, what is asked, how it is scored, until when."""
    with db.read() as session:
        view = queries.whole(session, queries.round_by_slug(session, viewer, slug), now)
        late = int(queries.grace(session, view.round).total_seconds() // 60)
        later = queries.asked_later(session, view.round)
    return render(request, "rounds/show.html", view=view, late=late, later=later)


@router.get("/rounds/{slug}/form")
def printable(request: Request, slug: str, viewer: ViewerDep, db: DbDep, now: NowDep) -> Response:
    """The whole form on one page, to read and to print before signing in."""
    with db.read() as session:
        view = queries.whole(session, queries.round_by_slug(session, viewer, slug), now)
        later = queries.asked_later(session, view.round)
    return render(request, "rounds/form.html", view=view, later=later)


@router.get("/rounds/{slug}/deadline.ics")
def calendar(
    slug: str, viewer: ViewerDep, db: DbDep, now: NowDep, settings: SettingsDep, note: DemoNote
) -> Response:
    """The closing day for one's calendar."""
    publisher = Publisher.of(settings.fund_name, settings.mail_from, settings.contact, speech().language)
    with db.read() as session:
        round_ = queries.taking(session, viewer, slug)
        entry = closing(session, round_, now, Voice(settings, note))
    content = calendar_file(entry, publisher, now)
    headers = {"Content-Disposition": f'attachment; filename="{slug}.ics"'}
    return Response(content, headers=headers, media_type="text/calendar; charset=utf-8")


@router.get("/rounds/{slug}/manage")
def manage(request: Request, slug: str, viewer: ReadsEverything, db: DbDep, now: NowDep) -> Response:
    """Where the round stands, its money, what is due, and its moves."""
    return _manage_page(request, slug, viewer, db, now, None)


@router.post("/rounds/{slug}/moves")
def move(request: Request, slug: str, viewer: ManagerDep, db: DbDep, now: NowDep, form: FormDep) -> Response:
    """Open, close, reopen, decide, archive."""
    reason = form.long_text("reason")
    try:
        with db.write() as session:
            trigger, version = form.value("trigger"), form.version()
            data = given(form, *queries.asked(session, viewer, slug, trigger))
            service.move(session, viewer, slug, trigger, version=version, now=now, reason=reason, data=data)
            form.check()
    except Invalid as invalid:
        form.refuse_all(invalid)
        return _manage_page(request, slug, viewer, db, now, form)
    return redirect(f"/rounds/{slug}/manage", done="rounds.moved")


@router.get("/rounds/{slug}/edit")
def edit(request: Request, slug: str, viewer: ManagerDep, db: DbDep) -> Response:
    """The round's fields: all of them while it is planned, its words while it is open."""
    with db.read() as session:
        round_ = queries.editable(session, viewer, slug)
        promised = queries.is_promised(session, round_)
        form = forms.of_round(round_, queries.workflow(session, round_).name)
    return _edit_page(request, db, form, slug, promised)


@router.post("/rounds/{slug}/edit")
def save(request: Request, slug: str, viewer: ManagerDep, db: DbDep, now: NowDep, form: FormDep) -> Response:
    """Save the fields, or say what is wrong."""
    promised = False
    try:
        with db.write() as session:
            round_ = queries.editable(session, viewer, slug)
            promised = queries.is_promised(session, round_)
            draft = forms.reworded(form, round_) if promised else forms.draft(form)
            service.update_round(session, viewer, slug, draft, edition=form.value("edition"), now=now)
            form.check()
    except Invalid as invalid:
        form.refuse_all(invalid)
        return _edit_page(request, db, form, slug, promised)
    return redirect(f"/rounds/{slug}/manage", done="rounds.saved")


def _edit_page(request: Request, db: Database, form: Form, slug: str, promised: bool = False) -> Response:
    zones = [(zone, _(name)) for zone, name in places.ANYWHERE.items()]
    zones += [(zone, zone.replace("_", " ")) for zone in places.zones()]
    with db.read() as session:
        found = definitions.choices(session)
        managers = [] if slug else running.managers(session)
    return render(
        request,
        "rounds/edit.html",
        form=form,
        slug=slug,
        promised=promised,
        zones=zones,
        managers=managers,
        workflows=[
            (name, _(one.label), " → ".join(_(stage.label) for stage in one.stages.values()))
            for name, one in found.items()
        ],
    )


def _manage_page(
    request: Request, slug: str, viewer: Viewer, db: DbDep, now: NowDep, form: Form | None
) -> Response:
    with db.read() as session:
        managed = queries.managed(session, viewer, slug, now)
        movable = extending.movable(session, managed.view.round)
        run = running.of(session, viewer, slug)
    return render(request, "rounds/manage.html", managed=managed, running=run, movable=movable, form=form)
