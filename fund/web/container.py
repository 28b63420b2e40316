"""What the web door holds while it runs; every page reads it from ``request.app.state.fund``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from fastapi import Request

from fund.base.clock import Clock
from fund.base.database import Database
from fund.base.permissions import Viewer
from fund.base.settings import Settings
from fund.web.i18n import SHIPPED, Lazy


@dataclass(frozen=True)
class NavEntry:
    """One entry of the main navigation, for those of whom ``seen_by`` is true; marked on ``path`` and below."""

    label: Lazy | str
    path: str
    seen_by: Callable[[Viewer], bool] = lambda viewer: True

    def current(self, path: str) -> bool:
        """Whether ``path`` is this entry's page or lies under it."""
        return path == self.path or (self.path != "/" and path.startswith(self.path.rstrip("/") + "/"))


def nobody(request: Request) -> Viewer:
    """Everybody is a stranger: what holds until the people room gives its own way to identify."""
    return Viewer.anonymous()


@dataclass
class Container:
    """Settings, database and clock, and the functions by which rooms plug into all pages.

    identify: who makes this request, from cookie or bearer token; anonymous if nobody.
    nav: the main navigation, filtered for each viewer.
    demo: what the demonstration's bar shows, or None outside of the demonstration.
    """

    settings: Settings
    db: Database
    clock: Clock
    identify: Callable[[Request], Viewer] = nobody
    nav: Sequence[NavEntry] = ()
    demo: Callable[[Request, Viewer], Mapping[str, Any]] | None = None
    locale: Path = field(default=SHIPPED)


def container(request: Request) -> Container:
    """The container of the app that answers ``request``."""
    return cast(Container, request.app.state.fund)
