"""The demonstration's own pages: be somebody else, move the clock, read the mail as its recipient would."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fund.base.errors import NotFound
from fund.demo.stage import STEPS, Stage, everybody
from fund.people import cookies, sessions
from fund.web import flash
from fund.web.deps import ViewerDep
from fund.web.i18n import lazy
from fund.web.page import redirect, render

FRAMED = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"
"""A mail's own HTML is shown apart from the page: it may look as it likes and do nothing."""
FRAMING = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
SENTENCE = "Amounts, dates, people and texts are illustrative."

flash.register("demo.became", lazy("You are somebody else now."))
flash.register("demo.moved", lazy("The clock was moved. What was due on the way has happened; see the mail."))


class SaysSo:
    """Every answer of the demonstration says that it is one: those for programs and files too, in a header."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and mark its answer."""

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Demonstration"] = SENTENCE
            await send(message)

        await self.app(scope, receive, marked)


def add_pages(app: FastAPI, stage: Stage) -> None:
    """Give the app the pages of this stage."""
    router = APIRouter(prefix="/demo", include_in_schema=False)

    @router.post("/become/{person_id}")
    def become(request: Request, person_id: int) -> Response:
        """Sign this browser in as one of the demonstration's people."""
        response = redirect("/home", done="demo.became")
        _sign_in(stage, response, person_id)
        return response

    @router.post("/clock/{step}")
    def clock(request: Request, viewer: ViewerDep, step: str) -> Response:
        """Move the clock, then go back to the page it was asked from."""
        if step not in STEPS:
            raise NotFound
        stage.move(step)
        response = redirect(_came_from(request), done="demo.moved")
        if viewer.person_id is not None:
            _sign_in(stage, response, viewer.person_id)
        return response

    @router.get("/mail")
    def mail(request: Request, to: Annotated[str, Query(max_length=300)] = "") -> Response:
        """Everything that the mail server caught, for everybody or for one person."""
        with stage.database.read() as session:
            people = everybody(session)
        caught = stage.catcher.all(to)[:200]
        return render(request, "demo/mailbox.html", caught=caught, people=people, to=to)

    @router.get("/mail/{number}")
    def one_mail(request: Request, number: int) -> Response:
        """One mail with its text and its HTML side by side."""
        caught = stage.catcher.get(number)
        if caught is None:
            raise NotFound
        response = render(request, "demo/mail.html", mail=caught)
        response.headers["Content-Security-Policy"] = FRAMING
        return response

    @router.get("/mail/{number}/html")
    def html(number: int) -> Response:
        """The HTML of one mail, for the frame."""
        caught = stage.catcher.get(number)
        if caught is None:
            raise NotFound
        return HTMLResponse(caught.body("html"), headers={"Content-Security-Policy": FRAMED})

    app.include_router(router)
    app.add_middleware(SaysSo)


def _sign_in(stage: Stage, response: Response, person_id: int) -> None:
    with stage.database.write() as session:
        if person_id not in {person.id for person in everybody(session)}:
            raise NotFound
        browser = sessions.start(session, person_id, "Demonstration", stage.clock.now())
    cookies.keep_session(response, browser.token, stage.settings.secure)


def _came_from(request: Request) -> str:
    """The path of the page that the button stood on; the cross-site rule has seen to it that it is ours."""
    came = urlsplit(request.headers.get("referer", ""))
    if not came.path.startswith("/") or came.path.startswith("//"):
        return "/"
    return f"{came.path}?{came.query}" if came.query else came.path
