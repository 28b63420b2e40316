"""What no browser sends by itself: half characters, JSON without end, lengths that are no numbers."""

import pytest

from tests.support.doors import Doors
from tests.support.world import award, draft, move, to_deliberation, world

JSON = {"Content-Type": "application/json"}
HALF = rb"\ud800"


@pytest.fixture
def here(db, clock):
    return world(db, clock.now())


@pytest.fixture
def begun(here, clock):
    """Reference of a draft."""
    with here.db.write() as session:
        return draft(session, here, clock.now()).reference


@pytest.mark.parametrize(
    "body",
    [
        b'{"edit_version": 0, "answers": {"%b": "text"}}' % HALF,
        b'{"edit_version": 0, "answers": {"problem": "%b"}}' % HALF,
        b'{"edit_version": 0, "%b": 1}' % HALF,
        b'{"edit_version": 0, "title": "\xed\xa0\x80"}',
        b'{"edit_version": %b}' % (b"9" * 6000),
        b'{"edit_version": NaN}',
        b'{"edit_version": 0, "answers": %b}' % (b'{"a":' * 20_000 + b"1" + b"}" * 20_000),
        b"[" * 100_000,
        b"{",
        b"",
    ],
)
def test_what_cannot_be_read_is_refused_in_words(here, clock, begun, body):
    program = Doors(here.db, clock).program(here.applicant)
    answer = program.patch(f"/api/v1/applications/{begun}", content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"]


def test_half_a_character_is_not_signed_with(here, clock):
    with here.db.write() as session:
        application = to_deliberation(session, here, clock.now())
        award(session, here, application, clock.now())
        move(session, application, "offer", here.manager, clock.now())
    body = b'{"trigger": "accept_offer", "version": %d, "data": {"signed_name": "%b"}}'
    answer = (
        Doors(here.db, clock)
        .program(here.applicant)
        .post(
            f"/api/v1/applications/{application.reference}/moves",
            content=body % (application.version, HALF),
            headers=JSON,
        )
    )
    assert answer.status_code == 422


def test_a_length_that_is_no_number_is_too_large(here, clock):
    answer = (
        Doors(here.db, clock).browser().post("/sign-in", headers={"Content-Length": "²".encode("latin-1")})
    )
    assert answer.status_code == 413
