"""In a real fund nothing of the demonstration exists."""

from typing import cast

import pytest
from fastapi import FastAPI

from fund.app import create_app
from fund.base.settings import Settings, load_settings
from fund.demo.pages import add_pages
from fund.demo.stage import STEPS, Stage, is_for_one
from fund.worker import mail_settings
from tests.security.test_routes import addresses
from tests.support.doors import Doors
from tests.support.world import world

SIGNS = ("illustrative", 'class="demo"', "/demo/")


def demo_addresses():
    """Method and path of the demonstration's own pages."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    add_pages(app, cast(Stage, None))
    return sorted(addresses(app.router.routes))


def test_the_demonstrations_pages_are_not_there(sqlite_db, clock):
    here = world(sqlite_db, clock.now())
    doors = Doors(sqlite_db, clock)
    pages = demo_addresses()
    assert len(pages) >= 5
    assert [path for _method, path in addresses(doors.app.router.routes) if path.startswith("/demo")] == []
    for browser in (doors.browser(), doors.browser(here.manager)):
        for _method, path in pages:
            for step in STEPS if "{step}" in path else [""]:
                filled = path.format(person_id=here.manager.person_id, number=1, step=step)
                for method in ("GET", "POST"):
                    answer = browser.request(method, filled)
                    assert answer.status_code == 404, (method, filled)
                    assert "set-cookie" not in answer.headers
    assert clock.now().isoformat() == "2021-09-21T08:00:00+00:00"


def test_no_page_and_no_answer_says_that_it_is_one(sqlite_db, clock):
    here = world(sqlite_db, clock.now())
    doors = Doors(sqlite_db, clock)
    paths = [
        "/",
        "/rounds",
        f"/rounds/{here.round_slug}",
        f"/rounds/{here.round_slug}/deadline.ics",
        "/sign-in",
    ]
    paths += ["/home", "/pipeline", "/nowhere", "/api/v1/rounds", "/api/v1/me", "/healthz"]
    for browser in (doors.browser(), doors.browser(here.manager), doors.program(here.manager)):
        for path in paths:
            answer = browser.get(path)
            assert "x-demonstration" not in answer.headers, path
            assert [sign for sign in SIGNS if sign in answer.text] == [], path


@pytest.mark.parametrize("name", ["FUND_DEMO", "FUND_DEMO_MODE", "FUND_DEMONSTRATION", "FUND_MOVED_CLOCK"])
def test_no_setting_turns_it_on(sqlite_db, monkeypatch, name):
    assert [field for field in Settings.model_fields if "demo" in field or "clock" in field] == []
    monkeypatch.setenv(name, "1")
    app = create_app(load_settings(), db=sqlite_db)
    assert app.state.fund.demo is None
    assert mail_settings(load_settings()).demo is False


@pytest.mark.parametrize(
    ("settings", "alone"),
    [
        ({}, True),
        ({"host": "::1", "base_url": "http://localhost:8000"}, True),
        ({"host": "0.0.0.0"}, False),
        ({"base_url": "https://demo.example.org"}, False),
    ],
)
def test_only_who_sits_at_the_machine_may_have_it_call_programs_there(settings, alone):
    """Everybody is a manager in a demonstration; one that others reach must not be their way into the network."""
    assert is_for_one(Settings(**settings)) is alone
