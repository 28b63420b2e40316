"""A reviewer on a small phone without scripts, from her list to her thanks."""

import pytest
from playwright.sync_api import Page, expect

from fund.app import create_app
from fund.base.settings import Settings
from fund.people import sessions
from tests.reviewing.support import hand_in, in_review, review
from tests.support import live
from tests.support.accessible import faults, fits
from tests.support.world import world


@pytest.fixture
def here(sqlite_db, clock):
    return world(sqlite_db, clock.now())


@pytest.fixture
def case(sqlite_db, here, clock):
    return in_review(sqlite_db, here, clock.now(), "Listening to the riders of the night bus")


@pytest.fixture
def address(sqlite_db, clock):
    listening = live.free_socket()
    settings = Settings(base_url=live.address_of(listening))
    with live.served(create_app(settings, db=sqlite_db, clock=clock), listening) as address:
        yield address


def signed_in(visits, db, viewer, address, now, **options) -> Page:
    page = visits.open(**options)
    with db.write() as session:
        token = sessions.start(session, viewer.person_id, "test", now).token
    page.context.add_cookies([{"name": "session", "value": token, "url": address}])
    return page


def test_a_reviewer_on_a_phone_without_scripts(visits, sqlite_db, here, case, address, clock):
    page = signed_in(
        visits,
        sqlite_db,
        here.reviewers[0],
        address,
        clock.now(),
        viewport={"width": 320, "height": 640},
        has_touch=True,
        is_mobile=True,
        java_script_enabled=False,
    )
    page.goto(f"{address}/reviews")
    fits(page)
    page.get_by_role("link", name="Listening to the riders of the night bus").click()
    expect(page.get_by_text("What we say about problem.")).to_have_count(0)
    fits(page)
    page.get_by_role("button", name="I have none: begin").click()
    expect(page.get_by_text("What we say about problem.")).to_be_visible()
    fits(page)

    page.get_by_role("group", name="Your score for “Need”").get_by_label("Good").check()
    page.get_by_label("Your reason").first.fill("The need is shown.")
    page.get_by_role("button", name="Save, check and submit").click()
    expect(page.get_by_text("Give a score and a reason for: Plan; Recommendation.")).to_be_visible()
    fits(page)
    page.get_by_role("link", name="Change Plan").click()
    page.get_by_role("group", name="Your score for “Plan”").get_by_label("Excellent").check()
    page.get_by_label("Your reason").last.fill("Well thought through.")
    page.get_by_label("Fund it", exact=True).check()
    page.get_by_label("Feedback for the applicant").fill("Say who does what.")
    page.get_by_role("button", name="Save, check and submit").click()
    expect(page.get_by_text("92 of 100")).to_be_visible()
    page.get_by_role("button", name="Submit the review").click()
    expect(page.get_by_text("Your review is submitted. Thank you.")).to_be_visible()
    fits(page)
    assert review(sqlite_db, case.reviews[0]).state == "submitted"


@pytest.mark.slow
def test_every_page_is_accessible(visits, sqlite_db, here, case, address, clock):
    hand_in(sqlite_db, here.reviewers[1], case.reviews[1], clock.now())
    first, second = (
        signed_in(visits, sqlite_db, viewer, address, clock.now()) for viewer in here.reviewers[:2]
    )
    manager = signed_in(visits, sqlite_db, here.manager, address, clock.now())
    own, other = (f"/reviews/{key}" for key in case.reviews)
    found = {}
    for page, path in (
        (first, "/reviews"),
        (first, own),
        (first, f"{own}/moves/declare_conflict"),
        (second, other),
        (manager, f"/pipeline/{case.reference}/reviewers"),
        (manager, f"/rounds/{here.round_slug}/decisions"),
    ):
        page.goto(address + path)
        found[path] = faults(page)
    first.goto(address + own)
    first.get_by_role("button", name="I have none: begin").click()
    found["scorecard"] = faults(first)
    first.get_by_role("button", name="Save, check and submit").click()
    found["check"] = faults(first)
    assert {path: what for path, what in found.items() if what} == {}
