"""What a mail says, in its reader's words: dates in her zone, amounts and names as values for the templates."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from gettext import NullTranslations
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, get_timezone_location
from babel.numbers import format_decimal
from markupsafe import escape

from notifications import mime
from notifications.calendar import changed_at
from notifications.dates import days_left, last_day
from notifications.kinds import STOPS
from notifications.truth import Facts, Truth
from schema.reports import of_which
from schema.values import MINOR_DIGITS
from schema.wording import gettext_noop as _n

ANYWHERE = "Etc/GMT+12"
"""Where a day ends last on Earth."""
EVERYWHERE = _n("Anywhere on Earth")
"""What its zone is called."""


class Sayings(Protocol):
    """What all mails say of the fund."""

    @property
    def fund_name(self) -> str: ...
    @property
    def network_name(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def contact(self) -> str: ...
    @property
    def demo(self) -> bool: ...


class Named(str):
    """Words that people wrote. In HTML, where they are escaped, they are also set apart from the text around them."""

    __slots__ = ()

    def __html__(self) -> str:
        return f"<bdi>{escape(str(self))}</bdi>" if self else ""


@dataclass(frozen=True, slots=True)
class When:
    """A moment in words. ``time`` is empty for the end of the day, which no clock shows unmistakably."""

    day: str
    time: str
    place: str


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline as its reader is told of it. ``days`` are those left by her calendar: 0 is the last one."""

    deadline_id: int
    generation: int
    due_at: datetime
    label: str
    here: When
    utc: When | None
    """None where her zone is UTC."""
    there: When | None
    """In the zone that the deadline counts in; None where it is hers or UTC."""
    days: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Item:
    """One of several things that a mail tells of, each with the link to it."""

    heading: Named
    text: str
    due: Due | None
    link: str
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many of what, where it is an overview."""

    def shown(self, *, text: bool) -> dict[str, Any]:
        """For templates, of a part that is ``text`` or not."""
        return {
            "heading": isolated(self.heading) if text else self.heading,
            "text": self.text,
            "due": self.due,
            "link": self.link,
            "counts": self.counts,
        }


@dataclass(frozen=True, slots=True)
class Telling:
    """The values that templates may use."""

    language: str
    direction: str
    values: dict[str, str]
    reason: str
    demo: bool
    counts: dict[str, int]
    """How many of what, in an overview."""
    week: str
    """The moment of the overview, as its links name it."""
    letter: dict[str, str]
    """Subject and intro of a newsletter."""
    site: str
    """Where the fund is found."""
    stop: str
    """The link that ends mails of this kind; empty for what is owed."""
    items: tuple[Item, ...] = ()

    def shown(self, *, text: bool) -> dict[str, Any]:
        """All values, for the templates of a part that is ``text`` or not."""
        shown = {name: isolated(value) for name, value in self.values.items()} if text else self.values
        return shown | {
            "link": self.values["link"],
            "reason": self.reason,
            "demo": self.demo,
            "language": self.language,
            "direction": self.direction,
            "counts": self.counts,
            "week": self.week,
            "letter": self.letter,
            "site": self.site,
            "stop": self.stop,
            "items": [item.shown(text=text) for item in self.items],
        }


def isolated(value: str) -> str:
    """As plain text shows it: set apart where it runs from right to left, or it would turn what is around it."""
    return f"\u2068{value}\u2069" if mime.turns(value) else value


def telling(truth: Truth, fund: Sayings, locale: Locale, translate: NullTranslations) -> Telling:
    """Everything that the mail of ``truth`` may say, in the language of ``locale``."""
    facts, payload, named = truth.facts, truth.facts.payload or {}, str(locale)
    untitled = translate.gettext("Untitled proposal") if facts.reference else facts.round
    values = {
        "fund": fund.fund_name,
        "network": fund.network_name,
        "contact": fund.contact,
        "name": facts.name,
        "reference": facts.reference,
        "title": facts.title or untitled,
        "member": facts.member,
        "round": facts.round,
        "reviewer": facts.reviewer,
        "owes": _owes(truth, fund, translate),
        "report": _report(facts.report_kind, translate),
        "amount": _amount(facts.amount_minor, facts.currency, named),
        "starts": _day(facts.starts_on, named),
        "ends": _day(facts.ends_on, named),
        "decision_day": _day(facts.decision_on, named),
        "answer_day": _day(_last_day(truth.answer), named),
    }
    values |= {name: payload.get(name) for name in ("code", "minutes", "role")}
    what = payload.get("what")
    values["what"] = of_which(what, facts.report_kind, translate.gettext) if what else ""
    before = payload.get("before")
    values["before"] = _day(date.fromisoformat(before) if before else None, named)
    said: dict[str, str] = {
        name: Named(mime.clean(str(value))) if value else "" for name, value in values.items()
    }
    said["link"] = fund.address + _path(facts.path)
    return Telling(
        language=locale.language,
        direction=locale.text_direction,
        values=said,
        reason=mime.clean_lines(str(payload.get("reason") or "")),
        demo=fund.demo,
        counts={name: int(count) for name, count in (payload.get("counts") or {}).items()},
        week=mime.clean(str(payload.get("week") or "")),
        letter=_letter(truth),
        site=fund.address,
        stop=stop_link(fund.address, facts.template, facts.mail_key),
        items=letter_items(truth, fund.address),
    )


def _last_day(deadline: Facts | None) -> date | None:
    """The day of a deadline where it counts."""
    return last_day(deadline.due_at, deadline.zone) if deadline else None


def stop_link(address: str, template: str, key: str | None) -> str:
    """Where one click ends mails of that kind; empty where they are owed, or nobody chose anything."""
    what = STOPS.get(template)
    return f"{address}/unsubscribe/{key}/{what}" if what and key else ""


def _letter(truth: Truth) -> dict[str, str]:
    letter = truth.letter
    if letter is None:
        return {}
    return {"subject": mime.clean(letter.subject), "intro": mime.clean_lines(letter.intro)}


def letter_items(truth: Truth, address: str) -> tuple[Item, ...]:
    """What a newsletter tells of."""
    return tuple(
        Item(
            Named(mime.clean(str(item["heading"]))),
            mime.clean_lines(str(item["text"])),
            None,
            address + _path(item["path"]) if item.get("path") else "",
        )
        for item in (truth.letter.items if truth.letter else ())
    )


def due_as_told(
    truth: Truth, deadline: Facts | None, locale: Locale, translate: NullTranslations, now: datetime
) -> Due | None:
    """A deadline of the mail as it stands at ``now`` in the reader's zone."""
    if deadline is None:
        return None
    zone = truth.facts.zone or deadline.zone
    return Due(
        deadline_id=deadline.id,
        generation=deadline.generation,
        due_at=deadline.due_at,
        label=of_which(deadline.label, truth.facts.report_kind, translate.gettext),
        here=_told(deadline.due_at, zone, locale, translate),
        utc=None if zone == "UTC" else when(deadline.due_at, "UTC", str(locale)),
        there=(
            None
            if deadline.zone in (zone, "UTC")
            else _told(deadline.due_at, deadline.zone, locale, translate)
        ),
        days=days_left(now, last_day(deadline.due_at, deadline.zone), deadline.due_at, zone),
        changed_at=changed_at(deadline),
    )


def _told(due_at: datetime, zone: str, locale: Locale, translate: NullTranslations) -> When:
    """The same as ``when``, with a place that has words of its own in the reader's language."""
    said = when(due_at, zone, str(locale))
    return replace(said, place=translate.gettext(EVERYWHERE)) if zone == ANYWHERE else said


@lru_cache(maxsize=4096)
def when(due_at: datetime, zone: str, locale: str) -> When:
    """``due_at`` in words: day and time in ``zone``, or the day alone where it is over at that instant."""
    local = due_at.astimezone(ZoneInfo(zone))
    ends = last_day(due_at, zone) != local.date()
    day = last_day(due_at, zone) if ends else local.date()
    time = "" if ends else format_time(local, "short", tzinfo=local.tzinfo, locale=locale)
    return When(_day(day, locale, "full"), time, _place(zone, locale))


def _place(zone: str, locale: str) -> str:
    if zone in ("UTC", "Etc/UTC"):
        return "UTC"
    if zone == ANYWHERE:
        return EVERYWHERE
    return str(get_timezone_location(zone, locale=locale, return_city=True))


@lru_cache(maxsize=4096)
def _day(day: date | None, locale: str, style: str = "long") -> str:
    return format_date(day, style, locale=locale) if day else ""


def _amount(minor: int | None, currency: str | None, locale: str) -> str:
    if minor is None or currency is None:
        return ""
    digits = MINOR_DIGITS.get(currency, 2)
    pattern = "#,##0." + "0" * digits if minor % 10**digits else "#,##0"
    return f"{currency} {format_decimal(Decimal(minor).scaleb(-digits), pattern, locale=locale)}"


def _owes(truth: Truth, fund: Sayings, translate: NullTranslations) -> str:
    """Who owes what the mail is about: a name, and the member that she acts for."""
    facts, role = truth.facts, truth.deadline.owner_role if truth.deadline else ""
    if role == "applicant":
        both = {"name": facts.author or "", "member": facts.member or ""}
        return translate.gettext("%(name)s (%(member)s)") % both if all(both.values()) else max(both.values())
    return {"reviewer": facts.reviewer or "", "manager": fund.fund_name}.get(role, "")


def _report(kind: str | None, translate: NullTranslations) -> str:
    names = {"interim": translate.gettext("interim report"), "final": translate.gettext("final report")}
    return names.get(kind or "", translate.gettext("report"))


def _path(path: str) -> str:
    """A path below the fund's address, whatever stands in the row: a mail never leads elsewhere."""
    bare = "".join(path.split())
    return bare if bare.startswith("/") and not bare.startswith("//") else "/"
