"""The pages for those who propose, as a browser asks for them."""

from datetime import timedelta
from html import unescape

from sqlmodel import select

from fund.applying.fields import Edit
from fund.base import passing
from schema.deadlines import Deadline
from tests.applying.support import WHOLE, complete, in_review, moved, saved, started, stored, submitted
from tests.support import world as worlds
from tests.support.doors import hidden, shown


def test_a_proposal_from_start_to_receipt(doors, world):
    browser = doors.browser(world.applicant)
    start = f"/rounds/{world.round_slug}/start"
    page = browser.get(start).text
    assert "You propose for: City of Aldea" in shown(page)
    tasks = browser.post(start, data={"member": hidden(page, "member")}).headers["location"]
    text = shown(browser.get(tasks).text)
    assert "0 of 2 parts are complete" in text
    assert "The project Title, theme and amount Not begun" in text

    base = tasks.removesuffix("/edit")
    first = browser.post(
        f"{tasks}/the-project",
        data={"version": "0", "title": "Safe streets", "theme": "digital", "requested_minor": "15,000"},
    )
    assert first.headers["location"] == f"{tasks}/project"
    last = browser.post(
        f"{tasks}/project",
        data={"version": "1", "answers.problem": "Recruiting online.", "answers.plan": "Mediators."},
    )
    assert last.headers["location"] == tasks
    assert "2 of 2 parts are complete" in shown(browser.get(tasks).text)

    check = browser.get(f"{base}/check").text
    assert "US$15,000" in check
    assert "Mediators." in check
    body = {
        "version": hidden(check, "version"),
        "edit_version": hidden(check, "edit_version"),
        "declaration": "yes",
    }
    done = browser.post(f"{base}/check", data=body)
    assert done.headers["location"] == f"{base}/submitted"
    text = shown(browser.get(f"{base}/submitted").text)
    assert f"Your proposal is submitted Its reference is {base.removeprefix('/applications/')}" in text
    assert (
        "The fund decides by 20 December 2021, Brussels time (UTC+1); for you 20 December 2021, 18:00,"
        in text
    )
    assert "Received by the fund" in shown(browser.get(base).text)
    assert "Safe streets" in browser.get("/applications").text


def test_in_the_grace_after_the_deadline_every_page_says_that_it_is_still_in_time(doors, world, clock):
    reference = complete(world, clock.now())
    with world.db.read() as session:
        found = session.exec(select(Deadline).where(Deadline.key == "submission")).one()
    base = f"/applications/{reference}"
    pages = ("/home", "/applications", base, f"{base}/edit", f"{base}/check", f"/deadlines/{found.id}")
    for at, said in (
        (found.due_at + timedelta(minutes=20), "over, but still in time for 40 minutes"),
        (found.grace_until, "1 day overdue"),
    ):
        clock.move_to(at)
        browser = doors.browser(world.applicant)
        for page in pages:
            text = shown(browser.get(page).text)
            assert (said in text, text.count("overdue") + text.count("still in time")) == (True, 1), page


def test_starting_again_shows_the_draft_that_is_there(doors, world, clock):
    reference = started(world, clock.now())
    browser = doors.browser(world.applicant)
    start = f"/rounds/{world.round_slug}/start"
    page = browser.get(start).text
    assert f'href="/applications/{reference}/edit"' in page
    assert "Start another proposal" in page
    again = browser.post(start, data={"member": str(world.member_id)})
    assert again.headers["location"] == f"/applications/{reference}/edit"
    assert "You had begun this draft already." in browser.get(again.headers["location"]).text
    more = browser.post(start, data={"member": str(world.member_id), "another": "yes"})
    assert more.headers["location"] != again.headers["location"]


def test_who_acts_for_several_members_chooses_and_who_acts_for_none_is_told_what_to_do(doors, world, clock):
    with world.db.write() as session:
        both = worlds.person(
            session, "Ada Both", clock.now(), members=[world.member_id, world.other_member_id]
        )
    browser = doors.browser(both)
    start = f"/rounds/{world.round_slug}/start"
    page = browser.get(start).text
    assert "For whom do you propose?" in page
    refused = browser.post(start, data={})
    assert refused.status_code == 422
    assert '<a href="#member">Choose for whom you propose</a>' in refused.text
    assert browser.post(start, data={"member": "999"}).status_code == 422
    assert browser.post(start, data={"member": str(world.other_member_id)}).status_code == 303
    nobody = doors.browser(world.reviewers[0]).get(start)
    assert "You do not act for a city or an organisation yet" in shown(nobody.text)
    assert "fund@example.org" in nobody.text


def test_a_round_that_is_over_says_so_instead_of_a_form(doors, world, clock):
    clock.advance(timedelta(days=31))
    browser = doors.browser(world.applicant)
    start = f"/rounds/{world.round_slug}/start"
    page = browser.get(start).text
    assert "This round does not take new proposals now." in page
    assert "Start writing" not in page
    assert browser.post(start, data={"member": str(world.member_id)}).status_code == 409


def test_saving_keeps_what_is_right_and_says_what_is_not(doors, world, clock):
    reference = started(world, clock.now())
    browser = doors.browser(world.applicant)
    path = f"/applications/{reference}/edit/the-project"
    page = browser.post(path, data={"version": "0", "title": "Safe streets", "requested_minor": "a lot"})
    assert page.status_code == 422
    assert "<title>Error: The project" in page.text
    assert '<a href="#requested_minor">Enter an amount in figures, like 1500 or 1,500.50</a>' in page.text
    assert 'value="a lot"' in page.text
    assert hidden(page.text, "version") == "1"
    assert 'value="Safe streets"' in browser.get(path).text


def test_nobody_learns_only_at_the_end_that_she_asks_for_too_much(doors, world, clock):
    reference = started(world, clock.now())
    browser = doors.browser(world.applicant)
    path = f"/applications/{reference}/edit/the-project"
    for asked in ("20,001", "0"):
        page = browser.post(path, data={"version": "0", "requested_minor": asked, "then": "list"})
        assert page.status_code == 422
        assert '<a href="#requested_minor">Enter an amount above 0 and up to US$20,000</a>' in page.text
    page = browser.post(path, data={"version": hidden(page.text, "version"), "requested_minor": "20,000"})
    assert page.status_code == 303


def test_too_long_an_answer_is_not_lost_and_the_others_are_saved(doors, world, clock):
    reference = started(world, clock.now())
    browser = doors.browser(world.applicant)
    path = f"/applications/{reference}/edit/project"
    huge = "word " * 4001
    page = browser.post(path, data={"version": "0", "answers.problem": huge, "answers.plan": "Short."})
    assert page.status_code == 422
    assert "Shorten this: it has 20,004 characters, and at most 20,000 fit" in page.text
    assert huge.strip() in page.text
    assert "Everything else on this page is saved." in page.text
    assert "Short." in browser.get(path).text
    assert huge.strip() not in browser.get(path).text


def test_saving_can_lead_back_to_all_parts(doors, world, clock):
    reference = started(world, clock.now())
    browser = doors.browser(world.applicant)
    answer = browser.post(
        f"/applications/{reference}/edit/the-project", data={"version": "0", "title": "T", "then": "list"}
    )
    assert answer.headers["location"] == f"/applications/{reference}/edit"
    assert "Your proposal is saved." in browser.get(answer.headers["location"]).text


def test_words_in_any_script_and_signs_of_markup_come_back_as_they_were_written(doors, world, clock):
    reference = started(world, clock.now())
    browser = doors.browser(world.applicant)
    text = "<script>alert(1)</script>\nشوارع آمنة & \"quotes\" 'single' {{ 7*7 }}"
    path = f"/applications/{reference}/edit/project"
    browser.post(path, data={"version": "0", "answers.problem": text})
    page = browser.get(path).text
    assert "<script>alert" not in page
    assert text in unescape(page)
    assert "{{ 7*7 }}" in browser.get(f"/applications/{reference}/check").text


def test_who_saves_over_a_colleagues_words_sees_both_and_decides(doors, world, clock):
    reference = started(world, clock.now())
    path = f"/applications/{reference}/edit/project"
    saved(
        world, reference, Edit(answers={"problem": "The colleague's words"}), 0, clock.now(), world.colleague
    )
    browser = doors.browser(world.applicant)
    page = browser.post(path, data={"version": "0", "answers.problem": "My words", "answers.plan": "My plan"})
    assert page.status_code == 409
    text = shown(page.text)
    assert "Iván Soto" in text
    assert "The colleague's words" in text
    assert "My words" in text
    assert "My plan" in text
    with world.db.read() as session:
        assert stored(session, reference).edit_version == 1
    again = {"version": hidden(page.text, "version"), "answers.problem": "Both", "answers.plan": "My plan"}
    assert browser.post(path, data=again).status_code == 303
    assert "Both" in browser.get(path).text


def test_the_same_holds_for_title_theme_and_amount(doors, world, clock):
    reference = started(world, clock.now())
    saved(world, reference, Edit(title="Theirs", theme="women"), 0, clock.now(), world.colleague)
    page = doors.browser(world.applicant).post(
        f"/applications/{reference}/edit/the-project",
        data={"version": "0", "title": "Mine", "theme": "digital"},
    )
    assert page.status_code == 409
    text = shown(page.text)
    assert "Title Theirs" in text
    assert "Theme Violence against women" in text
    assert 'value="Mine"' in page.text


def test_what_is_typed_while_the_deadline_passes_is_given_back(doors, world, clock):
    reference = started(world, clock.now())
    clock.advance(timedelta(days=31))
    passing.sweep(world.db, clock)
    page = doors.browser(world.applicant).post(
        f"/applications/{reference}/edit/project",
        data={"version": "0", "answers.problem": "Words that took me an evening"},
    )
    assert page.status_code == 403
    assert "This proposal cannot be changed any more" in page.text
    assert "Words that took me an evening" in page.text


def test_what_is_typed_after_the_session_ended_is_given_back(doors, world, clock):
    reference = started(world, clock.now())
    page = doors.browser().post(
        f"/applications/{reference}/edit/project",
        data={"version": "0", "answers.problem": "Words that took me an evening"},
    )
    assert page.status_code == 401
    assert "Words that took me an evening" in page.text


def test_what_is_missing_is_listed_with_links_to_where_it_is_asked(doors, world, clock):
    reference = started(world, clock.now())
    browser = doors.browser(world.applicant)
    base = f"/applications/{reference}"
    assert "5 answers are missing" in shown(browser.get(f"{base}/check").text)
    page = browser.post(f"{base}/check", data={"version": "1", "edit_version": "0"})
    assert page.status_code == 422
    assert "<title>Error: Check your answers" in page.text
    for line in (
        '<a href="#declaration">Confirm that what you submit is true and that the member stands behind it.</a>',
        f'<a href="{base}/edit/the-project#title">Not answered yet: Title</a>',
        f'<a href="{base}/edit/project#answers.plan">Not answered yet: What you will do</a>',
    ):
        assert line in page.text
    with world.db.read() as session:
        assert stored(session, reference).state == "draft"


def test_the_links_lead_to_fields_that_are_there(doors, world, clock):
    reference = started(world, clock.now())
    browser = doors.browser(world.applicant)
    assert 'id="answers.plan"' in browser.get(f"/applications/{reference}/edit/project").text
    for name in ("title", "theme", "requested_minor"):
        assert f'id="{name}"' in browser.get(f"/applications/{reference}/edit/the-project").text


def test_a_complete_proposal_without_the_declaration_is_not_submitted(doors, world, clock):
    reference = complete(world, clock.now())
    page = doors.browser(world.applicant).post(
        f"/applications/{reference}/check", data={"version": "1", "edit_version": "1"}
    )
    assert page.status_code == 422
    assert "Confirm that what you submit is true and that the member stands behind it." in page.text


def test_nobody_submits_what_a_colleague_changed_in_the_meantime(doors, world, clock):
    reference = complete(world, clock.now())
    body = {"version": "1", "edit_version": "1", "declaration": "yes"}
    saved(world, reference, Edit(answers={"plan": "Other"}), 1, clock.now(), world.colleague)
    page = doors.browser(world.applicant).post(f"/applications/{reference}/check", data=body)
    assert page.status_code == 409


def test_sending_the_submission_twice_is_told_and_submits_once(doors, world, clock):
    reference = complete(world, clock.now())
    browser = doors.browser(world.applicant)
    body = {"version": "1", "edit_version": "1", "declaration": "yes"}
    first, second = (browser.post(f"/applications/{reference}/check", data=body) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 403)


def test_after_submitting_the_pages_for_writing_lead_to_where_it_stands(doors, world, clock):
    reference = submitted(world, clock.now())
    browser = doors.browser(world.applicant)
    base = f"/applications/{reference}"
    for end in ("edit", "edit/the-project", "edit/project", "check"):
        assert browser.get(f"{base}/{end}").headers["location"] == base
    assert "cannot be changed now" in browser.get(base).text


def test_the_confirmation_is_only_there_once_it_is_submitted(doors, world, clock):
    reference = complete(world, clock.now())
    browser = doors.browser(world.applicant)
    assert (
        browser.get(f"/applications/{reference}/submitted").headers["location"]
        == f"/applications/{reference}"
    )


def test_a_move_is_confirmed_with_its_reason_and_leads_back(doors, world, clock):
    reference = submitted(world, clock.now())
    browser = doors.browser(world.applicant)
    base = f"/applications/{reference}"
    assert f'href="{base}/moves/withdraw"' in browser.get(base).text
    page = browser.get(f"{base}/moves/withdraw").text
    assert "It then takes no further part in the round." in page
    assert "Reason, for the fund to read" in page
    answer = browser.post(
        f"{base}/moves/withdraw", data={"version": hidden(page, "version"), "reason": "Other money."}
    )
    assert answer.headers["location"] == base
    text = shown(browser.get(base).text)
    assert "Withdrawn by you" in text
    assert "Other money." in text


def test_managers_make_moves_by_the_same_page_and_go_back_to_where_they_were(doors, world, clock):
    reference = submitted(world, clock.now())
    browser = doors.browser(world.manager)
    base = f"/applications/{reference}"
    page = browser.get(f"{base}/moves/return_for_changes?next=/pipeline/{reference}").text
    assert "What has to change, for the applicant to read" in page
    body = {"version": hidden(page, "version"), "next": hidden(page, "next")}
    missing = browser.post(f"{base}/moves/return_for_changes", data=body)
    assert missing.status_code == 422
    assert '<a href="#reason">Give a reason.</a>' in missing.text
    done = browser.post(f"{base}/moves/return_for_changes", data=body | {"reason": "Say how many."})
    assert done.headers["location"] == f"/pipeline/{reference}"
    assert "Say how many." in doors.browser(world.applicant).get(base).text


def test_a_move_can_name_itself_in_the_form(doors, world, clock):
    reference = submitted(world, clock.now())
    answer = doors.browser(world.manager).post(
        f"/applications/{reference}/moves?next=/pipeline", data={"trigger": "start_screening", "version": "2"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/pipeline")


def test_after_a_move_nobody_is_sent_to_another_site(doors, world, clock):
    reference = submitted(world, clock.now())
    for version, (trigger, reason, wanted) in enumerate(
        [
            ("start_screening", "", "//evil.example"),
            ("return_for_changes", "Why", "https://evil.example"),
            ("find_ineligible", "Why", "/\\evil.example"),
        ],
        start=2,
    ):
        answer = doors.browser(world.manager).post(
            f"/applications/{reference}/moves/{trigger}",
            data={"version": str(version), "reason": reason, "next": wanted},
        )
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_moves_that_ask_for_more_have_pages_of_their_own(doors, world, clock):
    reference = complete(world, clock.now())
    browser = doors.browser(world.applicant)
    base = f"/applications/{reference}"
    assert browser.get(f"{base}/moves/submit").headers["location"] == f"{base}/check"
    assert browser.get(f"{base}/moves/accept_offer").status_code == 409, "there is no offer yet"


def test_a_move_that_is_over_says_so(doors, world, clock):
    reference = submitted(world, clock.now())
    browser = doors.browser(world.applicant)
    assert browser.get(f"/applications/{reference}/moves/discard").status_code == 409
    assert browser.post(f"/applications/{reference}/moves/discard", data={"version": "2"}).status_code == 409
    assert browser.post(f"/applications/{reference}/moves/withdraw", data={"version": "1"}).status_code == 409
    assert browser.post(f"/applications/{reference}/moves/withdraw", data={}).status_code == 409


def test_a_draft_that_missed_the_deadline_says_what_can_be_done(doors, world, clock):
    reference = complete(world, clock.now())
    clock.advance(timedelta(days=31))
    passing.sweep(world.db, clock)
    browser = doors.browser(world.applicant)
    text = shown(browser.get(f"/applications/{reference}").text)
    assert "Not submitted in time" in text
    assert "If something kept you from submitting, write to the fund." in text
    page = browser.get(f"/applications/{reference}/moves/reopen_draft")
    assert "This cannot be done now, because:" in page.text


def test_a_long_history_of_a_funded_project_is_told_on_one_page(doors, world, clock):
    with world.db.write() as session:
        reference = worlds.to_lesson_due(session, world, clock.now()).reference
    text = shown(doors.browser(world.applicant).get(f"/applications/{reference}").text)
    assert "Interim report Accepted" in text
    assert "Lesson To be written" in text
    assert "Read the offer and the agreement" in text


def test_those_who_read_everything_and_reviewers_are_sent_to_their_own_page(doors, world, clock):
    reference = in_review(world, clock.now())
    path = f"/applications/{reference}"
    for viewer in (world.manager, world.auditor):
        assert doors.browser(viewer).get(path).headers["location"] == f"/pipeline/{reference}"
    assert doors.browser(world.reviewers[0]).get(path).headers["location"].startswith("/reviews/")
    assert doors.browser(world.reviewers[1]).get(path).status_code == 404


def test_a_manager_who_acts_for_the_member_is_its_applicant_here(doors, world, clock):
    with world.db.write() as session:
        both = worlds.person(session, "Ada Both", clock.now(), roles=["manager"], members=[world.member_id])
    reference = submitted(world, clock.now())
    browser = doors.browser(both)
    assert browser.get(f"/applications/{reference}").status_code == 200
    refused = browser.post(f"/applications/{reference}/moves/start_screening", data={"version": "2"})
    assert refused.status_code == 403


def test_titles_in_other_scripts_stand_in_the_list(doors, world, clock):
    reference = started(world, clock.now())
    saved(world, reference, Edit(title="شوارع آمنة <3"), 0, clock.now())
    assert "شوارع آمنة &lt;3" in doors.browser(world.applicant).get("/applications").text


def test_an_empty_list_says_what_to_do(doors, world):
    text = shown(doors.browser(world.outsider).get("/applications").text)
    assert "There are no proposals yet" in text
    assert "Start a proposal" in text


def test_the_whole_of_what_was_written_can_be_read_after_submitting(doors, world, clock):
    reference = submitted(world, clock.now())
    page = doors.browser(world.colleague).get(f"/applications/{reference}").text
    for text in WHOLE.answers.values():
        assert text in page


def test_a_resubmission_goes_through_the_same_check(doors, world, clock):
    reference = submitted(world, clock.now())
    moved(world, reference, "return_for_changes", world.manager, clock.now(), reason="More, please.")
    browser = doors.browser(world.applicant)
    base = f"/applications/{reference}"
    assert "More, please." in browser.get(base).text
    page = browser.get(f"{base}/check").text
    assert "Submit again" in page
    body = {
        "version": hidden(page, "version"),
        "edit_version": hidden(page, "edit_version"),
        "declaration": "yes",
    }
    assert browser.post(f"{base}/check", data=body).headers["location"] == f"{base}/submitted"
