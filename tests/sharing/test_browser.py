"""A lesson on a small phone without scripts, the weight of the first page, and every page open to everybody."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from fund.base.permissions import Viewer
from fund.sharing import service
from schema.applications import Application
from schema.lessons import TEXTS
from tests.sharing.support import FIELDS, reference_of, written
from tests.support.accessible import faults, fits
from tests.support.doors import Doors
from tests.support.live import served
from tests.support.world import move, report_of, to_active, to_lesson_due, to_published

PHONE = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def address(doors: Doors) -> Iterator[str]:
    with served(doors.app) as address:
        yield address


def sign_in(page: Page, doors: Doors, address: str, viewer: Viewer) -> None:
    page.context.add_cookies([{"name": "session", "value": doors.cookie(viewer), "url": address}])


def test_a_lesson_is_written_cleared_and_read_on_a_small_phone_without_scripts(
    small, doors, address, visits, clock
):
    with small.db.write() as session:
        path = f"/applications/{to_lesson_due(session, small, clock.now()).reference}/lesson"
    mine = visits.open(**PHONE, java_script_enabled=False)
    sign_in(mine, doors, address, small.applicant)
    mine.goto(address + path)
    fits(mine)
    for name in TEXTS:
        mine.locator(f"[name={name}]").fill(f"Our words on {name}.")
    for name in FIELDS:
        if name != "failed":
            mine.locator(f"[name=consent-{name}]").select_option("public")
    mine.get_by_role("button", name="Check and hand in").click()
    expect(mine.get_by_role("heading", level=1)).to_have_text("Hand in the lesson")
    fits(mine)
    mine.get_by_role("button", name="Hand in the lesson").click()
    expect(mine.get_by_role("status")).to_contain_text("Your lesson is handed in.")

    fund = visits.open(**PHONE, java_script_enabled=False)
    sign_in(fund, doors, address, small.manager)
    fund.goto(address + path)
    fits(fund)
    for option in fund.get_by_label("No: everybody may read it").all():
        option.check()
    fund.get_by_role("button", name="Save the decisions").click()
    fund.get_by_role("link", name="Publish the lesson").click()
    fits(fund)
    fund.get_by_role("button", name="Publish the lesson").click()
    expect(fund.get_by_role("status")).to_contain_text("The lesson is published")

    anybody = visits.open(**PHONE, java_script_enabled=False)
    anybody.goto(address)
    fits(anybody)
    anybody.get_by_role("link", name="Our words on title.").click()
    expect(anybody.get_by_role("heading", level=1)).to_have_text("Our words on title.")
    expect(anybody.get_by_role("heading", name="What worked")).to_be_visible()
    expect(anybody.get_by_role("heading", name="What did not work")).to_have_count(0)
    fits(anybody)
    anybody.get_by_role("link", name="All lessons").click()
    anybody.get_by_label("Words in the lesson").fill("failed")
    anybody.get_by_role("button", name="Search").click()
    expect(anybody.get_by_text("Nothing was found")).to_be_visible()
    fits(anybody)


def many_projects(small, clock) -> list[str]:
    """Nine shown projects, two with a lesson; addresses of pages in many states."""
    now = clock.now()
    with small.db.write() as session:
        lessons = [to_published(session, small, now) for _ in range(2)]
        applications = [session.get_one(Application, lesson.application_id) for lesson in lessons]
        applications += [to_active(session, small, now) for _ in range(7)]
        for application in applications:
            shown = ["title", "summary", "grantee", "city", "theme", "amount"]
            service.show_project(session, small.manager, application, shown, "Lights and music. " * 8, 0, now)
        due = to_lesson_due(session, small, now)
        cleared = written(session, small, now, dict.fromkeys(FIELDS, "public"))
        report = report_of(session, applications[-1], "interim")
        report.done = report.changed = report.difficulties = report.next_steps = "Much was done. " * 30
        report.people_reached = report.spent_minor = 7
        session.flush()
        move(session, report, "hand_in", small.applicant, now)
        return [
            "/",
            "/projects",
            "/lessons",
            f"/lessons/{lessons[0].slug}",
            f"/applications/{due.reference}/lesson",
            f"/applications/{reference_of(session, cleared)}/lesson",
            f"/applications/{reference_of(session, lessons[0])}/lesson",
            f"/applications/{applications[-2].reference}/reports/interim",
            f"/applications/{applications[-1].reference}/reports/interim",
            f"/applications/{applications[-1].reference}/reports/interim/moves/return",
            f"/pipeline/{applications[-1].reference}/public",
        ]


@pytest.mark.slow
def test_every_page_is_open_to_everybody_and_fits(small, doors, address, visits, clock):
    paths = many_projects(small, clock)
    for viewer in (small.applicant, small.manager):
        for options in (PHONE, {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"}):
            page = visits.open(**options)
            sign_in(page, doors, address, viewer)
            for path in paths:
                page.goto(address + path)
                assert (path, faults(page)) == (path, [])


@pytest.mark.slow
def test_the_newsletter_is_written_on_a_small_phone_without_scripts(small, doors, address, visits, clock):
    with small.db.write() as session:
        to_published(session, small, clock.now())
    desk = visits.open(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    mine = visits.open(**PHONE, java_script_enabled=False)
    sign_in(mine, doors, address, small.manager)
    sign_in(desk, doors, address, small.manager)
    mine.goto(f"{address}/lessons")
    mine.get_by_role("link", name="Newsletters").click()
    fits(mine)
    mine.get_by_role("button", name="This month's draft").click()
    mine.get_by_label("Subject").fill("News from the cities")
    mine.get_by_role("button", name="Save", exact=True).click()
    expect(mine.get_by_role("status")).to_contain_text("Nothing of it is sent yet")
    fits(mine)
    mine.get_by_role("link", name="To the release").click()
    for path in ("/newsletters", "/newsletters/1", "/newsletters/1/release"):
        desk.goto(address + path)
        assert (path, faults(desk)) == (path, [])
    mine.get_by_role("button", name="Release it now").click()
    expect(mine.get_by_role("status")).to_contain_text("on its way")
    fits(mine)


def test_the_first_page_is_light(small, doors, address, visits, clock):
    many_projects(small, clock)
    page = visits.open(**PHONE)
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    sizes: list[float] = []
    wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(address, wait_until="networkidle")
    assert len(sizes) <= 6
    assert sum(sizes) <= 40_000
