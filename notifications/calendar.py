"""Deadlines for calendars: a file with one entry beside a mail, and feeds that calendars subscribe to.

Written here because building such a file with icalendar costs more than handing its mail over; the tests read
everything back with that library. Nothing that comes from people can add a line.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Protocol

from notifications import mime

LENGTH = timedelta(minutes=30)
"""An entry of no length is not shown by every calendar; this one ends with the deadline."""
REFRESH = "PT4H"
"""How often a calendar is asked to look again."""
LONGEST_LINE = 75
_ESCAPED = (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n"))


@dataclass(frozen=True, slots=True)
class Publisher:
    """Whose entries they are. ``domain`` completes each UID; ``language`` is that of the texts."""

    fund_name: str
    domain: str
    contact: str
    language: str

    @classmethod
    def of(cls, fund_name: str, mail_from: str, contact: str, language: str) -> "Publisher":
        """The one whose mail comes from that address, so that mails and feeds speak of the same entries."""
        return cls(fund_name, mime.ascii_domain(mail_from).rpartition("@")[2], contact, language)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a calendar shows. Texts are in the reader's language.

    ``key`` stays the same for the entry's whole life, and ``sequence`` rises whenever it changes: so a calendar
    replaces what it has. ``when`` is the instant at which it is due, or a whole day.
    """

    key: str
    sequence: int
    when: datetime | date
    changed_at: datetime
    summary: str
    description: str
    url: str
    cancelled: bool = False


def deadline_key(deadline_id: int) -> str:
    """What the entry of a deadline is called, whichever mail or feed it comes in."""
    return f"deadline-{deadline_id}"


def sequence(generation: int, over: bool) -> int:
    """The SEQUENCE of a deadline's entry: it rises when the deadline is moved, when it is over, and when it is opened
    again, since that makes another generation.
    """
    return 2 * generation + over


class Dated(Protocol):
    """A deadline, for what is asked here."""

    @property
    def opened_at(self) -> datetime: ...
    @property
    def moved_at(self) -> datetime | None: ...
    @property
    def held_at(self) -> datetime | None: ...
    @property
    def closed_at(self) -> datetime | None: ...


def changed_at(deadline: Dated) -> datetime:
    """When the entry of a deadline became what it is."""
    later = (deadline.moved_at, deadline.held_at, deadline.closed_at)
    return max((moment for moment in later if moment), default=deadline.opened_at)


def calendar_file(entry: Entry, publisher: Publisher, now: datetime, *more: Entry) -> bytes:
    """An iCalendar file (RFC 5545) with entries, each of which takes the place of an earlier one or removes it."""
    entries = (entry, *more)
    events = [line for one in entries for line in _event(one, publisher, now)]
    return _bytes((*_head(publisher), f"METHOD:{method_of(entries)}", *events, "END:VCALENDAR"))


def method_of(entries: Iterable[Entry]) -> str:
    """How a file with these is to be taken (RFC 5546): in one that publishes some may be cancelled."""
    return "CANCEL" if all(entry.cancelled for entry in entries) else "PUBLISH"


def feed(entries: Iterable[Entry], publisher: Publisher, name: str) -> bytes:
    """A calendar called ``name`` to subscribe to. The same entries make the same bytes, whenever it is asked for."""
    lines = [
        *_head(publisher),
        "METHOD:PUBLISH",
        f"NAME:{_text(name)}",
        f"X-WR-CALNAME:{_text(name)}",
        f"REFRESH-INTERVAL;VALUE=DURATION:{REFRESH}",
        f"X-PUBLISHED-TTL:{REFRESH}",
    ]
    for entry in entries:
        lines += _event(entry, publisher, entry.changed_at)
    return _bytes((*lines, "END:VCALENDAR"))


@lru_cache(maxsize=64)
def _head(publisher: Publisher) -> tuple[str, ...]:
    product = _text(f"-//{publisher.fund_name}//Deadlines//{publisher.language.upper()}")
    return "BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{product}", "CALSCALE:GREGORIAN"


def _event(entry: Entry, publisher: Publisher, stamped: datetime) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{entry.key}@{publisher.domain}"
    yield f"SEQUENCE:{entry.sequence}"
    yield f"DTSTAMP:{_instant(stamped)}"
    yield f"LAST-MODIFIED:{_instant(entry.changed_at)}"
    yield from _span(entry.when)
    yield f"SUMMARY:{_text(entry.summary)}"
    yield f"DESCRIPTION:{_text(entry.description)}"
    yield f"URL:{mime.clean(entry.url, 2000)}"
    yield f'ORGANIZER;CN="{mime.clean(publisher.fund_name).replace(chr(34), chr(39))}":mailto:{publisher.contact}'
    yield "TRANSP:TRANSPARENT"
    yield f"STATUS:{'CANCELLED' if entry.cancelled else 'CONFIRMED'}"
    yield "END:VEVENT"


def _span(when: datetime | date) -> Iterator[str]:
    if isinstance(when, datetime):
        yield f"DTSTART:{_instant(when - LENGTH)}"
        yield f"DTEND:{_instant(when)}"
    else:
        yield f"DTSTART;VALUE=DATE:{when:%Y%m%d}"
        yield f"DTEND;VALUE=DATE:{when + timedelta(days=1):%Y%m%d}"


def _instant(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    text = mime.clean_lines(value)
    for sign, escaped in _ESCAPED:
        text = text.replace(sign, escaped)
    return text


def _bytes(lines: Iterable[str]) -> bytes:
    return b"".join(_folded(line.encode()) + b"\r\n" for line in lines)


def _folded(line: bytes) -> bytes:
    """A content line in pieces of at most 75 octets, no character cut in two (RFC 5545, 3.1)."""
    pieces, room = [], LONGEST_LINE
    while len(line) > room:
        end = room
        while line[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(line[:end])
        line, room = line[end:], LONGEST_LINE - 1
    return b"\r\n ".join([*pieces, line])
