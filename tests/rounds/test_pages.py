"""Pages about rounds, as a browser asks for them."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import icalendar
import pytest
from sqlmodel import select

from fund.rounds import running
from schema.reviews import Review
from tests.rounds.support import moved, opened, planned
from tests.support.doors import hidden, shown
from tests.support.world import to_deliberation

TYPED = {
    "title": "Peace Incentive Fund 2023",
    "summary": "What it is for.",
    "eligibility": "Members only.\r\n\r\nIn their own city.",
    "zone": "Africa/Nairobi",
    "currency": "kes",
    "pot_minor": "12,000,000",
    "ceiling_minor": "2.000.000,50",
    "project_months": "9",
} | {
    f"{name}-{part}": value
    for name, day in {
        "opens_on": ("1", "1", "2023"),
        "closes_on": ("28", "2", "2023"),
        "review_due_on": ("1", "4", "2023"),
        "decision_on": ("1", "5", "2023"),
    }.items()
    for part, value in zip(("day", "month", "year"), day, strict=True)
}


def test_a_stranger_reads_all_about_an_open_round_before_signing_in(doors, world):
    page = doors.browser().get(f"/rounds/{world.round_slug}")
    text = shown(page.text)
    assert page.status_code == 200
    for words in (
        "Peace Incentive Fund 2022 Open",
        "Submit the proposal in 30 days End of 21 October 2021, Brussels time (UTC+2) 21 October 2021, 22:00 UTC",
        "up to 60 minutes later still counts",
        "For one proposal US$20,000 at most",
        "In the whole round US$100,000",
        "Reviews are in by 20 November 2021, Brussels time (UTC+1) Decision by 20 December 2021, Brussels time (UTC+1)",
        "The problem (about 300 words)",
        "Need: 33% of the score",
        "Plan: 67% of the score",
    ):
        assert words in text
    assert f'href="/rounds/{world.round_slug}/start"' in page.text


def test_the_whole_form_can_be_read_and_printed_before_signing_in(doors, world):
    text = shown(doors.browser().get(f"/rounds/{world.round_slug}/form").text)
    assert "What you will do About 500 words, as a guide" in text
    assert "Partners (optional)" in text


def test_the_deadline_goes_into_a_calendar(doors, world):
    answer = doors.browser().get(f"/rounds/{world.round_slug}/deadline.ics")
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{world.round_slug}.ics"'
    event = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")[0]
    assert event["summary"] == "Proposals close: Peace Incentive Fund 2022"
    assert event.end.isoformat() == "2021-10-21T22:00:00+00:00"
    assert event["url"].endswith(f"/rounds/{world.round_slug}")


def test_a_reader_elsewhere_sees_the_deadline_in_her_own_time_too(doors, world):
    text = shown(doors.browser(world.applicant).get(f"/rounds/{world.round_slug}").text)
    assert "For you: 21 October 2021, 17:00, Bogota time (UTC-5)" in text


def test_after_the_closing_day_there_is_nothing_to_start(doors, world, clock):
    clock.advance(timedelta(days=31))
    page = doors.browser().get(f"/rounds/{world.round_slug}")
    assert "/start" not in page.text


def test_planned_rounds_show_to_those_who_run_the_fund_alone(doors, world, clock):
    round_ = planned(world.db, world.manager, clock.now())
    paths = [f"/rounds/{round_.slug}{end}" for end in ("", "/form", "/deadline.ics")]
    for viewer in (None, world.applicant, world.reviewers[0]):
        browser = doors.browser(viewer)
        assert [browser.get(path).status_code for path in paths] == [404, 404, 404]
        assert round_.slug not in browser.get("/rounds").text
    for viewer in (world.manager, world.auditor):
        browser = doors.browser(viewer)
        assert [browser.get(path).status_code for path in paths] == [200, 200, 404]
        assert f"/rounds/{round_.slug}/manage" in browser.get("/rounds").text


@pytest.mark.parametrize("end", ["new", "{slug}/manage", "{slug}/edit"])
def test_managing_asks_for_a_manager(doors, world, end):
    path = "/rounds/" + end.format(slug=world.round_slug)
    assert doors.browser().get(path).headers["location"] == f"/sign-in?next={path}"
    for viewer in (world.applicant, world.reviewers[0]):
        assert doors.browser(viewer).get(path).status_code == 403
    assert doors.browser(world.auditor).get(path).status_code == (200 if end.endswith("manage") else 403)
    assert doors.browser(world.manager).get(path).status_code == 200


@pytest.mark.parametrize("end", ["new", "{slug}/edit", "{slug}/moves"])
def test_nobody_else_can_post_to_a_round(doors, world, end):
    path = "/rounds/" + end.format(slug=world.round_slug)
    body = {"trigger": "close", "version": "2", **TYPED}
    assert doors.browser().post(path, data=body).status_code == 401
    for viewer in (world.applicant, world.reviewers[0], world.auditor):
        assert doors.browser(viewer).post(path, data=body).status_code == 403
    assert "Open" in shown(doors.browser().get(f"/rounds/{world.round_slug}").text)


def test_a_manager_plans_a_round_changes_it_and_opens_it(doors, world):
    browser = doors.browser(world.manager)
    planned_ = browser.post("/rounds/new", data=TYPED)
    manage = planned_.headers["location"]
    assert (planned_.status_code, manage) == (303, "/rounds/peace-incentive-fund-2023/manage")
    text = shown(browser.get(manage).text)
    assert "The round is planned." in text
    assert "KES2,000,000.50 at most" in text

    edit = browser.get("/rounds/peace-incentive-fund-2023/edit").text
    body = TYPED | {"edition": hidden(edit, "edition"), "title": "Fund 2023", "closes_on-day": "27"}
    assert browser.post("/rounds/peace-incentive-fund-2023/edit", data=body).headers["location"] == manage
    text = shown(browser.get(manage).text)
    assert "Fund 2023" in text
    assert "End of 27 February 2023, Nairobi time" in text

    version = hidden(browser.get(manage).text, "version")
    opened_ = browser.post(
        "/rounds/peace-incentive-fund-2023/moves", data={"trigger": "open", "version": version}
    )
    assert opened_.headers["location"] == manage
    assert "Fund 2023 Open" in shown(doors.browser().get("/rounds/peace-incentive-fund-2023").text)


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_written(doors, world):
    browser = doors.browser(world.manager)
    page = browser.post("/rounds/new", data=TYPED | {"title": "", "closes_on-day": "31", "pot_minor": "much"})
    assert page.status_code == 422
    assert "<title>Error: Plan a round" in page.text
    for line in (
        '<a href="#title">Enter the round&#39;s title</a>',
        '<a href="#closes_on">There is no such day; check the day and the month</a>',
        '<a href="#pot_minor">Enter an amount in figures, like 1500 or 1,500.50</a>',
    ):
        assert line in page.text
    assert 'value="much"' in page.text
    assert "Members only." in page.text
    assert "2023" not in browser.get("/rounds").text


def test_an_open_round_shows_only_its_words_to_be_changed(doors, world):
    browser = doors.browser(world.manager)
    path = f"/rounds/{world.round_slug}/edit"
    page = browser.get(path).text
    assert "closes_on-day" not in page
    words = {
        "edition": hidden(page, "edition"),
        "title": "Clearer",
        "summary": "Clear.",
        "eligibility": "One.\nTwo.",
    }
    assert browser.post(path, data=words | {"ceiling_minor": "1"}).status_code == 303
    text = shown(browser.get(f"/rounds/{world.round_slug}").text)
    assert "Clearer" in text
    assert "US$20,000 at most" in text


def test_somebody_who_saves_over_a_newer_round_is_told_and_keeps_her_words(doors, world):
    browser = doors.browser(world.manager)
    path = f"/rounds/{world.round_slug}/edit"
    body = {
        "edition": "0123456789abcdef",
        "title": "Late",
        "summary": "My words about the round",
        "eligibility": "One.",
    }
    page = browser.post(path, data=body)
    assert page.status_code == 409
    assert "My words about the round" in page.text


def test_a_move_without_its_reason_is_asked_for_it(doors, world):
    browser = doors.browser(world.manager)
    manage = f"/rounds/{world.round_slug}/manage"
    browser.post(
        f"/rounds/{world.round_slug}/moves",
        data={"trigger": "close", "version": hidden(browser.get(manage).text, "version")},
    )
    version = hidden(browser.get(manage).text, "version")
    page = browser.post(f"/rounds/{world.round_slug}/moves", data={"trigger": "reopen", "version": version})
    assert page.status_code == 422
    assert "Give a reason." in shown(page.text)


def test_a_move_on_what_somebody_else_moved_before_is_refused(doors, world):
    page = doors.browser(world.manager).post(
        f"/rounds/{world.round_slug}/moves", data={"trigger": "close", "version": "1"}
    )
    assert page.status_code == 409


@pytest.mark.parametrize("slug", ["nothing", "%00", "x" * 3000])
def test_addresses_of_no_round_are_not_found(doors, world, slug):
    assert doors.browser().get(f"/rounds/{slug}").status_code == 404


def test_text_in_any_direction_and_with_signs_of_markup_is_shown_as_written(doors, world, clock):
    round_ = opened(world.db, world.manager, clock.now(), title="<b>صندوق</b> السلام")
    page = doors.browser().get(f"/rounds/{round_.slug}").text
    assert "&lt;b&gt;صندوق&lt;/b&gt; السلام" in page
    assert "<b>صندوق" not in page


def test_a_posted_form_from_another_site_is_refused(doors, world):
    answer = doors.browser(world.manager).post(
        "/rounds/new",
        content=urlencode(TYPED),
        headers={"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "cross-site"},
    )
    assert answer.status_code == 403


def test_a_round_that_asks_for_concept_notes_says_what_is_asked_when(doors, world, clock):
    manager = doors.browser(world.manager)
    page = manager.get("/rounds/new").text
    assert "Concept note and proposal" in page
    assert "Concept note → Proposal → Review → Decision → Award → Reporting → Sharing" in page
    planned_at = manager.post("/rounds/new", data=TYPED | {"workflow": "concept"}).headers["location"]
    assert "Concept note and proposal, version 1" in shown(manager.get(planned_at).text)
    form = shown(manager.get(planned_at.replace("/manage", "/form")).text)
    later = "Asked later on, in the stage “Proposal”, of those who come that far."
    assert form.count(later) == 4
    assert form.index("The problem and the evidence") < form.index(later)
    changed = planned_at.replace("/manage", "/edit")
    assert re.search(r'value="concept"[^>]* checked', manager.get(changed).text)
    assert later not in shown(doors.browser().get(f"/rounds/{world.round_slug}/form").text)
    moved(world.db, world.manager, planned_at.split("/")[2], "open", clock.now())
    assert "Send the concept note " in shown(manager.get(planned_at.replace("/manage", "")).text)


def test_a_workflow_that_moves_no_applications_cannot_be_chosen(doors, world):
    page = doors.browser(world.manager).post("/rounds/new", data=TYPED | {"workflow": "lesson"})
    assert page.status_code == 422
    assert "Choose one of the workflows for applications" in page.text


def test_managers_say_who_runs_the_round_and_the_others_are_told_whom_to_ask(doors, world):
    here = f"/rounds/{world.round_slug}"
    other, mine = doors.browser(world.second_manager), doors.browser(world.manager)
    assert "Run by Every manager" in shown(other.get(f"{here}/manage").text)
    form = other.get(f"{here}/managers")
    assert "Nobody chosen: every manager." in shown(form.text)
    typed = {"edition": hidden(form.text, "edition"), "managers": str(world.manager.person_id)}
    saved = other.post(f"{here}/managers", data=typed)
    assert (saved.status_code, saved.headers["location"].partition("?")[0]) == (303, f"{here}/manage")
    page = other.get(f"{here}/manage")
    words = "Amina Bello runs this round. Ask them, or let yourself be added."
    assert words in shown(page.text)
    assert "Run by Amina Bello" in shown(page.text)
    assert not re.search(r'href="[^"]*/(days|edit|working-days)"', page.text)
    assert f'action="{here}/moves"' not in page.text
    for path in ("days", "edit", "working-days", "workflow/change"):
        refused = other.get(f"{here}/{path}")
        assert (refused.status_code, words in shown(refused.text)) == (403, True)
        assert mine.get(f"{here}/{path}").status_code == 200
    assert words not in shown(mine.get(f"{here}/manage").text)
    auditor = doors.browser(world.auditor)
    assert "Run by Amina Bello" in shown(auditor.get(f"{here}/manage").text)
    assert auditor.get(f"{here}/managers").status_code == 403
    late = other.post(f"{here}/managers", data={"edition": typed["edition"]})
    assert late.status_code == 409
    wrong = other.post(f"{here}/managers", data=typed | {"managers": "nobody"})
    assert (wrong.status_code, "Choose from the managers listed" in shown(wrong.text)) == (422, True)


def test_the_pages_of_a_proposal_name_who_runs_its_round_once(doors, world, clock):
    with world.db.write() as session:
        application = to_deliberation(session, world, clock.now())
        review = session.exec(select(Review)).first()
        running.choose(
            session, world.manager, world.round_slug, [world.manager.person_id], edition=None, now=clock.now()
        )
    other = doors.browser(world.second_manager)
    words = "Amina Bello runs this round. Ask them, or let yourself be added."
    file = f"/pipeline/{application.reference}"
    for path in (
        file,
        f"{file}/award",
        f"/reviews/{review.id}",
        f"/applications/{application.reference}/comments",
        f"/rounds/{world.round_slug}/decisions",
        f"/rounds/{world.round_slug}/reminders",
        f"/rounds/{world.round_slug}/workflow",
    ):
        page = other.get(path)
        assert (path, page.status_code, shown(page.text).count(words)) == (path, 200, 1)
        assert '<form method="post"' not in page.text.partition("<main")[2]
    assert "Give another day" not in other.get(file).text
    assert "Give another day" in doors.browser(world.manager).get(file).text
    for path in (f"{file}/reviewers", f"{file}/public", f"/applications/{application.reference}/moves/offer"):
        refused = other.get(path)
        assert (path, refused.status_code, words in shown(refused.text)) == (path, 403, True)


def test_a_round_is_planned_with_those_who_run_it(doors, world):
    browser = doors.browser(world.manager)
    assert "Who runs this round" in shown(browser.get("/rounds/new").text)
    saved = browser.post("/rounds/new", data=TYPED | {"managers": str(world.second_manager.person_id)})
    page = browser.get(saved.headers["location"])
    assert "Run by Tomás Rey" in shown(page.text)
