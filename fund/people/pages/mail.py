"""Which mail one gets: on one's own account, and by the link in a mail, for which nobody has to sign in."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from fund.base.errors import Invalid
from fund.people import choices
from fund.people.choices import Choices
from fund.people.pages.account import account_page
from fund.web import flash
from fund.web.deps import DbDep, FormDep, NowDep, SignedIn
from fund.web.i18n import gettext as _
from fund.web.i18n import lazy
from fund.web.page import redirect, render
from notifications.kinds import DIGEST, TOPICS

router = APIRouter()
Key = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{20,40}$")]
What = Annotated[str, Path(pattern=r"^[a-z]{1,20}$")]

SAVED = flash.register("people.mail_saved", lazy("What you chose about mail is saved."))


@router.post("/account/mail")
def save_mail(request: Request, viewer: SignedIn, db: DbDep, now: NowDep, form: FormDep) -> Response:
    """Choose how mail comes, and which mail."""
    wanted = set(form.values("topics"))
    declined = frozenset(choices.offered(viewer).keys() - wanted)
    chosen = Choices(form.value("pace") == "digest", form.ticked("calendar_files"), declined)
    try:
        form.choice("pace", ("digest", "single"))
        form.check()
        with db.write() as session:
            choices.choose(session, viewer, chosen)
    except Invalid as wrong:
        form.refuse_all(wrong)
        return account_page(request, viewer, db, now, mail=form)
    return redirect("/account", SAVED)


@router.get("/unsubscribe/{key}/{what}")
def ask(request: Request, key: Key, what: What, db: DbDep) -> Response:
    """One button. Looking at the page changes nothing, since mail programs look at links by themselves."""
    with db.read() as session:
        choices.whose(session, key, what)
    return _stop_page(request, what, done=False)


@router.post("/unsubscribe/{key}/{what}")
def stop(request: Request, key: Key, what: What, db: DbDep) -> Response:
    """End it: for the button, and for mail programs that post by themselves (RFC 8058)."""
    with db.read() as session:
        choices.whose(session, key, what)  # who only guesses takes nobody's turn to write
    with db.write() as session:
        choices.stop(session, key, what)
    return _stop_page(request, what, done=True)


def _stop_page(request: Request, what: str, *, done: bool) -> Response:
    digest = what == DIGEST
    name = "" if digest else _(TOPICS[what].label)
    return render(
        request, "people/unsubscribe.html", what=name, digest=digest, done=done, path=request.url.path
    )
