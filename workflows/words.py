"""Values of a definition as a person would say them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import Any

from workflows.parts import (
    AFTER,
    BEFORE,
    KEEP,
    Content,
    DeadlineRule,
    Due,
    GuardCall,
    Move,
    Notice,
    Reminder,
    Start,
    State,
)

NOUNS: Mapping[tuple[type, str], str] = {
    (Content, "label"): "what one is called",
    (Content, "initial"): "the state that everything begins in",
    (Content, "notices"): "mail when one comes to life",
    (State, "label"): "name for staff",
    (State, "applicant_label"): "name for the applicant",
    (State, "read"): "who may read",
    (State, "edit"): "who may change the content",
    (State, "comment"): "who may comment",
    (State, "hides"): "parts hidden",
    (State, "hold"): "time stands still",
    (State, "waits_for"): "children that keep the time",
    (Move, "sources"): "leads from",
    (Move, "target"): "leads to",
    (Move, "roles"): "who may make it",
    (Move, "reason"): "whether a reason is asked",
    (Move, "reason_label"): "what the reason is for",
    (Move, "asks"): "what else is asked for",
    (Move, "confirm"): "question before it is done",
    (Move, "undo"): "how long it may be undone",
    (Move, "revert"): "is a way backwards",
    (Move, "meets"): "deadlines met",
    (Move, "cancels"): "deadlines cancelled",
    (Move, "moves"): "deadlines found anew",
    (Move, "notices"): "mail",
    (Move, "starts"): "what it starts",
    (Move, "automatic"): "made by itself",
    (Move, "style"): "look of the button",
    (DeadlineRule, "label"): "what is owed",
    (DeadlineRule, "owner"): "who owes it",
    (DeadlineRule, "due"): "when it is due",
    (DeadlineRule, "grace_days"): "days of grace",
    (DeadlineRule, "grace_minutes"): "minutes of grace",
}
"""Names of fields for people. Others are called as in the file."""


OFF: Mapping[str, str] = {
    KEEP: "",
    BEFORE: ", from a day off to the working day before",
    AFTER: ", from a day off to the working day after",
}
"""Where a reminder goes that falls on a day off."""


def noun_of(kind: type, field: str) -> str:
    """What a field of a part is called."""
    return NOUNS.get((kind, field), field.replace("_", " "))


def joined(items: Iterable[Any]) -> str:
    """A list in words."""
    return ", ".join(shown(item) for item in items) or "none"


def quoted(words: str) -> str:
    """A sentence that somebody is told, or what stands for none."""
    return f"“{words}”" if words else "its own sentence"


def shown(value: Any) -> str:
    """A value of any field as a person would say it."""
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return f"“{value}”" if " " in value else value
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, frozenset):
        return joined(sorted(value))
    if isinstance(value, tuple):
        return joined(value)
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {shown(item)}" for key, item in value.items()) or "none"
    words = WORDS.get(type(value))
    return words(value) if words else _spelled(value)


def _duration(value: timedelta) -> str:
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        count, rest = divmod(int(value.total_seconds()), size)
        if count and not rest:
            return _counted(count, unit)
    return str(value)


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _spelled(value: Any) -> str:
    """A part that there are no words for, field by field."""
    if not is_dataclass(value):
        return str(value)
    return " ".join(f"{field.name}: {shown(getattr(value, field.name))}" for field in fields(value))


def _due(due: Due) -> str:
    rest = _rest(due, "kind", "field", "count")
    if due.kind == "field":
        return f"the day {due.field}{rest}"
    unit = due.kind.removesuffix("s").replace("_", " ")
    return f"{_counted(due.count, unit)} after it is opened{rest}"


def _reminder(reminder: Reminder) -> str:
    days = _counted(abs(reminder.days), "day")
    when = "on the day" if not reminder.days else f"{days} {'before' if reminder.days < 0 else 'after'}"
    return f"{when} to the {reminder.to}{OFF[reminder.weekends]}" + _rest(reminder, "days", "to", "weekends")


def _guard(call: GuardCall) -> str:
    told = f"{call} (“{call.otherwise}”)" if call.otherwise else str(call)
    return told + _rest(call, "name", "argument", "otherwise")


def _notice(notice: Notice) -> str:
    return f"{notice.template} to the {notice.to}" + _rest(notice, "to", "template")


def _start(start: Start) -> str:
    return f"{start.kind} {start.child}".strip() + _rest(start, "child", "kind")


def _rest(part: Any, *told: str) -> str:
    """The fields of a part that its words do not tell."""
    more = [
        f"{field.name}: {shown(getattr(part, field.name))}"
        for field in fields(part)
        if field.name not in told
    ]
    return f" ({', '.join(more)})" if more else ""


WORDS: Mapping[type, Callable[[Any], str]] = {
    Due: _due,
    Reminder: _reminder,
    GuardCall: _guard,
    Notice: _notice,
    Start: _start,
}
