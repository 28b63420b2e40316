"""Whoever is no reviewer any more reads nothing that she was once given to review."""

import pytest

from fund.base.audience import Audience
from fund.people import service
from fund.people.fields import PersonDraft
from tests.support.doors import Doors
from tests.support.world import assign, draft, move, submit, world


@pytest.fixture
def here(sqlite_db, clock):
    return world(sqlite_db, clock.now())


@pytest.fixture
def review(here, clock):
    """A review that reviewer A has begun."""
    now = clock.now()
    with here.db.write() as session:
        waiting = draft(session, here, now)
        submit(session, here, waiting, now)
        move(session, waiting, "start_screening", here.manager, now)
        reviews = [assign(session, here, waiting, one, now) for one in here.reviewers[:2]]
        move(session, waiting, "send_to_review", here.manager, now)
        move(session, reviews[0], "start", here.reviewers[0], now)
        return reviews[0], waiting.reference


def test_her_reviews_are_gone_with_her_role(here, clock, review):
    given, reference = review
    former = here.reviewers[0]
    doors = Doors(here.db, clock)
    browser, program = doors.browser(former), doors.program(former)
    paths = (f"/reviews/{given.id}", f"/api/v1/reviews/{given.id}", f"/api/v1/applications/{reference}")
    before = [(browser if path.startswith("/reviews") else program).get(path).status_code for path in paths]
    assert before == [200, 200, 200]

    plain = PersonDraft(former.email, former.name, frozenset(), frozenset())
    with here.db.write() as session:
        service.change_person(session, here.manager, former.person_id, plain, clock.now())

    after = [(browser if path.startswith("/reviews") else program).get(path).status_code for path in paths]
    assert after == [404, 404, 404]
    body = {"trigger": "declare_conflict", "version": given.version, "reason": "Late."}
    assert program.post(f"/api/v1/reviews/{given.id}/moves", json=body).status_code == 404
    with here.db.read() as session:
        assert Audience(session).people_in("reviewer", given) == []
