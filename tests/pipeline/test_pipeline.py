"""The manager's overview and the file of one application."""

from datetime import timedelta

import pytest
from sqlmodel import select

from fund.base import moves, passing
from fund.pipeline import dossier, outbox, owed, queries
from schema.applications import Application
from schema.ledger import LedgerEvent
from schema.outbox import Message
from schema.values import Money
from tests.support.doors import Doors, shown
from tests.support.watching import statements
from tests.support.world import (
    assign,
    award,
    draft,
    move,
    submit,
    to_active,
    to_deliberation,
    to_lesson_due,
    world,
)

FILE_PAGES = ("", "/proposal", "/workflow", "/mail", "/history")
API_LISTS = ("deadlines", "history", "mail")


@pytest.fixture
def here(db, clock):
    return world(db, clock.now())


def _reference(db):
    with db.read() as session:
        return session.exec(select(Application.reference)).first()


def test_every_state_tells_how_many_how_much_how_long_and_what_is_late(here, db, clock):
    with db.write() as session:
        draft(session, here, clock.now())
        to_deliberation(session, here, clock.now(), "One")
        to_deliberation(session, here, clock.now(), "Two")
        to_active(session, here, clock.now())
    clock.advance(timedelta(days=95))
    passing.sweep(db, clock)
    with db.read() as session:
        counted = {
            one.state.name: one
            for stage in queries.stages(session, here.manager, "", clock.now())
            for one in stage.states
        }
    assert {name: one.count for name, one in counted.items() if one.count} == {
        "not_submitted": 1,
        "deliberation": 2,
        "active": 1,
    }
    assert counted["deliberation"].money == [Money(30_000_00, "USD")]
    assert counted["active"].money == [Money(12_000_00, "USD")]
    assert counted["not_submitted"].money == []
    assert counted["deliberation"].overdue == 2
    assert counted["active"].overdue == 0
    assert counted["deliberation"].longest_days(clock.now()) == 95


def test_a_draft_is_counted_but_never_listed_or_found(here, db, clock):
    with db.write() as session:
        draft(session, here, clock.now(), title="A secret draft")
    with db.read() as session:
        for wanted in (queries.Filter(), queries.Filter(words="secret"), queries.Filter(state="draft")):
            assert queries.rows(session, here.manager, wanted, clock.now()) == ([], 0)
    page = Doors(db, clock).browser(here.manager).get("/pipeline")
    assert "secret" not in page.text


@pytest.mark.parametrize(
    ("wanted", "titles"),
    [
        (queries.Filter(), ["Active one", "Deciding", "Sent"]),
        (queries.Filter(stage="review"), ["Deciding"]),
        (queries.Filter(state="submitted"), ["Sent"]),
        (queries.Filter(words="DECID"), ["Deciding"]),
        (queries.Filter(words="aldea"), ["Active one", "Deciding", "Sent"]),
        (queries.Filter(words="100%"), []),
        (queries.Filter(round="no-such-round"), []),
        (queries.Filter(overdue=True), []),
    ],
)
def test_a_filter_is_a_link(here, db, clock, wanted, titles):
    with db.write() as session:
        submit(session, here, draft(session, here, clock.now(), title="Sent"), clock.now())
        to_deliberation(session, here, clock.now(), "Deciding")
        to_active(session, here, clock.now()).title = "Active one"
    with db.read() as session:
        rows, total = queries.rows(session, here.manager, wanted, clock.now())
    assert (sorted(row.application.title for row in rows), total) == (titles, len(titles))
    assert Doors(db, clock).browser(here.manager).get("/pipeline" + wanted.link()).status_code == 200


def test_the_overview_costs_the_same_with_one_row_and_with_many(here, db, clock):
    def count() -> int:
        with db.read() as session, statements(db) as seen:
            queries.stages(session, here.manager, "", clock.now())
            queries.rows(session, here.manager, queries.Filter(), clock.now())
        return len(seen)

    with db.write() as session:
        submit(session, here, draft(session, here, clock.now()), clock.now())
    count()  # parses the definition once a process
    few = count()
    with db.write() as session:
        for number in range(20):
            submit(session, here, draft(session, here, clock.now(), title=f"Number {number}"), clock.now())
    assert count() == few


def test_everybody_sees_what_they_owe_and_nobody_elses(here, db, clock):
    with db.write() as session:
        to_active(session, here, clock.now())
        draft(session, here, clock.now())
    with db.read() as session:
        keys = {
            name: [one.deadline.key for one in owed.by(session, viewer, clock.now())]
            for name, viewer in {
                "applicant": here.applicant,
                "outsider": here.outsider,
                "manager": here.manager,
                "reviewer": here.reviewers[0],
                "auditor": here.auditor,
            }.items()
        }
    assert keys == {
        "applicant": ["submission", "report", "report"],
        "outsider": [],
        "manager": ["closing"],
        "reviewer": [],
        "auditor": [],
    }


def test_the_file_is_open_to_those_who_read_everything_and_to_nobody_else(here, db, clock):
    with db.write() as session:
        to_active(session, here, clock.now())
    reference = _reference(db)
    doors = Doors(db, clock)
    for viewer, status in (
        (here.manager, 200),
        (here.auditor, 200),
        (here.applicant, 403),
        (here.outsider, 403),
        (here.reviewers[0], 403),
    ):
        browser, program = doors.browser(viewer), doors.program(viewer)
        assert [browser.get(f"/pipeline/{reference}{tail}").status_code for tail in FILE_PAGES] == [
            status
        ] * len(FILE_PAGES)
        assert [
            program.get(f"/api/v1/applications/{reference}/{part}").status_code for part in API_LISTS
        ] == [status] * 3
    stranger = doors.browser()
    for tail in FILE_PAGES:
        answer = stranger.get(f"/pipeline/{reference}{tail}")
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/sign-in")
    assert stranger.get(f"/api/v1/applications/{reference}/mail").status_code == 401


def test_a_draft_has_no_file(here, db, clock):
    with db.write() as session:
        draft(session, here, clock.now())
    assert Doors(db, clock).browser(here.manager).get(f"/pipeline/{_reference(db)}").status_code == 404


def test_the_history_tells_in_words_who_did_what(here, db, clock):
    with db.write() as session:
        to_active(session, here, clock.now())
    events = (
        Doors(db, clock).program(here.manager).get(f"/api/v1/applications/{_reference(db)}/history").json()
    )
    told = [(event["title"], event["by"], event["about"]) for event in reversed(events)]
    assert told[:4] == [
        ("Draft started", "Lucía Prado", ""),
        ("Submit the proposal", "Lucía Prado", ""),
        ("Start screening", "Amina Bello", ""),
        ("Reviewer assigned", "Amina Bello", "review"),
    ]
    assert ("Begin deliberation: all reviews are in", "", "") in told


def test_the_mail_says_why_it_did_not_go(here, db, clock):
    with db.write() as session:
        submit(session, here, draft(session, here, clock.now()), clock.now())
    browser = Doors(db, clock).browser(here.manager)
    with db.read() as session:
        off = session.exec(
            select(Message).where(
                Message.status == "cancelled",
                Message.template == "reminder",
                Message.application_id.is_not(None),
            )
        ).first()
    page = browser.get(f"/mail/{off.id}")
    assert page.status_code == 200
    assert "Called off" in page.text
    assert "Submit the proposal" in page.text
    assert browser.get("/mail/999999").status_code == 404
    assert browser.get("/mail?status=cancelled").status_code == 200


def test_two_pages_of_fifty(here, db, clock):
    with db.write() as session:
        for number in range(51):
            submit(session, here, draft(session, here, clock.now(), title=f"Number {number}"), clock.now())
    browser = Doors(db, clock).browser(here.manager)
    assert "Page 1 of 2" in browser.get("/pipeline").text
    assert "Page 2 of 2" in browser.get("/pipeline?page=2").text
    assert browser.get("/pipeline?page=0").status_code == 422


def test_what_is_owed_leads_to_the_page_where_it_is_done(here, db, clock):
    with db.write() as session:
        written = draft(session, here, clock.now()).reference
        active = to_active(session, here, clock.now()).reference
        lesson = to_lesson_due(session, here, clock.now()).reference
    with db.read() as session:
        found = owed.by(session, here.colleague, clock.now())
    assert {(one.deadline.key, one.path) for one in found} == {
        ("submission", f"/applications/{written}"),
        ("report", f"/applications/{active}/reports/interim"),
        ("report", f"/applications/{active}/reports/final"),
        ("lesson", f"/applications/{lesson}/lesson"),
    }
    assert [one.deadline.due_at for one in found] == sorted(one.deadline.due_at for one in found)


def test_what_is_owed_costs_the_same_for_one_and_for_many(here, db, clock):
    def count() -> int:
        with db.read() as session, statements(db) as seen:
            assert owed.by(session, here.applicant, clock.now())
        return len(seen)

    with db.write() as session:
        draft(session, here, clock.now())
    once = count()
    with db.write() as session:
        for _ in range(5):
            draft(session, here, clock.now())
    assert count() == once


def _in_order(here, db, clock, order):
    wanted = queries.Filter(order=order)
    with db.read() as session:
        return [row.application.title for row in queries.rows(session, here.manager, wanted, clock.now())[0]]


def test_applications_stand_in_the_order_that_is_asked_for(here, db, clock):
    with db.write() as session:
        to_deliberation(session, here, clock.now(), "b, waits longest")
    clock.advance(timedelta(days=3))
    with db.write() as session:
        dear = draft(session, here, clock.now(), title="C, costs most")
        dear.requested_minor = 19_000_00
        submit(session, here, dear, clock.now())
        submit(session, here, draft(session, here, clock.now(), title="A, due next"), clock.now())
    assert _in_order(here, db, clock, "longest")[0] == "b, waits longest"
    assert _in_order(here, db, clock, "amount")[0] == "C, costs most"
    assert _in_order(here, db, clock, "title") == ["A, due next", "b, waits longest", "C, costs most"]
    page = Doors(db, clock).browser(here.manager).get("/pipeline?order=title&stage=review")
    assert "1 application: Review" in page.text
    assert "2 of 2 reviews in" in page.text


def test_the_file_shows_scores_the_way_it_came_and_what_can_come_next(here, db, clock):
    with db.write() as session:
        reference = to_deliberation(session, here, clock.now()).reference
    browser = Doors(db, clock).browser(here.auditor)
    assert "75 of 100. 2 reviews are in." in browser.get(f"/pipeline/{reference}").text
    page = browser.get(f"/pipeline/{reference}/workflow").text
    for words in ("Draft", "where it stands now", "Decline the proposal", "It stands at Deliberation."):
        assert words in page
    with db.read() as session:
        found = dossier.way(session, session.exec(select(Application)).one(), clock.now())
    assert [(step.left, step.trigger, step.name) for step in found.steps] == [
        ("", "", "draft"),
        ("draft", "submit", "submitted"),
        ("submitted", "start_screening", "screening"),
        ("screening", "send_to_review", "in_review"),
        ("in_review", "all_reviews_came_in", "deliberation"),
    ]
    assert found.narrow.count('class="wf-taken"') == found.wide.count('class="wf-taken"') == 4


def test_what_can_come_next_agrees_with_the_buttons(here, db, clock):
    with db.write() as session:
        application = to_deliberation(session, here, clock.now())
        reference, key = application.reference, application.id
        assign(session, here, application, here.reviewers[2], clock.now())
        move(session, application, "back_to_review", here.manager, clock.now(), reason="One more.")
    with db.read() as session:
        application = session.get_one(Application, key)
        buttons = moves.options(session, application, here.manager, clock.now())
        found = dossier.way(session, application, clock.now())
    waiting = {one.trigger: list(why) for one, _state, why in found.waiting}
    reasons = {one.trigger: [] for one, _state in found.possible} | waiting
    assert {one.move.trigger: list(one.reasons) for one in buttons}.items() <= reasons.items()
    assert {one.trigger for one, _state in found.possible} == {"withdraw", "close_review"}
    assert list(waiting) == ["all_reviews_came_in"]
    page = Doors(db, clock).browser(here.auditor).get(f"/pipeline/{reference}/workflow").text
    assert all(reason in shown(page) for why in waiting.values() for reason in why)
    assert found.narrow.count("wf-wire wf-possible") == 2


def test_what_a_deadline_makes_by_itself_is_told_as_such(here, db, clock):
    with db.write() as session:
        application = to_deliberation(session, here, clock.now())
        award(session, here, application, clock.now())
        move(session, application, "offer", here.manager, clock.now())
        found = dossier.way(session, application, clock.now())
    assert [(one.trigger, why) for one, _state, why in found.waiting] == [
        ("lapse_offer", ("It is made by itself when this has passed: Accept or decline the offer",))
    ]


def test_a_record_that_was_changed_says_so(here, db, clock):
    with db.write() as session:
        reference = to_deliberation(session, here, clock.now()).reference
    browser = Doors(db, clock).browser(here.auditor)
    assert "all were computed anew just now and hold" in browser.get(f"/pipeline/{reference}/history").text
    with db.write() as session:
        event = session.exec(select(LedgerEvent).where(LedgerEvent.action == "start_screening")).one()
        event.actor_id = here.second_manager.person_id
    assert "This record was changed from outside" in browser.get(f"/pipeline/{reference}/history").text


def test_mail_that_ended_stands_before_mail_that_is_planned(here, db, clock):
    with db.write() as session:
        submit(session, here, draft(session, here, clock.now()), clock.now())
    with db.read() as session:
        found, _total = outbox.page(session, here.auditor, "", 1)
    ended = [entry.message.finished_at is not None for entry in found]
    assert ended == sorted(ended, reverse=True)
    planned = [entry for entry in found if entry.message.finished_at is None]
    moments = [entry.message.next_at for entry in planned]
    assert moments == sorted(moments)
    assert "Reminder: Screen the proposal" in {entry.subject for entry in planned}
    assert "No longer needed: “Submit the proposal”" in {entry.why for entry in found}


def test_a_history_costs_the_same_however_much_happened(here, db, clock):
    def count(reference: str) -> int:
        with db.read() as session:
            application = dossier.find(session, here.manager, reference)
            with statements(db) as seen:
                assert dossier.history(session, application)
        return len(seen)

    with db.write() as session:
        offered = to_deliberation(session, here, clock.now()).reference
        active = to_active(session, here, clock.now()).reference
    count(active)  # definitions are read once a process
    assert count(active) == count(offered)


def test_what_mail_says_of_a_draft_is_not_the_funds_to_read(here, db, clock):
    with db.write() as session:
        application = draft(session, here, clock.now(), title="Nobody knows yet")
        key = application.id
        about = select(Message).where(Message.application_id == key, Message.template == "reminder")
        message = session.exec(about).first()
        message.rendered_subject = message.rendered_text = "Reminder: Nobody knows yet"
        number = message.id
    browser = Doors(db, clock).browser(here.manager)
    seen = browser.get("/mail").text + browser.get(f"/mail/{number}").text
    assert "Reminder: Submit the proposal" in seen
    assert "nobody in the fund reads what it says before" in seen
    assert "Nobody knows yet" not in seen
    with db.write() as session:
        submit(session, here, session.get_one(Application, key), clock.now())
    assert "Reminder: Nobody knows yet" in browser.get(f"/mail/{number}").text


def test_the_first_page_says_which_report_is_owed(here, db, clock):
    with db.write() as session:
        to_active(session, here, clock.now())
    home = Doors(db, clock).browser(here.applicant).get("/home").text
    assert [home.count(f"{kind} report · ") for kind in ("interim", "final")] == [1, 1]
