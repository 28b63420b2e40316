"""On which days of a round people work: its weekend, and public holidays that a manager lists by name."""

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from fund.base import access
from fund.base.errors import Conflict, Invalid
from fund.base.permissions import Viewer
from fund.rounds import queries, replanning
from fund.rounds.fields import FIRST_YEAR, LAST_YEAR
from fund.rounds.record import note_change
from fund.rounds.replanning import Reach
from notifications.replan import mend
from schema.rounds import WEEKDAYS, Holiday, Round
from schema.wording import gettext_noop as _n
from workflows import Reason

CHANGED = "working_days_changed"
MOST_HOLIDAYS = 300
LONGEST_NAME = 100
_LINE = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})\s+(\S.*)")


def holidays_of(text: str) -> list[Holiday]:
    """Public holidays, one on each line: ``2026-12-25 Christmas``. Raises Invalid, under ``holidays``, by line."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if bare := " ".join(line.split()):
            found.append(_holiday(bare, number))
    return found


def text_of(holidays: Sequence[Holiday]) -> str:
    """The same as text that ``holidays_of`` reads."""
    return "\n".join(f"{one.on.isoformat()} {one.name}" for one in holidays)


def edition_of(round_: Round) -> str:
    """A short name for the round's days off: it changes when they do."""
    return hashlib.sha256(json.dumps([round_.weekend, round_.holidays]).encode()).hexdigest()[:16]


def reach(
    session: Session,
    viewer: Viewer,
    slug: str,
    weekend: Sequence[str],
    holidays: Sequence[Holiday],
    now: datetime,
) -> Reach:
    """What ``change`` would do to planned reminders. Raises what it raises, but for Conflict; writes nothing."""
    access.require_manager(viewer)
    round_ = queries.round_by_slug(session, viewer, slug)
    columns = _columns(weekend, holidays)
    if not _differs(round_, columns):
        return Reach()
    return replanning.reach_of(replanning.differing(session, round_, now, **columns))


def change(
    session: Session,
    viewer: Viewer,
    slug: str,
    weekend: Sequence[str],
    holidays: Sequence[Holiday],
    *,
    edition: str,
    now: datetime,
) -> Reach:
    """Let the round have these days off: ``weekend`` of ``WEEKDAYS``, and holidays in whatever order.

    No open deadline moves. Reminders that keep off days off are planned anew at once. Days that are the same change
    nothing. ``edition`` is that of the days that were seen. Raises NotFound, Forbidden, Conflict where somebody was
    faster, Invalid by ``weekend`` and ``holidays``.
    """
    access.require_manager(viewer)
    round_ = queries.round_by_slug(session, viewer, slug)
    columns = _columns(weekend, holidays)
    replanning.lock_whole(session, round_)
    if not _differs(round_, columns):
        return Reach()
    if edition_of(round_) != edition:
        raise Conflict
    differing = replanning.differing(session, round_, now, **columns)
    before = {name: getattr(round_, name) for name in columns}
    for name, value in columns.items():
        setattr(round_, name, value)
    session.add(round_)
    session.flush()
    mend(session, differing, now, _n("The working days of the round were changed"))
    _record(session, viewer, round_, before, now)
    return replanning.reach_of(differing)


def _columns(weekend: Sequence[str], holidays: Sequence[Holiday]) -> dict[str, Any]:
    """The round's columns, in order. Raises Invalid."""
    wrong: dict[str, str] = {}
    if set(weekend) - set(WEEKDAYS):
        wrong["weekend"] = Reason(_n("Choose days of the week"))
    elif set(weekend) >= set(WEEKDAYS):
        wrong["weekend"] = Reason(_n("Leave a day of the week on which people work"))
    if problem := _wrong_holidays(holidays):
        wrong["holidays"] = problem
    if wrong:
        raise Invalid(wrong)
    in_order = sorted(holidays, key=lambda one: one.on)
    return {
        "weekend": [day for day in WEEKDAYS if day in weekend],
        "holidays": [one.model_dump(mode="json") for one in in_order],
    }


def _wrong_holidays(holidays: Sequence[Holiday]) -> Reason | None:
    days = [one.on for one in holidays]
    if len(days) > MOST_HOLIDAYS:
        return Reason(_n("List %(most)s days at most"), most=MOST_HOLIDAYS)
    for one in holidays:
        if not FIRST_YEAR <= one.on.year <= LAST_YEAR:
            return Reason(_n("Check the year of %(day)s"), day=one.on.isoformat())
        if days.count(one.on) > 1:
            return Reason(_n("%(day)s stands there more than once"), day=one.on.isoformat())
        if not one.name.strip() or len(one.name) > LONGEST_NAME:
            return Reason(_n("Give %(day)s a short name"), day=one.on.isoformat())
    return None


def _holiday(line: str, number: int) -> Holiday:
    parts = _LINE.fullmatch(line)
    if parts is None:
        said = _n("Line %(number)s: write the day and its name, like 2026-12-25 Christmas")
        raise Invalid({"holidays": Reason(said, number=number)})
    try:
        day = date(*(int(part) for part in parts[1].split("-")))
    except ValueError:
        said = _n("Line %(number)s: there is no such day as %(day)s")
        raise Invalid({"holidays": Reason(said, number=number, day=parts[1])}) from None
    return Holiday(on=day, name=parts[2])


def _differs(round_: Round, columns: dict[str, Any]) -> bool:
    return any(getattr(round_, name) != value for name, value in columns.items())


def _record(session: Session, viewer: Viewer, round_: Round, before: dict[str, Any], now: datetime) -> None:
    data = {"before": before, "after": {name: getattr(round_, name) for name in before}}
    note_change(session, viewer, round_, CHANGED, data, now)
