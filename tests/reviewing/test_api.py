"""Reviews in the JSON API: the same services, the same refusals, as problem documents."""

import pytest

from tests.reviewing.support import begin, hand_in, in_review, move, program_of, review
from tests.support.doors import Doors
from tests.support.world import world

CARD = {
    "scores": {
        "need": {"value": 3, "reason": "The need is shown."},
        "plan": {"value": 2, "reason": "The plan is thin."},
    },
    "recommendation": "fund",
    "comment": "For the panel.",
    "feedback": "Say who does what.",
}


@pytest.fixture
def here(sqlite_db, clock):
    return world(sqlite_db, clock.now())


@pytest.fixture
def case(sqlite_db, here, clock):
    return in_review(sqlite_db, here, clock.now())


@pytest.fixture
def app(sqlite_db, clock):
    return Doors(sqlite_db, clock)


def problem(answer):
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()


def test_a_review_from_asking_to_submitting(app, here, case):
    client, path = program_of(app, here.reviewers[0]), f"/api/v1/reviews/{case.reviews[0]}"
    listed = client.get("/api/v1/reviews").json()
    assert listed["total"] == 1
    assert listed["items"][0] | {"proposal": ""} == {
        "id": case.reviews[0],
        "state": "assigned",
        "state_label": "Assigned",
        "outcome": None,
        "version": 1,
        "due_on": "2021-11-20",
        "due_at": "2021-11-20T23:00:00Z",
        "proposal": "",
        "readable": True,
    }
    assert listed["items"][0]["proposal"] == {
        "reference": case.reference,
        "title": "Safe streets",
        "theme": "digital",
        "member": "City of Aldea",
        "city": "Aldea",
        "round": here.round_slug,
        "requested_minor": 1_500_000,
        "currency": "USD",
    }
    closed = client.get(path).json()
    assert (closed["answers_open"], closed["scores"][0]["answers"]) == (False, {})
    offered = client.get(f"{path}/moves").json()
    assert [one["trigger"] for one in offered["moves"] if one["allowed"]] == [
        "start",
        "declare_conflict",
        "decline",
    ]
    assert client.post(f"{path}/moves", json={"trigger": "start", "version": 1}).json() == {
        "state": "in_progress",
        "version": 2,
    }
    read = client.get(path).json()
    assert read["scores"][0]["answers"] == {"problem": "What we say about problem."}
    saved = client.put(path, json=CARD | {"edit_version": read["edit_version"]}).json()
    assert (saved["points"], saved["edit_version"], saved["others"]) == (58, 1, None)
    assert client.post(f"{path}/moves", json={"trigger": "submit", "version": 2}).json() == {
        "state": "submitted",
        "version": 3,
    }
    assert client.get(path).json()["others"] == {
        "reviews": 0,
        "average": None,
        "lowest": None,
        "highest": None,
    }


def test_a_manager_asks_and_reads_the_panel(app, sqlite_db, here, case, clock):
    client, path = program_of(app, here.manager), f"/api/v1/applications/{case.reference}/reviews"
    asked = client.post(path, json={"reviewers": [here.reviewers[2].person_id]})
    assert asked.status_code == 201
    assert [one["reviewer"] for one in asked.json()["reviews"]] == [
        "Reviewer A",
        "Reviewer B",
        "Reviewer C",
    ]
    hand_in(sqlite_db, here.reviewers[0], case.reviews[0], clock.now())
    panel = client.get(path).json()
    assert panel["came_in"] == {"reviews": 1, "average": 58, "lowest": None, "highest": None}
    assert panel["recommended"] == {"fund": 1}
    status, again = problem(client.post(path, json={"reviewers": [here.reviewers[2].person_id]}))
    assert (status, again["errors"]) == (
        422,
        {"reviewer": "Reviewer C was asked to review this already. Choose others."},
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"edit_version": -1},
        {"edit_version": 1, "scores": {"luck": {"value": 1}}},
        {"edit_version": 1, "scores": {"need": {"value": 9}}},
        {"edit_version": 1, "scores": {"need": {"value": "3"}}},
        {"edit_version": 1, "scores": {"need": {"value": 2**70}}},
        {"edit_version": 1, "recommendation": "perhaps"},
        {"edit_version": 1, "comment": "x" * 20_001},
        {"edit_version": 1, "unknown": True},
    ],
)
def test_a_wrong_scorecard_is_refused_and_changes_nothing(app, sqlite_db, here, case, clock, body):
    begin(sqlite_db, here.reviewers[0], case.reviews[0], clock.now())
    client = program_of(app, here.reviewers[0])
    status, told = problem(client.put(f"/api/v1/reviews/{case.reviews[0]}", json=body))
    assert (status, bool(told["errors"])) == (422, True)
    assert review(sqlite_db, case.reviews[0]).edit_version == 1


def test_control_characters_never_reach_the_database(app, sqlite_db, here, case, clock):
    begin(sqlite_db, here.reviewers[0], case.reviews[0], clock.now())
    client = program_of(app, here.reviewers[0])
    body = CARD | {"edit_version": 1, "comment": "null\x00 and\r\nline"}
    assert client.put(f"/api/v1/reviews/{case.reviews[0]}", json=body).json()["comment"] == "null and\nline"


def test_an_older_edition_is_a_conflict(app, sqlite_db, here, case, clock):
    begin(sqlite_db, here.reviewers[0], case.reviews[0], clock.now())
    client = program_of(app, here.reviewers[0])
    body = CARD | {"edit_version": 0, "comment": "Older."}
    assert problem(client.put(f"/api/v1/reviews/{case.reviews[0]}", json=body))[0] == 409


def test_an_unmet_condition_is_said_in_words(app, sqlite_db, here, case, clock):
    move(sqlite_db, here.reviewers[0], case.reviews[0], "start", clock.now())
    client = program_of(app, here.reviewers[0])
    status, told = problem(
        client.post(f"/api/v1/reviews/{case.reviews[0]}/moves", json={"trigger": "submit", "version": 2})
    )
    assert (status, told["reasons"]) == (
        409,
        ["Give a score and a reason for: Need; Plan; Recommendation."],
    )


@pytest.mark.parametrize("who", ["outsider", "applicant", "third"])
def test_a_review_is_not_there_for_those_it_is_none_of_theirs(app, sqlite_db, here, case, clock, who):
    begin(sqlite_db, here.reviewers[0], case.reviews[0], clock.now())
    viewer = here.reviewers[2] if who == "third" else getattr(here, who)
    client, path = program_of(app, viewer), f"/api/v1/reviews/{case.reviews[0]}"
    body = {"trigger": "start", "version": 1}
    assert problem(client.get(path))[0] == 404
    assert problem(client.put(path, json=CARD | {"edit_version": 1}))[0] == 404
    assert problem(client.get(f"{path}/moves"))[0] == 404
    assert problem(client.post(f"{path}/moves", json=body))[0] == 404


def test_nobody_gets_in_without_a_token(app, case):
    client = program_of(app, None)
    path = f"/api/v1/reviews/{case.reviews[0]}"
    panel = f"/api/v1/applications/{case.reference}/reviews"
    answers = [
        client.get("/api/v1/reviews"),
        client.get(path),
        client.put(path, json=CARD | {"edit_version": 0}),
        client.get(f"{path}/moves"),
        client.post(f"{path}/moves", json={"trigger": "start", "version": 1}),
        client.get(panel),
        client.post(panel, json={"reviewers": [1]}),
    ]
    assert {problem(answer)[0] for answer in answers} == {401}


@pytest.mark.parametrize("who", ["outsider", "applicant", "reviewer"])
def test_only_those_who_read_everything_see_the_panel(app, here, case, who):
    viewer = here.reviewers[0] if who == "reviewer" else getattr(here, who)
    client, path = program_of(app, viewer), f"/api/v1/applications/{case.reference}/reviews"
    assert problem(client.get(path))[0] == 403
    assert problem(client.post(path, json={"reviewers": [1]}))[0] == 403


def test_an_auditor_reads_the_panel_and_asks_nobody(app, here, case):
    client, path = program_of(app, here.auditor), f"/api/v1/applications/{case.reference}/reviews"
    assert client.get(path).status_code == 200
    assert problem(client.post(path, json={"reviewers": [here.reviewers[2].person_id]}))[0] == 403


@pytest.mark.parametrize("people", [[], ["x"], [0], [2**40]])
def test_odd_reviewers_are_refused(app, here, case, people):
    client = program_of(app, here.manager)
    answer = client.post(f"/api/v1/applications/{case.reference}/reviews", json={"reviewers": people})
    assert problem(answer)[0] == 422
