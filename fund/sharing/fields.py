"""What may stand in a lesson and in what the public reads of a project, and how far each part may travel."""

from collections.abc import Collection, Mapping

from fund.base.errors import Invalid
from fund.web.i18n import gettext as _
from schema.lessons import CLEARED_ONE_BY_ONE, TEXTS, Reach
from schema.rounds import THEMES

LONGEST = {"title": 200}
LONGEST_TEXT = 20_000
LONGEST_SUMMARY = 1_000
PUBLIC_FIELDS = ("title", "summary", "grantee", "city", "theme", "amount")
"""What of a funded project can be shown to everybody."""

ORDER = tuple(Reach)
"""From the narrowest to the widest."""


def wider(level: str, than: str) -> bool:
    """Whether ``level`` lets more people read than ``than`` does."""
    return ORDER.index(Reach(level)) > ORDER.index(Reach(than))


def check_texts(fields: Mapping[str, str]) -> None:
    """Raise Invalid for texts that are too long, themes that do not exist, and parts that a lesson has not."""
    _raise({name: _text_fault(name, text) for name, text in fields.items()})


def check_levels(levels: Mapping[str, str], limits: Mapping[str, str] | None = None) -> None:
    """Raise Invalid for unknown parts and levels, and for what goes further than ``limits`` (fund where not named)."""
    _raise({name: _level_fault(name, level, limits) for name, level in levels.items()})


def check_public(fields: Collection[str], summary: str) -> None:
    """Raise Invalid where what is to be shown of a project does not hang together."""
    wrong = {}
    if set(fields) - set(PUBLIC_FIELDS):
        wrong["public_fields"] = _("A project has no such part.")
    elif fields and "title" not in fields:
        wrong["public_fields"] = _("Tick the title as well: without it nothing of the project is shown.")
    if len(summary) > LONGEST_SUMMARY:
        wrong["public_summary"] = _("Shorten this: at most 1,000 characters fit.")
    elif "summary" in fields and not summary.strip():
        wrong["public_summary"] = _("Write the summary, or do not show it.")
    _raise(wrong)


def _text_fault(name: str, text: str) -> str:
    if name == "theme":
        return "" if not text or text in THEMES else _("Choose one of the themes.")
    if name not in TEXTS:
        return _("A lesson has no such part.")
    limit = LONGEST.get(name, LONGEST_TEXT)
    if len(text) > limit:
        return _("Shorten this: at most %(limit)s characters fit.") % {"limit": f"{limit:,}"}
    return ""


def _level_fault(name: str, level: str, limits: Mapping[str, str] | None) -> str:
    if name not in CLEARED_ONE_BY_ONE:
        return _("A lesson has no such part.")
    if level not in ORDER:
        return _("Choose who may read this.")
    if limits is not None and wider(level, limits.get(name, Reach.FUND)):
        return _("The grantee does not let this part go so far.")
    return ""


def _raise(faults: Mapping[str, str]) -> None:
    wrong = {name: fault for name, fault in faults.items() if fault}
    if wrong:
        raise Invalid(wrong)
