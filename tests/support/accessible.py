"""Whether everybody can use a page: axe (WCAG 2.2 AA and best practice), and that it fits its window."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
OPEN_ALL = "found => found.forEach(details => { details.open = true })"
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def fits(page: Page) -> None:
    """AssertionError where the page is wider than its window. Asks the browser, for scripts may be off."""
    wire = page.context.new_cdp_session(page)
    width = wire.send("Page.getLayoutMetrics")["cssContentSize"]["width"]
    wire.detach()  # each that stays hears of all that happens from now on
    assert page.viewport_size is not None
    assert width <= page.viewport_size["width"], f"{page.url} is {width} px wide"


def faults(page: Page, rules: tuple[str, ...] = RULES) -> list[str]:
    """What would keep somebody out of the page, with all of it unfolded."""
    page.eval_on_selector_all("main details", OPEN_ALL)
    found = Axe().run(page, options={"runOnly": list(rules)}).response["violations"]
    wide = page.evaluate(TOO_WIDE)
    said = [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]
    return [*said, f"{wide} px wider than its window"] if wide > 0 else said
