"""A proposal on a small phone without JavaScript, and every page of it open to everybody."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from fund.applying.fields import Edit
from fund.base.clock import FixedClock
from fund.base.permissions import Viewer
from fund.rounds import defaults
from tests.applying.support import moved, saved, started, stored
from tests.rounds.support import planned
from tests.support.accessible import faults, fits
from tests.support.browser import Visits
from tests.support.doors import Doors
from tests.support.live import served
from tests.support.world import World
from tests.support.world import world as make_world

PHONE = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def world(sqlite_db, clock) -> World:
    """Members, people and an open round with the shipped form."""
    form = [section.model_dump() for section in defaults.form()]
    scorecard = [criterion.model_dump() for criterion in defaults.scorecard()]
    return make_world(sqlite_db, clock.now(), form=form, scorecard=scorecard)


@pytest.fixture
def doors(world, clock) -> Doors:
    """The product."""
    return Doors(world.db, clock)


@pytest.fixture
def address(doors) -> Iterator[str]:
    """Where it is served."""
    with served(doors.app) as address:
        yield address


def signed_in(visits: Visits, doors: Doors, address: str, viewer: Viewer, **options) -> Page:
    page = visits.open(**options)
    page.context.add_cookies([{"name": "session", "value": doors.cookie(viewer), "url": address}])
    return page


def test_a_proposal_is_written_and_submitted_on_a_small_phone_without_javascript(
    visits: Visits, doors: Doors, address: str, world: World, clock: FixedClock
) -> None:
    page = visits.open(**PHONE, java_script_enabled=False)
    page.goto(f"{address}/rounds")
    fits(page)
    page.get_by_role("link", name="Peace Incentive Fund 2022").click()
    expect(page.get_by_role("heading", name="How proposals are scored")).to_be_visible()
    fits(page)
    page.get_by_role("link", name="Start a proposal").first.click()
    expect(page).to_have_url(f"{address}/sign-in?next=/rounds/{world.round_slug}/start")

    page.context.add_cookies([{"name": "session", "value": doors.cookie(world.applicant), "url": address}])
    page.goto(f"{address}/rounds/{world.round_slug}/start")
    fits(page)
    page.get_by_role("button", name="Start writing").click()
    expect(page.get_by_text("0 of 7 parts are complete")).to_be_visible()
    fits(page)
    reference = page.url.split("/")[-2]

    page.get_by_role("link", name="The project", exact=True).click()
    page.get_by_label("Title of the project").fill("شوارع آمنة – Safe streets")
    page.get_by_label("Digital threats").check()
    page.get_by_label("Amount that you ask for").fill("15 000,50")
    page.get_by_role("button", name="Save and continue").click()
    for section in defaults.form():
        expect(page.get_by_role("heading", level=1)).to_have_text(section.title)
        fits(page)
        for question in section.questions:
            if question.required:
                page.get_by_label(question.label).fill(f"What we say about {question.key}.\n\nAnd more.")
        page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_text("7 of 7 parts are complete")).to_be_visible()

    page.get_by_role("link", name="Check your answers and submit").click()
    fits(page)
    page.get_by_role("button", name="Submit the proposal").click()
    expect(page).to_have_title("Error: Check your answers – Peace Incentive Fund")
    page.get_by_label("What stands here is true").check()
    page.get_by_role("button", name="Submit the proposal").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your proposal is submitted")
    expect(page.get_by_text(reference)).to_be_visible()
    fits(page)
    with world.db.read() as session:
        row = stored(session, reference)
        assert (row.state, row.title, row.requested_minor) == (
            "submitted",
            "شوارع آمنة – Safe streets",
            15_000_50,
        )

    page.get_by_role("link", name="See its status").click()
    fits(page)
    page.get_by_role("link", name="Withdraw the proposal").click()
    page.get_by_label("Reason, for the fund to read").fill("We found other money.")
    page.get_by_role("button", name="Withdraw the proposal").click()
    expect(page.get_by_text("Withdrawn by you").first).to_be_visible()


@pytest.mark.slow
@pytest.mark.parametrize("look", ["light 320", "light 1280", "dark 320"])
def test_every_page_is_open_to_everybody(
    visits: Visits, doors: Doors, address: str, world: World, clock: FixedClock, look: str
) -> None:
    scheme, width = look.split()
    options = {"viewport": {"width": int(width), "height": 800}, "color_scheme": scheme}
    draft = started(world, clock.now())
    answers = {"summary": "Unbrechbar" * 30}
    saved(world, draft, Edit(title="Unbrechbar" * 19, answers=answers), 0, clock.now())
    back = started(world, clock.now(), another=True)
    whole = {question.key: "Something." for section in defaults.form() for question in section.questions}
    edit = Edit(title="Back", theme="digital", requested_minor=1_00, answers=whole)
    saved(world, back, edit, 0, clock.now())
    moved(world, back, "submit", world.applicant, clock.now(), data={"declaration": True})
    moved(world, back, "return_for_changes", world.manager, clock.now(), reason="More, please. " * 30)
    plan = planned(world.db, world.manager, clock.now(), eligibility=("عضو في الشبكة",)).slug
    of = {
        None: ["/rounds", f"/rounds/{world.round_slug}", f"/rounds/{world.round_slug}/form"],
        world.applicant: [
            f"/rounds/{world.round_slug}/start",
            "/applications",
            f"/applications/{draft}",
            f"/applications/{draft}/edit",
            f"/applications/{draft}/edit/the-project",
            f"/applications/{draft}/edit/about",
            f"/applications/{draft}/check",
            f"/applications/{draft}/moves/discard",
            f"/applications/{back}",
            f"/applications/{back}/edit",
            f"/applications/{back}/moves/withdraw",
        ],
        world.manager: [
            "/rounds",
            "/rounds/new",
            f"/rounds/{plan}",
            f"/rounds/{plan}/manage",
            f"/rounds/{plan}/edit",
            f"/rounds/{world.round_slug}/manage",
            f"/rounds/{world.round_slug}/edit",
        ],
    }
    for viewer, paths in of.items():
        page = signed_in(visits, doors, address, viewer, **options) if viewer else visits.open(**options)
        for path in paths:
            page.goto(address + path)
            assert faults(page) == [], path
        if viewer is world.applicant:
            _errors_are_open_too(page, address, draft, world, clock)
        if viewer is world.manager:
            page.goto(f"{address}/rounds/new")
            page.get_by_role("button", name="Save the round").click()
            assert faults(page) == []


def _errors_are_open_too(page: Page, address: str, draft: str, world: World, clock: FixedClock) -> None:
    page.goto(f"{address}/applications/{draft}/check")
    page.get_by_role("button", name="Submit the proposal").click()
    assert faults(page) == []
    page.goto(f"{address}/applications/{draft}/edit/the-project")
    page.get_by_label("Amount").fill("much")
    page.get_by_role("button", name="Save and continue").click()
    assert faults(page) == []
    page.goto(f"{address}/applications/{draft}/edit/about")
    page.get_by_label("What is the project?").fill("Mine")
    with world.db.read() as session:
        version = stored(session, draft).edit_version
    saved(world, draft, Edit(answers={"summary": "Theirs"}), version, clock.now(), world.colleague)
    page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Somebody saved this proposal while you were writing"
    )
    assert faults(page) == []


def test_the_first_error_is_where_the_keyboard_begins(
    visits: Visits, doors: Doors, address: str, world: World, clock: FixedClock
) -> None:
    page = signed_in(visits, doors, address, world.applicant)
    draft = started(world, clock.now())
    page.goto(f"{address}/applications/{draft}/check")
    page.get_by_role("button", name="Submit the proposal").press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Not answered yet: Title")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("The project")


def test_a_round_prints_without_its_buttons(
    visits: Visits, doors: Doors, address: str, world: World, clock: FixedClock
) -> None:
    page = signed_in(visits, doors, address, world.manager)
    page.goto(f"{address}/rounds/{world.round_slug}")
    page.emulate_media(media="print")
    expect(page.get_by_role("link", name="Start a proposal").first).to_be_hidden()
    expect(page.get_by_role("heading", name="What you are asked")).to_be_visible()
