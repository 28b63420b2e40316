"""Calendars that are subscribed to, as Thunderbird and its like read them, by the rights of the pages."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from sqlmodel import col, select

from fund.base import extending
from fund.base.errors import FundError
from fund.people import service as people
from fund.pipeline import feeds
from fund.rounds import service as rounds
from fund.rounds.calendar import Voice
from schema.applications import Application
from schema.deadlines import Deadline
from schema.feeds import CalendarFeed
from schema.people import Membership
from schema.reviews import Review
from schema.rounds import Round
from tests.support.doors import Doors, shown
from tests.support.watching import statements
from tests.support.world import assign, draft, move, review_in, submit, to_active, world


@pytest.fixture
def here(sqlite_db, clock):
    return world(sqlite_db, clock.now())


@pytest.fixture
def doors(here, clock):
    return Doors(
        here.db, clock, fund_name="Peace Fund", network_name="Network", base_url="http://fund.example.org"
    )


def made(doors, viewer) -> str:
    """A new address of the viewer, as a path."""
    answer = doors.program(viewer).post("/api/v1/calendar")
    assert answer.status_code == 201
    return answer.json()["deadlines"].removeprefix("http://fund.example.org")


def entries(doors, path):
    """What a calendar that knows nobody reads there: each entry by its UID."""
    answer = doors.browser().get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    found = Calendar.from_ical(answer.content).walk("VEVENT")
    assert len({str(event["UID"]) for event in found}) == len(found)
    return {str(event["UID"]): event for event in found}


def summaries(found) -> list[tuple[str, str]]:
    return sorted((str(event["SUMMARY"]), str(event["STATUS"])) for event in found.values())


def test_an_applicant_makes_an_address_in_the_browser_and_her_calendar_follows(here, doors, clock):
    with here.db.write() as session:
        application = draft(session, here, clock.now())
        key, reference = application.id, application.reference
    browser = doors.browser(here.applicant)
    assert 'href="/account/calendar"' in browser.get("/account").text
    assert 'href="/account/calendar"' in browser.get("/home").text
    assert "Make the address" in browser.get("/account/calendar").text
    page = browser.post("/account/calendar").text
    path = page.split("http://fund.example.org")[1].split("/deadlines.ics")[0] + "/deadlines.ics"
    assert path.replace("deadlines.ics", f"rounds/{here.round_slug}.ics") in page
    ((uid, event),) = entries(doors, path).items()
    assert (str(event["SUMMARY"]), str(event["STATUS"])) == ("Submit the proposal: Safe streets", "CONFIRMED")
    assert event.end == datetime(2021, 10, 21, 22, tzinfo=UTC)
    assert str(event["URL"]) == f"http://fund.example.org/applications/{reference}"
    assert str(event["DESCRIPTION"]).startswith("Peace Fund, a fund of Network\nhttp://fund.example.org/")
    clock.advance(timedelta(hours=3))
    with here.db.write() as session:
        submit(session, here, session.get_one(Application, key), clock.now())
    over = entries(doors, path)[uid]
    assert (str(over["STATUS"]), over["LAST-MODIFIED"].dt) == ("CANCELLED", clock.now())
    assert over["SEQUENCE"] > event["SEQUENCE"]
    assert "Last read by a calendar" in shown(browser.get("/account/calendar").text)
    clock.advance(timedelta(weeks=7))
    assert entries(doors, path) == {}


def test_which_of_two_reports_is_due_stands_in_the_calendar_and_on_the_pages(here, doors, clock):
    with here.db.write() as session:
        reference = to_active(session, here, clock.now()).reference
    both = {"Hand in the report (final)", "Hand in the report (interim)"}
    found = entries(doors, made(doors, here.applicant))
    assert both <= {summary.partition(":")[0] for summary, _status in summaries(found)}
    key = next(uid for uid, event in found.items() if "(final)" in event["SUMMARY"]).split("@")[0][9:]
    for viewer, path in ((here.applicant, "applications"), (here.manager, "pipeline")):
        page = shown(doors.browser(viewer).get(f"/{path}/{reference}").text)
        assert all(said in page for said in both), path
        assert "Hand in the report (final)" in doors.browser(viewer).get(f"/deadlines/{key}").text


def test_an_address_is_told_once_renewed_and_ended(here, doors, clock):
    browser = doors.browser(here.applicant)
    first = made(doors, here.applicant)
    assert entries(doors, first) == {}
    second = made(doors, here.applicant)
    assert doors.browser().get(first).status_code == 404
    token = second.split("/")[2]
    assert token not in browser.get("/account/calendar").text
    with here.db.read() as session:
        assert token not in session.exec(select(CalendarFeed)).one().token_hash
    program = doors.program(here.applicant)
    doors.browser().get(second)
    assert program.get("/api/v1/calendar").json()["read_at"] is not None
    assert browser.post("/account/calendar/end").headers["location"] == "/account/calendar"
    assert doors.browser().get(second).status_code == 404
    assert (
        program.get("/api/v1/calendar").status_code == program.delete("/api/v1/calendar").status_code == 404
    )
    made(doors, here.applicant)
    assert program.delete("/api/v1/calendar").status_code == 204


def test_who_cannot_sign_in_has_no_calendar_and_gets_none_back(here, doors, clock):
    path = made(doors, here.applicant)
    for act, status in ((people.disable, 404), (people.enable, 404)):
        with here.db.write() as session:
            act(session, here.manager, here.applicant.person_id, clock.now())
        assert doors.browser().get(path).status_code == status
    assert doors.browser().get(f"/calendar/nobodys/rounds/{here.round_slug}.ics").status_code == 404


def test_what_did_not_change_is_not_sent_again(here, doors, clock):
    with here.db.write() as session:
        key = draft(session, here, clock.now()).id
    path = made(doors, here.applicant)
    first = doors.browser().get(path)
    tag = {"If-None-Match": f'"other", W/{first.headers["etag"]}'}
    clock.advance(timedelta(hours=5))
    same = doors.browser().get(path, headers=tag)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    with here.db.write() as session:
        submit(session, here, session.get_one(Application, key), clock.now())
    assert doors.browser().get(path, headers=tag).status_code == 200


def test_a_reviewer_has_her_own_reviews_only_and_no_title_once_they_are_over(here, doors, clock):
    with here.db.write() as session:
        application = draft(session, here, clock.now())
        submit(session, here, application, clock.now())
        move(session, application, "start_screening", here.manager, clock.now())
        key = assign(session, here, application, here.reviewers[0], clock.now()).id
        assign(session, here, application, here.reviewers[1], clock.now())
        move(session, application, "send_to_review", here.manager, clock.now())
    path = made(doors, here.reviewers[0])
    ((uid, event),) = entries(doors, path).items()
    assert "Safe streets" in str(event["SUMMARY"])
    with here.db.write() as session:
        review_in(session, session.get_one(Review, key), here.reviewers[0], clock.now())
    over = entries(doors, path)
    assert list(over) == [uid]
    assert "Safe streets" not in str(over[uid]["SUMMARY"])


def test_a_manager_sees_what_is_owed_to_the_fund_but_no_draft_and_nothing_of_her_own_member(
    here, doors, clock
):
    with here.db.write() as session:
        draft(session, here, clock.now(), title="Not yet told")
        going = to_active(session, here, clock.now()).reference
    path = made(doors, here.manager)
    found = entries(doors, path)
    said = [summary for summary, status in summaries(found) if status == "CONFIRMED"]
    assert any("Safe streets, City of Aldea" in summary for summary in said)
    assert not any("Not yet told" in str(event) for event in found.values())
    assert any(str(event["URL"]).endswith(f"/pipeline/{going}") for event in found.values())
    with here.db.write() as session:
        session.add(Membership(person_id=here.manager.person_id, member_id=here.member_id, since=clock.now()))
    own = entries(doors, path)
    assert not any("/pipeline/" in str(event["URL"]) for event in own.values())


def test_a_feed_takes_the_same_number_of_questions_however_much_is_in_it(here, doors, clock):
    asked = []
    for count in (1, 4):
        with here.db.write() as session:
            for _ in range(count):
                to_active(session, here, clock.now())
        with here.db.read() as session, statements(here.db) as seen:
            found = feeds.of_person(session, here.manager, clock.now(), Voice(doors.settings))
        asked.append((len(seen), len(found)))
    (few, one), (many, five) = asked
    assert many <= few, "the first time reads workflows besides"
    assert five > one


def test_an_auditor_and_an_outsider_owe_nothing(here, doors, clock):
    with here.db.write() as session:
        to_active(session, here, clock.now())
    assert entries(doors, made(doors, here.auditor)) == {}
    assert entries(doors, made(doors, here.outsider)) == {}


def test_the_days_of_a_round_are_public_and_more_is_told_by_right(here, doors, clock):
    with here.db.write() as session:
        to_active(session, here, clock.now())
    page = shown(doors.browser().get(f"/rounds/{here.round_slug}").text)
    assert f"http://fund.example.org/rounds/{here.round_slug}/calendar.ics" in page
    public = entries(doors, f"/rounds/{here.round_slug}/calendar.ics")
    assert summaries(public) == [
        ("Decisions: Peace Incentive Fund 2022", "CONFIRMED"),
        ("Proposals close: Peace Incentive Fund 2022", "CONFIRMED"),
        ("Proposals open: Peace Incentive Fund 2022", "CONFIRMED"),
    ]
    decision = next(event for uid, event in public.items() if "decision" in uid)
    assert (decision.start, decision.end) == (date(2021, 12, 20), date(2021, 12, 21))
    one = f"/rounds/{here.round_slug}.ics"
    of = {who: len(entries(doors, made(doors, who).replace("/deadlines.ics", one)))
          for who in (here.outsider, here.applicant, here.auditor, here.manager)}  # fmt: skip
    assert of[here.outsider] == 3 < of[here.applicant] < of[here.auditor]
    assert of[here.auditor] <= of[here.manager]
    assert doors.browser().get("/rounds/nowhere/calendar.ics").status_code == 404


def test_a_round_that_nobody_sees_yet_has_no_calendar(here, doors, clock):
    with here.db.write() as session:
        session.exec(select(Round)).one().state = "planned"
    assert doors.browser(here.manager).get(f"/rounds/{here.round_slug}/calendar.ics").status_code == 404
    own = made(doors, here.manager).replace("/deadlines.ics", f"/rounds/{here.round_slug}.ics")
    assert len(entries(doors, own)) >= 3


def test_a_round_that_closes_early_takes_its_day_away_and_reopening_brings_it_back(here, doors, clock):
    path, said = f"/rounds/{here.round_slug}/calendar.ics", []
    for trigger, reason in (("", ""), ("close", ""), ("reopen", "Too early.")):
        if trigger:
            with here.db.write() as session:
                version = session.exec(select(Round.version)).one()
                rounds.move(
                    session,
                    here.manager,
                    here.round_slug,
                    trigger,
                    version=version,
                    now=clock.now(),
                    reason=reason,
                )
        event = next(event for uid, event in entries(doors, path).items() if "closes" in uid)
        said.append((str(event["STATUS"]), event["SEQUENCE"]))
    assert [status for status, _number in said] == ["CONFIRMED", "CANCELLED", "CONFIRMED"]
    assert [number for _status, number in said] == sorted({number for _status, number in said})


ACTS = ("later", "earlier", "waive", "suspend", "resume", "wait")


@settings(
    max_examples=min(8, settings().max_examples // 4),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=st.lists(st.sampled_from(ACTS), min_size=1, max_size=6))
def test_whatever_happens_an_entry_that_changes_counts_up(here, doors, clock, acts):
    with here.db.write() as session:
        key = to_active(session, here, clock.now()).id
    path = made(doors, here.applicant)
    before = entries(doors, path)
    for act in acts:
        clock.advance(timedelta(hours=7))
        try:
            with here.db.write() as session:
                _do(session, here, act, key, clock.now())
        except FundError:
            continue
        after = entries(doors, path)
        for uid, event in before.items():
            same = (event.start, str(event["STATUS"])) == (after[uid].start, str(after[uid]["STATUS"]))
            assert after[uid]["SEQUENCE"] >= event["SEQUENCE"] + (not same)
            assert after[uid]["LAST-MODIFIED"].dt >= event["LAST-MODIFIED"].dt
        before = after


def _do(session, here, act, key, now):
    application = session.get_one(Application, key)
    reports = select(Deadline).where(Deadline.application_id == key, Deadline.subject_kind == "report")
    deadline = session.exec(reports.order_by(col(Deadline.due_at))).first()
    values = {"generation": deadline.generation, "now": now}
    if act in ("later", "earlier"):
        day = deadline.due_on + timedelta(days=5 if act == "later" else -3)
        extending.move(session, here.manager, deadline.id, day, "Because.", **values)
    elif act == "waive":
        extending.waive(session, here.manager, deadline.id, "Because.", **values)
    elif act in ("suspend", "resume"):
        move(session, application, act, here.manager, now, reason="Because.")
