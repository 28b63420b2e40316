"""On which days of a round people work: its weekend, and public holidays that a manager lists by name."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from fund.base import editions
from fund.base.errors import Conflict, Invalid
from fund.base.permissions import Viewer
from fund.rounds import queries, replanning
from fund.rounds.fields import FIRST_YEAR, LAST_YEAR
from fund.rounds.record import note_change
from fund.rounds.replanning import Reach
from fund.web.i18n import gettext as _
from fund.web.i18n import ngettext
from notifications.replan import mend
from schema.rounds import WEEKDAYS, Holiday, Round
from schema.wording import gettext_noop as _n
from workflows import Reason

CHANGED = "working_days_changed"
MOST_HOLIDAYS = 300
LONGEST_NAME = 100
MOST_TOLD = 50
"""How many wrong days are told of at once."""
_LINE = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})\s+(\S.*)")


def holidays_of(text: str) -> list[Holiday]:
    """Public holidays, one on each line: ``2026-12-25 Christmas``. Raises Invalid: every wrong line."""
    found, wrong = {}, {}
    for number, line in enumerate(text.splitlines(), 1):
        try:
            if bare := " ".join(line.split()):
                found[number] = _holiday(bare)
        except ValueError as error:
            wrong[number] = str(error)
    times = Counter(one.on for one in found.values())
    wrong |= {number: problem for number, one in found.items() if (problem := _wrong(one, times))}
    said = _told(
        _("Line %(number)s: %(wrong)s") % {"number": number, "wrong": problem}
        for number, problem in sorted(wrong.items())
    )
    if said:
        raise Invalid({"holidays": said})
    return list(found.values())


def text_of(holidays: Sequence[Holiday]) -> str:
    """The same as text that ``holidays_of`` reads."""
    return "\n".join(f"{one.on.isoformat()} {one.name}" for one in holidays)


def edition_of(round_: Round) -> str:
    """A short name for the round's days off: it changes when they do."""
    return editions.edition_of([round_.weekend, round_.holidays])


def reach(
    session: Session,
    viewer: Viewer,
    slug: str,
    weekend: Sequence[str],
    holidays: Sequence[Holiday],
    now: datetime,
) -> Reach:
    """What ``change`` would do to planned reminders. Raises what it raises, but for Conflict; writes nothing."""
    round_ = queries.run_by(session, viewer, slug)
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
    round_ = queries.run_by(session, viewer, slug)
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


def _wrong_holidays(holidays: Sequence[Holiday]) -> str:
    """What is wrong with days that came as such, each on a line of its own; empty where nothing is."""
    if len(holidays) > MOST_HOLIDAYS:
        return _("List %(most)s days at most") % {"most": MOST_HOLIDAYS}
    times = Counter(one.on for one in holidays)
    return _told(said for one in holidays if (said := _wrong(one, times)))


def _wrong(one: Holiday, times: Mapping[date, int]) -> str:
    """What is wrong with a day that there is; ``times`` says how often each stands there."""
    day = {"day": one.on.isoformat()}
    if not FIRST_YEAR <= one.on.year <= LAST_YEAR:
        return _("check the year of %(day)s") % day
    if times[one.on] > 1:
        return _("%(day)s stands there more than once") % day
    if not one.name.strip() or len(one.name) > LONGEST_NAME:
        return _("give %(day)s a short name") % day
    return ""


def _told(wrong: Iterable[str]) -> str:
    """All of it, a line each; of very many the first and how many more there are."""
    every = list(dict.fromkeys(wrong))
    more = len(every) - MOST_TOLD
    rest = (
        [ngettext("… and %(count)s more", "… and %(count)s more", more) % {"count": more}] if more > 0 else []
    )
    return "\n".join([*every[:MOST_TOLD], *rest])


def _holiday(line: str) -> Holiday:
    """The day on a line. Raises ValueError, which says what is wrong."""
    parts = _LINE.fullmatch(line)
    if parts is None:
        raise ValueError(_("write the day and its name, like 2026-12-25 Christmas"))
    try:
        day = date(*(int(part) for part in parts[1].split("-")))
    except ValueError:
        raise ValueError(_("there is no such day as %(day)s") % {"day": parts[1]}) from None
    return Holiday(on=day, name=parts[2])


def _differs(round_: Round, columns: dict[str, Any]) -> bool:
    return any(getattr(round_, name) != value for name, value in columns.items())


def _record(session: Session, viewer: Viewer, round_: Round, before: dict[str, Any], now: datetime) -> None:
    data = {"before": before, "after": {name: getattr(round_, name) for name in before}}
    note_change(session, viewer, round_, CHANGED, data, now)
