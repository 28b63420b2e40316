"""One move for many applications: the preview, each by itself, all or none, twice, and hundreds at once."""

import re
import threading

import pytest
from sqlmodel import func, select

from fund.pipeline import bulk, queries
from fund.pipeline.bulk import Pick, Result
from schema.applications import Application
from schema.ledger import LedgerEvent
from schema.outbox import Message
from tests.support.doors import Doors, shown
from tests.support.world import award, draft, move, submit, to_deliberation, world


@pytest.fixture
def here(db, clock):
    return world(db, clock.now(), pot_minor=20_000_00)


def _submitted(here, clock, *titles):
    with here.db.write() as session:
        found = []
        for title in titles:
            application = draft(session, here, clock.now(), title=title)
            submit(session, here, application, clock.now())
            found.append(Pick(application.reference, application.version))
        return found


def _copies(here, pick, number):
    """So many applications that stand where that one stands."""
    with here.db.write() as session:
        one = session.exec(select(Application).where(Application.reference == pick.reference)).one()
        columns = one.model_dump(exclude={"id", "reference", "title"})
        names = [f"PIF-COPY-{count}" for count in range(number)]
        session.add_all(Application(**columns, reference=name, title=name) for name in names)
    return [Pick(name) for name in names]


def _states(here):
    with here.db.read() as session:
        return dict(session.exec(select(Application.title, Application.state)).all())


def _counts(here):
    with here.db.read() as session:
        return [
            session.exec(select(func.count()).select_from(table)).one() for table in (LedgerEvent, Message)
        ]


def _results(lines):
    return {line.title: line.result for line in lines}


def test_the_preview_tells_all_and_keeps_nothing(here, clock):
    picks = _submitted(here, clock, "One", "Two", "Three")
    with here.db.write() as session:
        third = session.exec(select(Application).where(Application.title == "Three")).one()
        move(session, third, "withdraw", here.applicant, clock.now())
    before = _counts(here)
    found = bulk.preview(here.db, here.manager, picks, "find_ineligible", clock.now())
    assert [line.title for line in found.able] == ["One", "Two"]
    assert [(line.title, line.result) for line in found.unable] == [("Three", Result.CHANGED)]
    assert found.mails == {"ineligible": 4}
    assert _counts(here) == before
    again = bulk.preview(
        here.db, here.manager, [Pick(one.reference) for one in picks], "find_ineligible", clock.now()
    )
    assert [line.reasons for line in again.unable] == [("This move does not lead on from where it stands.",)]


def test_each_by_itself_and_nothing_twice(here, clock):
    picks = _submitted(here, clock, "One", "Two", "Three")
    with here.db.write() as session:
        second = session.exec(select(Application).where(Application.title == "Two")).one()
        move(session, second, "start_screening", here.second_manager, clock.now())
    wanted = {"reason": "Not this round.", "all_or_none": False}
    first = bulk.run(here.db, here.manager, picks, "find_ineligible", clock.now(), **wanted)
    assert _results(first) == {"One": Result.DONE, "Two": Result.CHANGED, "Three": Result.DONE}
    after = _counts(here)
    again = bulk.run(here.db, here.manager, picks, "find_ineligible", clock.now(), **wanted)
    assert _results(again) == {"One": Result.BEFORE, "Two": Result.CHANGED, "Three": Result.BEFORE}
    assert _counts(here) == after
    assert _states(here) == {"One": "ineligible", "Two": "screening", "Three": "ineligible"}


def test_all_or_none_does_none_and_says_which_stood_in_the_way(here, clock):
    picks = _submitted(here, clock, "One", "Two")
    with here.db.write() as session:
        second = session.exec(select(Application).where(Application.title == "Two")).one()
        move(session, second, "withdraw", here.applicant, clock.now())
    lines = bulk.run(here.db, here.manager, picks, "start_screening", clock.now(), all_or_none=True)
    assert _results(lines) == {"One": Result.LEFT, "Two": Result.CHANGED}
    lines = bulk.run(here.db, here.manager, picks[:1], "start_screening", clock.now(), all_or_none=True)
    assert _results(lines) == {"One": Result.DONE}
    lines = bulk.run(here.db, here.manager, picks[:1], "start_screening", clock.now(), all_or_none=True)
    assert _results(lines) == {"One": Result.BEFORE}


def test_money_that_is_not_there_for_all_is_said_before_and_shared_out_in_order(here, clock):
    with here.db.write() as session:
        picks = []
        for title in ("One", "Two"):
            application = to_deliberation(session, here, clock.now(), title)
            award(session, here, application, clock.now(), 15_000_00)
            picks.append(Pick(application.reference, application.version))
    over = "The award is USD 10,000 more than the round has left. Lower the amount."
    found = bulk.preview(here.db, here.manager, picks, "offer", clock.now())
    assert ([line.title for line in found.able], found.together) == (["One", "Two"], (over,))
    none = bulk.run(here.db, here.manager, picks, "offer", clock.now(), all_or_none=True)
    assert [(line.result, line.reasons) for line in none] == [(Result.LEFT, (over,))] * 2
    each = bulk.run(here.db, here.manager, picks, "offer", clock.now())
    assert [(line.result, line.reasons) for line in each] == [(Result.DONE, ()), (Result.REFUSED, (over,))]


def test_three_hundred_go_in_one(sqlite_db, clock):
    here = world(sqlite_db, clock.now())
    picks = _copies(here, _submitted(here, clock, "The first")[0], 300)
    found = bulk.preview(here.db, here.manager, picks, "find_ineligible", clock.now())
    assert (len(found.able), found.together, found.mails) == (300, (), {"ineligible": 600})
    seen = [Pick(line.reference, line.version) for line in found.able]
    wanted, (events, mails) = {"reason": "Because.", "all_or_none": True}, _counts(here)
    lines = bulk.run(here.db, here.manager, seen, "find_ineligible", clock.now(), **wanted)
    assert [line.result for line in lines] == [Result.DONE] * 300
    assert _counts(here) == [events + 300, mails + 600]


def test_ticked_on_the_page_looked_at_and_done(sqlite_db, clock):
    here = world(sqlite_db, clock.now())
    _submitted(here, clock, "One", "Two", "Three")
    with here.db.write() as session:
        third = session.exec(select(Application).where(Application.title == "Three")).one()
        move(session, third, "withdraw", here.applicant, clock.now())
    browser = Doors(sqlite_db, clock).browser(here.manager)
    table = browser.get("/pipeline").text
    ticks = re.findall(r'name="chosen" value="([^"]+)"', table)
    assert len(ticks) == 3
    assert browser.get("/pipeline/moves").headers["location"] == "/pipeline"
    chosen = browser.get("/pipeline/moves", params={"chosen": ticks})
    assert "Find ineligible for 2 of them" in shown(chosen.text)
    every = browser.get("/pipeline/moves", params={"all": "1", "stage": "submission"})
    assert "Move 3 applications" in shown(every.text)
    page = browser.get("/pipeline/moves", params={"chosen": ticks, "trigger": "find_ineligible"})
    said = shown(page.text)
    assert "2 applications can be moved." in said
    assert "1 cannot, and stays as it is." in said
    assert "4 emails go out: ineligible" in said
    typed = {
        "trigger": "find_ineligible",
        "how": "each",
        "seen": re.findall(r'name="seen" value="([^"]+)"', page.text),
    }
    refused = browser.post("/pipeline/moves", data=typed)
    assert refused.status_code == 422
    assert "2 applications can be moved." in shown(refused.text)
    assert _states(here)["One"] == "submitted"
    for expected in ("Done: 2", "Done already: 2"):
        done = browser.post("/pipeline/moves", data=typed | {"reason": "Not this round."})
        assert expected in shown(done.text)
    assert _states(here) == {"One": "ineligible", "Two": "ineligible", "Three": "withdrawn"}


def test_only_managers_move_many_and_never_their_own(sqlite_db, clock):
    here = world(sqlite_db, clock.now())
    (one,) = _submitted(here, clock, "One")
    doors = Doors(sqlite_db, clock)
    body = {
        "trigger": "start_screening",
        "applications": [{"reference": one.reference, "version": one.version}],
    }
    for viewer in (here.auditor, here.applicant, here.reviewers[0]):
        assert (
            doors.browser(viewer).get("/pipeline/moves", params={"chosen": one.reference}).status_code == 403
        )
        assert doors.program(viewer).post("/api/v1/pipeline/moves", json=body).status_code == 403
    assert 'name="chosen"' not in doors.browser(here.auditor).get("/pipeline").text
    own = type(here.manager)(
        person_id=here.manager.person_id, roles=frozenset({"manager"}), member_ids=frozenset({here.member_id})
    )
    with sqlite_db.read() as session:
        assert bulk.picked(session, own, [one]) == []
        assert queries.fitting(session, own, queries.Filter(), clock.now(), 10) == []


def test_the_api_tries_out_and_does(sqlite_db, clock):
    here = world(sqlite_db, clock.now())
    picks = _submitted(here, clock, "One", "Two")
    program = Doors(sqlite_db, clock).program(here.manager)
    body = {"trigger": "start_screening", "applications": [{"reference": one.reference} for one in picks]}
    tried = program.post("/api/v1/pipeline/moves", json=body | {"dry_run": True}).json()
    assert [line["result"] for line in tried["lines"]] == ["possible"] * 2
    assert program.post("/api/v1/pipeline/moves", json=body).status_code == 422
    body["applications"] = [
        {"reference": line["reference"], "version": line["version"]} for line in tried["lines"]
    ]
    body["applications"].append({"reference": "PIF-NONE", "version": 1})
    done = program.post("/api/v1/pipeline/moves", json=body).json()
    assert [line["result"] for line in done["lines"]] == ["done", "done", "refused"]
    assert program.post("/api/v1/pipeline/moves", json=body | {"trigger": "fly"}).status_code == 404
    assert _states(here) == {"One": "screening", "Two": "screening"}


def test_sent_twice_at_the_same_moment_everything_is_done_once(here, clock):
    picks = _submitted(here, clock, "One", "Two", "Three")
    before, start, answers = _counts(here), threading.Barrier(2), []

    def send():
        start.wait()
        answers.append(bulk.run(here.db, here.manager, picks, "start_screening", clock.now()))

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for pair in zip(*answers, strict=True):
        assert sorted(line.result for line in pair) == [Result.BEFORE, Result.DONE]
    assert _counts(here)[0] == before[0] + 3
