"""Values of a definition as a person would say them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import Any

from workflows.guards import ALL
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
from workflows.reasons import Reason, counted, in_a_row

NONE = Reason("none")
STAGE = re.compile(r"\w+" + re.escape(ALL))

NOUNS: Mapping[tuple[type, str], Reason] = {
    (Content, "label"): Reason("what one is called"),
    (Content, "initial"): Reason("the state that everything begins in"),
    (Content, "notices"): Reason("mail when one comes to life"),
    (State, "label"): Reason("name for staff"),
    (State, "applicant_label"): Reason("name for the applicant"),
    (State, "read"): Reason("who may read"),
    (State, "edit"): Reason("who may change the content"),
    (State, "comment"): Reason("who may comment"),
    (State, "hides"): Reason("parts hidden"),
    (State, "hold"): Reason("time stands still"),
    (State, "waits_for"): Reason("children that keep the time"),
    (Move, "sources"): Reason("leads from"),
    (Move, "target"): Reason("leads to"),
    (Move, "roles"): Reason("who may make it"),
    (Move, "reason"): Reason("whether a reason is asked"),
    (Move, "reason_label"): Reason("what the reason is for"),
    (Move, "asks"): Reason("what else is asked for"),
    (Move, "confirm"): Reason("question before it is done"),
    (Move, "undo"): Reason("how long it may be undone"),
    (Move, "revert"): Reason("is a way backwards"),
    (Move, "meets"): Reason("deadlines met"),
    (Move, "cancels"): Reason("deadlines cancelled"),
    (Move, "moves"): Reason("deadlines found anew"),
    (Move, "notices"): Reason("mail"),
    (Move, "starts"): Reason("what it starts"),
    (Move, "automatic"): Reason("made by itself"),
    (Move, "style"): Reason("look of the button"),
    (DeadlineRule, "label"): Reason("what is owed"),
    (DeadlineRule, "owner"): Reason("who owes it"),
    (DeadlineRule, "due"): Reason("when it is due"),
    (DeadlineRule, "grace_days"): Reason("days of grace"),
    (DeadlineRule, "grace_minutes"): Reason("minutes of grace"),
}
"""Names of fields for people. Others are called as in the file."""


OFF: Mapping[str, str] = {
    KEEP: "",
    BEFORE: Reason(", from a day off to the working day before"),
    AFTER: Reason(", from a day off to the working day after"),
}
"""Where a reminder goes that falls on a day off."""


def noun_of(kind: type, field: str) -> str:
    """What a field of a part is called."""
    return NOUNS.get((kind, field), field.replace("_", " "))


def joined(items: Iterable[Any]) -> str:
    """A list in words."""
    return _together([shown(item) for item in items], ", ")


def quoted(words: str) -> str:
    """A sentence that somebody is told, or what stands for none."""
    return f"“{words}”" if words else Reason("its own sentence")


def shown(value: Any) -> str:
    """A value of any field as a person would say it."""
    if value is None or value == "":
        return NONE
    if isinstance(value, bool):
        return Reason("yes") if value else Reason("no")
    if isinstance(value, str):
        return _written(value)
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, frozenset):
        return joined(sorted(value))
    if isinstance(value, tuple):
        return joined(value)
    if isinstance(value, Mapping):
        return _together([_keyed(key, item) for key, item in value.items()], "; ")
    words = WORDS.get(type(value))
    return words(value) if words else _spelled(value)


def _written(value: str) -> str:
    """A text in quotes, a name as it is, and all of a stage in words."""
    if STAGE.fullmatch(value):
        return Reason("whatever is under way in the stage %(stage)s", stage=value.removesuffix(ALL))
    return f"“{value}”" if " " in value else value


def _together(parts: Sequence[str], between: str) -> str:
    """Parts in a row; ``none`` where there are none."""
    return in_a_row(parts, between) or NONE


def _keyed(key: str, value: Any) -> Reason:
    return Reason("%(key)s: %(value)s", key=key, value=shown(value))


def _duration(value: timedelta) -> str:
    for unit, size in ((_days, 86_400), (_hours, 3600), (_minutes, 60)):
        count, rest = divmod(int(value.total_seconds()), size)
        if count and not rest:
            return unit(count)
    return str(value)


def _days(count: int) -> Reason:
    return counted("%(count)d day", "%(count)d days", count)


def _hours(count: int) -> Reason:
    return counted("%(count)d hour", "%(count)d hours", count)


def _minutes(count: int) -> Reason:
    return counted("%(count)d minute", "%(count)d minutes", count)


def _spelled(value: Any) -> str:
    """A part that there are no words for, field by field."""
    if not is_dataclass(value):
        return str(value)
    return _together([_keyed(field.name, getattr(value, field.name)) for field in fields(value)], " ")


def _due(due: Due) -> str:
    if due.kind == "field":
        said = Reason("the day %(field)s", field=due.field)
    elif due.kind == "working_days":
        said = counted(
            "%(count)d working day after it is opened", "%(count)d working days after it is opened", due.count
        )
    elif due.kind == "months":
        said = counted("%(count)d month after it is opened", "%(count)d months after it is opened", due.count)
    else:
        said = counted("%(count)d day after it is opened", "%(count)d days after it is opened", due.count)
    return _whole(said, due, "kind", "field", "count")


def _reminder(reminder: Reminder) -> str:
    if reminder.days < 0:
        when = counted("%(count)d day before", "%(count)d days before", -reminder.days)
    elif reminder.days:
        when = counted("%(count)d day after", "%(count)d days after", reminder.days)
    else:
        when = Reason("on the day")
    off = OFF[reminder.weekends]
    said = Reason("%(when)s to the %(to)s%(off)s", when=when, to=reminder.to, off=off)
    return _whole(said, reminder, "days", "to", "weekends")


def _guard(call: GuardCall) -> str:
    told = f"{call} (“{call.otherwise}”)" if call.otherwise else str(call)
    return _whole(told, call, "name", "argument", "otherwise")


def _notice(notice: Notice) -> str:
    said = Reason("%(template)s to the %(to)s", template=notice.template, to=notice.to)
    return _whole(said, notice, "to", "template")


def _start(start: Start) -> str:
    what = f"{start.kind} {start.child}".strip()
    if start.after or start.months:
        what = Reason(
            "%(what)s, due %(months)s months after %(day)s", what=what, months=start.months, day=start.after
        )
    return _whole(what, start, "child", "kind", "after", "months")


def _whole(said: str, part: Any, *told: str) -> str:
    """What is said of a part, and in brackets its fields of which that tells nothing."""
    more = [_keyed(one.name, getattr(part, one.name)) for one in fields(part) if one.name not in told]
    return Reason("%(said)s (%(more)s)", said=said, more=_together(more, ", ")) if more else said


WORDS: Mapping[type, Callable[[Any], str]] = {
    Due: _due,
    Reminder: _reminder,
    GuardCall: _guard,
    Notice: _notice,
    Start: _start,
}
