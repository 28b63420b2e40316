"""Every address of a proposal, asked for by everybody whom it does not concern."""

import pytest

from fund.applying import api, pages
from tests.applying.support import complete, in_review, stored, submitted

FORM = {"version": "2", "title": "Mine", "declaration": "yes", "reason": "Because", "edit_version": "1"}
PAGES = [
    ("GET", ""),
    ("GET", "/edit"),
    ("GET", "/edit/the-project"),
    ("GET", "/edit/project"),
    ("POST", "/edit/the-project"),
    ("POST", "/edit/project"),
    ("GET", "/check"),
    ("POST", "/check"),
    ("GET", "/submitted"),
    ("GET", "/moves/withdraw"),
    ("POST", "/moves/withdraw"),
    ("POST", "/moves"),
]
CALLS = [
    ("GET", "", None),
    ("PATCH", "", {"edit_version": 1, "title": "Mine"}),
    ("GET", "/moves", None),
    ("POST", "/moves", {"trigger": "withdraw", "version": 2}),
    ("GET", "/comments", None),
    ("POST", "/comments", {"text": "Mine"}),
]


def test_no_address_is_forgotten_here():
    def ends(router, prefix):
        return {
            (method, route.path.removeprefix(prefix))
            for route in router.routes
            if route.path.startswith(prefix)
            for method in route.methods - {"HEAD"}
        }

    of_pages = {
        (
            method,
            end.replace("the-project", "{page}")
            .replace("project", "{page}")
            .replace("withdraw", "{trigger}"),
        )
        for method, end in PAGES
    }
    assert ends(pages.router, "/applications/{reference}") == {
        (method, end.replace("{page}", "{page}")) for method, end in of_pages
    }
    assert ends(api.router, "/api/v1/applications/{reference}") == {(method, end) for method, end, _ in CALLS}


@pytest.fixture
def waiting(world, clock):
    """A proposal that was submitted."""
    return submitted(world, clock.now())


def untouched(world, reference):
    with world.db.read() as session:
        row = stored(session, reference)
        return row.state, row.title, row.version


@pytest.mark.parametrize(("method", "end"), PAGES)
def test_strangers_are_asked_to_sign_in(doors, world, waiting, method, end):
    path = f"/applications/{waiting}{end}"
    answer = doors.browser().request(method, path, data=FORM if method == "POST" else None)
    if method == "GET":
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")
    else:
        assert answer.status_code == 401
    assert untouched(world, waiting) == ("submitted", "Safe streets", 2)


@pytest.mark.parametrize(("method", "end"), PAGES)
def test_people_of_other_members_and_reviewers_find_nothing(doors, world, waiting, method, end):
    for viewer in (world.outsider, world.reviewers[0]):
        answer = doors.browser(viewer).request(
            method, f"/applications/{waiting}{end}", data=FORM if method == "POST" else None
        )
        assert answer.status_code == 404
        assert "Safe streets" not in answer.text
    assert untouched(world, waiting) == ("submitted", "Safe streets", 2)


@pytest.mark.parametrize(("method", "end"), PAGES)
def test_the_fund_does_not_write_or_move_in_the_applicants_place(doors, world, waiting, method, end):
    for viewer in (world.manager, world.auditor):
        answer = doors.browser(viewer).request(
            method, f"/applications/{waiting}{end}", data=FORM if method == "POST" else None
        )
        if (method, end) == ("GET", ""):
            assert answer.headers["location"] == f"/pipeline/{waiting}"
        else:
            assert answer.status_code in (403, 404)
    assert untouched(world, waiting) == ("submitted", "Safe streets", 2)


@pytest.mark.parametrize(("method", "end"), PAGES)
def test_a_draft_is_not_there_for_the_fund(doors, world, clock, method, end):
    draft = complete(world, clock.now())
    for viewer in (world.manager, world.auditor, world.reviewers[0], world.outsider):
        answer = doors.browser(viewer).request(
            method, f"/applications/{draft}{end}", data=FORM if method == "POST" else None
        )
        assert answer.status_code == 404
    assert untouched(world, draft) == ("draft", "Safe streets", 1)


@pytest.mark.parametrize(("method", "end", "body"), CALLS)
def test_programs_are_refused_in_the_same_way(doors, world, waiting, method, end, body):
    path = f"/api/v1/applications/{waiting}{end}"
    assert doors.browser().request(method, path, json=body).status_code == 401
    for viewer in (world.outsider, world.reviewers[0]):
        answer = doors.program(viewer).request(method, path, json=body)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    for viewer in [world.auditor] if end == "/comments" else [world.manager, world.auditor]:
        answer = doors.program(viewer).request(method, path, json=body)
        assert answer.status_code == (200 if method == "GET" else 404 if method == "PATCH" else 403)
    assert untouched(world, waiting) == ("submitted", "Safe streets", 2)


def test_a_reviewer_reads_and_changes_nothing(doors, world, clock):
    reference = in_review(world, clock.now())
    program = doors.program(world.reviewers[0])
    path = f"/api/v1/applications/{reference}"
    assert program.get(path).status_code == 200
    assert program.patch(path, json={"edit_version": 1, "title": "Mine"}).status_code == 404
    assert program.post(f"{path}/moves", json={"trigger": "withdraw", "version": 4}).status_code == 403
    browser = doors.browser(world.reviewers[0])
    for end in ("/edit", "/check", "/submitted", "/moves/withdraw"):
        assert browser.get(f"/applications/{reference}{end}").status_code == 404


@pytest.mark.parametrize("reference", ["PIF-000000", "pif", "'; DROP TABLE application; --", "x" * 500])
def test_references_of_nothing_are_not_found(doors, world, reference):
    browser = doors.browser(world.applicant)
    assert browser.get(f"/applications/{reference}").status_code in (303, 404)
    assert doors.program(world.applicant).get(f"/api/v1/applications/{reference}").status_code == 404


def test_a_planned_round_cannot_be_started_in(doors, world, clock):
    from tests.rounds.support import planned

    slug = planned(world.db, world.manager, clock.now()).slug
    browser = doors.browser(world.applicant)
    assert browser.get(f"/rounds/{slug}/start").status_code == 404
    assert browser.post(f"/rounds/{slug}/start", data={"member": str(world.member_id)}).status_code == 404
    assert (
        doors.program(world.applicant).post(f"/api/v1/rounds/{slug}/applications", json={}).status_code == 404
    )


def test_starting_asks_who_one_is(doors, world):
    start = f"/rounds/{world.round_slug}/start"
    assert doors.browser().get(start).headers["location"] == f"/sign-in?next={start}"
    assert doors.browser().post(start, data={"member": str(world.member_id)}).status_code == 401
    assert doors.browser(world.outsider).post(start, data={"member": str(world.member_id)}).status_code == 422
    assert doors.browser().get("/applications").headers["location"] == "/sign-in?next=/applications"
    assert doors.browser().get("/api/v1/applications").status_code == 401
