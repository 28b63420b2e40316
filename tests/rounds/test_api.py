"""Rounds in the JSON API."""

from datetime import timedelta

import pytest

from tests.rounds.support import planned

BODY = {
    "title": "Peace Incentive Fund 2023",
    "summary": "What it is for.",
    "eligibility": ["Members only."],
    "zone": "Africa/Nairobi",
    "opens_on": "2023-01-01",
    "closes_on": "2023-02-28",
    "review_due_on": "2023-04-01",
    "decision_on": "2023-05-01",
    "currency": "KES",
    "pot_minor": 12_000_000_00,
    "ceiling_minor": 2_000_000_00,
}


def test_anybody_lists_open_rounds_and_reads_one_with_its_questions(doors, world, clock):
    planned(world.db, world.manager, clock.now())
    stranger = doors.browser()
    listing = stranger.get("/api/v1/rounds").json()
    assert [item["slug"] for item in listing["items"]] == [world.round_slug]
    assert (listing["total"], listing["page"], listing["pages"]) == (1, 1, 1)
    whole = stranger.get(f"/api/v1/rounds/{world.round_slug}").json()
    assert whole["closes_at"] == "2021-10-21T22:00:00Z"
    assert whole["takes_proposals"] is True
    assert [question["key"] for question in whole["form"][0]["questions"]] == ["problem", "plan", "partners"]
    assert [criterion["weight"] for criterion in whole["scorecard"]] == [1, 2]
    assert whole["committed_minor"] is None


def test_those_who_read_everything_see_what_is_promised(doors, world):
    whole = doors.program(world.auditor).get(f"/api/v1/rounds/{world.round_slug}").json()
    assert whole["committed_minor"] == 0


def test_a_list_has_pages(doors, world, clock):
    for number in range(50):
        planned(world.db, world.manager, clock.now() + timedelta(days=1), summary=f"Draft {number}.")
    manager = doors.program(world.manager)
    assert len(manager.get("/api/v1/rounds").json()["items"]) == 50
    second = manager.get("/api/v1/rounds?page=2").json()
    assert (len(second["items"]), second["total"], second["pages"]) == (1, 51, 2)
    assert manager.get("/api/v1/rounds?page=0").status_code == 422


def test_a_manager_plans_changes_and_opens_a_round(doors, world):
    manager = doors.program(world.manager)
    made = manager.post("/api/v1/rounds", json=BODY)
    assert made.status_code == 201
    assert made.json()["state"] == "planned"
    path = "/api/v1/rounds/" + made.json()["slug"]
    changed = manager.patch(path, json={"edition": made.json()["edition"], "ceiling_minor": 1_000_000_00})
    assert (changed.status_code, changed.json()["ceiling_minor"]) == (200, 1_000_000_00)
    assert manager.patch(path, json={"edition": made.json()["edition"], "title": "Late"}).status_code == 409

    found = manager.get(f"{path}/moves").json()
    assert [(move["trigger"], move["allowed"]) for move in found["moves"]] == [("open", True)]
    moved = manager.post(f"{path}/moves", json={"trigger": "open", "version": found["version"]})
    assert moved.json() == {"state": "open", "version": found["version"] + 1}


def test_wrong_values_are_told_by_field_and_change_nothing(doors, world):
    manager = doors.program(world.manager)
    answer = manager.post("/api/v1/rounds", json=BODY | {"closes_on": "2022-12-31", "currency": "??"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"] == {
        "closes_on": "The closing day cannot be before the opening day",
        "currency": "Enter a currency by its three letters, like USD",
    }
    assert manager.post("/api/v1/rounds", json=BODY | {"opens_on": "soon"}).status_code == 422
    assert manager.post("/api/v1/rounds", json=BODY | {"surprise": 1}).status_code == 422
    assert manager.get("/api/v1/rounds").json()["total"] == 1


@pytest.mark.parametrize(
    ("method", "end", "body"),
    [
        ("POST", "", BODY),
        ("PATCH", "/{slug}", {"edition": "x", "title": "Mine"}),
        ("POST", "/{slug}/moves", {"trigger": "close", "version": 2}),
    ],
)
def test_nobody_else_changes_rounds(doors, world, method, end, body):
    path = "/api/v1/rounds" + end.format(slug=world.round_slug)
    assert doors.browser().request(method, path, json=body).status_code == 401
    for viewer in (world.applicant, world.reviewers[0], world.auditor):
        assert doors.program(viewer).request(method, path, json=body).status_code == 403
    assert doors.browser().get(f"/api/v1/rounds/{world.round_slug}").json()["state"] == "open"


def test_a_planned_round_is_not_there_for_others(doors, world, clock):
    slug = planned(world.db, world.manager, clock.now()).slug
    applicant = doors.program(world.applicant)
    for method, end in (("GET", ""), ("GET", "/moves"), ("POST", "/moves")):
        body = {"trigger": "open", "version": 1} if method == "POST" else None
        assert applicant.request(method, f"/api/v1/rounds/{slug}{end}", json=body).status_code == 404


def test_a_round_that_cannot_open_says_why(doors, world, clock):
    round_ = planned(world.db, world.manager, clock.now())
    clock.advance(timedelta(days=90))
    manager = doors.program(world.manager)
    path = f"/api/v1/rounds/{round_.slug}/moves"
    why = ["First complete the round: a closing day that lies ahead."]
    assert manager.get(path).json()["moves"][0]["reasons"] == why
    refused = manager.post(path, json={"trigger": "open", "version": 1})
    assert (refused.status_code, refused.json()["reasons"]) == (409, why)


def test_a_manager_chooses_the_workflow(doors, world):
    program = doors.program(world.manager)
    made = program.post("/api/v1/rounds", json=BODY | {"workflow": "concept"}).json()
    assert (made["workflow"], made["workflow_version"]) == ("concept", 1)
    changed = program.patch(
        f"/api/v1/rounds/{made['slug']}", json={"edition": made["edition"], "workflow": "application"}
    )
    assert changed.json()["workflow"] == "application"
    refused = program.post("/api/v1/rounds", json=BODY | {"workflow": "loan"})
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["workflow"])


def test_who_runs_a_round_is_read_and_changed(doors, world):
    manager, path = doors.program(world.second_manager), f"/api/v1/rounds/{world.round_slug}/managers"
    before = manager.get(path).json()
    assert [(one["name"], one["named"]) for one in before["managers"]] == [
        ("Amina Bello", False),
        ("Tomás Rey", False),
    ]
    body = {"managers": [world.manager.person_id], "edition": before["edition"]}
    after = manager.put(path, json=body)
    assert [(one["name"], one["named"]) for one in after.json()["managers"]] == [
        ("Amina Bello", True),
        ("Tomás Rey", False),
    ]
    words = "Amina Bello runs this round. Ask them, or let yourself be added."
    refused = manager.post(
        f"/api/v1/rounds/{world.round_slug}/moves", json={"trigger": "close", "version": 2, "reason": "Full."}
    )
    assert (refused.status_code, refused.json()["detail"]) == (403, words)
    assert manager.get(f"/api/v1/rounds/{world.round_slug}/moves").json()["moves"] == []
    assert manager.put(path, json=body | {"managers": []}).status_code == 409
    unknown = manager.put(path, json={"managers": [2**40], "edition": after.json()["edition"]})
    assert (unknown.status_code, list(unknown.json()["errors"])) == (422, ["managers"])
    assert doors.program(world.auditor).get(path).status_code == 200
    for viewer in (world.applicant, world.reviewers[0]):
        assert doors.program(viewer).get(path).status_code == 403
    assert doors.program(world.auditor).put(path, json=body).status_code == 403
