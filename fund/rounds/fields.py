"""What a round's fields may hold. Pure: one answer for pages, API and commands."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import date

from babel import Locale

from fund.base.errors import Invalid
from fund.people import places
from fund.web.i18n import gettext as _
from fund.web.parse import LARGEST
from schema.rounds import Round

LONGEST_TITLE = 200
LONGEST_TEXT = 20_000
MOST_CONDITIONS = 20
LONGEST_CONDITION = 300
MOST_MONTHS = 60
FIRST_YEAR, LAST_YEAR = 2000, 2100
"""Years outside of these are slips of the finger."""
WORDS = ("title", "summary", "eligibility")
"""What may still be reworded once the round is open; all the rest is promised to the applicants."""


@dataclass(frozen=True)
class RoundDraft:
    """What a manager sets about a round. Amounts in minor units of ``currency``; days are local to ``zone``.

    None stands for what was left empty or could not be read.
    """

    title: str = ""
    summary: str = ""
    eligibility: tuple[str, ...] = ()
    zone: str = "UTC"
    opens_on: date | None = None
    closes_on: date | None = None
    review_due_on: date | None = None
    decision_on: date | None = None
    currency: str = "USD"
    pot_minor: int | None = None
    ceiling_minor: int | None = None
    project_months: int | None = 9
    workflow: str = ""
    """Name of the workflow that applications go through; empty leaves it as it is, the fund's own for a new round."""


NAMES = tuple(field.name for field in fields(RoundDraft) if field.name != "workflow")
"""What stands in the round's own columns."""


def draft_of(round_: Round) -> RoundDraft:
    """What is stored, as a draft."""
    stored = {name: getattr(round_, name) for name in NAMES}
    return RoundDraft(**stored | {"eligibility": tuple(round_.eligibility)})


def checked(draft: RoundDraft) -> RoundDraft:
    """``draft`` tidied. Raises Invalid with everything that is missing or wrong, field by field."""
    tidied = replace(
        draft,
        title=" ".join(draft.title.split()),
        summary=draft.summary.strip(),
        eligibility=tuple(line for item in draft.eligibility if (line := " ".join(item.split()))),
        currency=draft.currency.strip().upper(),
    )
    wrong = dict(_words(tidied)) | dict(_days(tidied)) | dict(_money(tidied))
    if wrong:
        raise Invalid({name: wrong[name] for name in NAMES if name in wrong})
    return tidied


def wrong_days(draft: RoundDraft) -> dict[str, str]:
    """What is wrong with the days alone, field by field."""
    return dict(_days(draft))


def slug(title: str) -> str:
    """``title`` as it stands in an address: ``peace-incentive-fund-2022``; ``round`` where no Latin letter is in it."""
    words = re.findall(r"[a-z0-9]+", places.folded(title))
    return "-".join(words)[:60].strip("-") or "round"


Wrong = Iterable[tuple[str, str]]


def _words(draft: RoundDraft) -> Wrong:
    if not draft.title:
        yield "title", _("Enter the round's title")
    elif len(draft.title) > LONGEST_TITLE:
        yield "title", _("Shorten this to %(limit)s characters") % {"limit": LONGEST_TITLE}
    if not draft.summary:
        yield "summary", _("Say in a few sentences what the round is for")
    elif len(draft.summary) > LONGEST_TEXT:
        yield "summary", _("Shorten this to %(limit)s characters") % {"limit": f"{LONGEST_TEXT:,}"}
    if not draft.eligibility:
        yield "eligibility", _("Say who may apply, one condition on each line")
    elif len(draft.eligibility) > MOST_CONDITIONS:
        yield "eligibility", _("List %(limit)s conditions at most") % {"limit": MOST_CONDITIONS}
    elif max(map(len, draft.eligibility)) > LONGEST_CONDITION:
        yield "eligibility", _("Shorten each line to %(limit)s characters") % {"limit": LONGEST_CONDITION}


def _days(draft: RoundDraft) -> Wrong:
    if draft.zone not in places.ANYWHERE | places.zones():
        yield "zone", _("Choose the time zone")
    order = (
        ("opens_on", _("Enter the day on which the round opens"), ""),
        ("closes_on", _("Enter the closing day"), _("The closing day cannot be before the opening day")),
        (
            "review_due_on",
            _("Enter the day by which reviews are due"),
            _("Reviews cannot be due before the closing day"),
        ),
        (
            "decision_on",
            _("Enter the day of the decision"),
            _("The decision cannot be before the reviews are due"),
        ),
    )
    before: date | None = None
    for name, missing, too_early in order:
        day: date | None = getattr(draft, name)
        if day is None:
            yield name, missing
        elif not FIRST_YEAR <= day.year <= LAST_YEAR:
            yield name, _("Check the year")
        elif before is not None and day < before:
            yield name, too_early
        before = day or before


def _money(draft: RoundDraft) -> Wrong:
    if draft.currency not in Locale("en").currencies:
        yield "currency", _("Enter a currency by its three letters, like USD")
    pot, ceiling = draft.pot_minor, draft.ceiling_minor
    if pot is None or not 0 < pot <= LARGEST:
        yield "pot_minor", _("Enter the amount that the round can award")
    if ceiling is None or ceiling <= 0:
        yield "ceiling_minor", _("Enter the most that one proposal may ask for")
    elif pot is not None and ceiling > pot:
        yield "ceiling_minor", _("One proposal cannot ask for more than the whole round can award")
    if draft.project_months is None or not 1 <= draft.project_months <= MOST_MONTHS:
        yield "project_months", _("Enter a number of months between 1 and %(most)s") % {"most": MOST_MONTHS}
