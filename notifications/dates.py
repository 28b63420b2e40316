"""Pure arithmetic with local days, zones and instants. Reads no clock.

A day ends with the *first instant of the next local day*: 23:59:59 would be an hour early on nights when the
clock goes back. Offsets are calendar days, never multiples of 24 hours.

Days before and after a deadline are counted, in plans and in mails alike, by the calendar of whoever reads them, to the
deadline's own day (``counted_day``). A day that ends in Brussels at midnight ends in Tokyo at seven on the next: her
mails count to the day before, the last that is hers from morning to night. So everybody is reminded on the same
dates, a mail says as many days as its line of the policy, and nobody is promised a day of which only hours are left.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MORNING = 9
"""The local hour at which reminders go out."""
KEEP, BEFORE, AFTER = "keep", "before", "after"
"""What becomes of a reminder whose morning falls on a day off, as workflow files name it."""


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """On which days people work. ``weekend`` holds days of the week as ``date.weekday()`` counts them (0 is Monday).

    Raises ValueError where no day of the week is left.
    """

    weekend: frozenset[int] = frozenset({5, 6})
    holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if self.weekend >= set(range(7)):
            raise ValueError("a week needs a working day")

    def works(self, day: date) -> bool:
        """Whether people work on ``day``."""
        return day.weekday() not in self.weekend and day not in self.holidays

    def onward(self, day: date, step: int) -> date:
        """``day`` if people work on it, else the next on which they do (``step`` 1) or the last (``step`` -1)."""
        while not self.works(day):
            day += timedelta(days=step)
        return day


MONDAY_TO_FRIDAY = WorkingDays()


@lru_cache(maxsize=4096)
def end_of_local_day(day: date, zone: str) -> datetime:
    """The instant in UTC at which ``day`` is over in ``zone`` (IANA name): the next day's first instant.

    Where midnight is missing, it is the first instant after the gap. Where the clock strikes midnight twice
    and the old day comes back in between, it is the later one. Raises ZoneInfoNotFoundError.
    """
    place = ZoneInfo(zone)
    midnight = datetime.combine(day + timedelta(days=1), time())
    later = _instant(midnight, place, later=True)
    just_before = (later - timedelta(microseconds=1)).astimezone(place)
    return later if just_before.date() <= day else _instant(midnight, place, later=False)


@lru_cache(maxsize=4096)
def reminder_moment(due_on: date, days: int, zone: str, hour: int = MORNING) -> datetime:
    """``hour`` o'clock in ``zone``, ``days`` calendar days after ``due_on`` (negative: before), in UTC.

    In a gap it is the first instant after it; of an hour that comes twice, the first.
    """
    local = datetime.combine(due_on + timedelta(days=days), time(hour))
    return _instant(local, ZoneInfo(zone), later=False)


def deadline_moment(local: datetime, zone: str) -> datetime:
    """A local time (naive) as a deadline, in UTC: after a gap, and the later of a time that comes twice."""
    return _instant(local, ZoneInfo(zone), later=True)


def local_day(moment: datetime, zone: str) -> date:
    """The calendar day in ``zone`` at ``moment`` (aware)."""
    return moment.astimezone(ZoneInfo(zone)).date()


def last_day(due_at: datetime, zone: str) -> date:
    """The last calendar day in ``zone`` of which a part lies before ``due_at`` (an exclusive end)."""
    return local_day(due_at - timedelta(microseconds=1), zone)


@lru_cache(maxsize=4096)
def counted_day(due_on: date, due_at: datetime, zone: str) -> date:
    """The day to which a reader in ``zone`` counts: the deadline's own (``due_on``), if her calendar reaches it.

    Where it ends for her before that day begins (midway in the Pacific for one of Kiribati) it is her last one.
    """
    return min(due_on, last_day(due_at, zone))


def days_left(now: datetime, due_on: date, due_at: datetime, zone: str) -> int:
    """Calendar days in ``zone`` until a deadline: 0 is its last day, also while it goes on past midnight there.

    Negative once ``due_at`` has passed, and not before: how many days it is overdue, counting the first.
    """
    days = (counted_day(due_on, due_at, zone) - local_day(now, zone)).days
    return max(days, 0) if now < due_at else min(days, -1)


def add_working_days(day: date, count: int, calendar: WorkingDays = MONDAY_TO_FRIDAY) -> date:
    """``count`` working days of ``calendar`` after ``day``, or before it where negative; 0 is itself."""
    step = 1 if count > 0 else -1
    for _ in range(abs(count)):
        day = calendar.onward(day + timedelta(days=step), step)
    return day


def reminder_day(due_on: date, days: int, weekends: str, calendar: WorkingDays) -> date:
    """The local day of a reminder ``days`` after ``due_on`` (negative: before), moved from a day off if asked.

    ``weekends`` is keep, before or after. One from before the due day or on it never moves past that day, one from
    after it never back to that day: such a one goes the other way.
    """
    day = due_on + timedelta(days=days)
    if weekends == KEEP or calendar.works(day):
        return day
    earlier, later = calendar.onward(day, -1), calendar.onward(day, 1)
    if days > 0:
        return earlier if weekends == BEFORE and earlier > due_on else later
    return later if weekends == AFTER and later <= due_on else earlier


def first_morning(moment: datetime, zone: str, weekends: str, calendar: WorkingDays) -> datetime:
    """The first morning in ``zone`` that is not before ``moment``; where days off are moved, of a working day."""
    day = local_day(moment, zone)
    if reminder_moment(day, 0, zone) < moment:
        day += timedelta(days=1)
    return reminder_moment(day if weekends == KEEP else calendar.onward(day, 1), 0, zone)


def add_months(day: date, count: int) -> date:
    """The same day ``count`` months later (or earlier); the month's last where that day does not exist."""
    years, month = divmod(day.month - 1 + count, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _instant(local: datetime, place: ZoneInfo, *, later: bool) -> datetime:
    first = local.replace(tzinfo=place, fold=0).astimezone(UTC)
    second = local.replace(tzinfo=place, fold=1).astimezone(UTC)
    if second < first:
        return _end_of_gap(second, first, place)
    return second if later else first


def _end_of_gap(before: datetime, after: datetime, place: ZoneInfo) -> datetime:
    """The instant between the two at which the zone's clock jumps, by halving (rules count whole seconds)."""
    offset = before.astimezone(place).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(place).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
