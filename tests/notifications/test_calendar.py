"""Calendar files and feeds, as a calendar reads them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from notifications.calendar import Entry, Publisher, calendar_file, changed_at, feed, sequence
from schema.deadlines import Deadline

NOW = datetime(2021, 9, 21, 8, 0, tzinfo=UTC)
FUND = Publisher('Peace; "Incentive", Fund', "example.org", "people@example.org", "en")
ENTRY = Entry(
    key="deadline-7",
    sequence=2,
    when=datetime(2021, 9, 30, 22, tzinfo=UTC),
    changed_at=NOW,
    summary="Hand in: a, b; c\\d",
    description="First line\nsecond line",
    url="https://fund.example.org/x?a=1,2;3",
)


def read(content: bytes):
    """The calendar, and its one entry."""
    calendar = Calendar.from_ical(content)
    (event,) = calendar.walk("VEVENT")
    return calendar, event


def test_a_file_says_what_is_due_until_when_and_where():
    calendar, event = read(calendar_file(ENTRY, FUND, NOW + timedelta(hours=1)))
    assert (str(calendar["VERSION"]), str(calendar["METHOD"])) == ("2.0", "PUBLISH")
    assert str(event["UID"]) == "deadline-7@example.org"
    assert (event["SEQUENCE"], str(event["STATUS"])) == (2, "CONFIRMED")
    assert (event.start, event.end) == (ENTRY.when - timedelta(minutes=30), ENTRY.when)
    assert event["DTSTAMP"].dt == NOW + timedelta(hours=1)
    assert event["LAST-MODIFIED"].dt == NOW
    assert str(event["SUMMARY"]) == ENTRY.summary
    assert str(event["DESCRIPTION"]) == ENTRY.description
    assert str(event["URL"]) == ENTRY.url
    assert str(event["ORGANIZER"]) == "mailto:people@example.org"
    assert event["ORGANIZER"].params["CN"] == "Peace; 'Incentive', Fund"
    assert calendar.walk("VALARM") == []
    assert calendar.errors == event.errors == []


def test_what_is_over_is_cancelled():
    calendar, event = read(calendar_file(replace(ENTRY, cancelled=True), FUND, NOW))
    assert (str(calendar["METHOD"]), str(event["STATUS"])) == ("CANCEL", "CANCELLED")


def test_a_whole_day_ends_with_it():
    _calendar, event = read(calendar_file(replace(ENTRY, when=date(2021, 12, 31)), FUND, NOW))
    assert (event.start, event.end) == (date(2021, 12, 31), date(2022, 1, 1))


def test_a_feed_has_a_name_and_stays_the_same_until_something_changes():
    content = feed([ENTRY], FUND, "Fund: mine")
    calendar, event = read(content)
    assert (str(calendar["X-WR-CALNAME"]), str(calendar["NAME"])) == ("Fund: mine", "Fund: mine")
    assert calendar["REFRESH-INTERVAL"].dt == timedelta(hours=4)
    assert event["DTSTAMP"].dt == NOW
    assert (
        feed([ENTRY], FUND, "Fund: mine") == content != feed([replace(ENTRY, sequence=3)], FUND, "Fund: mine")
    )
    assert Calendar.from_ical(feed([], FUND, "Fund")).walk("VEVENT") == []


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_text_breaks_the_lines_and_every_line_is_short(summary: str, description: str):
    content = feed([replace(ENTRY, summary=summary, description=description)], FUND, summary)
    lines = content.split(b"\r\n")
    assert lines[-1] == b""
    assert all(len(line) <= 75 and b"\n" not in line and b"\r" not in line for line in lines)
    assert [line.decode() for line in lines]
    _calendar, event = read(content)
    assert str(event["UID"]) == "deadline-7@example.org"
    assert str(event["STATUS"]) == "CONFIRMED"


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=120))
def test_every_sign_comes_through(text: str):
    _calendar, event = read(calendar_file(replace(ENTRY, summary=text), FUND, NOW))
    assert str(event["SUMMARY"]) == text


def test_a_name_cannot_add_an_entry():
    hostile = "x\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:evil"
    content = feed([replace(ENTRY, summary=hostile, url=hostile)], replace(FUND, fund_name=hostile), hostile)
    _calendar, event = read(content)
    assert str(event["UID"]) == "deadline-7@example.org"


def test_the_number_rises_with_every_change():
    history = [(1, False), (1, True), (2, False), (3, False), (3, True), (4, True), (5, False)]
    numbers = [sequence(generation, over) for generation, over in history]
    assert numbers == sorted(set(numbers))


def test_a_deadline_changed_when_it_was_last_opened_moved_held_or_closed():
    row = Deadline(opened_at=NOW)
    assert changed_at(row) == NOW
    row.moved_at = NOW + timedelta(days=2)
    row.held_at = NOW + timedelta(days=1)
    assert changed_at(row) == NOW + timedelta(days=2)
    row.closed_at = NOW + timedelta(days=3)
    assert changed_at(row) == NOW + timedelta(days=3)
