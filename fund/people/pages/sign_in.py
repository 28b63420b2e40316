"""Signing in and out."""

from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.base.errors import Invalid, TooMany
from fund.base.settings import Settings
from fund.people import cookies, sessions, sign_in
from fund.people.sign_in import Browser, Refused, SignedIn
from fund.web import flash
from fund.web.deps import DbDep, FormDep, NowDep, SettingsDep, ViewerDep
from fund.web.forms import Form
from fund.web.i18n import gettext as _
from fund.web.i18n import lazy, ngettext
from fund.web.page import redirect, render, too_often

router = APIRouter()

flash.register("people.signed_out", lazy("You are signed out."))


@router.get("/sign-in")
def ask(request: Request, viewer: ViewerDep, next: str = "/") -> Response:
    """Ask for the mail address; whoever is signed in already goes on."""
    if viewer.signed_in:
        return redirect(sign_in.local_path(next))
    return render(request, "people/sign_in.html", form=Form.of(next=sign_in.local_path(next)))


@router.post("/sign-in")
def send(request: Request, db: DbDep, now: NowDep, settings: SettingsDep, form: FormDep) -> Response:
    """Mail a link and a code."""
    email, next_path = form.value("email"), sign_in.local_path(form.value("next"))
    network = request.client.host if request.client else ""
    try:
        with db.write() as session:
            handle = sign_in.ask_to_sign_in(session, email, next_path, now, network)
    except Invalid as wrong:
        form.refuse_all(wrong)
        return render(request, "people/sign_in.html", form=form)
    except TooMany as often:
        form.refuse("email", often.message)
        return too_often(render(request, "people/sign_in.html", form=form), often)
    sent = redirect(f"/sign-in/sent?next={quote(next_path)}")
    cookies.keep_asked(sent, handle, email.strip(), settings.secure)
    return sent


@router.get("/sign-in/sent")
def sent(request: Request, settings: SettingsDep, next: str = "/") -> Response:
    """Say where the mail went, and take its code."""
    handle, email = cookies.asked(request, settings.secure)
    if not handle:
        return redirect(f"/sign-in?next={quote(sign_in.local_path(next))}")
    return _sent_page(request, email, Form.of(next=sign_in.local_path(next)))


@router.post("/sign-in/sent")
def enter_code(request: Request, db: DbDep, now: NowDep, settings: SettingsDep, form: FormDep) -> Response:
    """Sign in with the code, in the browser that asked for it."""
    handle, email = cookies.asked(request, settings.secure)
    if len(sign_in.digits(form.value("code"))) != 6:
        form.refuse("code", _("Enter the six digits from the email"))
        return _sent_page(request, email, form)
    with db.write() as session:
        outcome = sign_in.use_code(session, handle, form.value("code"), now, _browser(request, settings))
    if isinstance(outcome, Refused):
        form.refuse("code", _wrong_code(outcome.tries_left))
        return _sent_page(request, email, form)
    return _welcome(outcome, settings)


@router.get("/sign-in/{token}")
def open_link(request: Request, token: str, db: DbDep, now: NowDep) -> Response:
    """Show a button. The link is used up by pressing it only: mail scanners follow links."""
    with db.read() as session:
        person = sign_in.person_behind(session, token, now)
    if person is None:
        return render(request, "people/dead_link.html", 410)
    return render(request, "people/link.html", person=person, token=token)


@router.post("/sign-in/{token}")
def use_link(request: Request, token: str, db: DbDep, now: NowDep, settings: SettingsDep) -> Response:
    """Sign in with the link, in whichever browser it was opened."""
    with db.write() as session:
        entered = sign_in.use_link(session, token, now, _browser(request, settings))
    if entered is None:
        return render(request, "people/dead_link.html", 410)
    return _welcome(entered, settings)


@router.post("/sign-out")
def sign_out(request: Request, db: DbDep, now: NowDep, settings: SettingsDep) -> Response:
    """Sign this browser out."""
    with db.write() as session:
        sessions.end_by_token(session, cookies.session_token(request, settings.secure), now)
    return goodbye("people.signed_out", settings)


def _sent_page(request: Request, email: str, form: Form) -> Response:
    return render(request, "people/sent.html", email=email, minutes=_minutes(), form=form)


def _minutes() -> int:
    return int(sign_in.LASTS.total_seconds() // 60)


def _browser(request: Request, settings: Settings) -> Browser:
    device = sessions.device_name(request.headers.get("user-agent", ""))
    return Browser(device, cookies.session_token(request, settings.secure))


def _wrong_code(left: int) -> str:
    if not left:
        return _("This code no longer works. Use the link in the email, or ask for a new email.")
    more = ngettext("You have %(count)s more try.", "You have %(count)s more tries.", left) % {"count": left}
    return _("This is not the code from the newest email.") + " " + more


def _welcome(entered: SignedIn, settings: Settings) -> Response:
    # Whoever wanted no page in particular wants her own work, not the page for strangers.
    response = redirect("/home" if entered.next_path == "/" else entered.next_path)
    cookies.keep_session(response, entered.token, settings.secure)
    return response


def goodbye(done: str, settings: Settings) -> Response:
    """Go to the first page, which says ``done``, as a stranger."""
    response = redirect("/", done)
    cookies.drop_session(response, settings.secure)
    return response
