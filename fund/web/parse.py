"""Reading what people type: money, whole numbers, dates, words. Pure; a ValueError says what to do."""

import re
from collections.abc import Iterable
from datetime import date

from fund.web.i18n import gettext as _
from schema.values import MINOR_DIGITS

LARGEST = 10**15
"""More minor units than this is a slip of the finger, and more than some databases count exactly."""
_BLANKS = str.maketrans("", "", " \u00a0\u202f\u2009'’_")
_GROUPED = re.compile(r"\d{1,3}([.,])\d{3}(\1\d{3})*")
_MARKS = re.compile(r"[.,]")


def tidy(text: str) -> str:
    """Line breaks as ``\\n``, no control characters, nothing but words at both ends."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in plain if c in "\n\t" or (c >= " " and c != "\x7f")).strip()


def words_in(text: str) -> int:
    """How many words ``text`` has, as a person would count."""
    return len(re.findall(r"\w[\w'’.-]*", text))


def number(text: str) -> int:
    """The version or key that a page of ours put into a form; -1, which nothing stored has, for all else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def minor_units(text: str, currency: str) -> int:
    """The amount typed, in minor units of ``currency``.

    Takes ``1500``, ``1 500,50``, ``1,500.50``, ``1.500,50``, ``1'500``. One mark with exactly three digits after
    it groups thousands (``1,500`` is fifteen hundred), unless the currency has three decimals.
    ValueError, with words, for anything else.
    """
    digits = MINOR_DIGITS.get(currency, 2)
    scale: int = 10**digits
    whole, cents = _split(_digits_of(text, currency), digits)
    if len(cents.rstrip("0")) > digits:
        raise ValueError(_too_fine(currency, digits))
    amount = int(whole) * scale + int((cents + "0" * digits)[:digits] or 0)
    if amount > LARGEST:
        raise ValueError(_("Enter a smaller amount"))
    return amount


def _digits_of(text: str, currency: str) -> str:
    """The amount without its currency and blanks: digits, points and commas only."""
    bare = text.translate(_BLANKS).removeprefix(currency).removesuffix(currency).strip("$€£")
    if not re.fullmatch(r"[0-9][0-9.,]*", bare) or bare[-1] in ".,":
        raise ValueError(_("Enter an amount in figures, like 1500 or 1,500.50"))
    return bare


def _split(bare: str, digits: int) -> tuple[str, str]:
    """Whole units and decimals of ``bare``, by what its marks must mean."""
    thousandths = digits == 3 and len(_MARKS.findall(bare)) == 1
    if bare.isdigit() or (_GROUPED.fullmatch(bare) and not thousandths):
        return _MARKS.sub("", bare), ""
    whole, mark, cents = _last_mark(bare)
    if mark in whole or not (whole.isdigit() or _GROUPED.fullmatch(whole)):
        raise ValueError(_("Enter an amount in figures, like 1500 or 1,500.50"))
    return _MARKS.sub("", whole), cents


def _last_mark(bare: str) -> tuple[str, str, str]:
    place = max(bare.rfind("."), bare.rfind(","))
    return bare[:place], bare[place], bare[place + 1 :]


def _too_fine(currency: str, digits: int) -> str:
    if digits == 0:
        return _("Enter whole %(currency)s, without decimals") % {"currency": currency}
    return _("Enter no more than %(digits)s digits after the decimal mark") % {"digits": digits}


def day(parts: tuple[str, str, str]) -> date:
    """The date of typed (day, month, year). ValueError, with words, if a part is missing or wrong."""
    missing = [
        name for name, part in zip((_("a day"), _("a month"), _("a year")), parts, strict=True) if not part
    ]
    if missing:
        raise ValueError(_("The date must include %(parts)s") % {"parts": _listed(missing)})
    if not all(part.isascii() and part.isdigit() for part in parts) or len(parts[2]) != 4:
        raise ValueError(_("Enter the date in figures, like 27 3 2022"))
    try:
        return date(int(parts[2]), int(parts[1]), int(parts[0]))
    except ValueError as error:
        raise ValueError(_("There is no such day; check the day and the month")) from error


def _listed(items: Iterable[str]) -> str:
    *most, last = items
    return _("%(first)s and %(last)s") % {"first": ", ".join(most), "last": last} if most else last


def whole_number(text: str) -> int:
    """The whole number typed: ``1200``, ``1 200``, ``1,200``, ``1.200``. ValueError, with words, for anything else."""
    bare = text.translate(_BLANKS)
    if _GROUPED.fullmatch(bare.removeprefix("-")):
        bare = _MARKS.sub("", bare)
    if not re.fullmatch(r"-?[0-9]{1,12}", bare):
        raise ValueError(_("Enter a whole number, like 12"))
    return int(bare)
