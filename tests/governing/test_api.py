"""Workflows in the JSON API: the same as in the browser, by the same services."""

import pytest

from fund.base.versions import key_of
from tests.support.doors import Doors
from tests.support.versions import FIRST_LOOK, VERSION, later, sifting, sifting_too
from tests.support.world import draft, move, submit
from workflows import Definition, library, shipped


@pytest.fixture
def program(doors: Doors, here):
    return doors.program(here.manager)


def give(program, *definitions: Definition) -> None:
    for one in definitions:
        answer = program.post("/api/v1/workflows", json={"source": one.source})
        assert answer.status_code == 201, answer.text


def test_versions_and_what_changes_between_them(here, doors, program):
    new = later("application", *FIRST_LOOK)
    given = program.post("/api/v1/workflows", json={"source": new.source})
    assert given.status_code == 201
    assert (given.json()["key"], given.json()["newest"], given.json()["rounds"]) == (key_of(new), True, [])
    listed = program.get("/api/v1/workflows").json()
    assert listed["total"] == len(library()) + 1
    one = program.get(f"/api/v1/workflows/application@{shipped('application').version}").json()
    assert (one["source"], one["rounds"], one["newest"]) == (
        shipped("application").source,
        [here.round_slug],
        False,
    )
    found = doors.program(here.auditor).get(
        "/api/v1/workflows/compare", params={"old": one["key"], "new": "application"}
    )
    assert {"where": "state submitted", "message": "deadlines: no longer screening"} in found.json()
    assert program.get("/api/v1/workflows/nonsense").status_code == 404


def test_a_file_is_examined_and_one_with_errors_is_refused_with_all_of_them(program):
    broken = shipped("review").source.replace('to = "submitted"', 'to = "submited"')
    found = program.post("/api/v1/workflows/check", json={"source": broken}).json()
    line = broken[: broken.index('to = "submited"')].count("\n") + 1
    assert [(one["level"], one["line"], one["where"]) for one in found] == [
        ("error", line, "move submit, to")
    ]
    refused = program.post("/api/v1/workflows", json={"source": broken})
    assert refused.status_code == 422
    assert f"line {line}: error: move submit, to" in refused.json()["errors"]["file"]
    assert program.post("/api/v1/workflows", json={"source": ""}).status_code == 422
    assert program.post("/api/v1/workflows/check", json={"source": "#" * 400_001}).status_code == 422


def files(*sent: tuple[str, str]):
    return [("file", (name, source, "application/toml")) for name, source in sent]


def test_several_files_are_examined_with_each_other_in_sight(here, doors, program):
    new, review, _round = sifting(), *sifting_too()

    def told(*sent: tuple[str, str]):
        found = doors.program(here.auditor).post("/api/v1/workflows/check", files=files(*sent)).json()
        return {file: [one["level"] for one in findings] for file, findings in found.items()}

    alone, both = ("review.toml", review.source), ("application.toml", new.source)
    assert told(alone)["review.toml"].count("error") == 1
    assert not any("error" in levels for levels in told(alone, both).values())
    empty = program.post("/api/v1/workflows/check", files=files(alone, ("empty.toml", " ")))
    assert (empty.status_code, list(empty.json()["errors"])) == (422, ["empty.toml"])
    assert program.post("/api/v1/workflows/check", json={"source": " "}).json()["errors"].keys() == {"file"}


def test_several_files_that_fit_together_are_taken_at_once_or_not_at_all(here, program):
    new, review, round_ = sifting(), *sifting_too()
    before = program.get("/api/v1/workflows").json()["total"]
    broken = review.source.replace('to = "submitted"', 'to = "submited"')
    sent = [
        ("application.toml", new.source),
        ("review.toml", broken),
        ("review.toml", shipped("review").source),
    ]
    refused = program.post("/api/v1/workflows", files=files(*sent, ("empty.toml", " ")))
    assert refused.status_code == 422
    problem = refused.json()
    line = broken[: broken.index('to = "submited"')].count("\n") + 1
    assert {file: text.partition(":")[0] for file, text in problem["errors"].items()} == {
        file: file for file in ("review.toml", "review.toml (3)", "empty.toml")
    }
    assert f"line {line}: error: move submit, to" in problem["errors"]["review.toml"]
    assert "The fund has this very file already" in problem["errors"]["review.toml (3)"]
    [found] = [one for one in problem["findings"].pop("review.toml") if one["level"] == "error"]
    assert (found["line"], found["where"], problem["findings"]) == (line, "move submit, to", {})
    twice = program.post("/api/v1/workflows", files=files(("a", new.source), ("b", new.source + "\n# More.")))
    assert list(twice.json()["errors"].values()) == [
        "b: Another of the files holds a version of this workflow."
    ]
    assert program.get("/api/v1/workflows").json()["total"] == before
    given = program.post(
        "/api/v1/workflows", files=files(*((one.name, one.source) for one in (review, round_, new)))
    )
    assert (given.status_code, [one["key"] for one in given.json()]) == (
        201,
        [key_of(one) for one in (review, round_, new)],
    )
    one = program.post("/api/v1/workflows", files=files(("lesson.toml", later("lesson").source)))
    assert [one["name"] for one in one.json()] == ["lesson"]


def test_what_is_no_file_is_refused_as_what_it_is(here, doors, program):
    for sent, field in (
        ({"content": b"{"}, "body"),
        ({"json": {"source": 1}}, "source"),
        ({"json": {"source": "x", "more": 1}}, "more"),
        ({"files": files(*((f"{number}.toml", "x") for number in range(11)))}, "file"),
        ({"files": files(*((f"{number}.toml", "x") for number in range(51)))}, "body"),
        ({"files": files(("a.toml", ""))}, "file"),
    ):
        refused = program.post("/api/v1/workflows", **sent)
        assert (refused.status_code, list(refused.json()["errors"])) == (422, [field]), refused.text
    stranger = doors.browser().post("/api/v1/workflows", files=files(("a.toml", "x")))
    assert stranger.status_code == 401


def test_a_round_is_changed_as_it_was_planned(here, doors, program, clock):
    with here.db.write() as session:
        one = draft(session, here, clock.now())
        submit(session, here, one, clock.now())
        move(session, one, "start_screening", here.manager, clock.now())
    new, others = sifting(), sifting_too()
    give(program, new, *others)
    base = f"/api/v1/rounds/{here.round_slug}/workflows"
    bound = {one["kind"]: one for one in program.get(base).json()}
    assert key_of(new) in bound["application"]["others"]
    wish = {"workflows": {"application": key_of(new)} | {other.subject: key_of(other) for other in others}}
    left = program.post(f"{base}/plan", json=wish)
    assert left.status_code == 422
    assert list(left.json()["errors"]) == ["map-application-screening"]
    wish["places"] = {"application": {"screening": "sifting"}}
    planned = program.post(f"{base}/plan", json=wish).json()
    assert [(step["name"], step["before"], step["after"]) for step in planned["steps"]] == [
        (one.reference, "screening", "sifting"),
        ("Peace Incentive Fund 2022", "open", "open"),
    ]
    assert planned["steps"][0]["deadlines"][0]["fate"] == "kept"
    stale = program.post(base, json=wish | {"fingerprint": "old"})
    assert stale.status_code == 409
    done = program.post(base, json=wish | {"fingerprint": planned["fingerprint"]})
    assert (done.status_code, done.json()) == (200, planned)
    bound = {one["kind"]: one["version"] for one in program.get(base).json()}
    assert (bound["application"], bound["report"]) == (VERSION, shipped("report").version)


def test_others_than_managers_do_not_change_anything(here, doors):
    base = f"/api/v1/rounds/{here.round_slug}/workflows"
    wish = {"workflows": {"application": "concept"}}
    for viewer, reads in ((here.applicant, 403), (here.reviewers[0], 403), (here.auditor, 200)):
        program = doors.program(viewer)
        assert program.get(base).status_code == program.get("/api/v1/workflows").status_code == reads
        assert program.post(f"{base}/plan", json=wish).status_code == 403
        assert program.post(base, json=wish | {"fingerprint": ""}).status_code == 403
        assert program.post("/api/v1/workflows", json={"source": later().source}).status_code == 403
