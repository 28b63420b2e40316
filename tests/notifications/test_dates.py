"""Days, zones and instants: nights when the clock goes back, midnights that are missing or come twice."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.dates import (
    WorkingDays,
    add_months,
    add_working_days,
    counted_day,
    days_left,
    deadline_moment,
    end_of_local_day,
    first_morning,
    last_day,
    local_day,
    reminder_day,
    reminder_moment,
)

SECOND = timedelta(seconds=1)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("day", "zone", "end"),
    [
        (date(2021, 9, 30), "UTC", utc(2021, 10, 1)),
        (date(2021, 9, 30), "Europe/Brussels", utc(2021, 9, 30, 22)),
        (date(2021, 9, 30), "America/Bogota", utc(2021, 10, 1, 5)),
        (date(2021, 9, 30), "Etc/GMT+12", utc(2021, 10, 1, 12)),
        (date(2026, 4, 4), "America/Santiago", utc(2026, 4, 5, 4)),  # the hour before midnight comes twice
        (date(2026, 10, 29), "Africa/Cairo", utc(2026, 10, 29, 22)),  # the hour before midnight comes twice
        (date(2026, 4, 23), "Africa/Cairo", utc(2026, 4, 23, 22)),  # the next day begins at one o'clock
        (date(2026, 4, 24), "Africa/Cairo", utc(2026, 4, 24, 21)),
        (
            date(2021, 11, 6),
            "America/Havana",
            utc(2021, 11, 7, 4),
        ),  # midnight comes twice; the first ends the day
        (
            date(2010, 11, 6),
            "America/St_Johns",
            utc(2010, 11, 7, 3, 30),
        ),  # a minute later the old day comes back
        (date(2011, 12, 29), "Pacific/Apia", utc(2011, 12, 30, 10)),  # the next day never was
    ],
)
def test_a_day_ends_with_the_first_instant_after_it(day: date, zone: str, end: datetime) -> None:
    assert end_of_local_day(day, zone) == end


@pytest.mark.parametrize(("day", "zone"), [
    (date(2026, 4, 4), "America/Santiago"),
    (date(2026, 10, 29), "Africa/Cairo"),
])  # fmt: skip
def test_one_second_to_midnight_would_be_an_hour_early(day: date, zone: str) -> None:
    naive = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=ZoneInfo(zone))
    assert end_of_local_day(day, zone) - naive.astimezone(UTC) == timedelta(hours=1) + SECOND


def _unruly_days(zone: ZoneInfo, first: date, last: date) -> list[date]:
    """The days of every week in which the zone's offset changes, and one more at either end."""
    noon = datetime(first.year, first.month, first.day, 12, tzinfo=zone)
    found, offset = [], noon.utcoffset()
    while noon.date() <= last:
        noon += timedelta(days=7)
        if noon.utcoffset() != offset:
            offset = noon.utcoffset()
            found += [noon.date() + timedelta(days=d) for d in range(-8, 1)]
    return found


@pytest.mark.slow
def test_in_no_zone_from_2020_to_2035_a_day_ends_early_or_late() -> None:
    checked = 0
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        for day in _unruly_days(zone, date(2020, 1, 1), date(2035, 12, 31)):
            end = end_of_local_day(day, name)
            assert (end - SECOND).astimezone(zone).date() <= day < end.astimezone(zone).date(), (day, name)
            checked += 1
    assert checked > 10_000


@given(st.dates(date(2020, 1, 1), date(2035, 12, 31)), st.sampled_from(sorted(available_timezones())))
def test_the_last_day_before_the_end_is_the_day(day: date, zone: str) -> None:
    assert last_day(end_of_local_day(day, zone), zone) == day


@pytest.mark.parametrize(
    ("due_on", "days", "zone", "moment"),
    [
        (date(2021, 9, 30), -7, "UTC", utc(2021, 9, 23, 9)),
        (date(2021, 9, 30), -7, "America/Bogota", utc(2021, 9, 23, 14)),
        (date(2021, 11, 3), -7, "Europe/Brussels", utc(2021, 10, 27, 7)),  # summer time ends in between
        (date(2021, 11, 3), 0, "Europe/Brussels", utc(2021, 11, 3, 8)),
        (date(2021, 12, 31), 1, "Asia/Tokyo", utc(2022, 1, 1, 0)),
    ],
)
def test_a_reminder_goes_at_nine_of_the_readers_morning(
    due_on: date, days: int, zone: str, moment: datetime
) -> None:
    assert reminder_moment(due_on, days, zone) == moment


def test_an_hour_that_is_missing_is_followed_and_one_that_comes_twice_is_taken_first() -> None:
    assert reminder_moment(date(2021, 3, 28), 0, "Europe/Brussels", hour=2) == utc(2021, 3, 28, 1)
    assert reminder_moment(date(2021, 10, 31), 0, "Europe/Brussels", hour=2) == utc(2021, 10, 31, 0)


def test_a_deadline_takes_the_later_of_a_time_that_comes_twice() -> None:
    assert deadline_moment(datetime(2021, 10, 31, 2, 30), "Europe/Brussels") == utc(2021, 10, 31, 1, 30)  # noqa: DTZ001
    assert deadline_moment(datetime(2021, 3, 28, 2, 30), "Europe/Brussels") == utc(2021, 3, 28, 1)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("now", "days"),
    [
        (utc(2021, 9, 21, 8), 9),
        (utc(2021, 9, 30, 3), 1),  # still the 29th in Bogota
        (utc(2021, 9, 30, 6), 0),
        (utc(2021, 10, 1, 4, 59), 0),
        (utc(2021, 10, 1, 5), -1),
    ],
)
def test_days_left_are_calendar_days_of_the_reader(now: datetime, days: int) -> None:
    due_on = date(2021, 9, 30)
    due_at = end_of_local_day(due_on, "America/Bogota")
    assert days_left(now, due_on, due_at, "America/Bogota") == days


@pytest.mark.parametrize(
    ("zone", "now", "days"),
    [
        ("Asia/Tokyo", utc(2021, 9, 30, 15), 0),  # past midnight there, and hours left
        ("Asia/Tokyo", utc(2021, 9, 30, 22), -1),
        ("America/Bogota", utc(2021, 9, 30, 22), -1),  # over at five in the afternoon, on the same day
    ],
)
def test_nothing_is_overdue_before_it_is_over_and_all_is_from_then_on(
    zone: str, now: datetime, days: int
) -> None:
    due_on = date(2021, 9, 30)
    assert days_left(now, due_on, end_of_local_day(due_on, "Europe/Brussels"), zone) == days


@pytest.mark.parametrize("there", ["Europe/Brussels", "Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kolkata"])
def test_a_mail_says_as_many_days_as_were_planned_for_in_every_zone(there: str) -> None:
    due_on = date(2021, 9, 30)
    due_at = end_of_local_day(due_on, there)
    for zone in available_timezones():
        counted = counted_day(due_on, due_at, zone)
        for days in (-10, -1, 0, 3):
            moment = reminder_moment(counted, days, zone)
            if (moment < due_at) == (days <= 0):
                assert days_left(moment, due_on, due_at, zone) == -days, zone
            else:
                assert (days, moment >= due_at) == (0, True), "only the last morning may come too late"
        assert counted == due_on or (there, counted) == ("Pacific/Kiritimati", date(2021, 9, 29))


def test_the_day_differs_by_place() -> None:
    assert local_day(utc(2021, 9, 21, 23), "Asia/Tokyo") == date(2021, 9, 22)


@pytest.mark.parametrize(
    ("day", "count", "result"),
    [
        (date(2021, 9, 24), 1, date(2021, 9, 27)),  # a Friday
        (date(2021, 9, 25), 1, date(2021, 9, 27)),  # a Saturday
        (date(2021, 9, 27), 10, date(2021, 10, 11)),
        (date(2021, 9, 27), -1, date(2021, 9, 24)),
        (date(2021, 9, 25), 0, date(2021, 9, 25)),
    ],
)
def test_working_days_leave_out_weekends(day: date, count: int, result: date) -> None:
    assert add_working_days(day, count) == result


@pytest.mark.parametrize(
    ("day", "count", "result"),
    [
        (date(2021, 1, 31), 1, date(2021, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2021, 11, 30), 3, date(2022, 2, 28)),
        (date(2021, 3, 31), -1, date(2021, 2, 28)),
        (date(2021, 1, 15), -1, date(2020, 12, 15)),
        (date(2021, 12, 15), 12, date(2022, 12, 15)),
    ],
)
def test_months_end_where_the_day_does_not_exist(day: date, count: int, result: date) -> None:
    assert add_months(day, count) == result


@given(st.dates(date(2000, 1, 31), date(2100, 1, 1)), st.integers(-240, 240))
def test_adding_months_moves_by_that_many(day: date, count: int) -> None:
    moved = add_months(day, count)
    assert (moved.year * 12 + moved.month) - (day.year * 12 + day.month) == count
    assert moved.day <= day.day


NEW_YEAR = date(2022, 1, 1)
CALENDARS = st.builds(
    WorkingDays,
    st.frozensets(st.integers(0, 6), max_size=6),
    st.frozensets(st.integers(0, 60).map(lambda count: NEW_YEAR + timedelta(days=count)), max_size=20),
)
DAYS = st.integers(0, 60).map(lambda count: NEW_YEAR + timedelta(days=count))


def test_working_days_are_those_of_the_calendar() -> None:
    cairo = WorkingDays(frozenset({4, 5}), frozenset({date(2021, 10, 6)}))
    thursday = date(2021, 9, 30)
    assert add_working_days(thursday, 1) == date(2021, 10, 1)
    assert add_working_days(thursday, 1, cairo) == date(2021, 10, 3)
    assert add_working_days(thursday, 4, cairo) == date(2021, 10, 7), "the sixth is a holiday"
    assert add_working_days(date(2021, 10, 3), -1, cairo) == thursday
    with pytest.raises(ValueError, match="needs a working day"):
        WorkingDays(frozenset(range(7)))


@given(DAYS, st.integers(-40, 40), CALENDARS)
def test_so_many_working_days_lie_between(day: date, count: int, calendar: WorkingDays) -> None:
    moved = add_working_days(day, count, calendar)
    step = timedelta(days=1 if count > 0 else -1)
    passed = [day + step * number for number in range(1, abs((moved - day).days) + 1)]
    assert sum(calendar.works(one) for one in passed) == abs(count)
    assert calendar.works(moved) or count == 0


@pytest.mark.parametrize(
    ("days", "weekends", "day"),
    [
        (-3, "before", date(2021, 10, 1)),  # a Saturday
        (-3, "after", date(2021, 10, 4)),
        (-3, "keep", date(2021, 10, 2)),
        (-1, "before", date(2021, 10, 4)),  # a Monday stays
        (5, "after", date(2021, 10, 11)),  # a Sunday
        (5, "before", date(2021, 10, 8)),
    ],
)
def test_a_reminder_moves_from_a_day_off(days: int, weekends: str, day: date) -> None:
    assert reminder_day(date(2021, 10, 5), days, weekends, WorkingDays()) == day


@pytest.mark.parametrize(
    ("due_on", "days", "weekends", "day"),
    [
        (date(2021, 10, 3), -1, "after", date(2021, 10, 1)),  # due on a Sunday: Monday would be too late
        (date(2021, 10, 1), 1, "before", date(2021, 10, 4)),  # due on a Friday: it is not overdue on that day
    ],
)
def test_no_reminder_moves_past_its_deadline(due_on: date, days: int, weekends: str, day: date) -> None:
    assert reminder_day(due_on, days, weekends, WorkingDays()) == day


@given(DAYS, st.integers(-30, 30), st.sampled_from(["keep", "before", "after"]), CALENDARS)
def test_a_reminder_stays_on_its_side_and_falls_on_a_working_day(
    due_on: date, days: int, weekends: str, calendar: WorkingDays
) -> None:
    asked, day = due_on + timedelta(days=days), reminder_day(due_on, days, weekends, calendar)
    assert (day > due_on) == (days > 0)
    assert day == asked or (weekends != "keep" and not calendar.works(asked) and calendar.works(day))
    between = [min(asked, day) + timedelta(days=n) for n in range(1, abs((day - asked).days))]
    assert not any(calendar.works(one) for one in between), "it goes no farther than it has to"


@given(
    st.integers(0, 1_000_000).map(lambda minutes: utc(2021, 1, 1) + timedelta(minutes=minutes)),
    st.sampled_from(["Asia/Tokyo", "America/Bogota", "Etc/GMT+12", "Africa/Cairo", "Pacific/Apia"]),
)
def test_the_first_morning_is_the_next_nine_o_clock(moment: datetime, zone: str) -> None:
    morning = first_morning(moment, zone, "keep", WorkingDays())
    assert moment <= morning <= moment + timedelta(days=1, hours=1)
    assert morning.astimezone(ZoneInfo(zone)).hour == 9
