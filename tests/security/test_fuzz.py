"""Random calls against the API: nothing breaks, and every answer is one that its description names."""

from typing import Any

import pytest
from sqlmodel import select

from schema.applications import Application
from schema.lessons import Lesson
from schema.reviews import Review
from tests.support.doors import Doors
from tests.support.world import assign, draft, submit, to_active, to_deliberation, to_published, world


@pytest.fixture
def here(sqlite_db, clock):
    return world(sqlite_db, clock.now())


@pytest.fixture
def known(here, clock) -> dict[str, list[Any]]:
    """Values for the parameters of addresses behind which there is something."""
    now = clock.now()
    with here.db.write() as session:
        draft(session, here, now)
        waiting = draft(session, here, now)
        submit(session, here, waiting, now)
        assign(session, here, waiting, here.reviewers[2], now)
        to_deliberation(session, here, now)
        to_active(session, here, now)
        to_published(session, here, now)
        return {
            "reference": list(session.exec(select(Application.reference))),
            "review_id": list(session.exec(select(Review.id))),
            "slug": [here.round_slug, "city-of-aldea", *session.exec(select(Lesson.slug))],
            "kind": ["interim", "final"],
            "person_id": [here.reviewers[2].person_id],
        }


@pytest.mark.slow
def test_whatever_is_sent_the_answer_is_one_that_is_described(here, clock, known):
    from tests.security import fuzzing  # here: what it needs takes seconds to load

    doors = Doors(here.db, clock)
    tokens = [doors.program(one).headers["authorization"] for one in (here.manager, here.applicant)]
    assert fuzzing.faults(doors.app, known, tokens) == []
