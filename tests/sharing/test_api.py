"""Projects and lessons in the JSON API."""

import pytest

from schema.lessons import TEXTS
from tests.reporting.support import strangers
from tests.sharing.support import FIELDS, reference_of, written
from tests.support.world import stage, to_active, to_lesson_due, to_published

WHOLE = {name: f"Our words on {name}." for name in TEXTS} | {"theme": "women"}
PUBLIC = dict.fromkeys(FIELDS, "public")


@pytest.fixture
def path(small, clock) -> str:
    """A lesson that is due."""
    now = clock.now()
    reference = stage(small, "due", now, lambda session: to_lesson_due(session, small, now).reference)
    return f"/api/v1/applications/{reference}/lesson"


@pytest.fixture
def handed_in(small, clock) -> str:
    """A lesson that the fund is to clear."""
    with small.db.write() as session:
        lesson = written(session, small, clock.now(), PUBLIC | {"failed": "network"})
        return f"/api/v1/applications/{reference_of(session, lesson)}/lesson"


def part(answer, name: str) -> dict:
    return next(part for part in answer["parts"] if part["name"] == name)


def step(program, path: str, trigger: str, reason: str | None = None):
    version = program.get(f"{path}/moves").json()["version"]
    return program.post(f"{path}/moves", json={"trigger": trigger, "version": version, "reason": reason})


def test_from_draft_to_the_library(small, doors, path):
    me, fund, anybody = doors.program(small.applicant), doors.program(small.manager), doors.browser()
    empty = me.get(path).json()
    assert empty["draft"]["worked"] == "What we say about changed."
    assert part(empty, "worked") == {
        "name": "worked",
        "label": "What worked",
        "text": "",
        "consent": "fund",
        "clearance": None,
        "reach": "fund",
    }
    assert (empty["state"]["name"], empty["state"]["editable"], empty["edit_version"]) == ("due", True, 0)
    saved = me.patch(path, json=WHOLE | {"consent": PUBLIC, "edit_version": 0}).json()
    assert (saved["missing"], saved["edit_version"]) == ({}, 1)
    assert step(me, path, "hand_in").json() == {"state": "under_review", "version": 2}
    offered = fund.get(f"{path}/moves").json()["moves"]
    assert [(move["trigger"], move["allowed"]) for move in offered] == [("publish", False), ("return", True)]
    cleared = fund.put(f"{path}/clearance", json={"edit_version": 1, "clearance": PUBLIC}).json()
    assert part(cleared, "grantee")["reach"] == "public"
    assert step(fund, path, "publish").json()["state"] == "published"
    listed = anybody.get("/api/v1/lessons").json()
    assert (listed["total"], listed["page"], listed["pages"]) == (1, 1, 1)
    card = anybody.get(f"/api/v1/lessons/{saved['slug']}").json()
    assert listed["items"] == [card]
    assert card["fields"] == {name: WHOLE[name] for name in TEXTS} | {
        "grantee": "City of Aldea",
        "city": "Aldea, Nowhere",
    }
    taken = me.post(f"{path}/take-back", json={"field": "worked"}).json()
    assert part(taken, "worked")["reach"] == "fund"
    assert "worked" not in anybody.get(f"/api/v1/lessons/{saved['slug']}").json()["fields"]
    assert step(fund, path, "unpublish", "A street stood in it.").json()["state"] == "under_review"
    assert anybody.get("/api/v1/lessons").json()["items"] == []
    assert me.get(path).json()["state"]["word"] == "A street stood in it."


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"worked": "x"}, 422, "edit_version"),
        ({"edit_version": 0, "title": "x" * 201}, 422, "title"),
        ({"edit_version": 0, "worked": "x" * 20_001}, 422, "worked"),
        ({"edit_version": 0, "worked": None}, 422, "worked"),
        ({"edit_version": 0, "theme": "fishing"}, 422, "theme"),
        ({"edit_version": 0, "slug": "mine"}, 422, "slug"),
        ({"edit_version": 0, "clearance": PUBLIC}, 422, "clearance"),
        ({"edit_version": 0, "consent": {"worked": "everybody"}}, 422, "consent.worked"),
        ({"edit_version": 0, "consent": {"theme": "public"}}, 422, "consent.theme.[key]"),
        ({"edit_version": 7, "worked": "x"}, 409, None),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(small, doors, path, body, status, named):
    me = doors.program(small.applicant)
    before = me.get(path).json()
    answer = me.patch(path, json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert list(answer.json().get("errors", {None: ""})) == [named]
    assert me.get(path).json() == before


def test_clearing_through_the_api_keeps_to_what_the_grantee_allows(small, doors, handed_in):
    fund = doors.program(small.manager)
    too_far = fund.put(f"{handed_in}/clearance", json={"edit_version": 0, "clearance": {"failed": "public"}})
    assert too_far.status_code == 422
    assert too_far.json()["errors"] == {"failed": "The grantee does not let this part go so far."}
    for viewer in (small.applicant, small.auditor):
        answer = doors.program(viewer).put(
            f"{handed_in}/clearance", json={"edit_version": 0, "clearance": PUBLIC}
        )
        assert answer.status_code == 403
    assert part(fund.get(handed_in).json(), "title")["clearance"] is None


def test_nobody_else_comes_near_the_file(small, doors, path):
    base = path.removesuffix("/lesson")
    calls = [
        ("GET", path, None),
        ("PATCH", path, WHOLE | {"edit_version": 0}),
        ("PUT", f"{path}/clearance", {"edit_version": 0, "clearance": PUBLIC}),
        ("POST", f"{path}/take-back", {"field": "title"}),
        ("GET", f"{path}/moves", None),
        ("POST", f"{path}/moves", {"trigger": "hand_in", "version": 1}),
        ("GET", f"{base}/public", None),
        ("PUT", f"{base}/public", {"edit_version": 0, "public_fields": [], "public_summary": ""}),
    ]
    for name, viewer in strangers(small).items():
        program = doors.program(viewer) if viewer else doors.browser()
        for method, address, body in calls:
            answer = program.request(method, address, json=body)
            assert (answer.status_code, address) == (401 if name == "anonymous" else 404, address)
            assert "Safe streets" not in answer.text


def test_the_fund_decides_what_is_shown_of_a_project(small, doors, clock):
    with small.db.write() as session:
        reference = to_active(session, small, clock.now()).reference
    fund, path = doors.program(small.manager), f"/api/v1/applications/{reference}/public"
    closed = {"edit_version": 0, "public_fields": [], "public_summary": ""}
    assert fund.get(path).json() == closed
    shown = {"edit_version": 0, "public_fields": ["title", "amount"], "public_summary": "Short.\x00"}
    answer = fund.put(path, json=shown)
    assert answer.json() == shown | {"edit_version": 1, "public_summary": "Short."}
    assert doors.browser().get("/api/v1/projects").json()["items"] == [
        {
            "title": "Safe streets",
            "summary": None,
            "grantee": None,
            "city": None,
            "theme": None,
            "amount": {"minor": 1200000, "currency": "USD"},
            "lesson": None,
        }
    ]
    assert fund.put(path, json=shown).status_code == 409
    wrong = fund.put(path, json=shown | {"edit_version": 1, "public_fields": ["amount"]})
    assert list(wrong.json()["errors"]) == ["public_fields"]
    odd = fund.put(path, json=shown | {"edit_version": 1, "public_fields": ["address"]})
    assert odd.status_code == 422
    for viewer in (small.applicant, small.auditor):
        assert doors.program(viewer).get(path).status_code == 403
        assert doors.program(viewer).put(path, json=shown).status_code == 403


def test_the_library_is_asked_by_theme_words_and_page(small, doors, clock):
    with small.db.write() as session:
        to_published(session, small, clock.now())
    anybody = doors.browser()
    for query, total in [
        ("", 1), ("?theme=digital", 1), ("?theme=women", 0), ("?theme=%00", 0), ("?q=about+worked", 1),
        ("?q=%00", 1), ("?q=%25", 0), ("?page=2", 1), ("?q=worked&theme=digital", 1),
    ]:  # fmt: skip
        assert (query, anybody.get(f"/api/v1/lessons{query}").json()["total"]) == (query, total)
    assert anybody.get("/api/v1/lessons?page=2").json()["items"] == []
    assert anybody.get("/api/v1/lessons?q=" + "x" * 101).status_code == 422
    assert anybody.get("/api/v1/lessons/nothing").status_code == 404
    assert anybody.get("/api/v1/lessons/%00").status_code == 404
