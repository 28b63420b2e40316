"""Every address of the app is either meant for everybody, and stands here by name, or refuses a stranger."""

import re
from collections.abc import Iterator
from inspect import iscoroutinefunction
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from fund.app import ROUTERS, create_app
from fund.base.settings import Settings
from tests.support.doors import Doors
from tests.support.world import assign, draft, move, person, submit, to_published, world

PUBLIC = {
    ("GET", "/"),
    ("GET", "/api/v1/lessons"),
    ("GET", "/api/v1/lessons/{slug}"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/api/v1/projects"),
    ("GET", "/api/v1/rounds"),
    ("GET", "/api/v1/rounds/{slug}"),
    ("GET", "/favicon.ico"),
    ("GET", "/healthz"),
    ("GET", "/lessons"),
    ("GET", "/lessons/{slug}"),
    ("GET", "/projects"),
    ("GET", "/readyz"),
    ("GET", "/rounds"),
    ("GET", "/rounds/{slug}"),
    ("GET", "/rounds/{slug}/calendar.ics"),
    ("GET", "/rounds/{slug}/deadline.ics"),
    ("GET", "/rounds/{slug}/form"),
    ("GET", "/sign-in"),
    ("GET", "/sign-in/sent"),
    ("GET", "/sign-in/{token}"),
    ("GET", "/static/{path:path}"),
    ("GET", "/unsubscribe/{key}/{what}"),  # the key in the mail is the right to do it
    ("POST", "/sign-in"),
    ("POST", "/sign-in/sent"),
    ("POST", "/sign-in/{token}"),
    ("POST", "/sign-out"),
    ("POST", "/unsubscribe/{key}/{what}"),  # mail programs post to it by themselves (RFC 8058)
}
"""What a stranger may ask for. Whoever adds a line says why a stranger needs it."""

OF_THE_FUND = re.compile(
    r"(/api/v1)?(/webhooks|/mail|/rounds/{slug}/(rehearsal|reminders|working-days|days|manage))(/|$)"
)
"""What only managers change and auditors look at."""


def addresses(routes: list[Any]) -> Iterator[tuple[str, str]]:
    """Method and path of every route below; the framework nests the routes of an included router."""
    for route in routes:
        if inner := getattr(route, "original_router", None):
            prefix = route.include_context.prefix
            yield from ((method, prefix + path) for method, path in addresses(inner.routes))
        else:
            yield from ((method, route.path) for method in route.methods - {"HEAD"})


@pytest.fixture
def here(sqlite_db, clock):
    return world(sqlite_db, clock.now())


@pytest.fixture
def found(here, clock) -> dict[str, str]:
    """Values with which there is something behind most addresses: a stranger must not learn of it."""
    now = clock.now()
    with here.db.write() as session:
        waiting = draft(session, here, now)
        submit(session, here, waiting, now)
        move(session, waiting, "start_screening", here.manager, now)
        review = assign(session, here, waiting, here.reviewers[0], now)
        to_published(session, here, now)
    known = {"reference": waiting.reference, "slug": here.round_slug, "review_id": str(review.id)}
    return known | {"kind": "interim", "page": "project", "trigger": "withdraw", "key": "project"}


def test_a_stranger_gets_nowhere_but_where_everybody_may_go(here, clock, found):
    doors = Doors(here.db, clock)
    every = set(addresses(doors.app.router.routes))
    assert len(every) > 100
    assert PUBLIC - every == set()
    browser = doors.browser()
    let_in = []
    for method, path in sorted(every - PUBLIC):
        filled = re.sub(r"{(\w+)(?::\w+)?}", lambda part: found.get(part[1], "1"), path)
        answer = browser.request(method, filled)
        sent_away = answer.headers.get("location", "").startswith("/sign-in?next=")
        if not (answer.status_code in (401, 404) or (answer.status_code == 303 and sent_away)):
            let_in.append(f"{method} {filled}: {answer.status_code}")
    assert let_in == []


@pytest.mark.parametrize("role", ["applicant", "reviewer", "facilitator", "auditor"])
def test_what_managers_do_for_the_fund_nobody_else_does(here, clock, found, role):
    """Looking is for auditors too; the newsletter is written by facilitators."""
    with here.db.write() as session:
        facilitator = person(session, "Fay Facilitator", clock.now(), roles=["facilitator"])
    people = {"applicant": here.applicant, "reviewer": here.reviewers[0], "auditor": here.auditor}
    doors = Doors(here.db, clock)
    browser = doors.browser(people.get(role, facilitator))
    filled = found | {"name": "receipt", "language": "en", "kind": "application", "key": "1"}
    every = [one for one in sorted(set(addresses(doors.app.router.routes))) if OF_THE_FUND.match(one[1])]
    tried = [one for one in every if role != "auditor" or one[0] != "GET"]
    assert len(tried) > 20
    let_in = []
    for method, path in tried:
        body = {} if method == "GET" or "/api/" not in path else {"json": {}}
        answer = browser.request(
            method, re.sub(r"{(\w+)(?::\w+)?}", lambda part: filled.get(part[1], "1"), path), **body
        )
        if answer.status_code not in (403, 404):
            let_in.append(f"{method} {path}: {answer.status_code}")
    assert let_in == []


def test_the_list_sees_every_room(here, clock):
    """A room whose routes the walk above does not reach would be guarded by nobody."""
    walked = {path for _method, path in addresses(Doors(here.db, clock).app.router.routes)}
    for router in ROUTERS:
        assert {path for _method, path in addresses(router.routes)} <= walked


def test_refused_by_its_kind_a_stranger_learns_nothing_of_what_is_there(here, clock, found):
    """The same answer for a proposal that is there and one that is not."""
    browser = Doors(here.db, clock).browser()
    for path in ("/applications/{}", "/pipeline/{}", "/api/v1/applications/{}", "/applications/{}/offer"):
        there, nowhere = (
            browser.get(path.format(reference)) for reference in (found["reference"], "PIF-NONE")
        )
        assert there.status_code == nowhere.status_code
        assert there.text.replace(found["reference"], "PIF-NONE") == nowhere.text


def test_nothing_that_asks_the_database_runs_on_the_event_loop(sqlite_db):
    app = create_app(Settings(), db=sqlite_db)
    endpoints = {route.endpoint for route in iter_route_contexts(app.routes)}
    assert len(endpoints) > 200
    assert [one.__qualname__ for one in endpoints if iscoroutinefunction(one)] == []
