"""A button that is pressed twice at once: one of the two wins, nothing is there twice, nothing breaks."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlmodel import func, select

from fund.base.permissions import Viewer
from schema.applications import Application, Submission
from schema.people import Member, Person
from schema.reviews import Review
from schema.rounds import Round
from tests.rounds.test_api import BODY as PLAN
from tests.support.doors import Doors
from tests.support.world import draft, move, submit, world


@pytest.fixture
def here(db, clock):
    return world(db, clock.now())


def count(here, table) -> int:
    with here.db.read() as session:
        return session.exec(select(func.count()).select_from(table)).one()


def twice(here, clock, viewer: Viewer, path: str, body: dict[str, Any]) -> list[int]:
    """The statuses of one POST made by two programs at the same moment, the lower one first."""
    doors, gate = Doors(here.db, clock), Barrier(2)

    def press(program) -> int:
        gate.wait()
        return program.post(path, json=body).status_code

    with ThreadPoolExecutor(2) as pool:
        return sorted(pool.map(press, [doors.program(viewer), doors.program(viewer)]))


@pytest.mark.parametrize(
    ("path", "body", "table"),
    [
        (
            "/api/v1/people",
            {"email": "new@example.org", "name": "New", "roles": ["reviewer"]},
            Person,
        ),
        (
            "/api/v1/members",
            {"name": "New", "kind": "city", "city": "Cali", "country": "Colombia"},
            Member,
        ),
    ],
)
def test_a_person_or_a_member_is_added_once(here, clock, path, body, table):
    before = count(here, table)
    statuses = twice(here, clock, here.manager, path, body)
    assert statuses[0] == 201
    assert statuses[1] in (409, 422)
    assert count(here, table) == before + 1


def test_a_round_is_planned_once(here, clock):
    before = count(here, Round)
    twice(here, clock, here.manager, "/api/v1/rounds", PLAN)
    assert count(here, Round) == before + 1


def test_a_draft_is_started_once(here, clock):
    path = f"/api/v1/rounds/{here.round_slug}/applications"
    assert twice(here, clock, here.applicant, path, {}) == [200, 201]
    assert count(here, Application) == 1


def test_a_proposal_is_submitted_once(here, clock):
    with here.db.write() as session:
        written = draft(session, here, clock.now())
    body = {"trigger": "submit", "version": written.version, "data": {"declaration": True}}
    path = f"/api/v1/applications/{written.reference}/moves"
    assert twice(here, clock, here.applicant, path, body) == [200, 409]
    assert count(here, Submission) == 1


def test_a_reviewer_is_asked_once(here, clock):
    with here.db.write() as session:
        waiting = draft(session, here, clock.now())
        submit(session, here, waiting, clock.now())
        move(session, waiting, "start_screening", here.manager, clock.now())
    body = {"reviewers": [here.reviewers[0].person_id]}
    path = f"/api/v1/applications/{waiting.reference}/reviews"
    statuses = twice(here, clock, here.manager, path, body)
    assert statuses[0] == 201
    assert statuses[1] in (409, 422)
    assert count(here, Review) == 1
