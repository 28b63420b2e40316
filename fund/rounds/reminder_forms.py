"""The reminders of a deadline as a form: one row for each, and empty ones to add more."""

import re
from collections.abc import Sequence

from fund.rounds.reminders import FARTHEST, MOST
from fund.web.forms import Form
from schema.rounds import ReminderLine
from workflows import Reminder

PARTS = ("days", "when", "to", "weekends")
BEFORE, ON, AFTER = "before", "on", "after"
_ROW = re.compile(r"days-(\d{1,3})", re.ASCII)
EMPTY = 2
"""So many empty rows stand below those that are filled in."""


def of_reminders(reminders: Sequence[Reminder], edition: str) -> Form:
    """The form filled with what counts now."""
    typed: dict[str, object] = {"edition": edition}
    for number, one in enumerate(reminders):
        when = BEFORE if one.days < 0 else AFTER if one.days else ON
        values = (abs(one.days) if one.days else "", when, one.to, one.weekends)
        typed |= {f"{part}-{number}": value for part, value in zip(PARTS, values, strict=True)}
    return Form.of(**typed)


def packed(form: Form) -> Form:
    """The same form without its empty rows, those that are filled in numbered from 0."""
    numbers = [int(found[1]) for name in form.typed if (found := _ROW.fullmatch(name))]
    filled = [number for number in sorted(numbers) if _filled(form, number)]
    typed = {name: texts for name, texts in form.typed.items() if name.partition("-")[0] not in PARTS}
    for place, number in enumerate(filled):
        typed |= {f"{part}-{place}": [form.value(f"{part}-{number}")] for part in PARTS}
    return Form(typed)


def count(form: Form) -> int:
    """How many rows of a packed form are filled in."""
    return sum(name.startswith("days-") for name in form.typed)


def rows(form: Form) -> range:
    """The rows that are shown."""
    return range(min(count(form) + EMPTY, max(MOST, count(form))))


def lines(form: Form) -> list[ReminderLine]:
    """What was typed into a packed form. What cannot be read is noted on the form."""
    return [_line(form, number) for number in range(count(form))]


def _filled(form: Form, number: int) -> bool:
    return bool(form.value(f"days-{number}")) or form.value(f"when-{number}") == ON


def _line(form: Form, number: int) -> ReminderLine:
    when = form.choice(f"when-{number}", (BEFORE, ON, AFTER))
    days = 0 if when == ON else form.integer(f"days-{number}", least=0, most=FARTHEST) or 0
    to, weekends = form.value(f"to-{number}"), form.value(f"weekends-{number}")
    return ReminderLine(days=-days if when == BEFORE else days, to=to, weekends=weekends)
