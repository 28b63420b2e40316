"""The two cookies of signing in, as the browser keeps them."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from starlette.requests import Request
from starlette.responses import Response

from fund.people.sign_in import LASTS

LONGEST = 400 * 24 * 3600
"""Seconds; the longest that browsers keep a cookie. How long a session lasts is the server's to say."""


def name(what: str, secure: bool) -> str:
    """The cookie's name. Over HTTPS ``__Host-`` makes browsers refuse one that another host or plain HTTP set."""
    return f"__Host-{what}" if secure else what


def session_token(request: Request, secure: bool) -> str:
    """The secret of the session this browser is signed in with, or nothing."""
    return request.cookies.get(name("session", secure), "")


def keep_session(response: Response, token: str, secure: bool) -> None:
    """Let the browser stay signed in with ``token``, and forget what it asked a code with."""
    _set(response, "session", token, LONGEST, secure)
    _drop(response, "asked", secure)


def drop_session(response: Response, secure: bool) -> None:
    """Let the browser forget its session."""
    _drop(response, "session", secure)


def keep_asked(response: Response, handle: str, email: str, secure: bool) -> None:
    """Let the browser keep the handle that its code works with, and the address it asked for, for 15 minutes."""
    value = f"{handle}.{urlsafe_b64encode(email.encode()).decode().rstrip('=')}"
    _set(response, "asked", value, int(LASTS.total_seconds()), secure)


def asked(request: Request, secure: bool) -> tuple[str, str]:
    """The handle and the address of ``keep_asked``; both empty when the browser has none, or a broken one."""
    handle, _dot, coded = request.cookies.get(name("asked", secure), "").partition(".")
    try:
        return handle, urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()
    except ValueError:
        return "", ""


def _set(response: Response, what: str, value: str, seconds: int, secure: bool) -> None:
    response.set_cookie(
        name(what, secure), value, seconds, path="/", secure=secure, httponly=True, samesite="lax"
    )


def _drop(response: Response, what: str, secure: bool) -> None:
    response.delete_cookie(name(what, secure), path="/", secure=secure, httponly=True, samesite="lax")
