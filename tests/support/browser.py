"""The system's Chromium for the tests, and a page that notices what a person would not see."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import (
        Browser,
        BrowserContext,
        ConsoleMessage,
        Page,
        Playwright,
        Request,
        Response,
    )

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def find_chromium() -> str | None:
    """The program to start: FUND_CHROMIUM, else the first known name on the PATH; None if there is none."""
    given = os.environ.get("FUND_CHROMIUM")
    if given:
        return given if os.access(given, os.X_OK) else None
    return next((found for found in map(shutil.which, NAMES) if found), None)


def launch(playwright: Playwright) -> Browser:
    """Start the system's Chromium without a window."""
    return playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)


_KEPT = ExitStack()
_OPEN: list[Browser] = []


def kept_open() -> Browser:
    """The browser of this process, until ``close_kept``. Meanwhile Playwright holds this thread's event loop."""
    from playwright.sync_api import sync_playwright  # here: it takes half a second that few tests need

    if not _OPEN:
        _OPEN.append(launch(_KEPT.enter_context(sync_playwright())))
        _KEPT.callback(lambda: _OPEN.pop().close())
    return _OPEN[0]


def close_kept() -> None:
    """Close the browser of this process, if there is one: from now on the event loop is free again."""
    _KEPT.close()


class Visits:
    """Opens pages in contexts of their own, and keeps what went wrong in them: ``complaints``."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def open(self, **options: Any) -> Page:
        """A page in a new context, as another person's browser; ``options`` as for Browser.new_context."""
        settings = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **options}
        context = self._browser.new_context(**settings)
        context.set_default_timeout(10_000)
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.complaints.append(f"script error: {error.error}"))
        context.on("request", self._watch)
        context.on("response", self._check)
        self._contexts.append(context)
        return context.new_page()

    def close(self) -> None:
        """Close all that was opened."""
        for context in self._contexts:
            context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.complaints.append(f"console: {message.text}")

    def _watch(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.hostname not in LOOPBACK:
            self.complaints.append(f"request to another origin: {request.url}")

    def _check(self, response: Response) -> None:
        # Pages and posts may be refused on purpose; what a page is made of has to be there.
        if response.status >= 400 and response.request.resource_type not in ("document", "fetch", "xhr"):
            self.complaints.append(f"{response.status} for {response.url}")


@contextmanager
def visits(browser: Browser) -> Iterator[Visits]:
    """Visits whose pages close at the end; AssertionError where a page complained."""
    opened = Visits(browser)
    try:
        yield opened
    finally:
        opened.close()
    assert opened.complaints == []
