"""The parts of a report, and what may stand in them."""

from collections.abc import Mapping

from fund.base.errors import Invalid
from fund.web.i18n import gettext as _

TEXTS = ("done", "changed", "difficulties", "next_steps")
NUMBERS = ("people_reached", "spent_minor")
LONGEST = 20_000
MOST = {"people_reached": 1_000_000_000, "spent_minor": 10**15}
"""More than this is a slip of the finger."""


def check(fields: Mapping[str, str | int | None]) -> None:
    """Raise Invalid for parts that are too long, out of range or unknown."""
    wrong = {name: message for name, value in fields.items() if (message := _fault(name, value))}
    if wrong:
        raise Invalid(wrong)


def _fault(name: str, value: str | int | None) -> str:
    """What is wrong with one part, or nothing."""
    if name in TEXTS:
        if not isinstance(value, str):
            return _("Give this part as text.")
        return "" if len(value) <= LONGEST else _("Shorten this: at most 20,000 characters fit.")
    if name not in NUMBERS:
        return _("A report has no such part.")
    if value is None or (isinstance(value, int) and 0 <= value <= MOST[name]):
        return ""
    return _("Give a whole number, zero or more.")
