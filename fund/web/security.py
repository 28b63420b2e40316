"""Pure ASGI middleware: headers, the cross-site rule, the size limit, and a page for what nobody expected."""

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers as RequestHeaders
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fund.base.errors import Forbidden, TooLarge
from fund.base.permissions import Viewer
from fund.web import errors, i18n

LIMIT = 1_000_000
"""Bytes that one request may send: the longest form, typed in any script, with room to spare."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
IN_OWN_FRAME = POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
"""For what went wrong inside a frame of our own: it is told there, where a browser would show nothing else."""
FIXED = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""On every answer that does not set them itself."""
TWO_YEARS = "max-age=63072000"


class Headers:
    """Sets the headers that tell the browser what it may do with an answer, and who may keep it."""

    def __init__(self, app: ASGIApp, secure: bool) -> None:
        self.app = app
        self.fixed = FIXED | ({"Strict-Transport-Security": TWO_YEARS} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and dress its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if message["status"] >= 400 and RequestHeaders(scope=scope).get("sec-fetch-dest") == "iframe":
                    headers.setdefault("Content-Security-Policy", IN_OWN_FRAME)
                for name, value in self.fixed.items():
                    headers.setdefault(name, value)
                if "Cache-Control" not in headers:
                    headers["Cache-Control"] = keeping(scope)
                    headers.add_vary_header("Cookie")
            await send(message)

        await self.app(scope, receive, dressed)


def keeping(scope: Scope) -> str:
    """Who may keep an answer that says nothing itself: nobody, once somebody was signed in."""
    viewer = scope["state"].get("viewer")
    known = isinstance(viewer, Viewer) and viewer.signed_in
    return "no-store" if known else "private, no-cache"


class Languages:
    """Begins each request in the language that the browser asks for."""

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        self.app, self.folder = app, folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note the language, then pass the request on."""
        if scope["type"] == "http":
            i18n.begin(RequestHeaders(scope=scope).get("accept-language", ""), self.folder)
        await self.app(scope, receive, send)


class CatchAll:
    """Answers an error that nobody expected with a page that carries a number, the same as in the log."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; if that fails before the answer began, answer in its place."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if begun or isinstance(error, ClientDisconnect):
                raise
            response = await errors.unexpected(Request(scope, receive), error)
            await response(scope, receive, send)


class TooLargeBody(HTTPException):
    """The body turned out larger than its limit while it was read."""

    def __init__(self) -> None:
        super().__init__(413)


class BodyLimit:
    """Refuses more than ``limit`` bytes: at once where the length is announced, else while reading."""

    def __init__(self, app: ASGIApp, limit: int = LIMIT) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a receiver that counts."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = RequestHeaders(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > self.limit:
            response = await errors.respond(Request(scope, receive), TooLarge(errors.too_large()))
            await response(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.limit:
                raise TooLargeBody
            return message

        await self.app(scope, counted, send)


class CrossSiteRule:
    """Refuses what another site makes a browser send. The rule of Go's net/http CrossOriginProtection.

    Calls with a bearer token are exempt: a browser adds none by itself, and with one the cookie is not looked at.
    """

    def __init__(self, app: ASGIApp, address: str, exempt: Iterable[str] = ("/api/",)) -> None:
        self.app, self.own, self.exempt = app, urlsplit(address).netloc, tuple(exempt)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        if scope["type"] != "http" or self.allowed(
            scope["method"], scope["path"], RequestHeaders(scope=scope)
        ):
            await self.app(scope, receive, send)
        else:
            response = await errors.respond(Request(scope, receive), Forbidden(errors.cross_site()))
            await response(scope, receive, send)

    def allowed(self, method: str, path: str, headers: RequestHeaders) -> bool:
        """Whether a request of ``method`` to ``path`` may have come from our own pages, or from no page at all."""
        if method in SAFE or self._bears_token(path, headers):
            return True
        site = headers.get("sec-fetch-site", "")
        if site:
            return site in ("same-origin", "none")
        origin = headers.get("origin", "")
        return not origin or urlsplit(origin).netloc in {headers.get("host", ""), self.own} - {""}

    def _bears_token(self, path: str, headers: RequestHeaders) -> bool:
        return path.startswith(self.exempt) and headers.get("authorization", "").lower().startswith("bearer ")
