"""A form as it was typed: its values, its errors, and readers that turn one into the other."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from typing import Any, TypeVar

from starlette.datastructures import FormData

from fund.base.errors import Invalid
from fund.web import parse
from fund.web.i18n import gettext as _
from fund.web.i18n import ngettext
from schema.values import MINOR_DIGITS, Money
from workflows import Reason

T = TypeVar("T")
LONGEST_LINE = 500
LONGEST_TEXT = 20_000
PARTS = ("day", "month", "year")


class Form:
    """What was typed into a form, and what is wrong with it, field by field.

    Readers (``text``, ``money``, ``date`` …) answer the value, or note an error under the field's name and
    answer the empty value. ``check`` raises Invalid if anything was noted. Macros read ``value`` and ``error``.
    """

    def __init__(self, typed: Mapping[str, list[str]], errors: Mapping[str, str] | None = None) -> None:
        self.typed = {name: [parse.tidy(text) for text in texts] for name, texts in typed.items()}
        self.errors: dict[str, str] = dict(errors or {})

    @classmethod
    def of(cls, **values: Any) -> "Form":
        """A form filled with what is stored: text, numbers, dates, Money, lists; None is an empty field."""
        typed: dict[str, list[str]] = {}
        for name, value in values.items():
            typed |= _typed(name, value)
        return cls(typed)

    @classmethod
    def posted(cls, data: FormData) -> "Form":
        """A form as a browser sent it. Files are left out."""
        typed: dict[str, list[str]] = {}
        for name, value in data.multi_items():
            if isinstance(value, str):
                typed.setdefault(name, []).append(value)
        return cls(typed)

    def value(self, name: str) -> str:
        """What stands in field ``name``, or nothing."""
        return self.typed.get(name, [""])[0]

    def values(self, name: str) -> list[str]:
        """Everything that was ticked under ``name``."""
        return [text for text in self.typed.get(name, []) if text]

    def error(self, name: str) -> str:
        """What is wrong with field ``name``, or nothing."""
        return self.errors.get(name, "")

    def refuse(self, name: str, message: str) -> None:
        """Note what is wrong with field ``name``, a reason in the reader's language; the first thing noted stays."""
        said = message.translated(_, ngettext) if isinstance(message, Reason) else message
        self.errors.setdefault(name, said)

    def refuse_all(self, invalid: Invalid) -> None:
        """Note every error of a service's Invalid."""
        for name, message in invalid.fields.items():
            self.refuse(name, message)

    def check(self) -> None:
        """Raise Invalid with everything noted, if anything was."""
        if self.errors:
            raise Invalid(self.errors)

    def text(self, name: str, *, required: bool = False, limit: int = LONGEST_LINE, missing: str = "") -> str:
        """One line. ``missing`` is said when it is required and empty."""
        return " ".join(self.long_text(name, required=required, limit=limit, missing=missing).split())

    def long_text(
        self, name: str, *, required: bool = False, limit: int = LONGEST_TEXT, missing: str = ""
    ) -> str:
        """Paragraphs, at most ``limit`` characters."""
        text = self.value(name)
        if required and not text:
            self.refuse(name, missing or _("Fill this in"))
        if len(text) > limit:
            over = _("Shorten this: it has %(count)s characters, and at most %(limit)s fit")
            self.refuse(name, over % {"count": f"{len(text):,}", "limit": f"{limit:,}"})
        return text

    def email(self, name: str, *, required: bool = True) -> str:
        """A mail address in lower case."""
        address = self.text(name, required=required, limit=254, missing=_("Enter an email address")).lower()
        local, _at, domain = address.rpartition("@")
        if address and (not local or "." not in domain.strip(".") or any(c in address for c in ' ,;<>"()')):
            self.refuse(name, _("Enter an email address like name@example.org"))
        return address

    def choice(self, name: str, allowed: Collection[str], *, required: bool = True, missing: str = "") -> str:
        """One of ``allowed``, or nothing."""
        chosen = self.value(name)
        if (required and not chosen) or (chosen and chosen not in allowed):
            self.refuse(name, missing or _("Choose one of the answers"))
        return chosen if chosen in allowed else ""

    def choices(
        self, name: str, allowed: Collection[str], *, required: bool = False, missing: str = ""
    ) -> list[str]:
        """Those of ``allowed`` that are ticked, each once."""
        chosen = [item for item in dict.fromkeys(self.values(name)) if item in allowed]
        if required and not chosen:
            self.refuse(name, missing or _("Choose at least one of the answers"))
        return chosen

    def ticked(self, name: str, *, required: bool = False, missing: str = "") -> bool:
        """Whether a single box is ticked."""
        ticked = bool(self.value(name))
        if required and not ticked:
            self.refuse(name, missing or _("Tick the box to go on"))
        return ticked

    def integer(
        self,
        name: str,
        *,
        required: bool = True,
        least: int | None = None,
        most: int | None = None,
        missing: str = "",
    ) -> int | None:
        """A whole number between ``least`` and ``most``, both allowed."""
        number = self._read(name, parse.whole_number, required, missing or _("Enter a number"))
        if number is None:
            return None
        if least is not None and number < least:
            self.refuse(name, _("Enter %(least)s or more") % {"least": least})
        elif most is not None and number > most:
            self.refuse(name, _("Enter %(most)s or less") % {"most": most})
        return number

    def money(self, name: str, currency: str, *, required: bool = True, missing: str = "") -> Money | None:
        """An amount of ``currency``."""
        missing = missing or _("Enter an amount")
        minor = self._read(name, lambda text: parse.minor_units(text, currency), required, missing)
        return None if minor is None else Money(minor, currency)

    def date(self, name: str, *, required: bool = True, missing: str = "") -> date | None:
        """A day from its three fields ``name-day``, ``name-month``, ``name-year``."""
        day, month, year = (self.value(f"{name}-{part}") for part in PARTS)
        if not (day or month or year):
            if required:
                self.refuse(name, missing or _("Enter a date"))
            return None
        try:
            return parse.day((day, month, year))
        except ValueError as error:
            self.refuse(name, str(error))
            return None

    def version(self, name: str = "version") -> int:
        """The version that was on the screen; -1, which nothing stored has, when it is missing."""
        return parse.number(self.value(name))

    def words(self, name: str) -> int:
        """How many words stand in field ``name``."""
        return parse.words_in(self.value(name))

    def _read(self, name: str, reader: Callable[[str], T], required: bool, missing: str) -> T | None:
        text = self.value(name)
        if not text:
            if required:
                self.refuse(name, missing)
            return None
        try:
            return reader(text)
        except ValueError as error:
            self.refuse(name, str(error))
            return None


def _typed(name: str, value: Any) -> dict[str, list[str]]:
    if value is None:
        return {}
    if isinstance(value, date):
        parts = (str(value.day), str(value.month), str(value.year))
        return {f"{name}-{part}": [text] for part, text in zip(PARTS, parts, strict=True)}
    if isinstance(value, Money):
        return {name: [amount(value)]}
    if isinstance(value, bool):
        return {name: ["yes"]} if value else {}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return {name: [str(item) for item in value]}
    return {name: [str(value)]}


def amount(money: Money) -> str:
    """``12500`` or ``12500.50``: how an amount stands in its field. Reads back as the same amount."""
    digits = MINOR_DIGITS.get(money.currency, 2)
    whole, cents = divmod(money.minor, 10**digits)
    return f"{whole}.{cents:0{digits}d}" if cents else str(whole)
