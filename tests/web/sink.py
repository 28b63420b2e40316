"""A small app on the shared web layer alone, with a page that shows every macro (the kitchen sink)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from fund.base.clock import FixedClock
from fund.base.database import Database
from fund.base.errors import Conflict, Forbidden, Invalid, MoveRefused, NotFound, TooMany
from fund.base.permissions import Viewer
from fund.base.settings import Settings
from fund.web import flash, page
from fund.web.container import Container, NavEntry
from fund.web.deps import DbDep, FormDep, ManagerDep, NowDep, ReviewerDep, SettingsDep, SignedIn, ViewerDep
from fund.web.forms import Form
from fund.web.i18n import lazy
from fund.web.setup import install
from schema.deadlines import Deadline
from schema.values import Money

NOW = datetime(2021, 9, 21, 8, 0, tzinfo=UTC)
HERE = Path(__file__).parent
page.ENVIRONMENT.loader.extra["sink"] = HERE / "templates"
flash.register("sink.saved", lazy("Your changes are saved."))

AMINA = Viewer(
    person_id=7, name="Amina Example", email="amina@example.org", locale="en", zone="Africa/Nairobi"
)
MANAGER = Viewer(person_id=1, name="Manager", email="m@example.org", zone="UTC", roles=frozenset({"manager"}))
REVIEWER = Viewer(person_id=2, name="Reviewer", email="r@example.org", roles=frozenset({"reviewer"}))
PEOPLE = {"amina": AMINA, "manager": MANAGER, "reviewer": REVIEWER}
NAV = (
    NavEntry(lazy("Calls for proposals"), "/sink"),
    NavEntry(lazy("My proposals"), "/applications", lambda viewer: viewer.signed_in),
    NavEntry(lazy("Pipeline"), "/pipeline", lambda viewer: viewer.is_manager),
    NavEntry(lazy("Lessons"), "/lessons"),
)


@dataclass
class Move:
    """What move_form reads of a workflow's move."""

    trigger: str
    label: str
    reason: str = "none"
    confirm: str | None = None
    reason_label: str = ""
    style: str = "secondary"
    asks: tuple[object, ...] = ()


@dataclass
class Option:
    """What move_form reads of an option."""

    move: Move
    allowed: bool = True
    reasons: tuple[str, ...] = field(default=())


OPTIONS = (
    Option(Move("screen", "Pass to review", style="primary")),
    Option(Move("return", "Return for changes", "required")),
    Option(Move("reject", "Declare ineligible", "required", "Declare this proposal ineligible?", "danger")),
    Option(Move("award", "Offer the grant"), False, ("Two reviews must be submitted; one is.",)),
)


def identify(request: Request) -> Viewer:
    """Whoever the cookie ``who`` names."""
    return PEOPLE.get(request.cookies.get("who", ""), Viewer.anonymous())


def demo(request: Request, viewer: Viewer) -> Mapping[str, Any]:
    """A demonstration's bar."""
    return {
        "now": NOW,
        "roles": [
            {"label": "Applicants", "people": [{"label": "Amina", "url": "/demo/be/1", "current": True}]},
            {"label": "Fund managers", "people": [{"label": "A fund manager", "url": "/demo/be/2"}]},
        ],
        "moves": [
            {"label": "One day on", "url": "/demo/move/day"},
            {"label": "To the next deadline", "url": "/demo/move/next"},
        ],
        "mailbox": {"url": "/demo/mails", "count": 3},
    }


def deadline(due_at: datetime, zone: str, label: str, status: str = "open") -> Deadline:
    """A deadline row that nobody stored."""
    return Deadline(
        subject_kind="application",
        subject_id=1,
        key="draft",
        label=label,
        owner_role="applicant",
        due_on=date(2021, 9, 30),
        zone=zone,
        due_at=due_at,
        grace_until=due_at,
        status=status,
        opened_at=NOW,
    )


DEADLINES = (
    deadline(datetime(2021, 9, 30, 21, 0, tzinfo=UTC), "Africa/Nairobi", "Submit the proposal"),
    deadline(datetime(2021, 9, 24, 5, 0, tzinfo=UTC), "America/Bogota", "Answer our question"),
    deadline(datetime(2021, 9, 18, 0, 0, tzinfo=UTC), "UTC", "Hand in the final report"),
    deadline(datetime(2021, 9, 18, 0, 0, tzinfo=UTC), "UTC", "Sign the agreement", "met"),
)

FILLED = {
    "title": "Safe squares: young mediators in five neighbourhoods",
    "summary": "We train young people.\n\nThey calm quarrels before they turn violent.",
    "theme": "digital",
    "start": date(2022, 3, 27),
    "requested": Money(4_850_050, "USD"),
    "eligible": "yes",
    "lines": ["amplify", "advance"],
    "evidence": 2,
}
WRONG = {
    "title": "Enter the title of the project",
    "summary": "Fill this in",
    "theme": "Choose one of the answers",
    "start": "The date must include a year",
    "requested": "Enter an amount in figures, like 1500 or 1,500.50",
    "eligible": "Choose one of the answers",
    "lines": "Choose at least one of the answers",
    "evidence": "Choose a score",
    "declaration": "Tick the box to go on",
}


SHOWN = {"deadlines": DEADLINES, "options": OPTIONS, "money_asked": Money(4_850_050, "USD")}


class Thing(BaseModel):
    """What the API's test endpoint takes."""

    name: str
    amount: int


def make_app(db_url: str = "sqlite://", base_url: str = "", with_demo: bool = False, **more: Any) -> FastAPI:
    """The test app: /sink shows all macros; the other addresses answer as their names say."""
    app = FastAPI(openapi_url=None)
    held = Container(
        settings=Settings(base_url=base_url),
        db=Database(db_url),
        clock=FixedClock(NOW),
        identify=identify,
        nav=NAV,
        demo=demo if with_demo else None,
        **more,
    )
    install(app, held)
    add_pages(app)
    add_troubles(app)
    return app


def add_pages(app: FastAPI) -> None:
    """Pages that work."""

    @app.get("/sink")
    def sink(request: Request, viewer: ViewerDep, wrong: bool = False) -> Response:
        form = Form.of(**({} if wrong else FILLED))
        form.errors = dict(WRONG) if wrong else {}
        return page.render(request, "sink/sink.html", form=form, **SHOWN)

    @app.get("/")
    def front(request: Request) -> Response:
        return page.render(request, "sink/front.html")

    @app.get("/plain")
    def plain(request: Request) -> Response:
        return page.render(request, "sink/plain.html", words="Hello")

    @app.post("/save")
    def save(request: Request, form: FormDep) -> Response:
        title = form.text("title", required=True)
        if form.errors:
            return page.render(request, "sink/plain.html", words=title, form=form)
        return page.redirect("/plain", done="sink.saved")

    @app.get("/own-policy")
    def own_policy() -> Response:
        return Response("a mail", headers={"Content-Security-Policy": "sandbox"})

    @app.get("/whole")
    def whole(viewer: SignedIn, db: DbDep, now: NowDep, settings: SettingsDep) -> dict[str, Any]:
        with db.read() as session:
            return {"who": viewer.name, "now": now, "fund": settings.fund_name, "open": session.is_active}

    @app.get("/managers")
    def managers(viewer: ManagerDep) -> dict[str, str]:
        return {"who": viewer.name}

    @app.get("/reviewers")
    def reviewers(viewer: ReviewerDep) -> dict[str, str]:
        return {"who": viewer.name}

    @app.post("/api/v1/things")
    def things(thing: Thing, viewer: ViewerDep) -> JSONResponse:
        return JSONResponse({"name": thing.name})


def add_troubles(app: FastAPI) -> None:
    """Addresses that fail, each in its own way, as pages and under /api/."""
    errors: dict[str, Exception] = {
        "missing": NotFound(),
        "forbidden": Forbidden("Only the author may do this."),
        "conflict": Conflict(),
        "refused": MoveRefused(["Two reviews must be submitted; one is."]),
        "invalid": Invalid({"title": "Enter the title of the project"}),
        "toomany": TooMany("Wait ten minutes, then try again.", 600),
        "broken": RuntimeError("the secret inside of the machine"),
    }

    def fail(what: str) -> None:
        raise errors[what]

    @app.api_route("/fail/{what}", methods=["GET", "POST"])
    def fail_page(what: str, form: FormDep) -> None:
        fail(what)

    @app.api_route("/api/v1/fail/{what}", methods=["GET", "POST"])
    def fail_api(what: str) -> None:
        fail(what)

    @app.get("/numbers/{number}")
    def numbers(number: int) -> dict[str, int]:
        return {"number": number}

    @app.post("/signed-in")
    def only_signed_in(viewer: SignedIn, form: FormDep) -> dict[str, str]:
        return {"title": form.value("title")}

    @app.get("/api/v1/me")
    def me(viewer: SignedIn) -> dict[str, str]:
        return {"who": viewer.name}
