"""One proposal from the first word to the published lesson, through the JSON API, with its mail and its refusals."""

import pytest

from fund.base.settings import Settings
from fund.demo.travel import travel
from fund.worker import Worker
from tests.journey.steps import TITLE, Journey
from tests.journey.support import EXPECTED, check_at_rest, mails
from tests.support.doors import Doors
from tests.support.world import world

API = "/api/v1"


@pytest.fixture
def worker(db, clock, mailbox, tmp_path):
    settings = Settings(data_dir=tmp_path, smtp_port=mailbox.port, mail_limits="")
    working = Worker(settings, db, clock)
    yield working
    working.sender.stop()


def _refusals(journey, everybody):
    """Every stranger is refused at everything, and told nothing."""
    base = f"{API}/applications/{journey.reference}"
    calls = [
        ("GET", base, None),
        ("GET", f"{base}/moves", None),
        ("POST", f"{base}/moves", {"trigger": "submit", "version": 1, "data": {"declaration": True}}),
        ("POST", f"{base}/moves", {"trigger": "offer", "version": 1}),
        ("PATCH", base, {"edit_version": 0, "title": "Taken over"}),
        ("GET", f"{base}/reviews", None),
        ("GET", f"{base}/award", None),
        ("GET", f"{base}/reports/final", None),
        ("POST", f"{base}/reports/final/moves", {"trigger": "accept", "version": 1}),
        ("GET", f"{base}/lesson", None),
        ("POST", f"{base}/lesson/moves", {"trigger": "publish", "version": 1}),
        ("GET", f"{base}/history", None),
        ("GET", f"{base}/mail", None),
        ("GET", f"{API}/reviews/1", None),
        ("PUT", f"{API}/reviews/1", {"edit_version": 0, "scores": {}}),
    ]
    for name in ("outsider", "unassigned", "nobody"):
        for method, path, body in calls:
            answer = everybody[name].request(method, path, json=body)
            allowed = {401} if name == "nobody" else {403, 404}
            assert answer.status_code in allowed, (name, method, path, answer.status_code, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert TITLE not in answer.text


@pytest.mark.slow
def test_from_the_public_page_to_a_published_lesson(db, clock, mailbox, worker):
    here = world(db, clock.now())
    doors = Doors(db, clock)
    everybody = {
        "applicant": doors.program(here.applicant),
        "manager": doors.program(here.manager),
        "first": doors.program(here.reviewers[0]),
        "second": doors.program(here.reviewers[1]),
        "outsider": doors.program(here.outsider),
        "unassigned": doors.program(here.reviewers[2]),
        "nobody": doors.browser(),
    }

    def call(who, method, path, body=None):
        answer = everybody[who].request(method, API + path, json=body)
        assert answer.status_code < 300, (who, method, path, answer.text)
        return answer.json()

    public = everybody["nobody"].get(f"{API}/rounds/{here.round_slug}").json()
    assert public["state"] == "open"
    journey = Journey(
        call,
        clock.now,
        lambda moment: travel(worker, clock, moment),
        here.round_slug,
        [viewer.person_id for viewer in here.reviewers[:2]],
    )
    for step in journey.steps():
        step()
        _refusals(journey, everybody)
    travel(worker, clock, clock.now())

    assert call("manager", "GET", f"/applications/{journey.reference}/moves")["state"] == "lesson_published"
    lessons = everybody["nobody"].get(f"{API}/lessons").json()["items"]
    assert [lesson["fields"]["title"] for lesson in lessons] == [TITLE]
    check_at_rest(db, clock.now(), mailbox.messages)
    assert mails(mailbox, here) == EXPECTED
