"""Through every public address, page and API, no field of a lesson gets further than it may. Told by canaries."""

from itertools import product

import pytest

from fund.base.permissions import Viewer
from fund.sharing import service
from schema.applications import Application
from schema.lessons import Lesson
from tests.sharing.support import CANARIES, COUNTRY, FIELDS, PUBLIC, staged_lesson
from tests.support.world import to_active

LEVELS = ("fund", "network", "public")
PAIRS = list(product(LEVELS, LEVELS))
slow = pytest.mark.slow
"""What the queries behind all pages let through is tried in test_reach.py, so that a few suffice every time."""
OPEN = (
    "/",
    "/lessons",
    "/lessons?theme=digital",
    "/projects",
    "/api/v1/lessons",
    "/api/v1/projects",
    "/rounds",
)


def ways(lesson: Lesson) -> list[str]:
    """Every open address that could show something of the lesson."""
    searches = [
        f"{where}?q={word}" for where in ("/lessons", "/api/v1/lessons") for word in ("after.", "Before")
    ]
    return [*OPEN, *searches, f"/lessons/{lesson.slug}", f"/api/v1/lessons/{lesson.slug}"]


def seen_by(client, lesson: Lesson) -> str:
    """Everything that all these addresses answer, headers included."""
    answers = [client.get(way) for way in ways(lesson)]
    assert all(answer.status_code in (200, 404) for answer in answers)
    return "\n".join(f"{answer.headers} {answer.text}" for answer in answers)


def hits(client, word: str) -> tuple[bool, int]:
    """Whether a search for the word finds something, on the page and in the API."""
    page, api = client.get(f"/lessons?q={word}"), client.get(f"/api/v1/lessons?q={word}")
    return "/lessons/" in page.text.split("<main", 1)[1].split("<footer", 1)[0], api.json()["total"]


@pytest.fixture
def lesson(small, clock) -> Lesson:
    return staged_lesson(small, clock.now())


@pytest.mark.parametrize(
    "turn", [pytest.param(turn, marks=[slow] if turn % 4 else []) for turn in range(len(PAIRS))]
)
def test_each_field_at_each_pair_of_levels(small, doors, lesson, turn):
    others = [name for name in FIELDS if name != "title"]
    given = {name: PAIRS[(turn + index) % len(PAIRS)] for index, name in enumerate(others)}
    with small.db.write() as session:
        row = session.get_one(Lesson, lesson.id)
        row.consent = {"title": "public"} | {name: pair[0] for name, pair in given.items()}
        row.clearance = {"title": "public"} | {name: pair[1] for name, pair in given.items()}
        session.add(row)
    for stands, client in {"public": doors.browser(), "network": doors.browser(small.outsider)}.items():
        seen = seen_by(client, lesson)
        for name, pair in given.items():
            far = LEVELS.index(min(pair, key=LEVELS.index)) >= LEVELS.index(stands)
            assert (CANARIES[name] in seen, (name, pair, stands)) == (far, (name, pair, stands))
        assert (COUNTRY in seen) == (CANARIES["city"] in seen)
        name = others[turn % len(others)]
        found = CANARIES[name] in seen
        assert hits(client, CANARIES[name]) == (found, int(found))


@pytest.mark.parametrize(
    ("consent", "clearance"),
    [pytest.param(*pair, marks=[slow] if turn % 4 else []) for turn, pair in enumerate(PAIRS)],
)
def test_without_the_title_there_is_no_lesson(small, doors, lesson, consent, clearance):
    with small.db.write() as session:
        row = session.get_one(Lesson, lesson.id)
        row.consent, row.clearance = PUBLIC | {"title": consent}, PUBLIC | {"title": clearance}
        session.add(row)
    for stands, client in {"public": doors.browser(), "network": doors.browser(small.outsider)}.items():
        far = LEVELS.index(min(consent, clearance, key=LEVELS.index)) >= LEVELS.index(stands)
        seen = seen_by(client, lesson)
        assert [name for name in FIELDS if (CANARIES[name] in seen) != far] == []
        assert client.get(f"/lessons/{lesson.slug}").status_code == (200 if far else 404)


def test_managers_and_its_own_grantee_read_in_the_library_what_members_read(small, doors, lesson):
    with small.db.write() as session:
        row = session.get_one(Lesson, lesson.id)
        row.consent = PUBLIC | {"problem": "fund"}
        session.add(row)
    for viewer in (small.manager, small.auditor, small.applicant, small.reviewers[0]):
        seen = seen_by(doors.browser(viewer), lesson)
        assert [name for name in FIELDS if CANARIES[name] not in seen] == ["problem"]


@pytest.mark.parametrize(
    "state",
    ["under_review", *(pytest.param(other, marks=slow) for other in ("due", "returned", "cancelled"))],
)
def test_a_lesson_that_is_not_published_is_nowhere(small, doors, lesson, state):
    with small.db.write() as session:
        row = session.get_one(Lesson, lesson.id)
        row.state = state
        session.add(row)
    for viewer in (None, small.outsider, small.manager, small.applicant):
        seen = seen_by(doors.browser(viewer), lesson)
        assert [name for name in FIELDS if CANARIES[name] in seen] == []


def test_the_title_of_the_page_is_the_title_that_gets_there(small, doors, lesson):
    page = doors.browser().get(f"/lessons/{lesson.slug}").text
    assert f"<title>Before {CANARIES['title']} after. – Peace Incentive Fund</title>" in page


def test_of_a_project_the_public_finds_what_is_shown_and_no_reference(small, doors, clock):
    with small.db.write() as session:
        application = to_active(session, small, clock.now())
        application.title, application.public_summary = "canarytitle", "canarysummary"
        session.add(application)
    whole = {"title": "canarytitle", "summary": "canarysummary", "grantee": "City of Aldea", "city": "Aldea, Nowhere",
             "theme": "Digital threats", "amount": "US$12,000"}  # fmt: skip
    for turn in range(2 ** len(whole)):
        shown = [name for index, name in enumerate(whole) if turn >> index & 1]
        with small.db.write() as session:
            row = session.get_one(Application, application.id)
            row.public_fields = shown
            session.add(row)
        if (
            turn % 7 and turn != 63
        ):  # every combination in the database is tried elsewhere; here a spread of them
            continue
        seen = (
            doors.browser().get("/projects").text.split("<main", 1)[1]
            + doors.browser().get("/api/v1/projects").text
        )
        listed = doors.browser().get("/api/v1/projects").json()["items"]
        assert len(listed) == ("title" in shown)
        assert application.reference not in seen + doors.browser().get("/").text
        found = {name for name, text in whole.items() if text in seen}
        assert found == (set(shown) if "title" in shown else set())


def test_an_answer_to_a_stranger_is_not_kept_for_a_member(small, doors, lesson):
    assert doors.browser(small.outsider).get("/lessons").headers["cache-control"] == "no-store"
    assert "public" not in doors.browser().get("/lessons").headers["cache-control"].split(", ")
    assert Viewer.anonymous().member_ids == frozenset()


def test_what_was_taken_back_is_gone_with_the_next_request(small, doors, lesson, clock):
    client = doors.browser()
    assert CANARIES["worked"] in seen_by(client, lesson)
    with small.db.write() as session:
        row = session.get_one(Lesson, lesson.id)
        service.take_back(session, small.applicant, row, "worked", clock.now())
    assert CANARIES["worked"] not in seen_by(client, lesson)
