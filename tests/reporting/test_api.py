"""Reports in the JSON API."""

import pytest

from tests.reporting.support import strangers
from tests.support.doors import Doors
from tests.support.world import to_active, world

WHOLE = {
    "done": "Forty evenings.",
    "changed": "Fewer fights.",
    "difficulties": "Rain.",
    "next_steps": "The school goes on.",
    "people_reached": 120,
    "spent_minor": 600000,
}


@pytest.fixture
def here(sqlite_db, clock):
    return world(sqlite_db, clock.now())


@pytest.fixture
def doors(sqlite_db, clock):
    return Doors(sqlite_db, clock)


@pytest.fixture
def path(sqlite_db, here, clock):
    with sqlite_db.write() as session:
        reference = to_active(session, here, clock.now()).reference
        return f"/api/v1/applications/{reference}/reports/interim"


def test_from_empty_to_accepted(doors, here, path):
    me, fund = doors.program(here.applicant), doors.program(here.manager)
    empty = me.get(path).json()
    assert empty["state"] == {
        "name": "due",
        "label": "To be written",
        "help": "Write, save and come back as often as you like, then hand it in before the deadline.",
        "editable": True,
        "word": None,
    }
    assert empty["promised"]["awarded"] == {"minor": 1200000, "currency": "USD"}
    assert list(empty["missing"]) == list(WHOLE)
    saved = me.patch(path, json=WHOLE | {"edit_version": 0})
    assert saved.status_code == 200
    assert {name: saved.json()[name] for name in WHOLE} == WHOLE
    assert (saved.json()["edit_version"], saved.json()["missing"]) == (1, {})
    offered = me.get(f"{path}/moves").json()
    assert [(move["trigger"], move["allowed"]) for move in offered["moves"]] == [("hand_in", True)]
    moved = me.post(f"{path}/moves", json={"trigger": "hand_in", "version": offered["version"]})
    assert moved.json() == {"state": "under_review", "version": 2}
    back = fund.post(f"{path}/moves", json={"trigger": "return", "version": 2, "reason": "How many?"})
    assert back.json()["state"] == "returned"
    assert me.get(path).json()["state"]["word"] == "How many?"
    me.patch(path, json={"edit_version": 1, "changed": "Half as many fights."})
    me.post(f"{path}/moves", json={"trigger": "hand_in_again", "version": 3})
    done = fund.post(f"{path}/moves", json={"trigger": "accept", "version": 4})
    assert done.json() == {"state": "accepted", "version": 5}


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"done": "x"}, 422, "edit_version"),
        ({"edit_version": 0, "people_reached": -1}, 422, "people_reached"),
        ({"edit_version": 0, "people_reached": 10**9 + 1}, 422, "people_reached"),
        ({"edit_version": 0, "people_reached": True}, 422, "people_reached"),
        ({"edit_version": 0, "spent_minor": "12"}, 422, "spent_minor"),
        ({"edit_version": 0, "done": "x" * 20_001}, 422, "done"),
        ({"edit_version": 0, "done": None}, 422, "done"),
        ({"edit_version": 0, "state": "accepted"}, 422, "state"),
        ({"edit_version": 3, "done": "x"}, 409, None),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(doors, here, path, body, status, named):
    me = doors.program(here.applicant)
    before = me.get(path).json()
    answer = me.patch(path, json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert list(answer.json().get("errors", {None: ""})) == [named]
    assert me.get(path).json() == before


def test_text_is_kept_without_control_characters(doors, here, path):
    answer = doors.program(here.applicant).patch(path, json={"edit_version": 0, "done": "a\x00b\r\nc "})
    assert answer.json()["done"] == "ab\nc"


def test_a_step_that_cannot_be_taken_says_why(doors, here, path):
    me, fund = doors.program(here.applicant), doors.program(here.manager)
    answer = me.post(f"{path}/moves", json={"trigger": "hand_in", "version": 1})
    assert answer.status_code == 409
    assert answer.json()["reasons"][0].startswith("Complete the report: What was done;")
    assert me.post(f"{path}/moves", json={"trigger": "accept", "version": 1}).status_code == 403
    assert fund.post(f"{path}/moves", json={"trigger": "hand_in", "version": 1}).status_code == 403
    assert me.post(f"{path}/moves", json={"trigger": "hand_in", "version": 0}).status_code == 409


def test_nobody_else_comes_near(doors, here, path):
    step = {"trigger": "hand_in", "version": 1}
    for name, viewer in strangers(here).items():
        program = doors.program(viewer) if viewer else doors.browser()
        answers = (
            program.get(path),
            program.patch(path, json={"edit_version": 0}),
            program.get(f"{path}/moves"),
            program.post(f"{path}/moves", json=step),
        )
        assert {answer.status_code for answer in answers} == {401 if name == "anonymous" else 404}
        assert all("Safe streets" not in answer.text for answer in answers)


def test_readers_do_not_write(doors, here, path):
    for viewer in (here.manager, here.auditor):
        program = doors.program(viewer)
        assert program.get(path).status_code == 200
        assert program.patch(path, json={"edit_version": 0, "done": "x"}).status_code == 403
