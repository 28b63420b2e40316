"""The bar: be anybody with one click, move the clock, and what was due on the way has really happened."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from fund.demo.stage import SPANS, STEPS, everybody
from schema.applications import Application
from schema.outbox import Message
from schema.rounds import Round
from tests.demo.conftest import Demo
from tests.support.doors import shown

WRITER = "Wanjiru of Nairobi"
CLOSES = datetime(2021, 10, 15, 22, 0, tzinfo=UTC)
"""The end of 15 October in Brussels."""


def test_everybody_is_one_click_away(morning: Demo) -> None:
    with morning.stage.database.read() as session:
        people = everybody(session)
    called = [person.name.partition(",")[0] for person in people]
    one_of_each = {person.name.partition(", ")[2]: name for person, name in zip(people, called, strict=True)}
    assert {"fund manager", "reviewer", "auditor"} <= one_of_each.keys()
    assert set(called) <= morning.buttons().keys()
    for name in one_of_each.values():
        home = morning.browser(name).get("/home")
        assert home.status_code == 200
        assert re.findall(r'aria-current="true">([^<]+)<', home.text) == [name]


def test_nobody_else_can_be_become(morning: Demo) -> None:
    answer = morning.browser().post("/demo/become/9999")
    assert (answer.status_code, "set-cookie" in answer.headers) == (404, False)
    assert (
        morning.browser().post("/demo/become/1", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    )


def test_every_button_moves_the_clock_and_comes_back_signed_in(demo: Demo) -> None:
    browser = demo.browser("Mira")
    steps = {name: address for name, address in demo.buttons().items() if address.startswith("/demo/clock/")}
    assert [address.rpartition("/")[2] for address in steps.values()] == list(STEPS)
    for address in steps.values():
        before = demo.stage.clock.now()
        answer = browser.post(address, headers={"Referer": "http://testserver/pipeline?stage=review"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/pipeline?stage=review")
        gone = demo.stage.clock.now() - before
        least = SPANS.get(address.rpartition("/")[2], timedelta(0))
        assert least <= gone < least + timedelta(days=7)
        page = shown(browser.get("/pipeline").text)
        assert "The clock was moved. What was due on the way has happened" in page
        assert f"{demo.stage.clock.now():%-d %B %Y}" in page


def test_an_unknown_step_moves_nothing(morning: Demo) -> None:
    assert morning.browser("Mira").post("/demo/clock/year").status_code == 404
    assert f"{morning.stage.clock.now():%d %B %Y}" == "21 September 2021"


@pytest.mark.slow
def test_reminders_arrive_and_are_shown_as_their_reader_gets_them(demo: Demo) -> None:
    browser, catcher = demo.browser("Mira"), demo.stage.catcher
    before = len(catcher)
    browser.post("/demo/clock/week")
    browser.post("/demo/clock/week")
    new = [catcher.get(number) for number in range(before + 1, len(catcher) + 1)]
    subjects = {mail.subject for mail in new if mail.recipient == "annelies@mechelen.example"}
    assert [subject for subject in subjects if subject.startswith("14 days left: Submit the proposal")] != []
    with demo.stage.database.read() as session:
        sent = {mail.mail_id for mail in session.exec(select(Message).where(Message.status == "sent"))}
    for mail in new:
        assert str(mail.parsed["Message-ID"]).strip("<>") in sent
        page = browser.get(f"/demo/mail/{mail.number}")
        assert page.status_code == 200
        assert " ".join(mail.body("plain").split()) in shown(page.text)
        frame = browser.get(f"/demo/mail/{mail.number}/html")
        assert frame.text == mail.body("html")
        assert "sandbox" in frame.headers["content-security-policy"]
        assert "x-frame-options" not in frame.headers
        listed = shown(browser.get("/demo/mail", params={"to": mail.recipient}).text)
        assert " ".join(mail.subject.split()) in listed
    assert browser.get(f"/demo/mail/{len(catcher) + 1}").status_code == 404


@pytest.mark.slow
def test_on_each_monday_on_the_way_managers_get_their_overview(demo: Demo) -> None:
    demo.browser("Mira").post("/demo/clock/month")
    with demo.stage.database.read() as session:
        sent = session.exec(
            select(Message).where(
                Message.template == "weekly_overview",
                Message.status == "sent",
                Message.address == "mira@fund.example",
            )
        ).all()
    days = [mail.finished_at.date().isoformat() for mail in sent if mail.finished_at]
    assert days == ["2021-09-27", "2021-10-04", "2021-10-11", "2021-10-18"]


@pytest.mark.slow
def test_the_round_closes_and_the_session_lives_on(demo: Demo) -> None:
    writer = demo.browser(WRITER)
    with demo.stage.database.read() as session:
        rows = session.exec(select(Application).where(Application.state == "draft")).all()
    while demo.stage.clock.now() < CLOSES:
        writer.post("/demo/clock/week")
        assert writer.get("/applications").status_code == 200
    with demo.stage.database.read() as session:
        second = session.exec(select(Round).where(Round.slug == "peace-incentive-fund-2022")).one()
        assert second.state != "open"
        left = [session.get(Application, row.id) for row in rows]
        assert {row.state for row in left if row is not None} == {"not_submitted"}
    public = demo.browser().get("/rounds/peace-incentive-fund-2022")
    assert "/rounds/peace-incentive-fund-2022/start" not in public.text
