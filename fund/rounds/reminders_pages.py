"""The pages on which a manager changes who is reminded when in one round, and on which days people work."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.base.audience import left_to
from fund.base.errors import Invalid
from fund.base.permissions import Viewer
from fund.rounds import queries, reminder_forms, reminders, working_days
from fund.rounds.replanning import Reach
from fund.web import flash
from fund.web.deps import DbDep, FormDep, ManagerDep, NowDep, ReadsEverything
from fund.web.forms import Form
from fund.web.i18n import lazy
from fund.web.page import redirect, render
from schema.rounds import WEEKDAYS

router = APIRouter(include_in_schema=False)
flash.register("rounds.reminders_saved", lazy("The reminders of this round go out as shown here."))
flash.register("rounds.working_days_saved", lazy("The working days of this round are saved."))


@router.get("/rounds/{slug}/reminders")
def index(request: Request, slug: str, viewer: ReadsEverything, db: DbDep) -> Response:
    """Every deadline that there can be in the round, with its reminders."""
    with db.read() as session:
        families = reminders.families(session, viewer, slug)
        round_ = queries.round_by_slug(session, viewer, slug)
        left = left_to(session, round_, viewer)
    return render(request, "rounds/reminders.html", round=round_, families=families, left=left)


@router.get("/rounds/{slug}/reminders/{kind}/{key}")
def edit(request: Request, slug: str, kind: str, key: str, viewer: ManagerDep, db: DbDep) -> Response:
    """The reminders of one deadline, to be changed."""
    with db.read() as session:
        found = reminders.policy(session, viewer, slug, kind, key)
    form = reminder_forms.of_reminders(found.reminders, found.edition)
    return _policy_page(request, slug, (kind, key), viewer, db, form)


@router.post("/rounds/{slug}/reminders/{kind}/{key}")
def save(
    request: Request,
    slug: str,
    kind: str,
    key: str,
    viewer: ManagerDep,
    db: DbDep,
    now: NowDep,
    form: FormDep,
) -> Response:
    """Say what is wrong; then how many planned reminders change; then do it."""
    form, name = reminder_forms.packed(form), (kind, key)
    if form.value("again"):
        return _policy_page(request, slug, name, viewer, db, form)
    lines = None if form.value("reset") else reminder_forms.lines(form)
    try:
        form.check()
        if not form.value("confirmed"):
            with db.read() as session:
                reach = reminders.reach(session, viewer, slug, name, lines, now)
            if reach.reminders:
                return _policy_page(request, slug, name, viewer, db, form, reach)
        with db.write() as session:
            reminders.change(session, viewer, slug, name, lines, edition=form.value("edition"), now=now)
    except Invalid as invalid:
        form.refuse_all(invalid)
        return _policy_page(request, slug, name, viewer, db, form)
    return redirect(f"/rounds/{slug}/reminders", done="rounds.reminders_saved")


@router.get("/rounds/{slug}/working-days")
def days(request: Request, slug: str, viewer: ManagerDep, db: DbDep) -> Response:
    """The weekend and the public holidays of the round, to be changed."""
    with db.read() as session:
        round_ = queries.round_by_slug(session, viewer, slug)
    form = Form.of(
        weekend=round_.weekend,
        holidays=working_days.text_of(round_.days_off),
        edition=working_days.edition_of(round_),
    )
    return _days_page(request, slug, viewer, db, form)


@router.post("/rounds/{slug}/working-days")
def save_days(
    request: Request, slug: str, viewer: ManagerDep, db: DbDep, now: NowDep, form: FormDep
) -> Response:
    """Say what is wrong; then how many planned reminders change; then do it."""
    if form.value("again"):
        return _days_page(request, slug, viewer, db, form)
    weekend, edition, typed = form.values("weekend"), form.value("edition"), form.long_text("holidays")
    try:
        form.check()
        holidays = working_days.holidays_of(typed)
        if not form.value("confirmed"):
            with db.read() as session:
                reach = working_days.reach(session, viewer, slug, weekend, holidays, now)
            if reach.reminders:
                return _days_page(request, slug, viewer, db, form, reach)
        with db.write() as session:
            working_days.change(session, viewer, slug, weekend, holidays, edition=edition, now=now)
    except Invalid as invalid:
        form.refuse_all(invalid)
        return _days_page(request, slug, viewer, db, form)
    return redirect(f"/rounds/{slug}/manage", done="rounds.working_days_saved")


def _policy_page(
    request: Request,
    slug: str,
    name: tuple[str, str],
    viewer: Viewer,
    db: DbDep,
    form: Form,
    reach: Reach | None = None,
) -> Response:
    with db.read() as session:
        found = reminders.policy(session, viewer, slug, *name)
        round_ = queries.run_by(session, viewer, slug)
    return render(
        request,
        "rounds/reminder.html",
        round=round_,
        policy=found,
        form=form,
        rows=reminder_forms.rows(form),
        lines=reminder_forms.lines(form) if reach else (),
        reach=reach,
    )


def _days_page(
    request: Request, slug: str, viewer: Viewer, db: DbDep, form: Form, reach: Reach | None = None
) -> Response:
    with db.read() as session:
        round_ = queries.run_by(session, viewer, slug)
    return render(
        request, "rounds/working_days.html", round=round_, form=form, reach=reach, weekdays=WEEKDAYS
    )
