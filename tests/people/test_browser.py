"""Signing in as people do: a real browser, a real mail, no JavaScript, a small phone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from fund.app import create_app
from fund.base.clock import FixedClock
from fund.base.database import Database
from fund.base.permissions import Viewer
from fund.base.settings import Settings
from fund.people import sessions
from fund.worker import Worker
from schema.people import Person
from tests.people.support import APPLICANT, NOW, make_manager, make_member, make_person
from tests.support import live
from tests.support.accessible import faults
from tests.support.browser import Visits
from tests.support.smtp import Mail, Mailbox

PHONE = {"viewport": {"width": 320, "height": 640}, "java_script_enabled": False}


@pytest.fixture
def manager(sqlite_db: Database) -> Viewer:
    return make_manager(sqlite_db)


@pytest.fixture
def amina(sqlite_db: Database, manager: Viewer) -> Viewer:
    return make_person(sqlite_db, manager, members=frozenset({make_member(sqlite_db, manager).id}))


class Running:
    """The product at ``address``; ``post`` lets the worker send what is due and answers the newest mail."""

    def __init__(self, address: str, worker: Worker, mailbox: Mailbox) -> None:
        self.address, self._worker, self._mailbox = address, worker, mailbox

    def post(self) -> Mail:
        live.apart(self._worker.sweep)
        return self._mailbox.messages[-1]


@pytest.fixture
def running(
    sqlite_db: Database, clock: FixedClock, mailbox: Mailbox, tmp_path: Path, amina: Viewer
) -> Iterator[Running]:
    socket = live.free_socket()
    settings = Settings(
        data_dir=tmp_path, base_url=live.address_of(socket), smtp_host=mailbox.host, smtp_port=mailbox.port
    )
    worker = Worker(settings, sqlite_db, clock)
    with live.served(create_app(settings, db=sqlite_db, clock=clock), socket) as address:
        yield Running(address, worker, mailbox)
    worker.stop()


def link_in(mail: Mail) -> str:
    """The address of the link."""
    found = re.search(r"https?://\S+/sign-in/\S+", mail.text)
    assert found, mail.text
    return found[0]


def code_in(mail: Mail) -> str:
    """The six digits."""
    found = re.search(r"^\s*(\d{6})\s*$", mail.text, re.MULTILINE)
    assert found, mail.text
    return found[1]


def ask(page: Page, running: Running) -> Mail:
    page.goto(f"{running.address}/account")
    page.get_by_label("Your email address").fill(APPLICANT)
    page.get_by_role("button", name="Send me the email").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your email")
    return running.post()


def test_on_a_phone_without_javascript_by_code(running: Running, visits: Visits) -> None:
    page = visits.open(**PHONE)
    mail = ask(page, running)
    assert (mail.recipient, mail.subject) == (APPLICANT, "Sign in to Peace Incentive Fund")

    page.get_by_label("Code from the email").fill("12")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_title(re.compile("^Error: "))
    page.get_by_role("link", name="Enter the six digits from the email").click()
    page.get_by_label("Code from the email").fill(code_in(mail))
    page.get_by_role("button", name="Sign in", exact=True).click()

    expect(page).to_have_url(f"{running.address}/account")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")
    page.get_by_label("Your name").fill("Amina Yusuf")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Your details are saved.")
    page.get_by_text("Menu").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.goto(f"{running.address}/account")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_the_link_of_the_mail_opens_in_another_browser(running: Running, visits: Visits) -> None:
    mail = ask(visits.open(), running)
    phone = visits.open(**PHONE)

    phone.goto(link_in(mail))
    phone.get_by_role("button", name="Sign in").click()

    expect(phone).to_have_url(f"{running.address}/account")
    phone.goto(link_in(mail))
    expect(phone.get_by_role("heading", level=1)).to_have_text("This link no longer works")


def signed_in(visits: Visits, running: Running, db: Database, viewer: Viewer, width: int) -> Page:
    assert viewer.person_id is not None
    with db.write() as session:
        token = sessions.start(session, viewer.person_id, "Firefox on Android", NOW).token
    page = visits.open(viewport={"width": width, "height": 800})
    page.context.add_cookies([{"name": "session", "value": token, "url": running.address}])
    return page


def test_somebody_who_is_added_is_invited_and_gets_in(
    running: Running, visits: Visits, sqlite_db: Database, manager: Viewer
) -> None:
    page = signed_in(visits, running, sqlite_db, manager, 1280)
    page.goto(f"{running.address}/members")
    page.get_by_role("link", name="Peace Initiative").click()
    page.get_by_role("link", name="Add a person").click()
    page.get_by_label("Name", exact=True).fill("Bala Musa")
    page.get_by_label("Email address").fill("Bala@kano.example")
    page.get_by_role("button", name="Add and invite").click()
    expect(page.get_by_role("status")).to_contain_text("The person is added.")

    mail = running.post()
    assert (mail.recipient, mail.subject) == (
        "bala@kano.example",
        "You can now sign in to Peace Incentive Fund",
    )
    theirs = visits.open(**PHONE)
    theirs.goto(re.search(r"https?://\S+/sign-in", mail.text)[0])
    theirs.get_by_label("Your email address").fill("bala@kano.example")
    theirs.get_by_role("button", name="Send me the email").click()
    theirs.get_by_label("Code from the email").fill(code_in(running.post()))
    theirs.get_by_role("button", name="Sign in", exact=True).click()
    theirs.goto(f"{running.address}/account")
    expect(theirs.get_by_role("term").filter(has_text="You act for")).to_be_visible()
    expect(theirs.get_by_role("definition")).to_have_text("Peace Initiative")


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 1280])
def test_every_page_is_open_to_everybody(
    running: Running, visits: Visits, sqlite_db: Database, manager: Viewer, amina: Viewer, width: int
) -> None:
    make_person(sqlite_db, manager, "a-very-long-name.of-a-mailbox@department.city-of-kano.example", "Bala")
    paths = ("/account", "/people", "/people?q=zz", "/people/new", f"/people/{amina.person_id}", "/members")
    page = signed_in(visits, running, sqlite_db, manager, width)
    for path in (*paths, "/members/peace-initiative", "/members/new"):
        page.goto(running.address + path)
        assert faults(page) == [], path
    page.get_by_role("button", name="Add").click()
    assert faults(page) == []
    stranger = visits.open(viewport={"width": width, "height": 800})
    with sqlite_db.read() as session:
        stop = f"/unsubscribe/{session.get_one(Person, amina.person_id).mail_key}/digest"
    for path in ("/sign-in", "/sign-in/nothing", stop):
        stranger.goto(running.address + path)
        assert faults(stranger) == [], path
