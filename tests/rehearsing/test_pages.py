"""The rehearsal in the browser and by the API: for those who run the fund."""

import csv
import re
from html import unescape
from io import StringIO

import pytest

from fund.rehearsing import queries
from schema.people import Membership
from tests.support import world as worlds
from tests.support.doors import Doors, shown
from tests.support.world import world as make_world


@pytest.fixture
def world(sqlite_db, clock):
    """An open round with a draft."""
    here = make_world(sqlite_db, clock.now())
    with sqlite_db.write() as session:
        worlds.draft(session, here, clock.now(), title="Safe <streets>")
    return here


@pytest.fixture
def doors(world, clock) -> Doors:
    return Doors(world.db, clock)


def test_a_manager_sees_who_gets_what_and_when(doors, world):
    browser = doors.browser(world.manager)
    assert f"/rounds/{world.round_slug}/rehearsal" in browser.get(f"/rounds/{world.round_slug}/manage").text
    page = browser.get(f"/rounds/{world.round_slug}/rehearsal?scenario=nobody")
    assert page.status_code == 200
    said = shown(page.text)
    assert "Not submitted in time: Safe <streets>" in said
    assert "October 2021 (" in said
    assert "Lucía Prado" in said
    assert "Everybody 7 days late" in said
    assert "invented" not in said


@pytest.mark.parametrize(
    ("late", "wrong"),
    [("soon", "Enter a whole number, like 12"), ("366", "Enter 365 or less"), ("0", "Enter 1 or more")],
)
@pytest.mark.parametrize("scenario", ["late", "in_time"])
def test_where_the_number_of_days_is_none_nothing_is_rehearsed(
    doors, world, monkeypatch, late, wrong, scenario
):
    monkeypatch.setattr(queries, "scratch", None)
    asked = f"/rounds/{world.round_slug}/rehearsal?scenario={scenario}&late={late}"
    page = doors.browser(world.auditor).get(asked)
    assert page.status_code == 422
    assert shown(page.text).count(wrong) == 2
    assert 'aria-describedby="late-error' in page.text
    assert "Manage the round" in shown(page.text)
    refused = doors.program(world.auditor).get(f"/api/v1{asked}")
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert list(refused.json()["errors"]) == ["late"]


def test_a_rehearsal_ends_with_the_day_that_was_asked_for(doors, world):
    browser = doors.browser(world.manager)
    asked = f"/rounds/{world.round_slug}/rehearsal?scenario=nobody"
    page = browser.get(f"{asked}&until-day=30&until-month=9&until-year=2021")
    assert page.status_code == 200
    said = shown(page.text)
    assert "October 2021 (" not in said
    assert "until-day=30&amp;until-month=9" in page.text, "the other scenarios are asked the same"


@pytest.mark.parametrize(
    ("day", "wrong"),
    [
        ("1", "The last day lies in the past. Choose a later one."),
        ("31", "There is no such day; check the day and the month"),
    ],
)
def test_a_last_day_that_cannot_be_is_said_beside_the_field(doors, world, day, wrong):
    asked = f"/rounds/{world.round_slug}/rehearsal?until-day={day}&until-month=9&until-year=2021"
    page = doors.browser(world.manager).get(asked)
    assert page.status_code == 422
    assert wrong in shown(page.text)
    assert 'id="until-error' in page.text
    assert "Mail by month" not in page.text


def test_what_the_page_shows_is_kept_as_a_file(doors, world):
    """For somebody who acts for the member as well: what is left out on the page is left out of the files."""
    with world.db.write() as session:
        worlds.draft(session, world, doors.clock.now(), title="=1+1")
        session.add(Membership(person_id=world.second_manager.person_id, member_id=world.member_id,
                               since=doors.clock.now()))  # fmt: skip
    asked = f"/rounds/{world.round_slug}/rehearsal?scenario=nobody&late=9&until-day=8&until-month=10&until-year=2021"
    found = {}
    for viewer in (world.manager, world.second_manager):
        browser = doors.browser(viewer)
        page = unescape(browser.get(asked).text)
        links = re.findall(r'href="([^"]*&as=(?:csv|json))"', page)
        sheet, whole = (browser.get(link) for link in links)
        name = f"{world.round_slug}-nobody"
        for answer, kind in ((sheet, "csv"), (whole, "json")):
            assert answer.headers["content-disposition"] == f'attachment; filename="{name}.{kind}"'
        [told] = whole.json()
        assert told["late_days"] == 9
        rows = list(csv.DictReader(StringIO(sheet.content.decode("utf-8-sig"))))
        assert [row["subject"] for row in rows] == [mail["subject"] for mail in told["mails"]]
        assert len(told["mails"]) == len(re.findall(r"<td[^>]*><time datetime", page))
        found[viewer] = {row["about"] for row in rows}
    assert found[world.manager] - found[world.second_manager] == {"Safe <streets>", "'=1+1"}


def test_of_many_proposals_the_first_take_part_until_all_are_asked_for(doors, world):
    with world.db.write() as session:
        for number in range(queries.AT_ONCE):
            worlds.draft(session, world, doors.clock.now(), title=f"Number {number}")
    browser = doors.browser(world.manager)
    asked = f"/rounds/{world.round_slug}/rehearsal?scenario=nobody&until-day=2&until-month=10&until-year=2021"
    page = browser.get(asked).text
    assert "The first 8 of 9 proposals take part here" in shown(page)
    [more] = re.findall(r'href="([^"]*)">Rehearse all 9<', unescape(page))
    whole = browser.get(more)
    assert "take part here" not in shown(whole.text)
    assert 'name="most" value="50"' in whole.text
    links = re.findall(r'href="([^"]*&as=json)"', unescape(page + whole.text))
    assert [browser.get(link).json()[0]["applications"] for link in links] == [8, 9]
    assert browser.get(f"{asked}&most=51").status_code == 422
    door = f"/api/v1/rounds/{world.round_slug}/rehearsal?scenario=nobody&until=2021-10-02&most=9"
    assert doors.program(world.auditor).get(door).json()["applications"] == 9


def test_no_file_is_made_of_what_is_asked_wrong(doors, world):
    browser = doors.browser(world.manager)
    page = browser.get(f"/rounds/{world.round_slug}/rehearsal?scenario=late&late=soon&as=csv")
    assert (page.status_code, "content-disposition" in page.headers) == (422, False)
    assert "Enter a whole number, like 12" in shown(page.text)
    assert browser.get(f"/rounds/{world.round_slug}/rehearsal?as=exe").status_code == 422


def test_the_api_tells_the_same(doors, world):
    got = doors.program(world.auditor).get(
        f"/api/v1/rounds/{world.round_slug}/rehearsal?scenario=nobody&until=2021-10-31"
    )
    assert got.status_code == 200
    told = got.json()
    assert (told["scenario"], told["applications"], told["could_not"]) == ("nobody", 1, [])
    reminders = [
        mail for mail in told["mails"] if mail["template"] == "reminder" and mail["name"] == "Lucía Prado"
    ]
    assert [mail["local"][:16] for mail in reminders] == [
        "2021-10-07 09:00",
        "2021-10-14 09:00",
        "2021-10-19 09:00",
        "2021-10-20 09:00",
    ]
    assert {mail["about"] for mail in reminders} == {"Safe <streets>"}


@pytest.mark.parametrize("path", ["/rounds/{}/rehearsal", "/api/v1/rounds/{}/rehearsal"])
def test_nobody_else_sees_it(doors, world, path):
    for viewer in (world.applicant, world.reviewers[0]):
        assert (
            doors.program(viewer)
            .get("/api/v1" + path.removeprefix("/api/v1").format(world.round_slug))
            .status_code
            == 403
        )
    assert doors.browser(world.applicant).get(path.format(world.round_slug)).status_code == 403
    assert doors.browser(world.manager).get(path.format("no-such-round")).status_code == 404
