"""Wherever one looks in the demonstration, it says that amounts, dates, people and texts are illustrative."""

import re
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from sqlmodel import select

from fund.demo.pages import SENTENCE
from schema.applications import Application
from schema.people import Person
from schema.reviews import Review
from scripts.walk import walks
from tests.demo.conftest import Demo
from tests.security.test_routes import addresses
from tests.support.doors import shown

WORDS = "amounts, dates, people and texts are illustrative."
BARE = ("application/json", "application/problem+json", "text/css", "text/javascript", "image/", "text/plain")
"""What holds no text that a person reads by itself: the header says it."""
PEOPLE = ("", "Mira", "Ada", "Ingrid", "Valentina of Cali")


def says_so(answer: Any) -> bool:
    """Whether the answer is marked, and the text that a person keeps of it says the sentence."""
    if answer.headers.get("x-demonstration") != SENTENCE:
        return False
    kind = answer.headers.get("content-type", "")
    if not answer.content or 300 <= answer.status_code < 400 or kind.startswith(BARE):
        return True
    if kind.startswith("text/calendar"):
        return WORDS in answer.text.replace("\r\n ", "").replace("\\,", ",")
    if answer.content.startswith(b"PK"):
        with ZipFile(BytesIO(answer.content)) as packed:
            return any(WORDS.encode() in packed.read(name) for name in packed.namelist())
    return WORDS in shown(answer.text)


def known(morning: Demo, name: str) -> list[dict[str, str]]:
    """Values for the variable parts of addresses, of things that the person of that name may see."""
    with morning.stage.database.read() as session:
        person = session.exec(select(Person).where(Person.name.startswith(name))).first() if name else None
        review = session.exec(
            select(Review).where(Review.reviewer_id == (person.id if person else 0))
        ).first()
        own = select(Application).where(Application.author_id == (person.id if person else 0))
        references = [row.reference for row in session.exec(own)][:2]
        if not references:
            every = {row.state: row.reference for row in session.exec(select(Application))}
            references = [every["completed"], every["in_review"]]
    shared = {
        "slug": "peace-incentive-fund-2022",
        "review_id": str(review.id if review else 1),
        "number": "3",
    }
    shared |= {"kind": "interim", "page": "project", "trigger": "withdraw", "key": "project"}
    return [shared | {"reference": reference} for reference in references]


def paths(morning: Demo, name: str) -> set[str]:
    """Every address of the product, filled in with what that person may see."""
    gets = {path for method, path in addresses(morning.app.router.routes) if method == "GET"}
    values = known(morning, name)
    return {filled(path, one) for path in gets for one in (values if "{reference}" in path else values[:1])}


def filled(path: str, values: dict[str, str]) -> str:
    """An address with its variable parts filled in."""
    return re.sub(r"{(\w+)(?::\w+)?}", lambda part: values.get(part[1], "1"), path)


@pytest.mark.slow
def test_every_answer_says_so_to_everybody(morning: Demo) -> None:
    silent, broken, pages = [], [], 0
    for name in PEOPLE:
        browser = morning.browser(name)
        for path in sorted(paths(morning, name)):
            answer = browser.get(path)
            pages += (
                answer.headers.get("content-type", "").startswith("text/html") and answer.status_code == 200
            )
            if answer.status_code >= 500 and path != "/readyz":
                broken.append(path)
            elif not says_so(answer):
                silent.append((name, path, answer.status_code))
    assert (broken, silent) == ([], [])
    assert pages > 80


@pytest.mark.slow
def test_every_state_of_every_page_says_so(morning: Demo) -> None:
    with morning.stage.database.read() as session:
        todo = [(person.name.partition(",")[0] if person else "", pages) for person, pages in walks(session)]
    silent = []
    for name, pages in todo:
        browser = morning.browser(name)
        for page, path in pages:
            answer = browser.get(path)
            if not says_so(answer) or answer.status_code != (404 if page == "not-found" else 200):
                silent.append((name, path, answer.status_code))
    assert silent == []


def test_every_mail_says_so_in_all_its_parts(morning: Demo) -> None:
    silent = []
    for mail in morning.stage.catcher.all():
        parts = [mail.body("plain"), shown(mail.body("html"))]
        parts += [part.get_content() for part in mail.parsed.iter_attachments()]
        for text in parts:
            text = text.decode() if isinstance(text, bytes) else text
            if WORDS not in " ".join(text.replace("\r\n ", "").replace("\\,", ",").split()):
                silent.append((mail.number, mail.subject))
    assert silent == []


def test_what_is_refused_and_what_is_posted_says_so_too(morning: Demo) -> None:
    browser = morning.browser("Valentina of Cali")
    answers = [
        browser.get("/pipeline"),
        browser.get("/api/v1/pipeline"),
        browser.post("/rounds/new", data={}),
        browser.post("/applications/PIF-NONE/edit/project", data={"title": "x"}),
        browser.post("/account", data={}, headers={"Sec-Fetch-Site": "cross-site"}),
        browser.post("/sign-in", data={"email": "nonsense"}),
        browser.put("/home"),
        browser.get("/api/v1/nowhere"),
    ]
    assert [answer.url.path for answer in answers if not says_so(answer)] == []
