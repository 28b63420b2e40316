"""A deadline as a calendar file, the same entry whichever mail or feed it comes in."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from icalendar import Calendar, Event

LENGTH = timedelta(minutes=30)
"""An entry of no length is not shown by every calendar; this one ends with the deadline."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a calendar shows of a deadline. Texts are in the reader's language."""

    deadline_id: int
    generation: int
    due_at: datetime
    summary: str
    description: str
    url: str
    cancelled: bool = False


def calendar_file(entry: Entry, *, domain: str, fund_name: str, language: str, now: datetime) -> bytes:
    """An iCalendar file (RFC 5545) with one entry.

    The UID stays the same for the deadline's whole life and SEQUENCE counts its generations, so that a calendar
    replaces the entry when the deadline is moved.
    """
    calendar = Calendar()
    calendar.add("prodid", f"-//{fund_name}//Deadlines//{language.upper()}")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if entry.cancelled else "PUBLISH")
    calendar.add_component(event(entry, domain, now))
    return bytes(calendar.to_ical())


def event(entry: Entry, domain: str, now: datetime) -> Event:
    """The deadline's entry, for a file of its own or for a feed."""
    shown = Event()
    shown.add("uid", f"deadline-{entry.deadline_id}@{domain}")
    shown.add("sequence", entry.generation)
    shown.add("dtstamp", now)
    shown.add("dtstart", entry.due_at - LENGTH)
    shown.add("dtend", entry.due_at)
    shown.add("summary", entry.summary)
    shown.add("description", entry.description)
    shown.add("url", entry.url)
    shown.add("transp", "TRANSPARENT")
    shown.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    return shown
