"""Proposals in the JSON API."""

import pytest

from tests.applying.support import complete, started, submitted
from tests.support import world as worlds


def test_a_program_takes_a_proposal_from_start_to_submission(doors, world):
    program = doors.program(world.applicant)
    made = program.post(f"/api/v1/rounds/{world.round_slug}/applications", json={})
    assert made.status_code == 201
    draft = made.json()
    assert (draft["member"], draft["state_label"]) == ("city-of-aldea", "Draft, not submitted yet")
    assert list(draft["missing"]) == ["title", "theme", "requested_minor", "problem", "plan"]
    path = "/api/v1/applications/" + draft["reference"]
    change = {
        "edit_version": 0,
        "title": "Safe streets",
        "theme": "digital",
        "requested_minor": 15_000_00,
        "answers": {"problem": "P", "plan": "Q"},
    }
    whole = program.patch(path, json=change).json()
    assert (whole["edit_version"], whole["missing"]) == (1, {})
    found = program.get(f"{path}/moves").json()
    assert [(move["trigger"], move["allowed"]) for move in found["moves"]] == [
        ("submit", True),
        ("discard", True),
    ]
    body = {
        "trigger": "submit",
        "version": found["version"],
        "data": {"declaration": True, "edit_version": 1},
    }
    assert program.post(f"{path}/moves", json=body).json() == {"state": "submitted", "version": 2}
    again = program.get(path).json()
    assert (again["state"], again["submitted_at"]) == ("submitted", "2021-09-21T08:00:00Z")


def test_starting_again_answers_the_draft_that_is_there(doors, world):
    program = doors.program(world.applicant)
    path = f"/api/v1/rounds/{world.round_slug}/applications"
    first = program.post(path, json={})
    again = program.post(path, json={"member": "city-of-aldea"})
    assert (again.status_code, again.json()["reference"]) == (200, first.json()["reference"])
    assert program.post(path, json={"another": True}).status_code == 201


def test_whom_to_propose_for_has_to_be_clear(doors, world, clock):
    with world.db.write() as session:
        both = worlds.person(
            session, "Ada Both", clock.now(), members=[world.member_id, world.other_member_id]
        )
    path = f"/api/v1/rounds/{world.round_slug}/applications"
    unclear = doors.program(both).post(path, json={})
    assert unclear.status_code == 422
    assert unclear.json()["errors"]["member"].endswith("You act for: city-of-aldea, harbour-peace-group")
    assert doors.program(both).post(path, json={"member": "harbour-peace-group"}).status_code == 201
    assert (
        doors.program(world.applicant).post(path, json={"member": "harbour-peace-group"}).status_code == 422
    )
    assert doors.program(world.manager).post(path, json={}).json()["errors"]["member"].endswith("none")


def test_the_list_has_what_is_ones_own(doors, world, clock):
    mine = [started(world, clock.now(), another=True) for _ in range(2)]
    started(world, clock.now(), world.outsider)
    listing = doors.program(world.colleague).get("/api/v1/applications").json()
    assert [item["reference"] for item in listing["items"]] == mine[::-1]
    assert listing["total"] == 2
    assert doors.program(world.manager).get("/api/v1/applications").json()["items"] == []


def test_the_fund_reads_what_was_submitted_under_its_own_names(doors, world, clock):
    reference = submitted(world, clock.now())
    whole = doors.program(world.manager).get(f"/api/v1/applications/{reference}").json()
    assert (whole["state_label"], whole["answers"]["plan"]) == ("Submitted", "We teach mediators.")


def test_saving_over_a_newer_text_is_refused(doors, world, clock):
    reference = complete(world, clock.now())
    program = doors.program(world.applicant)
    path = f"/api/v1/applications/{reference}"
    assert program.patch(path, json={"edit_version": 0, "title": "Late"}).status_code == 409
    assert (
        program.patch(path, json={"edit_version": 1, "requested_minor": None}).json()["requested_minor"]
        is None
    )
    assert program.get(path).json()["title"] == "Safe streets"


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"title": "x" * 201}, ["title"]),
        ({"theme": "weather"}, ["theme"]),
        ({"requested_minor": -5}, ["requested_minor"]),
        ({"requested_minor": 10**18}, ["requested_minor"]),
        ({"requested_minor": "much"}, ["requested_minor"]),
        ({"answers": {"plan": "x" * 20_001, "sun": "?"}}, ["answers.plan", "answers.sun"]),
        ({"answers": {"plan": 7}}, ["answers.plan"]),
        ({"surprise": True}, ["surprise"]),
    ],
)
def test_wrong_values_are_told_by_field_and_change_nothing(doors, world, clock, change, fields):
    reference = complete(world, clock.now())
    program = doors.program(world.applicant)
    path = f"/api/v1/applications/{reference}"
    answer = program.patch(path, json={"edit_version": 1, **change})
    assert (answer.status_code, sorted(answer.json()["errors"])) == (422, fields)
    assert program.get(path).json()["edit_version"] == 1


def test_what_is_missing_is_told_as_reasons(doors, world, clock):
    reference = started(world, clock.now())
    program = doors.program(world.applicant)
    body = {"trigger": "submit", "version": 1, "data": {"declaration": True}}
    answer = program.post(f"/api/v1/applications/{reference}/moves", json=body)
    assert answer.status_code == 409
    assert "5 more questions" in answer.json()["reasons"][0]


def test_a_declaration_is_asked_for(doors, world, clock):
    reference = complete(world, clock.now())
    program = doors.program(world.applicant)
    answer = program.post(f"/api/v1/applications/{reference}/moves", json={"trigger": "submit", "version": 1})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["declaration"])


def test_the_description_of_the_api_is_true_about_these_paths(doors):
    paths = doors.browser().get("/api/v1/openapi.json").json()["paths"]
    for path, methods in {
        "/api/v1/rounds": {"get", "post"},
        "/api/v1/rounds/{slug}": {"get", "patch"},
        "/api/v1/rounds/{slug}/moves": {"get", "post"},
        "/api/v1/rounds/{slug}/applications": {"post"},
        "/api/v1/applications": {"get"},
        "/api/v1/applications/{reference}": {"get", "patch"},
        "/api/v1/applications/{reference}/moves": {"get", "post"},
    }.items():
        assert set(paths[path]) == methods
