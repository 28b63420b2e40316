"""The words of a mail on a small phone without scripts, its preview with one, and what hostile words do: nothing."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from fund.base.clock import Clock
from fund.base.permissions import Viewer
from schema.mails import MailTemplate
from tests.support.accessible import faults
from tests.support.browser import Visits
from tests.support.doors import Doors
from tests.support.live import served
from tests.support.world import World, draft, submit

PHONE = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def address(doors: Doors) -> Iterator[str]:
    with served(doors.app) as address:
        yield address


def sign_in(page: Page, doors: Doors, address: str, viewer: Viewer) -> None:
    page.context.add_cookies([{"name": "session", "value": doors.cookie(viewer), "url": address}])


def test_a_mail_is_looked_at_and_changed_on_a_phone_without_scripts(here, doors, address, visits, clock):
    with here.db.write() as session:
        submit(session, here, draft(session, here, clock.now()), clock.now())
    page = visits.open(**PHONE, java_script_enabled=False)
    sign_in(page, doors, address, here.manager)
    page.goto(f"{address}/mail/templates/receipt")
    page.get_by_label("Subject line").fill("Well done, {{ name }}")
    page.get_by_label("Look at it with").select_option(index=1)
    page.get_by_role("button", name="Preview").click()
    look = page.frame_locator("iframe[name=look]")
    expect(look.get_by_text("Well done, Iván Soto")).to_be_visible()
    expect(look.frame_locator("iframe").get_by_text("Hello Iván Soto,")).to_be_visible()
    expect(page.get_by_label("Subject line")).to_have_value("Well done, {{ name }}")
    page.get_by_role("button", name="Check and save").click()
    expect(page.get_by_role("status")).to_contain_text("The mail goes out with these words from now on.")


def test_who_is_no_longer_signed_in_is_told_in_the_preview_and_goes_on(here, doors, address, visits, clock):
    page = _written(doors, here, address, visits, clock)
    page.context.clear_cookies()
    page.get_by_label("Subject line").fill("Thank you, {{ name }}")
    look = page.frame_locator("iframe:not([hidden])")
    expect(look.get_by_text("You are no longer signed in")).to_be_visible()
    sign_in(page, doors, address, here.manager)
    look.get_by_role("button", name="Send again").click()
    expect(look.get_by_role("heading", name="As HTML")).to_be_visible()
    page.get_by_role("button", name="Check and save").click()
    expect(page.get_by_role("status")).to_contain_text("The mail goes out with these words from now on.")


@pytest.mark.slow
def test_every_page_about_the_words_of_mails_and_calendars_is_open_to_everybody(
    here, doors, address, visits, clock
):
    with here.db.write() as session:
        submit(session, here, draft(session, here, clock.now()), clock.now())
        session.add(MailTemplate(template="receipt", language="en", subject="{{ title }}", text="t", html="h",
                                 saved_at=clock.now(), saved_by_id=here.manager.person_id))  # fmt: skip
    page = visits.open(**PHONE)
    sign_in(page, doors, address, here.manager)
    paths = [
        "/mail/templates",
        "/mail/templates/receipt",
        "/mail/templates/receipt/versions/1",
        "/account/calendar",
    ]
    for path in [*paths, f"/rounds/{here.round_slug}"]:
        page.goto(address + path)
        assert faults(page) == [], path
    page.goto(f"{address}/account/calendar")
    page.get_by_role("button", name="Make the address").click()
    assert faults(page) == []


def test_words_that_would_run_scripts_run_none_where_they_are_looked_at(here, doors, address, visits, clock):
    """As they might be stored past the check."""
    hostile = (
        "<script>parent.document.title = 'taken'; top.document.title = 'taken'</script>"
        '<p onmouseover="top.document.title=1" style="color:red">Hello</p><a href="/sign-out" target="_top">out</a>'
        '<img src="/favicon.ico" alt="">{{ link }}'
    )
    with here.db.write() as session:
        session.add(MailTemplate(template="receipt", language="en", subject="s", text="{{ link }}", html=hostile,
                                 saved_at=clock.now(), saved_by_id=here.manager.person_id))  # fmt: skip
    page = visits.open()
    sign_in(page, doors, address, here.manager)
    page.goto(f"{address}/mail/templates/receipt")
    inner = page.frame_locator("iframe[name=look]").frame_locator("iframe")
    expect(inner.get_by_text("Hello")).to_be_visible()
    inner.get_by_text("Hello").hover()
    inner.get_by_text("out").click()
    assert "taken" not in page.title()
    assert page.url.endswith("/mail/templates/receipt")
    visits.complaints.clear()  # what the browser refused is what was to be refused


def _written(doors: Doors, here: World, address: str, visits: Visits, clock: Clock) -> Page:
    """The page on which a receipt is written, with a script, beside a proposal that got one."""
    with here.db.write() as session:
        submit(session, here, draft(session, here, clock.now()), clock.now())
    page = visits.open()
    sign_in(page, doors, address, here.manager)
    page.goto(f"{address}/mail/templates/receipt")
    return page


def test_the_preview_follows_the_words_while_they_are_written(here, doors, address, visits, clock):
    page = _written(doors, here, address, visits, clock)
    posts: list[str] = []
    page.on("request", lambda one: posts.append(one.url) if one.method == "POST" else None)
    steps = page.evaluate("history.length")
    look = page.frame_locator("iframe:not([hidden])")
    page.get_by_label("Look at it with").select_option(index=1)
    subject = page.get_by_label("Subject line")
    subject.fill("")
    subject.press_sequentially("Well done, {{ name }}", delay=20)
    expect(look.get_by_text("Well done, Iván Soto")).to_be_visible()
    assert len(posts) < 5, "not one for each key"
    subject.fill("Well done, {{ nobody }}")
    expect(look.get_by_text("This has to be mended before it can be saved:")).to_be_visible()
    expect(look.get_by_text("nobody", exact=False).first).to_be_visible()
    subject.fill("Thank you, {{ name }}")
    page.get_by_role("button", name="Preview").click()
    expect(look.get_by_text("Thank you, Iván Soto")).to_be_visible()
    expect(page.get_by_text("It follows what you write.")).to_be_visible()
    assert page.locator("iframe").count() == 1
    assert page.evaluate("history.length") == steps, "the way back leads to the page before"
    assert faults(page) == []
    page.get_by_role("button", name="Check and save").click()
    expect(page.get_by_role("status")).to_contain_text("The mail goes out with these words from now on.")
    expect(subject).to_have_value("Thank you, {{ name }}")


def test_no_older_answer_takes_the_place_of_a_newer_one_and_a_lost_line_is_told(
    here, doors, address, visits, clock
):
    page = _written(doors, here, address, visits, clock)
    held: list[Route] = []
    page.route("**/look", lambda route: held.append(route) if not held else route.continue_())
    look = page.frame_locator("iframe:not([hidden])")
    subject = page.get_by_label("Subject line")
    subject.fill("The first")
    page.get_by_role("button", name="Preview").click()
    subject.fill("The second")
    page.get_by_role("button", name="Preview").click()
    page.wait_for_function("document.querySelectorAll('iframe').length === 2")
    held[0].continue_()
    expect(look.get_by_text("The second")).to_be_visible()
    page.context.set_offline(True)
    subject.fill("The third")
    expect(page.get_by_text("The preview could not be fetched")).to_be_visible()
    expect(look.get_by_text("The second")).to_be_visible()
    expect(subject).to_have_value("The third")
    page.context.set_offline(False)
    expect(look.get_by_text("The third")).to_be_visible()
    expect(page.get_by_text("It follows what you write.")).to_be_visible()
