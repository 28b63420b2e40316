"""``make pictures``: a picture of every page and state of the demonstration, on a phone and on a desk.

Writes to ``pictures/``; with ``--readme`` the few that the README shows, to ``docs/pictures/``.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from fund.base.settings import load_settings
from fund.demo.run import demo_app
from fund.demo.stage import Stage, set_up
from scripts.walk import walks
from tests.support.browser import launch
from tests.support.live import served

OUT = Path("pictures")
README = Path("docs/pictures")
WIDTHS = (320, 1280)
SHOWN = {"pipeline": (1280, 900), "reviewer-review-in_progress": (320, 640)}
"""What the README shows, and how much of it."""


def main(arguments: list[str]) -> None:
    """Set the demonstration up in a fresh folder and walk through it."""
    with tempfile.TemporaryDirectory() as folder:
        stage = set_up(load_settings(), Path(folder) / "demo", fresh=True, tell=print)
        try:
            with served(demo_app(stage)) as address, sync_playwright() as playwright:
                _take_all(launch(playwright), address, stage, readme="--readme" in arguments)
        finally:
            stage.close()


def _take_all(browser: Browser, address: str, stage: Stage, *, readme: bool) -> None:
    OUT.mkdir(exist_ok=True)
    with stage.database.read() as session:
        todo = [(person.id if person else None, pages) for person, pages in walks(session)]
    for person_id, pages in todo:
        context = browser.new_context(java_script_enabled=False, reduced_motion="reduce")
        page = context.new_page()
        if person_id is not None:
            context.request.post(f"{address}/demo/become/{person_id}", headers={"Origin": address})
        for name, path in pages:
            if not readme:
                _take(page, address + path, name)
            elif name in SHOWN:
                _show(page, address + path, name)
        context.close()
        print(f"{len(pages)} pages of {person_id or 'the public'}: done", flush=True)


def _take(page: Page, address: str, name: str) -> None:
    """The whole page in every width."""
    answer = page.goto(address)
    if answer is None or (answer.status >= 400 and name != "not-found"):
        raise SystemExit(f"{address} answers {answer.status if answer else 'nothing'}")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=OUT / f"{name}-{width}.png", full_page=True)


def _show(page: Page, address: str, name: str) -> None:
    """What one sees of the page at first, small enough for a README."""
    width, height = SHOWN[name]
    page.set_viewport_size({"width": width, "height": height})
    page.goto(address)
    page.screenshot(path=README / f"{name}-{width}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
