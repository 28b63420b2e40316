"""Rendering of pages: one Jinja environment over all rooms, and the context that every page has."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound, select_autoescape
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from fund.base.clock import SystemClock
from fund.base.errors import TooMany
from fund.base.permissions import Viewer
from fund.web import flash, i18n, words
from fund.web.container import Container, container
from fund.web.forms import Form
from fund.web.static import static_url
from schema.reports import of_which

ROOMS = Path(__file__).resolve().parent.parent
"""The folder that holds the rooms; each has its own ``templates/``."""


class RoomLoader(BaseLoader):
    """Finds ``applying/title.html`` as ``fund/applying/templates/title.html``; ``extra`` rooms lie elsewhere."""

    def __init__(self, rooms: Path = ROOMS, extra: Mapping[str, Path] | None = None) -> None:
        self.rooms, self.extra = rooms, dict(extra or {})

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """The text of ``template``, its file, and whether that is still current."""
        room, _, name = template.partition("/")
        if not room.isidentifier() or ".." in name.split("/"):
            raise TemplateNotFound(template)
        path = self.extra.get(room, self.rooms / room / "templates") / name
        if not path.is_file():
            raise TemplateNotFound(template)
        written = path.stat().st_mtime
        return path.read_text("utf-8"), str(path), lambda: path.is_file() and path.stat().st_mtime == written

    def list_templates(self) -> list[str]:
        """Every template of every room."""
        found = self.rooms.glob("*/templates/**/*.html")
        return sorted(
            f"{path.relative_to(self.rooms).as_posix().replace('/templates/', '/', 1)}" for path in found
        )


@dataclass(frozen=True)
class Moment:
    """The one ``now`` of the page being rendered, and the zone of its reader."""

    now: datetime
    zone: str
    own: bool = False
    """Whether the zone is what its reader chose; else it is the fund's."""


_moment: ContextVar[Moment] = ContextVar("moment")


def _here() -> Moment:
    return _moment.get(None) or Moment(SystemClock().now(), "UTC")


def _own_zone() -> str:
    """The zone that the reader chose, or nothing."""
    return _here().zone if _here().own else ""


FILTERS: dict[str, Callable[..., Any]] = {
    "money": words.money,
    "local_date": lambda moment, zone=None: words.local_date(moment, zone or _here().zone),
    "local_datetime": lambda moment, zone=None: words.local_datetime(moment, zone or _here().zone),
    "local_time": lambda moment, zone=None: words.local_time(moment, zone or _here().zone),
    "zone_name": lambda zone, moment=None: words.zone_name(zone, moment or _here().now),
    "relative": lambda moment, zone=None: words.relative(moment, _here().now, zone or _here().zone),
    "remaining": lambda due_at, zone, grace=None: words.remaining(due_at, _here().now, zone, grace),
    "urgency": lambda due_at, zone, grace=None: words.urgency(due_at, _here().now, zone, grace),
    "last_day": words.last_day,
    "ending": lambda due_at: words.ending(due_at, _here().zone),
    "until": lambda due, zone: words.until(due, zone, _here().zone, own=_here().own),
    "for_you": lambda due_at: words.for_you(due_at, _here().zone),
    "duration": words.duration,
    "time_left": lambda until: words.time_left(until, _here().now),
    "percent": words.percent,
    "iso": words.iso,
    "paragraphs": words.paragraphs,
    "of_report": lambda label, kind: of_which(label, kind, i18n.gettext),
}
"""``{{ award.total | money }}``, ``{{ event.at | local_datetime }}``. The zone is the reader's unless given."""


def _said(message: Any, **values: Any) -> Markup:
    """``_(…)`` in templates: the message in the reader's language, as plain text.

    The library's own version takes every message for HTML and for a format. Here labels from a workflow file or a
    form pass through it too, so markup in them is escaped and a percent sign is a percent sign.
    """
    translated = getattr(message, "translated", None)
    text = translated(i18n.gettext, i18n.ngettext) if translated else i18n.gettext(str(message))
    return escape(text) % values if values else escape(text)


def _counted(one: str, many: str, num: int, **values: Any) -> Markup:
    """``ngettext(…)`` in templates, as plain text; ``%(num)s`` is the number."""
    return escape(i18n.ngettext(one, many, num)) % {"num": num, **values}


def environment(loader: BaseLoader | None = None) -> Environment:
    """Escapes everything, refuses what is undefined, speaks the language of the request."""
    env = Environment(
        loader=loader or RoomLoader(),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # a page of a newer version knows names that this process does not
    )
    env.install_gettext_callables(i18n.gettext, i18n.ngettext, newstyle=True)  # type: ignore[attr-defined]
    env.globals.update(gettext=_said, ngettext=_counted, nothing_typed=Form({}))
    env.filters.update(FILTERS)
    env.globals.update(static_url=static_url, zone_here=lambda: _here().zone, zone_own=_own_zone)
    return env


ENVIRONMENT = environment()


def viewer_of(request: Request) -> Viewer:
    """Who looks at this page: identified once a request, and spoken to in their own language from then on."""
    known = getattr(request.state, "viewer", None)
    if isinstance(known, Viewer):
        return known
    viewer = container(request).identify(request)
    request.state.viewer = viewer
    if viewer.locale:
        i18n.prefer(viewer.locale)
    return viewer


def page_context(request: Request, viewer: Viewer) -> dict[str, Any]:
    """What every template may count on besides what its page passes."""
    held = container(request)
    return {
        "request": request,
        "viewer": viewer,
        "settings": held.settings,
        "now": held.clock.now(),
        "nav": [entry for entry in held.nav if entry.seen_by(viewer)],
        "demo": held.demo(request, viewer) if held.demo else None,
        "messages": flash.take(request),
        "language": i18n.speech().language,
        "direction": i18n.direction(),
        "form": None,
    }


def render(request: Request, template: str, status_code: int | None = None, **context: Any) -> HTMLResponse:
    """Answer with ``template`` ("room/name.html"). Status 200, or 422 when the ``form`` passed has errors."""
    viewer = viewer_of(request)
    whole = page_context(request, viewer) | context
    form = whole["form"]
    if status_code is None:
        status_code = 422 if form is not None and form.errors else 200
    zone = reader_zone(viewer, container(request))
    token = _moment.set(Moment(whole["now"], zone, own=bool(viewer.zone)))
    try:
        text = ENVIRONMENT.get_template(template).render(whole)
    finally:
        _moment.reset(token)
    response = HTMLResponse(text, status_code)
    flash.clear(request, response)
    return response


def reader_zone(viewer: Viewer, held: Container) -> str:
    """The zone in which ``viewer`` reads moments: their own, or the fund's."""
    return viewer.zone or held.settings.zone


def too_often(page: Response, error: TooMany) -> Response:
    """``page``, which says so beside the field, with the status and the wait of ``error``."""
    page.status_code = error.status
    page.headers["Retry-After"] = str(error.retry_after)
    return page


def redirect(path: str, done: str | None = None) -> RedirectResponse:
    """Go on to ``path`` (303); the page there says the message registered as ``done``."""
    response = RedirectResponse(path, 303)
    if done:
        flash.leave(response, done)
    return response
