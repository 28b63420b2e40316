"""The report's pages as people meet them."""

import pytest
from playwright.sync_api import expect
from sqlmodel import select

from fund.reporting import queries
from notifications.compose import Composer
from schema.applications import Application
from schema.deadlines import Deadline
from schema.outbox import Message
from tests.notifications.world import SETTINGS
from tests.reporting.support import field, strangers, title, words
from tests.support.doors import Doors
from tests.support.live import served
from tests.support.world import report_accepted, report_of, stage, to_active, world

TYPED = {
    "done": "Forty evenings\nwith young people.",
    "changed": "Fewer fights.",
    "difficulties": "Rain.",
    "next_steps": "The school goes on.",
    "people_reached": "1 200",
    "spent_minor": "6 000,50",
}


@pytest.fixture
def here(sqlite_db, clock):
    return world(sqlite_db, clock.now())


@pytest.fixture
def doors(sqlite_db, clock):
    return Doors(sqlite_db, clock)


@pytest.fixture
def path(here, clock):
    """The page of the interim report of a project under way."""
    reference = stage(
        here, "active", clock.now(), lambda session: to_active(session, here, clock.now()).reference
    )
    return f"/applications/{reference}/reports/interim"


def stored(db, path):
    with db.read() as session:
        application = session.exec(select(Application)).one()
        return report_of(session, application, path.rsplit("/", 1)[-1])


def test_saves_what_is_there_and_comes_back_to_it(doors, here, path, sqlite_db):
    me = doors.browser(here.applicant)
    answer = me.post(path, data=TYPED | {"next_steps": "", "version": "0", "then": "stay"})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    page = me.get(path)
    assert "Your report is saved." in words(page.text)
    assert field(page.text, "done") == TYPED["done"]
    assert (field(page.text, "people_reached"), field(page.text, "spent_minor")) == ("1200", "6000.50")
    report = stored(sqlite_db, path)
    assert (report.people_reached, report.spent_minor, report.edit_version) == (1200, 6_000_50, 1)


def test_a_report_without_a_day_says_so_to_who_owes_it_and_waits_on(doors, here, path, sqlite_db, clock):
    manager, me = doors.browser(here.manager), doors.browser(here.applicant)
    report = stored(sqlite_db, path)
    with sqlite_db.read() as session:
        due = select(Deadline.id).where(Deadline.subject_kind == "report", Deadline.subject_id == report.id)
        key = session.exec(due).one()
    typed = {"generation": "1", "reason": "The river took the office."}
    assert "whatever waits for it goes on waiting" in manager.post(f"/deadlines/{key}/waive", data=typed).text
    manager.post(f"/deadlines/{key}/waive", data=typed | {"confirmed": "yes"})
    for page, what in (
        (path, "Hand in the report"),
        (path.partition("/reports")[0], "Hand in the report (interim)"),
    ):
        said = words(me.get(page).text)
        assert f"{what} Waived" in said, page
        assert f'href="/deadlines/{key}"' in me.get(page).text
    assert "The river took the office." in words(me.get(f"/deadlines/{key}").text)
    with sqlite_db.read() as session:
        (told, *_rest) = session.exec(select(Message.id).where(Message.template == "deadline_waived")).all()
        mail = Composer(SETTINGS).compose(session, told, clock.now())
    assert mail.subject.startswith("Deadline waived: Hand in the report (interim) – ")
    assert "As long as it is not done, you can still do it." in mail.text
    assert f'href="/deadlines/{key}"' in doors.browser(here.auditor).get(path).text
    me.post(path, data=TYPED | {"version": "0", "then": "check"})
    answer = me.post(f"{path}/moves/hand_in", data={"version": "1"})
    assert answer.status_code == 303
    assert stored(sqlite_db, path).state == "under_review"
    assert f'href="/deadlines/{key}"' not in me.get(path).text


def test_what_cannot_be_read_is_shown_again_and_the_rest_is_kept(doors, here, path, sqlite_db):
    me = doors.browser(here.applicant)
    answer = me.post(path, data=TYPED | {"people_reached": "many", "spent_minor": "lots", "version": "0"})
    assert answer.status_code == 422
    assert title(answer.text).startswith("Error: Interim report")
    assert "Enter a whole number, like 12" in words(answer.text)
    assert (field(answer.text, "people_reached"), field(answer.text, "spent_minor")) == ("many", "lots")
    assert field(answer.text, "version") == "1"
    report = stored(sqlite_db, path)
    assert (report.done, report.people_reached, report.spent_minor) == (TYPED["done"], None, None)


def test_check_says_what_is_missing_in_the_order_of_the_form_and_saves_all_the_same(
    doors, here, path, sqlite_db
):
    me = doors.browser(here.applicant)
    answer = me.post(path, data={"done": "Much.", "spent_minor": "x", "version": "0", "then": "check"})
    assert answer.status_code == 422
    summary = words(answer.text.split('class="errors"')[1].split("</ul>")[0])
    assert summary.endswith(
        "There is a problem Fill in: What changed Fill in: What was difficult Fill in: What comes next "
        "Fill in: People reached Enter an amount in figures, like 1500 or 1,500.50"
    )
    assert stored(sqlite_db, path).done == "Much."


def test_checked_then_handed_in(doors, here, path, sqlite_db):
    me = doors.browser(here.applicant)
    answer = me.post(path, data=TYPED | {"version": "0", "then": "check"})
    assert answer.headers["location"] == f"{path}/moves/hand_in"
    check = me.get(f"{path}/moves/hand_in")
    assert "Fewer fights." in words(check.text)
    assert "US$6,000.50" in words(check.text)
    assert "Hand in the report? After that you cannot change it" in words(check.text)
    answer = me.post(f"{path}/moves/hand_in", data={"version": field(check.text, "version")})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    page = words(me.get(path).text)
    assert "Your report is handed in. The fund now reads it." in page
    assert "Being read by the fund" in page
    assert "The fund aims to answer by 5 October 2021." in page
    assert "Read the report and answer" not in page  # that is the fund's to do, not hers
    assert 'name="done"' not in me.get(path).text
    assert stored(sqlite_db, path).state == "under_review"


def test_an_unfinished_report_says_why_it_cannot_be_handed_in(doors, here, path):
    me = doors.browser(here.applicant)
    page = me.get(f"{path}/moves/hand_in")
    assert "This cannot be done yet: Complete the report: What was done;" in words(page.text)
    answer = me.post(f"{path}/moves/hand_in", data={"version": "1"})
    assert answer.status_code == 409
    assert "Complete the report: What was done;" in words(answer.text)


def test_two_people_at_once_lose_nothing(doors, here, path, sqlite_db):
    me, colleague = doors.browser(here.applicant), doors.browser(here.colleague)
    me.post(path, data=TYPED | {"version": "0"})
    answer = colleague.post(
        path, data=TYPED | {"done": "Their own words.", "spent_minor": "7", "version": "0"}
    )
    assert answer.status_code == 409
    page = words(answer.text)
    assert "Somebody else has saved this report since you opened it" in page
    assert "Somebody else has saved this meanwhile: Forty evenings with young people." in page
    assert "Somebody else has saved this meanwhile: 6000.50" in page
    assert page.count("has saved this meanwhile:") == 2
    assert field(answer.text, "done") == "Their own words."
    assert stored(sqlite_db, path).done == TYPED["done"]
    answer = colleague.post(path, data=TYPED | {"done": "Both.", "version": field(answer.text, "version")})
    assert answer.status_code == 303
    assert stored(sqlite_db, path).done == "Both."


def test_manager_returns_with_a_reason_and_then_accepts(doors, here, path, sqlite_db):
    me, fund = doors.browser(here.applicant), doors.browser(here.manager)
    me.post(path, data=TYPED | {"version": "0"})
    me.post(f"{path}/moves/hand_in", data={"version": "1"})
    page = fund.get(path)
    assert "Accept the report" in words(page.text)
    assert "What we say about plan." in words(page.text)
    refused = fund.post(f"{path}/moves/return", data={"version": "2", "reason": " "})
    assert refused.status_code == 422
    assert title(refused.text).startswith("Error: Return for changes")
    assert fund.get(f"{path}/moves/return").status_code == 200
    answer = fund.post(f"{path}/moves/return", data={"version": "2", "reason": "How did you <count>?"})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert "The grantee is still writing." in words(fund.get(path).text)
    page = words(me.get(path).text)
    assert "What the fund wrote How did you <count>?" in page
    me.post(path, data=TYPED | {"done": "Counted at the door.", "version": "1", "then": "check"})
    me.post(f"{path}/moves/hand_in_again", data={"version": "3"})
    answer = fund.post(f"{path}/moves/accept", data={"version": "4"})
    assert answer.status_code == 303
    assert "The report is accepted." in words(fund.get(path).text)
    assert "Nothing more is to be done for it." in words(me.get(path).text)


def test_an_older_page_is_told_that_it_is_old(doors, here, path):
    me, fund = doors.browser(here.applicant), doors.browser(here.second_manager)
    me.post(path, data=TYPED | {"version": "0"})
    me.post(f"{path}/moves/hand_in", data={"version": "1"})
    answer = fund.post(f"{path}/moves/return", data={"version": "1", "reason": "What I typed stays here."})
    assert answer.status_code == 409
    assert "What I typed stays here." in answer.text
    again = me.get(f"{path}/moves/hand_in")
    assert (again.status_code, again.headers["location"]) == (303, path)


def test_a_final_report_offers_the_interim_words(doors, here, path, sqlite_db, clock):
    with sqlite_db.write() as session:
        report_accepted(session, here, session.exec(select(Application)).one(), "interim", clock.now())
    page = doors.browser(here.applicant).get(path.replace("interim", "final"))
    assert "We filled in what you wrote in the interim report" in words(page.text)
    assert field(page.text, "done") == "What we say about done."
    assert field(page.text, "spent_minor") == "6000"


@pytest.mark.parametrize("way", ["", "/moves/hand_in", "/moves/accept"])
def test_nobody_else_comes_near(doors, here, path, way, sqlite_db):
    for name, viewer in strangers(here).items():
        visitor = doors.browser(viewer)
        answers = visitor.get(path + way), visitor.post(path + way, data=TYPED | {"version": "0"})
        assert [answer.status_code for answer in answers] == (
            [303, 401] if name == "anonymous" else [404, 404]
        )
        assert all("Safe streets" not in answer.text for answer in answers)
    assert stored(sqlite_db, path).edit_version == 0


def test_whoever_may_look_may_not_write(doors, here, path):
    for viewer in (here.manager, here.auditor):
        visitor = doors.browser(viewer)
        assert visitor.get(path).status_code == 200
        assert visitor.post(path, data=TYPED | {"version": "0"}).status_code == 403
        assert visitor.get(f"{path}/moves/hand_in").status_code == 403
        assert visitor.post(f"{path}/moves/hand_in", data={"version": "1"}).status_code == 403
    assert doors.browser(here.applicant).get(f"{path}/moves/accept").status_code == 403


@pytest.mark.parametrize("wrong", ["/reports/yearly", "/reports/interim/moves/nothing"])
def test_what_there_is_not(doors, here, path, wrong):
    me = doors.browser(here.applicant)
    assert me.get(path.removesuffix("/reports/interim") + wrong).status_code == 404


def test_on_a_small_phone_without_scripts(doors, here, path, visits, sqlite_db, clock):
    token = doors.cookie(here.applicant)
    with served(doors.app) as address:
        phone = visits.open(viewport={"width": 320, "height": 640}, java_script_enabled=False)
        phone.context.add_cookies([{"name": "session", "value": token, "url": address}])
        phone.goto(address + path)
        for name, text in TYPED.items():
            phone.locator(f"[name={name}]").fill(text)
        phone.get_by_role("button", name="Check and hand in").click()
        expect(phone.get_by_role("heading", level=1)).to_have_text("Hand in the report")
        assert phone.evaluate("document.documentElement.scrollWidth") <= 320
        phone.get_by_role("button", name="Hand in the report").click()
        expect(phone.get_by_role("status")).to_contain_text("Your report is handed in.")
        assert phone.evaluate("document.documentElement.scrollWidth") <= 320
    with sqlite_db.read() as session:
        reference = path.split("/")[2]
        assert queries.report(session, here.manager, reference, "interim").state == "under_review"
