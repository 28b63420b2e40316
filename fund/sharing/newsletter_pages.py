"""The pages of the newsletter: the list, one letter to edit with its preview, and its release."""

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.base.database import Database
from fund.base.errors import Conflict, Invalid
from fund.base.permissions import Viewer
from fund.sharing import newsletter
from fund.sharing.newsletter_forms import edited, letter_form
from fund.web import flash
from fund.web.deps import DbDep, FormDep, ManagerDep, NowDep, RowId, SettingsDep, SignedIn
from fund.web.forms import Form
from fund.web.i18n import lazy
from fund.web.page import redirect, render

router = APIRouter(include_in_schema=False)

SAVED = flash.register("sharing.letter_saved", lazy("The newsletter is saved. Nothing of it is sent yet."))
TAKEN = flash.register("sharing.letter_taken", lazy("All of it is as everybody may read it now."))
RELEASED = flash.register("sharing.letter_released", lazy("The newsletter is on its way."))


@router.get("/newsletters")
def letters(request: Request, viewer: SignedIn, db: DbDep) -> Response:
    """Every newsletter, and the way to this month's."""
    with db.read() as session:
        found = newsletter.all_letters(session, viewer)
    return render(request, "sharing/newsletters.html", letters=found, edits=newsletter.may_edit(viewer))


@router.post("/newsletters")
def make(viewer: SignedIn, db: DbDep, now: NowDep, settings: SettingsDep) -> Response:
    """This month's draft, made now if there is none."""
    with db.write() as session:
        letter = newsletter.make(session, viewer, settings.fund_name, settings.zone, now)
        path = f"/newsletters/{letter.id}"
    return redirect(path)


@router.get("/newsletters/{letter_id}")
def one(request: Request, letter_id: RowId, viewer: SignedIn, db: DbDep, now: NowDep) -> Response:
    """One newsletter: its form and how it reads; once released how it read."""
    return _page(request, letter_id, viewer, db, now)


@router.post("/newsletters/{letter_id}")
def save(
    request: Request, letter_id: RowId, viewer: SignedIn, db: DbDep, now: NowDep, form: FormDep
) -> Response:
    """Save what was written."""
    try:
        with db.write() as session:
            items = newsletter.view(session, viewer, letter_id, now).letter.items
            wanted = edited(form, items)
            form.check()
            newsletter.edit(session, viewer, letter_id, wanted, form.version())
    except Conflict:
        return _page(request, letter_id, viewer, db, now, form, 409)
    except Invalid as wrong:
        form.refuse_all(wrong)
        return _page(request, letter_id, viewer, db, now, form)
    return redirect(f"/newsletters/{letter_id}", SAVED)


@router.post("/newsletters/{letter_id}/refresh")
def refresh(letter_id: RowId, viewer: SignedIn, db: DbDep, now: NowDep, form: FormDep) -> Response:
    """Take the texts of what changed anew, and leave out what was taken back or is over."""
    with db.write() as session:
        newsletter.refresh(session, viewer, letter_id, form.version(), now)
    return redirect(f"/newsletters/{letter_id}", TAKEN)


@router.get("/newsletters/{letter_id}/release")
def confirm(request: Request, letter_id: RowId, viewer: ManagerDep, db: DbDep, now: NowDep) -> Response:
    """See once more what goes to how many people."""
    with db.read() as session:
        shown = newsletter.view(session, viewer, letter_id, now)
    if shown.letter.released_at is not None:
        return redirect(f"/newsletters/{letter_id}")
    return render(request, "sharing/newsletter_release.html", view=shown)


@router.post("/newsletters/{letter_id}/release")
def release(letter_id: RowId, viewer: ManagerDep, db: DbDep, now: NowDep, form: FormDep) -> Response:
    """Send it, once."""
    with db.write() as session:
        newsletter.release(session, viewer, letter_id, form.version(), now)
    return redirect(f"/newsletters/{letter_id}", RELEASED)


def _page(
    request: Request,
    letter_id: int,
    viewer: Viewer,
    db: Database,
    now: datetime,
    form: Form | None = None,
    status: int | None = None,
) -> Response:
    with db.read() as session:
        shown = newsletter.view(session, viewer, letter_id, now)
    return render(
        request,
        "sharing/newsletter.html",
        status,
        view=shown,
        form=form or letter_form(shown.letter),
        edits=newsletter.may_edit(viewer) and shown.letter.released_at is None,
        late=status == 409,
    )
