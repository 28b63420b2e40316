"""Every error as its reader needs it: a page that says what to do, or under /api/ a problem document (RFC 9457)."""

import logging
import re
import secrets
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote, urlsplit

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fund.base.errors import (
    Conflict,
    FundError,
    Invalid,
    MoveRefused,
    NotFound,
    NotSignedIn,
    TooLarge,
    TooMany,
)
from fund.base.permissions import Viewer
from fund.web import problems
from fund.web.forms import Form
from fund.web.i18n import gettext as _
from fund.web.page import render, too_often

log = logging.getLogger(__name__)
SECRET = re.compile(r"^/(calendar|sign-in|unsubscribe)/[^/]+")
"""Addresses that are a right by themselves; they are not logged."""
HIDDEN = ("version",)
"""Posted fields that no person typed."""


def install(app: FastAPI) -> None:
    """Let ``app`` answer every error in the house's way."""
    app.add_exception_handler(FundError, handle)
    app.add_exception_handler(HTTPException, handle_http)
    app.add_exception_handler(RequestValidationError, handle_request)


def too_large() -> str:
    """What is said about a request that is too large."""
    return _("You sent more than the fund takes in at once (1 MB). Shorten the text and send it again.")


def cross_site() -> str:
    """What is said about a request that another site made the browser send."""
    return _("This request did not come from a page of the fund. Open the page here and try again.")


async def handle(request: Request, error: Exception) -> Response:
    """Answer one of the fund's own errors."""
    if isinstance(error, FundError) and error.status < 500:
        return await respond(request, error)
    return await unexpected(request, error)


async def handle_http(request: Request, error: Exception) -> Response:
    """Answer what the framework itself refuses: no such address, wrong method, too large."""
    error = cast(HTTPException, error)
    if error.status_code < 400:
        return Response(status_code=error.status_code, headers=error.headers)
    if error.status_code == 400 and problems.wanted(request):
        # The framework's word for JSON too deep or in no encoding; other broken JSON it answers with 422.
        return await respond(request, Invalid({"body": _unread(request)}))
    response = await respond(request, _as_own(error))
    response.headers.update(error.headers or {})
    return response


def _unread(request: Request) -> str:
    if request.headers.get("content-type", "").startswith("multipart/"):
        return _("This form cannot be read, or it holds more files than are taken at once")
    return _("This is no JSON that can be read")


class Refused(FundError):
    """An error that only HTTP knows, dressed as one of the fund's own."""

    def __init__(self, status: int, title: str, message: str) -> None:
        super().__init__(message)
        self.status, self.title = status, title


def _as_own(error: HTTPException) -> FundError:
    if error.status_code == 404:
        return NotFound()
    if error.status_code == 413:
        return TooLarge(too_large())
    if error.status_code == 405:
        return Refused(405, _("Not possible here"), _("This address does not take that kind of request."))
    return Refused(
        error.status_code, _("This did not work"), _("The request could not be read. Go back and try again.")
    )


async def handle_request(request: Request, error: Exception) -> Response:
    """Answer a request whose parts are not what the endpoint takes: 404 for an odd address, else 422."""
    details = cast(RequestValidationError, error).errors()
    if any(detail["loc"][0] == "path" for detail in details):
        return await respond(request, NotFound())
    return await respond(request, Invalid({_field(detail["loc"]): _sentence(detail) for detail in details}))


def _field(place: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in place[1:]) or str(place[0])


def _sentence(detail: Mapping[str, Any]) -> str:
    if detail["type"] == "missing":
        return _("Fill this in")
    return str(detail["msg"]).removeprefix("Value error, ")


async def unexpected(request: Request, error: Exception) -> Response:
    """Answer what nobody expected. The log holds the error under the number that the answer shows."""
    reference = secrets.token_hex(4).upper()
    path = SECRET.sub(r"/\1/…", request.url.path)
    log.error("error %s: %s %s", reference, request.method, path, exc_info=error)
    shown = Refused(
        500, _("Something went wrong on our side"), _("Nothing was changed. Try again in a moment.")
    )
    return await respond(request, shown, reference=reference)


async def respond(request: Request, error: FundError, **extra: Any) -> Response:
    """The answer to ``error``: problem document, way to sign-in, or page that keeps what was typed."""
    if problems.wanted(request):
        return problems.of_error(request, error, extra)
    if isinstance(error, NotSignedIn) and request.method in ("GET", "HEAD"):
        return RedirectResponse(sign_in_path(request), 303)
    form = await typed(request) if isinstance(error, NotSignedIn | Conflict | MoveRefused | Invalid) else None
    response = await run_in_threadpool(error_page, request, error, form, extra)
    return too_often(response, error) if isinstance(error, TooMany) else response


def came_from(request: Request) -> str:
    """The page of ours that sent this request, or the address itself."""
    sender = urlsplit(request.headers.get("referer", ""))
    ours = sender.scheme in ("http", "https") and sender.netloc == request.headers.get("host")
    return sender._replace(scheme="", netloc="").geturl() if ours and sender.path else request.url.path


def sign_in_path(request: Request) -> str:
    """Where to sign in, and come back to the page that was asked for."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"/sign-in?next={quote(wanted if request.method in ('GET', 'HEAD') else '/', safe='/')}"


async def typed(request: Request) -> Form | None:
    """What a person typed into the form that met the error, or None."""
    kind = request.headers.get("content-type", "")
    if request.method != "POST" or not kind.startswith(("application/x-www-form-urlencoded", "multipart/")):
        return None
    try:
        return Form.posted(await request.form(max_files=0, max_fields=1000))
    except (HTTPException, RuntimeError):
        return None


def error_page(request: Request, error: FundError, form: Form | None, extra: Mapping[str, Any]) -> Response:
    """The page for ``error``. Where even identifying the viewer fails, it is shown as to a stranger."""
    kind = next((name for known, name in PAGES if isinstance(error, known)), "error")
    context: dict[str, Any] = {
        "error": error,
        "typed": form,
        "hidden": HIDDEN,
        "reference": "",
        "back": came_from(request),
        "sign_in": sign_in_path(request),
        **extra,
    }
    try:
        return render(request, f"web/errors/{kind}.html", error.status, **context)
    except Exception:
        if error.status < 500:
            raise
        request.state.viewer = Viewer.anonymous()
        return render(request, "web/errors/plain.html", error.status, **context)


PAGES: tuple[tuple[type[FundError], str], ...] = (
    (NotSignedIn, "signed_out"),
    (Conflict, "conflict"),
    (MoveRefused, "refused"),
    (Invalid, "invalid"),
)
"""Errors with a page of their own; all others share one."""
