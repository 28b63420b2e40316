"""Undo as people and programs meet it: the quiet link, the page that says what it means, the API."""

from datetime import timedelta

import pytest
from sqlmodel import select

from schema.applications import Application
from schema.deadlines import Deadline
from schema.outbox import Message
from schema.reviews import Review
from schema.rounds import Round
from tests.support.doors import Doors, hidden, shown
from tests.support.world import assign, draft, move, submit, to_deliberation, world


@pytest.fixture
def here(sqlite_db, clock):
    return world(sqlite_db, clock.now())


@pytest.fixture
def doors(here, clock):
    return Doors(here.db, clock)


def _state(here, key):
    with here.db.read() as session:
        return session.get_one(Application, key).state


def _declined(here, clock):
    """A proposal that was declined a minute ago, one of the two mails sent."""
    with here.db.write() as session:
        application = to_deliberation(session, here, clock.now())
        clock.advance(timedelta(minutes=1))
        move(session, application, "decline", here.manager, clock.now(), reason="Sorry.")
        first = session.exec(select(Message).where(Message.template == "declined")).first()
        first.status, first.rendered_subject = "sent", "Not funded this time"
        return application.id, application.reference


def test_a_manager_sees_all_that_undoing_means_and_does_it_once(here, doors, clock):
    key, reference = _declined(here, clock)
    clock.advance(timedelta(hours=2))
    browser = doors.browser(here.second_manager)
    file = browser.get(f"/pipeline/{reference}")
    assert f'href="/undo/application/{key}"' in file.text
    assert "possible for another 22 hours" in shown(file.text)
    page = browser.get(f"/undo/application/{key}")
    said = shown(page.text)
    for part in (
        "1 email went out already.",
        "Not funded this time – Lucía Prado",
        "1 email about it does not go out any more.",
        "To be done again: Decide on the proposal",
        "Deliberation",
    ):
        assert part in said, part
    typed = {"event": hidden(page.text, "event"), "version": hidden(page.text, "version")}
    done = browser.post(f"/undo/application/{key}", data=typed)
    assert (done.status_code, done.headers["location"]) == (303, f"/applications/{reference}")
    assert _state(here, key) == "deliberation"
    twice = browser.post(f"/undo/application/{key}", data=typed)
    assert (twice.status_code, twice.headers["location"]) == (303, f"/applications/{reference}")
    assert doors.browser(here.manager).post(f"/undo/application/{key}", data=typed).status_code == 404
    assert browser.get(f"/undo/application/{key}").status_code == 404
    history = shown(browser.get(f"/pipeline/{reference}/history").text)
    assert "Undone: Decline the proposal" in history
    told = shown(doors.browser(here.applicant).get(f"/applications/{reference}").text)
    assert "Undone: Not funded this time" in told
    assert (
        "Sorry."
        not in shown(doors.browser(here.applicant).get(f"/applications/{reference}").text).split("Undone")[0]
    )


def test_an_applicant_undoes_her_own_and_nobody_elses(here, doors, clock):
    with here.db.write() as session:
        application = draft(session, here, clock.now())
        move(session, application, "discard", here.applicant, clock.now())
        key, reference = application.id, application.reference
    own, other = doors.browser(here.applicant), doors.browser(here.colleague)
    assert f'href="/undo/application/{key}"' in own.get(f"/applications/{reference}").text
    assert "/undo/" not in other.get(f"/applications/{reference}").text
    assert other.get(f"/undo/application/{key}").status_code == 404
    page = own.get(f"/undo/application/{key}")
    assert "You can undo it for another 7 days" in shown(page.text)
    own.post(
        f"/undo/application/{key}",
        data={"event": hidden(page.text, "event"), "version": hidden(page.text, "version")},
    )
    assert _state(here, key) == "draft"


def test_a_reviewer_who_declined_by_mistake_comes_back(here, doors, clock):
    with here.db.write() as session:
        application = draft(session, here, clock.now())
        submit(session, here, application, clock.now())
        review = assign(session, here, application, here.reviewers[0], clock.now())
        clock.advance(timedelta(minutes=1))
        move(session, review, "decline", here.reviewers[0], clock.now(), reason="No time.")
        key = review.id
    browser = doors.browser(here.reviewers[0])
    assert doors.browser(here.reviewers[1]).get(f"/undo/review/{key}").status_code == 404
    page = browser.get(f"/undo/review/{key}")
    assert page.status_code == 200
    browser.post(
        f"/undo/review/{key}",
        data={"event": hidden(page.text, "event"), "version": hidden(page.text, "version")},
    )
    with here.db.read() as session:
        assert session.get_one(Review, key).state == "assigned"


def test_a_round_that_was_marked_as_decided_too_early_is_closed_again(here, doors, clock):
    with here.db.write() as session:
        round_ = session.get_one(Round, here.round_id)
        for trigger in ("close", "decide"):
            clock.advance(timedelta(minutes=1))
            move(session, round_, trigger, here.manager, clock.now())
    browser = doors.browser(here.manager)
    assert f'href="/undo/round/{here.round_id}"' in browser.get(f"/rounds/{here.round_slug}/manage").text
    program = doors.program(here.second_manager)
    listed = program.get(f"/api/v1/rounds/{here.round_slug}/moves").json()
    body = {"event": listed["undo"]["event"], "version": listed["version"]}
    done = program.post(f"/api/v1/rounds/{here.round_slug}/undo", json=body)
    assert done.json() == {"state": "closed", "version": listed["version"] + 1}
    with here.db.read() as session:
        owed = select(Deadline.key).where(Deadline.subject_kind == "round", Deadline.status == "open")
        assert session.exec(owed).all() == ["deciding"]


def test_the_api_says_what_can_be_undone_and_does_it(here, doors, clock):
    key, reference = _declined(here, clock)
    program = doors.program(here.manager)
    listed = program.get(f"/api/v1/applications/{reference}/moves").json()
    offered = listed["undo"]
    assert (offered["trigger"], offered["state"], offered["allowed"]) == ("decline", "deliberation", True)
    assert (offered["mails_unsent"], offered["mails_gone"]) == (1, 1)
    path = f"/api/v1/applications/{reference}/undo"
    body = {"event": offered["event"], "version": listed["version"]}
    assert doors.program(here.applicant).post(path, json=body).status_code == 403
    assert program.post(path, json=body | {"version": 1}).status_code == 409
    clock.advance(timedelta(days=2))
    refused = program.post(path, json=body)
    assert (refused.status_code, refused.json()["reasons"]) == (
        409,
        ["The time in which it could be undone is over."],
    )
    clock.advance(timedelta(days=-2))
    assert program.post(path, json=body).json() == {"state": "deliberation", "version": listed["version"] + 1}
    assert program.post(path, json=body).status_code == 409
    assert program.get(f"/api/v1/applications/{reference}/moves").json()["undo"] is None
    assert _state(here, key) == "deliberation"
