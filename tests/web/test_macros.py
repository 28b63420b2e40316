"""Every macro in a real browser: axe, width, targets, keyboard, without JavaScript."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.accessible import faults
from tests.support.live import served
from tests.web.sink import WRONG, make_app

CONTRAST = ("color-contrast",)
SIZES = {320: 700, 1280: 900}
PAGES = ["/", "/sink", "/sink?wrong=1", "/plain", "/nowhere", "/fail/broken", "/fail/refused"]


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The test app with the demonstration's bar, served for this module."""
    with served(make_app(with_demo=True)) as address:
        yield address


def visit(visits, site: str, path: str, width: int = 1280, who: str = "amina", **options) -> Page:
    page = visits.open(viewport={"width": width, "height": SIZES[width]}, **options)
    page.context.add_cookies([{"name": "who", "value": who, "url": site}])
    page.goto(site + path)
    return page


@pytest.mark.slow
@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("path", PAGES)
def test_nobody_is_shut_out(visits, site, path, width):
    page = visit(visits, site, path, width)
    assert faults(page) == []
    page.emulate_media(color_scheme="dark")
    assert faults(page, CONTRAST) == []
    for direction in ("ltr", "rtl"):
        page.evaluate("direction => { document.documentElement.dir = direction }", direction)
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_right_to_left_turns_the_page_round(visits, site):
    page = visit(visits, site, "/sink")
    page.evaluate("document.documentElement.dir = 'rtl'")
    brand, me = page.locator(".brand").bounding_box(), page.locator(".nav-wide .nav-me").bounding_box()
    assert brand["x"] > me["x"]
    assert faults(page) == []


@pytest.mark.parametrize("width", SIZES)
def test_what_is_to_be_hit_is_large_enough(visits, site, width):
    page = visit(visits, site, "/sink", width)
    controls = "button, .button, .input, .choice, .score-step label, summary"
    links = "nav a, .tasks a, .stage-label a, .tile-label a"
    small = page.eval_on_selector_all(
        f"{controls}, {links}",
        """found => found.filter(e => e.checkVisibility({visibilityProperty: true}))
            .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height]).filter(([_, h]) => h < 43.9)""",
    )
    assert small == []


def test_a_table_on_a_phone_is_a_card_for_each_row_and_still_a_table(visits, site):
    page = visit(visits, site, "/sink", 320)
    table = page.get_by_role("table", name="Applications under review")
    assert table.get_by_role("row").count() == 5
    assert table.get_by_role("rowheader").all_inner_texts() == [
        "Safe squares",
        "Radio for peace",
        "Homes without fear",
        "Night buses",
    ]
    label, cell = page.evaluate(
        """() => {
            const cell = document.querySelector(".table td")
            return [getComputedStyle(cell, "::before").content, cell.innerText]
        }"""
    )
    assert (label, cell) == ('"Member"', "City of Palmira")


def test_the_menu_of_a_phone_works_without_javascript(visits, site):
    page = visit(visits, site, "/sink", 320, java_script_enabled=False)
    entry = page.locator(".nav-narrow").get_by_role("link", name="My proposals")
    expect(entry).to_be_hidden()
    page.locator(".nav-narrow summary").click()
    expect(entry).to_be_visible()
    expect(page.locator(".nav-wide")).to_be_hidden()


def test_the_first_key_leads_past_the_menu(visits, site):
    page = visit(visits, site, "/sink")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_the_summary_of_errors_has_the_focus_and_leads_to_each_field(visits, site):
    page = visit(visits, site, "/sink?wrong=1")
    summary = page.get_by_role("alert", name="There is a problem")
    expect(summary).to_be_focused()
    assert summary.get_by_role("link").all_inner_texts() == list(WRONG.values())
    for name, message in WRONG.items():
        summary.locator(f'a[href="#{name}"]').click()
        field = page.locator(f'[id="{name}"]')
        expect(field).to_be_focused()
        expect(page.locator(f'[id="{name}-error"]')).to_have_text(f"Error: {message}")
    assert page.title() == "Error: Everything there is – Peace Incentive Fund"


def test_a_field_speaks_its_hint_and_its_error(visits, site):
    page = visit(visits, site, "/sink?wrong=1")
    title = page.get_by_label("What is the project called?")
    expect(title).to_have_accessible_description(
        "As a neighbour would say it. Error: Enter the title of the project"
    )
    expect(title).to_have_attribute("aria-invalid", "true")
    money = page.get_by_label("How much do you ask for?")
    expect(money).to_have_accessible_description(f"At most US$50,000. Error: {WRONG['requested']} USD")
    start = page.get_by_role("group", name="When does it start?")
    expect(start).to_have_accessible_description("For example, 27 3 2022 Error: The date must include a year")
    assert start.get_by_role("textbox").count() == 3


def test_a_form_shows_what_it_was_filled_with(visits, site):
    page = visit(visits, site, "/sink")
    expect(page.get_by_label("What is the project called?")).to_have_value(
        "Safe squares: young mediators in five neighbourhoods"
    )
    expect(page.get_by_label("How much do you ask for?")).to_have_value("48500.50")
    assert [page.get_by_label(part, exact=True).input_value() for part in ("Day", "Month", "Year")] == [
        "27",
        "3",
        "2022",
    ]
    expect(page.get_by_label("Amplify")).to_be_checked()
    expect(page.get_by_label("Accompany")).not_to_be_checked()
    expect(page.get_by_label("Thematic area")).to_have_value("digital")
    expect(page.get_by_role("radio", name="2 The approach follows from the evidence.")).to_be_checked()
    expect(page.get_by_text("11 of about 300 words")).to_be_visible()


def test_a_move_asks_before_it_is_made_and_says_why_when_it_cannot(visits, site):
    page = visit(visits, site, "/sink", java_script_enabled=False)
    moves = page.locator(".moves")
    assert moves.get_by_role("button").all_inner_texts() == ["Pass to review"]
    expect(moves.get_by_text("Two reviews must be submitted; one is.")).to_be_visible()
    moves.locator("summary", has_text="Declare ineligible").click()
    expect(moves.get_by_text("Declare this proposal ineligible?")).to_be_visible()
    expect(moves.get_by_role("button", name="Yes: Declare ineligible")).to_be_visible()
    ineligible = moves.locator("details[open] form")
    assert ineligible.locator("input[name=trigger]").input_value() == "reject"
    assert ineligible.locator("input[name=version]").input_value() == "3"


def test_a_deadline_says_where_and_when_it_ends(visits, site):
    page = visit(visits, site, "/sink")
    texts = [list(filter(None, item.inner_text().split("\n"))) for item in page.locator(".deadline").all()]
    assert texts[0] == [
        "Submit the proposal in 9 days",
        "End of 30 September 2021, Nairobi time (UTC+3)",
        "30 September 2021, 21:00 UTC",
    ]
    assert texts[1][2:] == [
        "For you: 24 September 2021, 08:00, Nairobi time (UTC+3)",
        "24 September 2021, 05:00 UTC",
    ]
    assert texts[2][0] == "Hand in the final report 4 days overdue"
    assert texts[3][0].split() == ["Sign", "the", "agreement", "Met"]
    moment = page.locator(".deadline time").first
    expect(moment).to_have_attribute("datetime", "2021-09-30T21:00:00Z")


def test_the_demonstrations_menus_open_within_the_window(visits, site):
    page = visit(visits, site, "/sink", 320)
    for name in ("Switch role", "Move clock"):
        menu = page.locator(".demo-menu", has_text=name)
        menu.locator("summary").click()
        expect(menu.get_by_role("button").first).to_be_in_viewport(ratio=1)
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        menu.locator("summary").click()


def test_a_page_prints_without_its_controls(visits, site):
    page = visit(visits, site, "/sink")
    page.emulate_media(media="print")
    expect(page.locator(".nav-wide")).to_be_hidden()
    expect(page.get_by_role("button", name="Save and continue")).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_a_session_that_ended_gives_the_text_back_without_javascript(visits, site):
    page = visit(visits, site, "/sink", who="", java_script_enabled=False)
    page.get_by_label("What is the project called?").fill("A title that took some time")
    page.locator("form[action='/save']").evaluate("form => form.action = '/signed-in'")
    page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are no longer signed in")
    page.context.add_cookies([{"name": "who", "value": "amina", "url": site}])
    page.get_by_role("button", name="Send again").click()
    expect(page.locator("body")).to_contain_text('"title":"A title that took some time"')
