"""What a move asks for besides a reason, and what is missing of it."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from workflows.parts import Ask
from workflows.reasons import Reason

LONGEST = 200
"""The most characters of a line of text that is asked for."""


def missing(asks: Iterable[Ask], given: Mapping[str, Any]) -> dict[str, str]:
    """A sentence by field for each thing that is asked for and not given, or not in its form."""
    found: dict[str, str] = {}
    for ask in asks:
        fits, sentence = KINDS[ask.kind]
        if not fits(given.get(ask.name)):
            found[ask.name] = Reason(ask.otherwise) if ask.otherwise else Reason(sentence, label=ask.label)
    return found


def _text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= LONGEST


def _tick(value: object) -> bool:
    return value is True


def _date(value: object) -> bool:
    if isinstance(value, str):
        try:
            date.fromisoformat(value)
        except ValueError:
            return False
        return True
    return isinstance(value, date)


def _amount(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


KINDS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "text": (_text, "Fill in “%(label)s” (at most 200 characters)."),
    "tick": (_tick, "Tick the box “%(label)s”."),
    "date": (_date, "Give a day for “%(label)s”."),
    "amount": (_amount, "Give an amount for “%(label)s”."),
}
"""For each kind what fits it, and what is said where it is missing. An amount is a whole number of minor units."""
