"""Random calls against the API: nothing breaks, and every answer is one that its description names."""

import random
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlmodel import select

from schema.applications import Application
from schema.lessons import Lesson
from schema.reviews import Review
from tests.support.doors import Doors
from tests.support.world import assign, draft, submit, to_active, to_deliberation, to_published, world

EXAMPLES = 5
"""Calls to each operation in each mode. To search longer by hand: raise this."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
QUIET = hypothesis.settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


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
    doors = Doors(here.db, clock)
    tokens = [doors.program(one).headers["authorization"] for one in (here.manager, here.applicant)]
    choose = random.Random(2021)
    wrong: list[str] = []
    for found in schemathesis.openapi.from_asgi("/api/v1/openapi.json", doors.app).get_all_operations():
        operation = found.ok()
        for mode in modes(operation):

            @QUIET
            @hypothesis.seed(2021)
            @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
            def calls(case: schemathesis.Case) -> None:
                aim(case, known, choose)
                case.call_and_validate(checks=CHECKS, headers={"Authorization": choose.choice(tokens)})

            try:
                calls()
            except* Exception as group:
                wrong += [f"{operation.label}: {error}" for error in group.exceptions]
    assert wrong == []


def modes(operation: Any) -> list[GenerationMode]:
    """What fits the description; and what does not, where there is more to send than an address."""
    sent = bool(operation.body or operation.query)
    return [GenerationMode.POSITIVE, GenerationMode.NEGATIVE] if sent else [GenerationMode.POSITIVE]


def aim(case: schemathesis.Case, known: dict[str, list[Any]], choose: random.Random) -> None:
    """Let two of three calls go where there is something."""
    for name in case.path_parameters or {}:
        if name in known and choose.random() < 0.67:
            case.path_parameters[name] = str(choose.choice(known[name]))
