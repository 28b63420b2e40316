"""One short message after a redirect ("Your proposal is saved."), carried as a key in a short-lived cookie.

The cookie never holds words, so nothing that a stranger writes into it is ever shown.
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from fund.web.i18n import Lazy

COOKIE = "flash"
SECONDS = 60


@dataclass(frozen=True)
class Message:
    """What is said, and in which tone: success, info or warning."""

    text: Lazy | str
    tone: str = "success"


_known: dict[str, Message] = {}


def register(key: str, text: Lazy | str, tone: str = "success") -> str:
    """Make ``key`` ("room.what") say ``text``; answers the key. A second text for a key is refused."""
    message = Message(text, tone)
    if _known.setdefault(key, message) != message:
        raise ValueError(f"the message {key} is registered twice")
    return key


def leave(response: Response, key: str) -> None:
    """Let the next page say the message registered as ``key``. KeyError when there is none."""
    _known[key]
    response.set_cookie(COOKIE, key, max_age=SECONDS, httponly=True, samesite="lax")


def take(request: Request) -> list[Message]:
    """The message that waits for this page, if its key is known."""
    message = _known.get(request.cookies.get(COOKIE, ""))
    return [message] if message else []


def clear(request: Request, response: Response) -> None:
    """Forget the message once a page has shown it."""
    if COOKIE in request.cookies:
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")
