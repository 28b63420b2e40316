"""Reminders and working days of a round as a browser and a program change them."""

import pytest

from tests.support.doors import hidden, shown
from tests.support.world import draft

SUBMISSION = "application/submission"


@pytest.fixture
def path(world, clock):
    """The round's address; two drafts are being written in it."""
    with world.db.write() as session:
        for title in ("One", "Two"):
            draft(session, world, clock.now(), title=title)
    return f"/rounds/{world.round_slug}"


def row(number, days, to="applicant", when="before", weekends="keep"):
    return {
        f"days-{number}": str(days), f"when-{number}": when, f"to-{number}": to, f"weekends-{number}": weekends
    }  # fmt: skip


def test_a_manager_changes_reminders_sees_what_it_comes_to_and_goes_back(doors, path, world):
    browser = doors.browser(world.manager)
    listed = browser.get(f"{path}/reminders")
    assert (
        "Submit the proposal 21 October 2021 14 days before: everybody who acts for the applicant"
        in shown(listed.text)
    )
    page = browser.get(f"{path}/reminders/{SUBMISSION}")
    assert page.text.count("<legend>Reminder ") == 6, "four, and two to be added"
    typed = (
        {"edition": hidden(page.text, "edition")}
        | row(0, 10, "owner", weekends="before")
        | row(1, "")
        | row(4, 3, "colleague")
        | row(5, "", "applicant", when="on")
    )
    asked = browser.post(f"{path}/reminders/{SUBMISSION}", data=typed)
    said = shown(asked.text)
    assert "10 days before: who began the proposal; from a day off to the working day before" in said
    assert "3 days before: colleagues of who began the proposal" in said
    assert "On the day: everybody who acts for the applicant" in said
    assert "This changes 24 planned reminders of 2 open deadlines. What went out already stays." in said
    fields = {name: hidden(asked.text, name) for name in ("days-0", "to-1", "when-2", "edition")}
    assert fields == {"days-0": "10", "to-1": "colleague", "when-2": "on", "edition": typed["edition"]}
    assert (
        "<legend>Reminder 6"
        not in browser.post(f"{path}/reminders/{SUBMISSION}", data=typed | {"again": "yes"}).text
    )
    done = browser.post(f"{path}/reminders/{SUBMISSION}", data=typed | {"confirmed": "yes"})
    assert (done.status_code, done.headers["location"]) == (303, f"{path}/reminders")
    assert "Submit the proposal Changed for this round" in shown(browser.get(f"{path}/reminders").text)
    assert browser.post(f"{path}/reminders/{SUBMISSION}", data=typed | row(0, 9)).status_code == 200
    late = browser.post(f"{path}/reminders/{SUBMISSION}", data=typed | row(0, 9) | {"confirmed": "yes"})
    assert late.status_code == 409, "what was seen is not what counts any more"

    page = browser.get(f"{path}/reminders/{SUBMISSION}").text
    assert 'value="10"' in page
    assert '<option value="colleague" selected>' in page
    back = {"edition": hidden(page, "edition"), "reset": "yes"}
    assert "24 planned reminders" in shown(browser.post(f"{path}/reminders/{SUBMISSION}", data=back).text)
    assert browser.post(f"{path}/reminders/{SUBMISSION}", data=back | {"confirmed": "yes"}).status_code == 303
    assert "Changed for this round" not in browser.get(f"{path}/reminders").text


def test_what_is_wrong_with_a_reminder_stands_beside_it(doors, path, world):
    browser = doors.browser(world.manager)
    typed = {"edition": ""} | row(0, "soon") | row(1, 2) | row(2, 2)
    page = browser.post(f"{path}/reminders/{SUBMISSION}", data=typed)
    assert page.status_code == 422
    assert '<p class="error" id="days-0-error">' in page.text
    page = browser.post(f"{path}/reminders/{SUBMISSION}", data=typed | row(0, 1))
    assert "They are reminded on this day already" in page.text
    assert 'aria-describedby="days-2-error"' in page.text
    assert browser.get(f"{path}/reminders/application/nothing").status_code == 404


def test_a_manager_changes_the_working_days_and_no_deadline_moves(doors, path, world):
    browser = doors.browser(world.manager)
    assert "Days off Saturday, Sunday" in shown(browser.get(f"{path}/manage").text)
    page = browser.get(f"{path}/working-days")
    assert "No deadline that is open already moves by this." in shown(page.text)
    typed = {"edition": hidden(page.text, "edition"), "weekend": ["friday", "saturday"]}
    wrong = browser.post(
        f"{path}/working-days", data=typed | {"holidays": "Epiphany\r\n2021-12-25 Christmas\r\nEaster"}
    )
    assert wrong.status_code == 422
    for number in (1, 3):
        assert wrong.text.count(f"Line {number}: write the day and its name, like 2026-12-25 Christmas") == 2
    assert "Easter</textarea>" in wrong.text
    long = browser.post(
        f"{path}/working-days", data=typed | {"holidays": "2021-12-25 Christmas\n" + "\n" * 20_000 + "."}
    )
    assert long.status_code == 422
    assert shown(long.text).count("Shorten this: it has 20,") == 2
    assert 'id="holidays-error"' in long.text
    saved = browser.post(f"{path}/working-days", data=typed | {"holidays": "2021-12-25 Christmas"})
    assert saved.headers["location"] == f"{path}/manage", (
        "no reminder keeps off days off, so nothing is asked"
    )
    assert "Days off Friday, Saturday; 1 public holiday" in shown(browser.get(f"{path}/manage").text)
    kept = browser.get(f"{path}/working-days").text
    assert "2021-12-25 Christmas</textarea>" in kept
    change = {
        "edition": hidden(browser.get(f"{path}/reminders/{SUBMISSION}").text, "edition"),
        "confirmed": "yes",
    }
    browser.post(f"{path}/reminders/{SUBMISSION}", data=change | row(0, 5, weekends="after"))
    typed = {"edition": hidden(kept, "edition"), "weekend": ["saturday", "sunday"], "holidays": ""}
    asked = browser.post(f"{path}/working-days", data=typed)
    assert "This changes 4 planned reminders of 2 open deadlines." in shown(asked.text)
    assert browser.post(f"{path}/working-days", data=typed | {"confirmed": "yes"}).status_code == 303


def test_only_managers_change_them_and_auditors_look(doors, path, world):
    for end in ("reminders", f"reminders/{SUBMISSION}", "working-days"):
        assert doors.browser(world.applicant).get(f"{path}/{end}").status_code == 403
        assert doors.browser(world.manager).get(f"{path}/{end}").status_code == 200
    auditor = doors.browser(world.auditor)
    assert auditor.get(f"{path}/reminders").status_code == 200
    assert auditor.post(f"{path}/reminders/{SUBMISSION}", data=row(0, 1)).status_code == 403
    assert auditor.post(f"{path}/working-days", data={}).status_code == 403


def test_a_program_looks_first_and_then_changes(doors, path, world):
    manager, api = doors.program(world.manager), f"/api/v1{path}"
    found = {(one["kind"], one["key"]): one for one in manager.get(f"{api}/reminders").json()}
    mine = found["application", "submission"]
    assert (mine["own"], mine["open"], mine["owner"]) == (False, 2, "applicant")
    assert mine["reminders"] == mine["definition"]
    assert mine["reminders"][0] == {"days": -14, "to": "applicant", "weekends": "keep"}
    body = {"edition": mine["edition"], "reminders": [{"days": -5, "to": "owner"}]}
    one = f"{api}/reminders/{SUBMISSION}"
    assert manager.put(one, json=body | {"preview": True}).json() == {"reminders": 18, "deadlines": 2}
    assert manager.put(one, json=body).json() == {"reminders": 18, "deadlines": 2}
    assert manager.put(one, json=body).json() == {"reminders": 0, "deadlines": 0}
    wrong = manager.put(one, json=body | {"reminders": [{"days": -5, "to": "anyone"}]})
    assert (wrong.status_code, set(wrong.json()["errors"])) == (422, {"days-0", "to-0"})
    assert manager.put(one, json=body | {"reminders": None}).status_code == 409
    assert doors.program(world.auditor).put(one, json=body).status_code == 403

    days = manager.get(f"{api}/working-days").json()
    assert (days["weekend"], days["holidays"]) == (["saturday", "sunday"], [])
    body = {
        "edition": days["edition"],
        "weekend": ["sunday"],
        "holidays": [{"on": "2021-12-25", "name": "Christmas"}],
    }
    odd = [{"on": "2121-12-25", "name": "Christmas"}, {"on": "2021-12-25", "name": " "}]
    wrong = manager.put(f"{api}/working-days", json=body | {"holidays": odd})
    said = "check the year of 2121-12-25\ngive 2021-12-25 a short name"
    assert (wrong.status_code, wrong.json()["errors"]) == (422, {"holidays": said})
    assert manager.put(f"{api}/working-days", json=body | {"preview": True}).json()["reminders"] == 0
    assert manager.put(f"{api}/working-days", json=body).status_code == 200
    assert doors.program(world.auditor).get(f"{api}/working-days").json()["holidays"] == body["holidays"]


def test_the_weekend_of_a_new_round_is_that_of_the_fund(world, clock):
    from tests.rounds.test_api import BODY
    from tests.support.doors import Doors

    manager = Doors(world.db, clock, weekend="Saturday, friday").program(world.manager)
    slug = manager.post("/api/v1/rounds", json=BODY).json()["slug"]
    assert manager.get(f"/api/v1/rounds/{slug}/working-days").json()["weekend"] == ["friday", "saturday"]
