"""One's own account: details, the browsers that are signed in, API tokens."""

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.base.database import Database
from fund.base.errors import Invalid
from fund.base.permissions import Viewer
from fund.people import choices, forms, labels, queries, service, sessions, tokens
from fund.people.pages.sign_in import goodbye
from fund.web import flash
from fund.web.deps import DbDep, FormDep, NowDep, RowId, SettingsDep, SignedIn
from fund.web.forms import Form
from fund.web.i18n import lazy
from fund.web.page import redirect, render

router = APIRouter()

flash.register("people.signed_out_everywhere", lazy("You are signed out in every browser."))
flash.register("people.browser_signed_out", lazy("That browser is signed out."))
flash.register("people.account_saved", lazy("Your details are saved."))
flash.register("people.token_revoked", lazy("The token no longer works."))


@router.get("/account")
def account(request: Request, viewer: SignedIn, db: DbDep, now: NowDep) -> Response:
    """One's own details, browsers and tokens."""
    form = Form.of(name=viewer.name, locale=viewer.locale, zone=viewer.zone)
    return account_page(request, viewer, db, now, form)


@router.post("/account")
def save_account(
    request: Request, viewer: SignedIn, db: DbDep, now: NowDep, settings: SettingsDep, form: FormDep
) -> Response:
    """Change one's own name, language and zone."""
    try:
        with db.write() as session:
            service.change_account(
                session, viewer, form.value("name"), form.value("locale"), form.value("zone")
            )
    except Invalid as wrong:
        form.refuse_all(wrong)
        return account_page(request, viewer, db, now, form)
    return redirect("/account", "people.account_saved")


@router.post("/account/browsers/{session_id}/sign-out")
def sign_out_browser(
    session_id: RowId, viewer: SignedIn, db: DbDep, now: NowDep, settings: SettingsDep
) -> Response:
    """Sign one of one's browsers out."""
    with db.write() as session:
        sessions.end(session, _id(viewer), session_id, now)
    if session_id == viewer.session_id:
        return goodbye("people.signed_out", settings)
    return redirect("/account", "people.browser_signed_out")


@router.post("/account/sign-out-everywhere")
def sign_out_everywhere(viewer: SignedIn, db: DbDep, now: NowDep, settings: SettingsDep) -> Response:
    """Sign all of one's browsers out, this one included."""
    with db.write() as session:
        sessions.end_all(session, _id(viewer), now)
    return goodbye("people.signed_out_everywhere", settings)


@router.post("/account/tokens")
def add_token(request: Request, viewer: SignedIn, db: DbDep, now: NowDep, form: FormDep) -> Response:
    """Make an API token and show it this once."""
    try:
        with db.write() as session:
            token = tokens.create_token(session, _id(viewer), form.value("label"), now)
    except Invalid as wrong:
        details = Form.of(name=viewer.name, locale=viewer.locale, zone=viewer.zone, label=form.value("label"))
        details.refuse_all(wrong)
        return account_page(request, viewer, db, now, details)
    return render(request, "people/token.html", token=token, label=form.value("label"))


@router.post("/account/tokens/{token_id}/revoke")
def revoke_token(
    token_id: RowId, viewer: SignedIn, db: DbDep, now: NowDep, settings: SettingsDep
) -> Response:
    """End one of one's API tokens."""
    with db.write() as session:
        tokens.revoke(session, _id(viewer), token_id, now)
    return redirect("/account", "people.token_revoked")


def _id(viewer: Viewer) -> int:
    assert viewer.person_id is not None
    return viewer.person_id


def account_page(
    request: Request,
    viewer: Viewer,
    db: Database,
    now: datetime,
    form: Form | None = None,
    mail: Form | None = None,
) -> Response:
    """One's own account, with one of its forms as it was typed."""
    with db.read() as session:
        entry = queries.person(session, _id(viewer))
        browsers = queries.browsers(session, _id(viewer), now)
        api_tokens = queries.api_tokens(session, _id(viewer))
        chosen = choices.choices(session, _id(viewer))
    topics = choices.offered(viewer)
    return render(
        request,
        "people/account.html",
        422 if mail and mail.errors else None,
        form=form or Form.of(name=viewer.name, locale=viewer.locale, zone=viewer.zone),
        entry=entry,
        roles=labels.ROLES,
        browsers=browsers,
        tokens=api_tokens,
        languages=forms.language_options(),
        zones=forms.zone_options(),
        mail=mail or forms.mail_form(chosen, topics),
        topics=forms.topic_options(topics),
    )
