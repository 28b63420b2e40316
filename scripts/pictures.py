"""``make pictures``: a picture of every page and state of the demonstration, on a phone and on a desk.

Writes to ``pictures/``; with ``--readme`` also the few that the README shows, to ``docs/pictures/``.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from sqlmodel import Session, select

from fund.app import create_app
from fund.base.settings import Settings
from fund.demo.pages import add_pages
from fund.demo.stage import Stage, set_up
from schema.applications import Application
from schema.lessons import Lesson
from schema.people import Person
from schema.reports import Report
from schema.reviews import Review
from schema.rounds import Round
from tests.support.browser import launch
from tests.support.live import served

OUT = Path("pictures")
README = Path("docs/pictures")
WIDTHS = (320, 1280)
SHOWN = {"front", "pipeline", "file-in_review", "applicant-proposal-draft", "reviewer-review-in_progress"}
"""What the README shows."""


def main(arguments: list[str]) -> None:
    """Set the demonstration up in a fresh folder and walk through it."""
    with tempfile.TemporaryDirectory() as folder:
        stage = set_up(Settings(), Path(folder) / "demo", fresh=True, tell=print)
        app = create_app(stage.settings, db=stage.database, clock=stage.clock, demo=stage.bar)
        add_pages(app, stage)
        try:
            with served(app) as address, sync_playwright() as playwright:
                _take_all(launch(playwright), address, stage, readme="--readme" in arguments)
        finally:
            stage.close()


def _take_all(browser: Browser, address: str, stage: Stage, *, readme: bool) -> None:
    OUT.mkdir(exist_ok=True)
    with stage.database.read() as session:
        walks = list(_walks(session))
    for width in WIDTHS:
        for person_id, pages in walks:
            context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=False)
            page = context.new_page()
            if person_id is not None:
                context.request.post(f"{address}/demo/become/{person_id}", headers={"Origin": address})
            for name, path in pages:
                _take(page, address + path, OUT / f"{name}-{width}.png")
                if readme and name in SHOWN:
                    _take(page, address + path, README / f"{name}-{width}.png", whole=False)
            context.close()
        print(f"{width} px: done")


def _take(page: Page, address: str, file: Path, *, whole: bool = True) -> None:
    answer = page.goto(address)
    if answer is None or answer.status >= 400:
        raise SystemExit(f"{address} answers {answer.status if answer else 'nothing'}")
    page.screenshot(path=file, full_page=whole)


Walk = tuple[int | None, list[tuple[str, str]]]


def _walks(session: Session) -> Iterator[Walk]:
    """Who looks at which pages, with a name for each picture."""
    slugs = session.exec(select(Round.slug).order_by(Round.opens_on)).all()  # type: ignore[arg-type]
    lesson = session.exec(select(Lesson.slug).where(Lesson.state == "published")).first()
    public = [("front", "/"), ("rounds", "/rounds"), ("lessons", "/lessons"), ("sign-in", "/sign-in")]
    yield None, [*public, ("round-open", f"/rounds/{slugs[-1]}"), ("lesson", f"/lessons/{lesson}")]
    yield _person(session, "Mira"), _managers(session, slugs)
    yield _person(session, "Ingrid"), list(_reviewers(session))
    for person in session.exec(select(Person).where(Person.email.like("%.example"))):  # type: ignore[attr-defined]
        mine = list(_applicants(session, person))
        if mine:
            yield person.id, mine


def _managers(session: Session, slugs: list[str]) -> list[tuple[str, str]]:
    pages = [("home-manager", "/home"), ("pipeline", "/pipeline"), ("mail", "/mail"), ("members", "/members")]
    pages += [("people", "/people"), ("account", "/account"), ("round-new", "/rounds/new"), ("demo-mail", "/demo/mail")]
    pages += [("demo-one-mail", "/demo/mail/1"), ("mail-one", "/mail/1")]
    pages += [(f"round-manage-{slug}", f"/rounds/{slug}/manage") for slug in slugs]
    pages += [(f"round-decisions-{slug}", f"/rounds/{slug}/decisions") for slug in slugs]
    seen: set[str] = set()
    for application in session.exec(select(Application)):
        if application.state in seen or application.state in ("draft", "not_submitted", "discarded"):
            continue
        seen.add(application.state)
        base = f"/pipeline/{application.reference}"
        pages.append((f"file-{application.state}", base))
        if application.state in ("in_review", "completed"):
            pages += [(f"file-{application.state}-{part}", f"{base}/{part}") for part in ("proposal", "mail", "history")]
            pages.append((f"file-{application.state}-reviewers", f"{base}/reviewers"))
    return pages


def _reviewers(session: Session) -> Iterator[tuple[str, str]]:
    yield "reviewer-home", "/home"
    yield "reviewer-reviews", "/reviews"
    seen: set[str] = set()
    me = _person(session, "Ingrid")
    for review in session.exec(select(Review).where(Review.reviewer_id == me)):
        if review.state not in seen:
            seen.add(review.state)
            yield f"reviewer-review-{review.state}", f"/reviews/{review.id}"


def _applicants(session: Session, person: Person) -> Iterator[tuple[str, str]]:
    for application in session.exec(select(Application).where(Application.author_id == person.id)):
        base = f"/applications/{application.reference}"
        yield f"applicant-proposal-{application.state}", base
        if application.state in ("draft", "returned"):
            yield f"applicant-tasks-{application.state}", f"{base}/edit"
            yield f"applicant-check-{application.state}", f"{base}/check"
        for report in session.exec(select(Report).where(Report.application_id == application.id)):
            yield f"applicant-report-{report.state}", f"{base}/reports/{report.kind}"
        if session.exec(select(Lesson).where(Lesson.application_id == application.id)).first():
            yield f"applicant-lesson-{application.state}", f"{base}/lesson"


def _person(session: Session, name: str) -> int | None:
    return session.exec(select(Person.id).where(Person.name.startswith(name))).first()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(sys.argv[1:])
