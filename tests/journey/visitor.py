"""A person at a browser: she finds things by their role and name, signs in by mail, and notices what does not fit.

``Visitor(page, address, email, post)``; ``post`` lets the worker send what is due and answers the mails for an address.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.support.accessible import fits
from tests.support.smtp import Mail

PHONE = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}
LINK = re.compile(r"^https?://\S+$", re.MULTILINE)
CODE = re.compile(r"^\s*(\d{6})\s*$", re.MULTILINE)


class Visitor:
    """One person with a browser of her own. ``seen`` are the paths of the pages that she came to, in order."""

    def __init__(
        self,
        page: Page,
        address: str,
        email: str,
        post: Callable[[str], list[Mail]],
        *,
        by_code: bool = False,
    ) -> None:
        self.page, self.address, self.email = page, address, email
        self.seen: list[str] = []
        self.asked = 0
        """How often she asked for a mail to sign in."""
        self._post, self._by_code = post, by_code

    # ------------------------------------------------------------ going

    def go(self, path: str) -> None:
        """Type an address; sign in if asked to."""
        self._open(self.address + path)

    def open_mail(self, subject: str) -> None:
        """Open the link of the newest mail whose subject begins so; sign in if asked to."""
        mail = next(mail for mail in reversed(self._post(self.email)) if mail.subject.startswith(subject))
        self._open(link_of(mail))

    def follow(self, name: str, *, exact: bool = True) -> None:
        """Follow the first link of that name; sign in if asked to."""
        self._click(self.page.get_by_role("link", name=name, exact=exact).first)

    def press(self, name: str) -> None:
        """Press the one button of that name."""
        self._click(self.page.get_by_role("button", name=name, exact=True))

    def _click(self, target: Locator) -> None:
        with self.page.expect_navigation():
            target.click()
        self.arrive()

    def arrive(self) -> None:
        """Look at the page that came: it fits the window, and it is not an error."""
        path = urlsplit(self.page.url).path
        fits(self.page)
        expect(self.page.get_by_role("heading", level=1)).to_have_count(1)
        if path == "/sign-in":
            self._sign_in()
        elif not path.startswith("/sign-in"):
            self.seen.append(path)

    # ------------------------------------------------------------ reading and filling in

    def reads(self, *texts: str) -> None:
        """All of these stand on the page, to be seen."""
        for text in texts:
            expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible()

    def heading(self, text: str) -> None:
        """The page is headed so."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(text)

    def told(self, text: str) -> None:
        """What the page says was done."""
        expect(self.page.get_by_role("status")).to_contain_text(text)

    def fill(self, label: str, text: str) -> None:
        """Type into the field with that label."""
        self.page.get_by_role("textbox", name=label).fill(text)

    def fill_date(self, legend: str, day: str) -> None:
        """Type a date (ISO) into its three fields."""
        group = self.page.get_by_role("group", name=legend)
        for name, part in zip(("Year", "Month", "Day"), day.split("-"), strict=True):
            group.get_by_label(name).fill(part)

    def tick(self, label: str, *, exact: bool = False) -> None:
        """Tick the box, or choose the one option, with that label."""
        self.page.get_by_label(label, exact=exact).check()

    def choose(self, legend: str, option: str) -> None:
        """Choose the option in the group with that legend."""
        self.page.get_by_role("group", name=legend).get_by_label(option).check()

    def select(self, label: str, option: str) -> None:
        """Choose the option in the list with that label."""
        self.page.get_by_label(label).select_option(label=option)

    # ------------------------------------------------------------ signing in

    def _open(self, url: str) -> None:
        answer = self.page.goto(url)
        assert answer is not None, url
        assert answer.status == 200, (url, answer.status)
        self.arrive()

    def _sign_in(self) -> None:
        """Ask for the mail; then type its code, or open its link. Both lead to the page that was wanted."""
        self.asked += 1
        self.fill("Your email address", self.email)
        self.press("Send me the email")
        self.heading("Check your email")
        mail = next(
            mail for mail in reversed(self._post(self.email)) if mail.subject.startswith("Sign in to")
        )
        if self._by_code:
            self.fill("Code from the email", CODE.search(mail.text)[1])
        else:
            self._open(link_of(mail))
        self.press("Sign in")


def link_of(mail: Mail) -> str:
    """The address of the button in a mail."""
    found = LINK.search(mail.text)
    assert found, mail.text
    return found[0]
