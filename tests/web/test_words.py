"""How money, moments and distances in time are written."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fund.web import words
from schema.values import Money

NOW = datetime(2021, 9, 21, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (Money(4_850_000, "USD"), "US$48,500"),
        (Money(4_850_050, "USD"), "US$48,500.50"),
        (Money(-150, "EUR"), "-€1.50"),
        (Money(25_000_000, "XOF"), "F CFA25,000,000"),
        (Money(1_500_250, "TND"), "TND1,500.250"),
        (None, "–"),
    ],
)
def test_money(amount, shown):
    assert words.money(amount).replace("\u202f", " ").replace("\xa0", "") == shown


def test_a_day_is_the_readers_day():
    late = datetime(2021, 9, 21, 22, 30, tzinfo=UTC)
    assert words.local_date(late) == "21 September 2021"
    assert words.local_date(late, "Africa/Nairobi") == "22 September 2021"
    assert words.local_date(date(2021, 9, 21), "Africa/Nairobi") == "21 September 2021"
    assert words.local_datetime(late, "America/Bogota") == "21 September 2021, 17:30"


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        ("UTC", "UTC"),
        ("Africa/Nairobi", "Nairobi time (UTC+3)"),
        ("America/Mexico_City", "Mexico City time (UTC-5)"),
        ("America/Argentina/Buenos_Aires", "Buenos Aires time (UTC-3)"),
        ("Asia/Kolkata", "Kolkata time (UTC+5:30)"),
        ("America/St_Johns", "St Johns time (UTC-2:30)"),
        ("Etc/GMT+12", "Anywhere on Earth (UTC-12)"),
        ("Etc/GMT-5", "UTC+5"),
    ],
)
def test_a_zone_is_named_by_its_place_and_offset(zone, name):
    assert words.zone_name(zone, NOW) == name


def test_the_offset_is_that_of_the_moment():
    assert words.zone_name("Europe/Brussels", NOW) == "Brussels time (UTC+2)"
    assert words.zone_name("Europe/Brussels", datetime(2021, 12, 1, tzinfo=UTC)) == "Brussels time (UTC+1)"


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0, "today"),
        (1, "tomorrow"),
        (-1, "yesterday"),
        (5, "in 5 days"),
        (-3, "3 days ago"),
        (365, "in 365 days"),
    ],
)
def test_distance_in_days(days, said):
    assert words.relative(NOW + timedelta(days=days), NOW) == said


def test_distance_goes_by_the_calendar_and_not_by_hours():
    tonight = datetime(2021, 9, 21, 23, 0, tzinfo=UTC)
    assert words.relative(tonight, NOW) == "today"
    assert words.relative(tonight, NOW, "Africa/Nairobi") == "tomorrow"


@pytest.mark.parametrize(
    ("due_at", "said", "dress"),
    [
        (datetime(2021, 9, 22, 0, 0, tzinfo=UTC), "due today", "soon"),
        (datetime(2021, 9, 23, 0, 0, tzinfo=UTC), "due tomorrow", "soon"),
        (datetime(2021, 9, 25, 0, 0, tzinfo=UTC), "in 3 days", "soon"),
        (datetime(2021, 9, 26, 0, 0, tzinfo=UTC), "in 4 days", "calm"),
        (datetime(2021, 9, 21, 8, 0, tzinfo=UTC), "1 day overdue", "late"),
        (datetime(2021, 9, 21, 0, 0, tzinfo=UTC), "1 day overdue", "late"),
        (datetime(2021, 9, 19, 0, 0, tzinfo=UTC), "3 days overdue", "late"),
    ],
)
def test_what_remains_until_the_end_of_a_day(due_at, said, dress):
    assert words.remaining(due_at, NOW) == said
    assert words.urgency(due_at, NOW) == dress


@given(st.integers(0, 15 * 365 * 24), st.integers(-400, 400))
def test_a_deadline_is_overdue_exactly_when_it_has_passed(later, hours):
    due_at = NOW + timedelta(hours=later)
    now = due_at + timedelta(hours=hours)
    assert ("overdue" in words.remaining(due_at, now, "America/Santiago")) is (now >= due_at)
    assert (words.urgency(due_at, now, "America/Santiago") == "late") is (now >= due_at)


def test_the_last_day_is_the_day_that_ends_with_the_deadline():
    assert words.last_day(datetime(2021, 9, 30, 21, 0, tzinfo=UTC), "Africa/Nairobi") == date(2021, 9, 30)
    # The night in which clocks go back in Cairo has two midnights; the day still ends with its end.
    assert words.last_day(datetime(2026, 10, 29, 22, 0, tzinfo=UTC), "Africa/Cairo") == date(2026, 10, 29)


def test_small_words():
    assert words.duration(1) == "1 day"
    assert words.duration(5) == "5 days"
    assert words.percent(0.25) == "25%"
    assert words.iso(NOW + timedelta(hours=1, microseconds=5)) == "2021-09-21T09:00:00Z"
    assert words.iso(date(2021, 9, 21)) == "2021-09-21"


def test_typed_text_becomes_paragraphs_and_never_markup():
    shown = words.paragraphs("One\r\ntwo\n\n\n\n<b>three</b> & four\n")
    assert shown == "<p>One<br>two</p><p>&lt;b&gt;three&lt;/b&gt; &amp; four</p>"
    assert words.paragraphs(None) == words.paragraphs("  \n ") == ""


@given(st.text())
def test_paragraphs_hold_no_tag_but_their_own(text):
    bare = words.paragraphs(text).replace("<p>", "").replace("</p>", "").replace("<br>", "")
    assert "<" not in bare
    assert ">" not in bare


END = datetime(2021, 9, 30, 22, tzinfo=UTC)
"""The end of 30 September in Brussels."""


@pytest.mark.parametrize(
    ("here", "said"),
    [
        ("Europe/Brussels", "30 September 2021"),
        (
            "America/Bogota",
            "30 September 2021, Brussels time (UTC+2); for you 30 September 2021, 17:00, Bogota time (UTC-5)",
        ),
        (
            "Europe/Paris",
            "30 September 2021, Brussels time (UTC+2); for you end of 30 September 2021, Paris time (UTC+2)",
        ),
        ("UTC", "30 September 2021, Brussels time (UTC+2); for you 30 September 2021, 22:00, UTC"),
    ],
)
def test_a_last_day_names_its_zone_and_the_readers_where_they_differ(here, said):
    assert words.until(END, "Europe/Brussels", here) == said
    assert words.until(date(2021, 9, 30), "Europe/Brussels", here) == said


def test_who_chose_no_zone_is_told_that_of_the_deadline_alone():
    anywhere = words.until(date(2021, 9, 30), "Etc/GMT+12", "UTC", own=False)
    assert anywhere == "30 September 2021, Anywhere on Earth (UTC-12)"
