"""Deadlines as people and programs move them: the form, who is told, the history; one, or a whole round."""

from datetime import timedelta

import pytest
from sqlmodel import select

from fund.base import passing
from fund.base.moved import last_moves
from schema.applications import Application
from schema.deadlines import Deadline
from schema.outbox import Message
from schema.rounds import Round
from tests.reviewing.support import counted
from tests.support.doors import Doors, hidden, shown
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


@pytest.fixture
def here(sqlite_db, clock):
    return world(sqlite_db, clock.now(), eligibility=["Your city is a member."])


@pytest.fixture
def doors(here, clock):
    return Doors(here.db, clock)


def _deadline(here, key):
    with here.db.read() as session:
        return session.exec(select(Deadline).where(Deadline.key == key).order_by(Deadline.id)).first()


def _typed(name, day):
    return {f"{name}-day": str(day.day), f"{name}-month": str(day.month), f"{name}-year": str(day.year)}


def _drafted(here, clock):
    with here.db.write() as session:
        return draft(session, here, clock.now()).id


def test_a_manager_gives_another_day_sees_who_is_told_and_it_is_in_the_history(here, doors, clock):
    with here.db.write() as session:
        application = to_active(session, here, clock.now())
        reference = application.reference
    found = _deadline(here, "report")
    browser = doors.browser(here.manager)
    assert f'href="/deadlines/{found.id}/move"' in browser.get(f"/pipeline/{reference}").text
    page = browser.get(f"/deadlines/{found.id}/move")
    typed = {"generation": hidden(page.text, "generation"), "reason": "  "} | _typed("day", found.due_on)
    wrong = browser.post(f"/deadlines/{found.id}/move", data=typed)
    assert "This is the day that it has already" in wrong.text
    assert 'id="reason-error"' in wrong.text
    day = found.due_on + timedelta(days=9)
    typed |= {"reason": "The river rose."} | _typed("day", day)
    asked = browser.post(f"/deadlines/{found.id}/move", data=typed)
    assert "2 people are told by email: Lucía Prado Iván Soto" in shown(asked.text)
    assert _deadline(here, "report").due_on == found.due_on, "nothing is done before it is confirmed"
    again = browser.post(f"/deadlines/{found.id}/move", data=typed | {"again": "yes"})
    assert "The river rose.</textarea>" in again.text
    for _ in range(2):
        done = browser.post(f"/deadlines/{found.id}/move", data=typed | {"confirmed": "yes"})
        assert done.headers["location"] == f"/deadlines/{found.id}"
    with here.db.read() as session:
        assert len(session.exec(select(Message).where(Message.template == "deadline_moved")).all()) == 2
    late = browser.post(
        f"/deadlines/{found.id}/move",
        data=typed | {"confirmed": "yes"} | _typed("day", day + timedelta(days=1)),
    )
    assert late.status_code == 409
    clock.move_to(_deadline(here, "report").grace_until)
    passing.sweep(here.db, clock)
    story = doors.program(here.auditor).get(f"/api/v1/deadlines/{found.id}").json()
    steps = story["steps"]
    kinds = [(one["kind"], one["by"], one["note"], one["was"] or "", one["day"]) for one in steps]
    assert kinds == [
        ("opened", "", "", "", found.due_on.isoformat()),
        ("moved", "Amina Bello", "The river rose.", found.due_on.isoformat(), day.isoformat()),
        ("passed", "", "", "", day.isoformat()),
    ]
    assert steps[0]["because"] == "Report asked for"
    said = shown(doors.browser(here.manager).get(f"/deadlines/{found.id}").text)
    for part in ("What became of it", "Moved from", "The river rose.", "The day passed"):
        assert part in said


def test_whoever_owes_it_reads_why_it_moved_and_nothing_that_is_only_for_staff(here, doors, clock):
    with here.db.write() as session:
        application = to_active(session, here, clock.now())
        reference, key = application.reference, application.id
    report = _deadline(here, "report")
    for trigger in ("suspend", "resume"):
        with here.db.write() as session:
            one = session.get_one(Application, key)
            move(session, one, trigger, here.manager, clock.now(), reason="A word among us.")
    day = report.due_on + timedelta(days=9)
    body = {"reason": "The river rose.", "generation": _deadline(here, "report").generation}
    moved = doors.program(here.manager).post(
        f"/api/v1/deadlines/{report.id}/move", json=body | {"day": day.isoformat()}
    )
    assert moved.status_code == 200
    browser = doors.browser(here.applicant)
    for path in (f"/applications/{reference}", f"/applications/{reference}/reports/interim"):
        page = browser.get(path).text
        assert ": The river rose. What became of it" in shown(page)
        assert f'href="/deadlines/{report.id}"' in page
    said = shown(browser.get(f"/deadlines/{report.id}").text)
    for part in ("What became of it", "The river rose.", "The fund", "Time stands still"):
        assert part in said
    for part in ("A word among us.", here.manager.name, "Give another day", "Waive it"):
        assert part not in said
    screening = _deadline(here, "screening")
    assert browser.get(f"/deadlines/{screening.id}").status_code == 404
    assert doors.browser(here.reviewers[0]).get(f"/deadlines/{report.id}").status_code == 404
    told = doors.program(here.colleague).get(f"/api/v1/deadlines/{report.id}").json()["steps"]
    assert {one["by"] for one in told} == {"", "The fund"}
    assert {one["note"] for one in told} == {"", "The river rose."}


FILE, LESSON = "/pipeline/{}", "/applications/{}/lesson"


def _reviewed(session, here, now):
    application = draft(session, here, now)
    submit(session, here, application, now)
    move(session, application, "start_screening", here.manager, now)
    assign(session, here, application, here.reviewers[0], now)
    return application


def _offered(session, here, now):
    application = to_deliberation(session, here, now)
    award(session, here, application, now)
    move(session, application, "offer", here.manager, now)
    return application


@pytest.mark.parametrize(
    ("until", "key", "reader", "own", "staff", "others"),
    [
        (draft, "submission", "applicant", ["/applications/{}/edit", "/applications/{}/check"], [], []),
        (_reviewed, "review", "reviewer", ["/reviews/1"], ["/reviews/1"], [FILE, f"{FILE}/reviewers"]),
        (_offered, "offer", "applicant", ["/applications/{}/offer"], [FILE, f"{FILE}/award"], [FILE]),
        (to_lesson_due, "lesson", "applicant", [LESSON], [LESSON], [FILE]),
    ],
)
def test_wherever_a_deadline_stands_its_readers_see_how_it_was_moved(
    here, doors, clock, until, key, reader, own, staff, others
):
    with here.db.write() as session:
        reference = until(session, here, clock.now()).reference
    found = _deadline(here, key)
    day = found.due_on + timedelta(days=2)
    body = {"reason": "The <river> rose.", "generation": found.generation, "day": day.isoformat()}
    program = doors.program(here.manager)
    assert program.post(f"/api/v1/deadlines/{found.id}/move", json=body).status_code == 200
    owner = here.reviewers[0] if reader == "reviewer" else here.applicant
    for viewer, paths in ((owner, own), (here.manager, staff), (here.auditor, staff)):
        for path in paths:
            page = doors.browser(viewer).get(path.format(reference)).text
            assert ": The <river> rose. What became of it" in shown(page), path
            assert page.count(f'href="/deadlines/{found.id}"') >= 1, path
    lists = {"applicant": ["/applications"], "reviewer": ["/reviews"]}[reader]
    for viewer, paths in ((owner, lists), (here.manager, others)):
        for path in paths:
            page = doors.browser(viewer).get(path.format(reference)).text
            assert f'class="sub" href="/deadlines/{found.id}">Moved from ' in page, path
    with here.db.read() as session:
        told = session.get_one(Deadline, found.id)
        assert last_moves(session, owner, [None, told])[found.id].was == found.due_on
        for viewer in (here.outsider, here.reviewers[2]):
            assert last_moves(session, viewer, [told]) == {}


def test_how_many_deadlines_were_moved_costs_as_many_queries_as_how_one_was(here, doors, clock):
    with here.db.write() as session:
        for number in range(3):
            draft(session, here, clock.now(), title=f"Number {number}")
    with here.db.read() as session:
        found = session.exec(select(Deadline).where(Deadline.key == "submission")).all()
    program = doors.program(here.manager)
    for one in found:
        day = one.due_on + timedelta(days=2)
        body = {"reason": "The river rose.", "generation": 1, "day": day.isoformat()}
        program.post(f"/api/v1/deadlines/{one.id}/move", json=body)
    took = []
    for wanted in ([], found[:1], found):
        keys = [one.id for one in wanted]
        with here.db.read() as session:
            now = session.exec(select(Deadline).where(Deadline.id.in_(keys))).all()
            with counted(here.db) as queries:
                assert last_moves(session, here.applicant, now).keys() == set(keys)
        took.append(len(queries))
    assert took == [0, 2, 2]


def test_time_that_stood_still_and_what_was_met_are_told(here, doors, clock):
    with here.db.write() as session:
        application = to_active(session, here, clock.now())
        key = application.id
    for trigger in ("suspend", "resume"):
        clock.advance(timedelta(days=3))
        with here.db.write() as session:
            one = session.get_one(Application, key)
            move(session, one, trigger, here.manager, clock.now(), reason="Because.")
    program = doors.program(here.manager)
    told = program.get(f"/api/v1/deadlines/{_deadline(here, 'report').id}").json()["steps"]
    assert [one["kind"] for one in told] == ["opened", "held", "went_on"]
    met = program.get(f"/api/v1/deadlines/{_deadline(here, 'submission').id}").json()
    assert [one["kind"] for one in met["steps"]] == ["opened", "met"]
    assert met["steps"][1]["because"] == "Submit the proposal"


def test_of_a_draft_no_title_is_told_and_waiving_says_why_not(here, doors, clock):
    _drafted(here, clock)
    found = _deadline(here, "submission")
    browser = doors.browser(here.manager)
    page = browser.get(f"/rounds/{here.round_slug}/days")
    assert f'href="/deadlines/{found.id}"' in page.text
    for path in (f"/deadlines/{found.id}", f"/deadlines/{found.id}/move", f"/deadlines/{found.id}/waive"):
        text = shown(browser.get(path).text)
        assert "Aldea" in text
        assert "Safe streets" not in text
    assert "Give a later day instead." in text
    offered = browser.get(f"/deadlines/{found.id}").text
    assert f'href="/deadlines/{found.id}/move"' in offered
    assert f'href="/deadlines/{found.id}/waive"' not in offered
    assert "It cannot be waived. This needs the deadline:" in shown(offered)
    refused = doors.program(here.manager).post(
        f"/api/v1/deadlines/{found.id}/waive", json={"reason": "No.", "generation": 1}
    )
    assert (refused.status_code, len(refused.json()["reasons"])) == (409, 2)
    for viewer, code in ((here.applicant, 200), (here.reviewers[0], 404), (here.outsider, 404)):
        assert doors.browser(viewer).get(f"/deadlines/{found.id}").status_code == code
    read = doors.browser(here.auditor).get(f"/deadlines/{found.id}").text
    assert (f"/rounds/{here.round_slug}/days" in read, f"/rounds/{here.round_slug}/manage" in read) == (
        False,
        True,
    )
    assert doors.browser(here.auditor).get(f"/deadlines/{found.id}/move").status_code == 403


def test_a_deadline_is_waived_by_page_and_by_program(here, doors, clock):
    with here.db.write() as session:
        submit(session, here, draft(session, here, clock.now()), clock.now())
    found = _deadline(here, "screening")
    browser = doors.browser(here.manager)
    typed = {"generation": "1", "reason": "A jury does it."}
    assert f'href="/deadlines/{found.id}/waive"' in browser.get(f"/deadlines/{found.id}").text
    asked = browser.post(f"/deadlines/{found.id}/waive", data=typed)
    assert "1 person is told by email: Tomás Rey" in shown(asked.text)
    browser.post(f"/deadlines/{found.id}/waive", data=typed | {"confirmed": "yes"})
    assert _deadline(here, "screening").status == "waived"
    said = shown(browser.get(f"/deadlines/{found.id}").text)
    assert "A jury does it." in said
    assert "Give another day" not in said
    over = doors.program(here.manager).post(
        f"/api/v1/deadlines/{found.id}/move",
        json={"reason": "Late.", "generation": 1, "day": "2021-12-01"},
    )
    assert over.json()["reasons"] == ["This deadline is over already."]


def test_the_days_of_a_round_are_moved_by_page_and_by_program(here, doors, clock):
    _drafted(here, clock)
    browser = doors.browser(here.manager)
    assert f'href="/rounds/{here.round_slug}/days"' in browser.get(f"/rounds/{here.round_slug}/manage").text
    path = f"/rounds/{here.round_slug}/days"
    with here.db.read() as session:
        round_ = session.get_one(Round, here.round_id)
    closes = round_.closes_on + timedelta(days=40)
    typed = {"edition": hidden(browser.get(path).text, "edition"), "reason": "The mail was down."}
    wrong = browser.post(path, data=typed | _typed("closes_on", closes))
    assert "Reviews cannot be due before the closing day" in wrong.text
    typed |= _typed("closes_on", closes) | _typed("review_due_on", closes)
    asked = shown(browser.post(path, data=typed).text)
    assert "1 deadline of an applicant moves." in asked
    assert "3 people are told by email." in asked
    done = browser.post(path, data=typed | {"confirmed": "yes"})
    assert done.headers["location"] == f"/rounds/{here.round_slug}/manage"
    assert _deadline(here, "submission").due_on == closes
    program = doors.program(here.second_manager)
    seen = program.get(f"/api/v1/rounds/{here.round_slug}").json()
    body = {
        "edition": seen["edition"],
        "reason": "Again.",
        "decision_on": (round_.decision_on + timedelta(days=9)).isoformat(),
    }
    assert program.post(f"/api/v1{path}", json=body).json()["decision_on"] == body["decision_on"]
    body["decision_on"] = (round_.decision_on + timedelta(days=10)).isoformat()
    assert program.post(f"/api/v1{path}", json=body).status_code == 409
    assert doors.program(here.applicant).post(f"/api/v1{path}", json=body).status_code == 403
