"""The reviewer's pages and the page for asking reviewers, as a browser without scripts meets them."""

import pytest

from tests.reviewing.support import (
    FULL,
    application,
    begin,
    browser_of,
    field,
    hand_in,
    in_review,
    move,
    review,
    title,
)
from tests.support.doors import Doors
from tests.support.doors import shown as words
from tests.support.world import world


@pytest.fixture
def here(sqlite_db, clock):
    return world(sqlite_db, clock.now())


@pytest.fixture
def case(sqlite_db, here, clock):
    return in_review(sqlite_db, here, clock.now())


@pytest.fixture
def app(sqlite_db, clock):
    return Doors(sqlite_db, clock)


def scores(**changes):
    return {
        "version": "0",
        "score-need": "3",
        "reason-need": "The need is shown.",
        "score-plan": "2",
        "reason-plan": "The plan is thin.",
        "recommendation": "fund",
        "comment": "For the panel.",
        "feedback": "Say who does what.",
        "then": "save",
    } | changes


def test_a_review_from_the_mail_to_the_thanks(app, sqlite_db, here, case):
    client, key = browser_of(app, here.reviewers[0]), case.reviews[0]
    listed = client.get("/reviews").text
    assert "One proposal waits for your review." in words(listed)
    assert f'href="/reviews/{key}"' in listed

    asked = client.get(f"/reviews/{key}").text
    assert "Do you have a conflict of interest?" in words(asked)
    assert "What we say about problem." not in asked

    begun = client.post(f"/reviews/{key}/moves/start", data={"version": "1"})
    assert (begun.status_code, begun.headers["location"]) == (303, f"/reviews/{key}")
    card = client.get(f"/reviews/{key}").text
    assert "What we say about problem." in card

    saved = client.post(f"/reviews/{key}", data=scores())
    assert (saved.status_code, saved.headers["location"]) == (303, f"/reviews/{key}")
    stored = client.get(f"/reviews/{key}").text
    assert (field(stored, "reason-need"), field(stored, "feedback")) == (
        "The need is shown.",
        "Say who does what.",
    )

    check = client.post(f"/reviews/{key}", data=scores(version="1", then="check"))
    assert check.headers["location"] == f"/reviews/{key}/moves/submit"
    assert "58 of 100" in words(client.get(check.headers["location"]).text)
    sent = client.post(f"/reviews/{key}/moves/submit", data={"version": "2"})
    assert sent.headers["location"] == f"/reviews/{key}"
    thanks = words(client.get(f"/reviews/{key}").text)
    assert "Your review is submitted. Thank you." in thanks
    assert "No other review of this proposal has come in yet." in thanks
    assert review(sqlite_db, key).state == "submitted"


def test_a_half_filled_scorecard_is_saved(app, sqlite_db, here, case, clock):
    move(sqlite_db, here.reviewers[0], case.reviews[0], "start", clock.now())
    client = browser_of(app, here.reviewers[0])
    saved = client.post(
        f"/reviews/{case.reviews[0]}", data={"version": "0", "reason-need": "Only this so far."}
    )
    assert saved.status_code == 303
    assert field(client.get(f"/reviews/{case.reviews[0]}").text, "reason-need") == "Only this so far."


def test_saving_on_the_way_keeps_the_place_and_counts_what_is_done(app, sqlite_db, here, case, clock):
    key = case.reviews[0]
    move(sqlite_db, here.reviewers[0], key, "start", clock.now())
    client = browser_of(app, here.reviewers[0])
    half = {"version": "0", "score-need": "3", "reason-need": "The need is shown."}
    saved = client.post(f"/reviews/{key}", data=half | {"then": "criterion-plan"})
    assert saved.headers["location"] == f"/reviews/{key}#criterion-plan"
    assert 'id="criterion-plan"' in client.get(f"/reviews/{key}").text
    assert "1 of 2 criteria scored" in words(client.get("/reviews").text)
    elsewhere = client.post(f"/reviews/{key}", data=half | {"version": "1", "then": "//evil.example"})
    assert elsewhere.headers["location"] == f"/reviews/{key}"


def test_a_review_that_is_in_leads_to_the_next_one(app, sqlite_db, here, case, clock):
    other = in_review(sqlite_db, here, clock.now(), "Night buses")
    hand_in(sqlite_db, here.reviewers[0], case.reviews[0], clock.now())
    page = browser_of(app, here.reviewers[0]).get(f"/reviews/{case.reviews[0]}").text
    assert "Go on with the next review: Night buses" in words(page)
    assert f'href="/reviews/{other.reviews[0]}"' in page


def test_the_check_says_what_is_missing_and_has_no_button(app, sqlite_db, here, case, clock):
    move(sqlite_db, here.reviewers[0], case.reviews[0], "start", clock.now())
    page = browser_of(app, here.reviewers[0]).get(f"/reviews/{case.reviews[0]}/moves/submit").text
    assert "Give a score and a reason for: Need; Plan; Recommendation." in words(page)
    assert "Submit the review</button>" not in page


@pytest.mark.parametrize(
    ("changes", "name", "message"),
    [
        ({"score-need": "9"}, "score-need", "Enter 4 or less"),
        ({"score-need": "many"}, "score-need", "Enter a whole number, like 12"),
        ({"recommendation": "perhaps"}, "recommendation", "Choose one of the answers"),
        ({"comment": "x" * 20_001}, "comment", "Shorten this: it has 20,001 characters"),
    ],
)
def test_what_cannot_be_stored_is_said_at_the_field_and_nothing_typed_is_lost(
    app, sqlite_db, here, case, clock, changes, name, message
):
    move(sqlite_db, here.reviewers[0], case.reviews[0], "start", clock.now())
    answer = browser_of(app, here.reviewers[0]).post(f"/reviews/{case.reviews[0]}", data=scores(**changes))
    assert answer.status_code == 422
    assert title(answer.text).startswith("Error:")
    assert f'<a href="#{name}">{message}' in answer.text
    assert field(answer.text, "reason-plan") == "The plan is thin."
    assert review(sqlite_db, case.reviews[0]).edit_version == 0


def test_two_screens_neither_overwrites_nor_loses_anything(app, sqlite_db, here, case, clock):
    begin(sqlite_db, here.reviewers[0], case.reviews[0], clock.now(), FULL)
    client = browser_of(app, here.reviewers[0])
    answer = client.post(f"/reviews/{case.reviews[0]}", data=scores(comment="Typed on the phone."))
    assert answer.status_code == 409
    assert field(answer.text, "comment") == "Typed on the phone."
    assert "What is saved here now For the panel." in words(answer.text)
    assert field(answer.text, "version") == "1"
    assert review(sqlite_db, case.reviews[0]).comment == "For the panel."
    again = client.post(
        f"/reviews/{case.reviews[0]}", data=scores(comment="Typed on the phone.", version="1")
    )
    assert again.status_code == 303
    assert review(sqlite_db, case.reviews[0]).comment == "Typed on the phone."


def test_a_conflict_is_declared_with_its_reason_and_closes_the_proposal(app, sqlite_db, here, case):
    client, key = browser_of(app, here.reviewers[0]), case.reviews[0]
    page = client.get(f"/reviews/{key}/moves/declare_conflict")
    assert "only the fund reads it" in words(page.text)
    empty = client.post(f"/reviews/{key}/moves/declare_conflict", data={"version": "1", "reason": " "})
    assert (empty.status_code, title(empty.text).startswith("Error:")) == (422, True)
    done = client.post(
        f"/reviews/{key}/moves/declare_conflict", data={"version": "1", "reason": "My sister works there."}
    )
    assert (done.status_code, done.headers["location"]) == (303, "/reviews")
    listed = words(client.get("/reviews").text)
    assert "You take no part in this proposal." in listed
    assert "My sister works there." in listed
    assert client.get(f"/reviews/{key}").status_code == 404
    assert review(sqlite_db, key).state == "conflict"


def test_a_stale_button_is_told_and_changes_nothing(app, sqlite_db, here, case, clock):
    move(sqlite_db, here.reviewers[0], case.reviews[0], "start", clock.now())
    answer = browser_of(app, here.reviewers[0]).post(
        f"/reviews/{case.reviews[0]}/moves/decline", data={"version": "1", "reason": "No time."}
    )
    assert answer.status_code == 409
    assert review(sqlite_db, case.reviews[0]).state == "in_progress"


def test_a_step_that_is_not_hers_or_not_there_has_no_page(app, here, case):
    client = browser_of(app, here.reviewers[0])
    for trigger in ("cancel", "submit", "nonsense", "call_off"):
        assert client.get(f"/reviews/{case.reviews[0]}/moves/{trigger}").status_code == 404
    assert client.post(f"/reviews/{case.reviews[0]}/moves/cancel", data={"version": "1"}).status_code == 403


@pytest.mark.parametrize("who", ["outsider", "applicant", "colleague", "third"])
@pytest.mark.parametrize("path", ["", "/moves/start", "/moves/declare_conflict"])
def test_a_review_is_not_there_for_those_it_is_none_of_theirs(app, sqlite_db, here, case, clock, who, path):
    begin(sqlite_db, here.reviewers[0], case.reviews[0], clock.now())
    viewer = here.reviewers[2] if who == "third" else getattr(here, who)
    client = browser_of(app, viewer)
    assert client.get(f"/reviews/{case.reviews[0]}{path}").status_code == 404
    assert client.post(f"/reviews/{case.reviews[0]}{path}", data=scores()).status_code == 404
    assert review(sqlite_db, case.reviews[0]).edit_version == 1


@pytest.mark.parametrize("number", ["0", "-1", "999", "99999999999999999999", "x"])
def test_a_review_that_never_was_is_not_there(app, here, number):
    assert browser_of(app, here.manager).get(f"/reviews/{number}").status_code == 404


def test_nobody_signed_in_is_sent_to_sign_in_and_back(app, here, case):
    client = browser_of(app, None)
    for path in ("/reviews", f"/reviews/{case.reviews[0]}", f"/pipeline/{case.reference}/reviewers"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")
    for path in (
        f"/reviews/{case.reviews[0]}",
        f"/reviews/{case.reviews[0]}/moves/start",
        f"/pipeline/{case.reference}/reviewers",
    ):
        assert client.post(path, data={"version": "1"}).status_code == 401


@pytest.mark.parametrize("who", ["applicant", "outsider", "manager"])
def test_the_list_is_for_reviewers(app, here, who):
    assert browser_of(app, getattr(here, who)).get("/reviews").status_code == 403


@pytest.mark.parametrize("who", ["applicant", "outsider", "auditor", "reviewer"])
def test_only_managers_ask_reviewers(app, here, case, who):
    viewer = here.reviewers[0] if who == "reviewer" else getattr(here, who)
    client = browser_of(app, viewer)
    path = f"/pipeline/{case.reference}/reviewers"
    assert client.get(path).status_code == 403
    asked = client.post(path, data={"reviewer": str(here.reviewers[2].person_id)})
    assert asked.status_code == 403


def test_asking_twice_asks_once_and_is_no_mistake(app, here, case):
    client = browser_of(app, here.manager)
    body = {"reviewer": str(here.reviewers[2].person_id)}
    answers = [client.post(f"/pipeline/{case.reference}/reviewers", data=body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    page = client.get(f"/pipeline/{case.reference}/reviewers").text
    assert page.count(">Reviewer C</a>") == 1


def test_a_manager_asks_one_more_reviewer_and_cancels_another(app, sqlite_db, here, case):
    client, path = browser_of(app, here.manager), f"/pipeline/{case.reference}/reviewers"
    page = client.get(path).text
    assert ("Reviewer A" in page, "Reviewer C" in page) == (True, True)
    empty = client.post(path, data={})
    assert empty.status_code == 422
    assert "Choose at least one reviewer." in words(empty.text)
    asked = client.post(path, data={"reviewer": str(here.reviewers[2].person_id)})
    assert (asked.status_code, asked.headers["location"]) == (303, path)
    assert "The reviewers were asked." in words(client.get(path).text)
    cancel = f"/reviews/{case.reviews[0]}/moves/cancel"
    assert "Reviewer A" in words(client.get(cancel).text)
    done = client.post(cancel, data={"version": "1", "reason": "Another one has it."})
    assert (done.status_code, done.headers["location"]) == (303, path)
    assert review(sqlite_db, case.reviews[0]).state == "cancelled"


def test_a_manager_reads_a_review_once_it_is_in(app, sqlite_db, here, case, clock):
    client, path = browser_of(app, here.manager), f"/reviews/{case.reviews[0]}"
    begin(sqlite_db, here.reviewers[0], case.reviews[0], clock.now())
    early = client.get(path).text
    assert ("The need is shown." in early, "hers until she submits it" in early) == (False, True)
    move(sqlite_db, here.reviewers[0], case.reviews[0], "submit", clock.now())
    late = client.get(path).text
    assert "The need is shown." in late
    assert f'href="{path}/moves/reopen"' in late


def test_what_people_type_is_shown_as_text(app, sqlite_db, here, case, clock):
    hand_in(sqlite_db, here.reviewers[0], case.reviews[0], clock.now())
    move(sqlite_db, here.manager, case.reviews[0], "reopen", clock.now(), "<script>alert(1)</script>")
    client = browser_of(app, here.reviewers[0])
    client.post(f"/reviews/{case.reviews[0]}", data=scores(version="1", comment="<b>100%</b> sure"))
    page = client.get(f"/reviews/{case.reviews[0]}").text
    assert "<script>alert" not in page
    assert field(page, "comment") == "<b>100%</b> sure"


def test_both_reviews_in_move_the_proposal_on(app, sqlite_db, here, case, clock):
    for viewer, key in zip(here.reviewers, case.reviews, strict=False):
        hand_in(sqlite_db, viewer, key, clock.now())
    assert application(sqlite_db, case.application_id).state == "deliberation"
    page = words(browser_of(app, here.reviewers[0]).get(f"/reviews/{case.reviews[0]}").text)
    assert "One other review has come in. Their average is 58 of 100." in page
