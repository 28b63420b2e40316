"""How money, moments and distances in time are written. Pure: the zone and ``now`` are always passed in."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_currency, format_percent
from markupsafe import Markup, escape

from fund.web.i18n import formats, gettext, ngettext
from notifications.dates import end_of_local_day
from schema.values import MINOR_DIGITS, Money

DASH = "–"
ANYWHERE = "Etc/GMT+12"
"""The zone in which a day ends last on Earth."""


def money(amount: Money | None) -> str:
    """``US$12,500`` or ``€1,500.50``: cents only where there are some. None is a dash."""
    if amount is None:
        return DASH
    digits = MINOR_DIGITS.get(amount.currency, 2)
    whole = amount.minor % 10**digits == 0
    pattern = "¤#,##0" if whole else f"¤#,##0.{'0' * digits}"
    value = Decimal(amount.minor).scaleb(-digits)
    return str(format_currency(value, amount.currency, pattern, locale=formats(), currency_digits=False))


def local_date(moment: date | datetime, zone: str = "UTC") -> str:
    """``21 September 2021``; of a moment (aware), the day that it is in ``zone``."""
    day = moment.astimezone(ZoneInfo(zone)).date() if isinstance(moment, datetime) else moment
    return str(format_date(day, format="long", locale=formats()))


def month_name(day: date) -> str:
    """``September 2021``."""
    return str(format_skeleton("yMMMM", day, locale=formats()))


def local_datetime(moment: datetime, zone: str = "UTC") -> str:
    """``21 September 2021, 14:05`` in ``zone``."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local_date(local.date())}, {local_time(moment, zone)}"


def local_time(moment: datetime, zone: str = "UTC") -> str:
    """``14:05`` in ``zone``."""
    return str(
        format_datetime(moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None), "HH:mm", locale=formats())
    )


def zone_name(zone: str, moment: datetime) -> str:
    """``Nairobi time (UTC+3)``: the place people know and the offset in force at ``moment``."""
    offset = utc_offset(moment, zone)
    if zone in ("UTC", "Etc/UTC"):
        return "UTC"
    if zone == ANYWHERE:
        return gettext("Anywhere on Earth (UTC-12)")
    if zone.startswith("Etc/"):
        return offset
    place = zone.rsplit("/", 1)[-1].replace("_", " ")
    return gettext("%(place)s time (%(offset)s)") % {"place": place, "offset": offset}


def ending(due_at: datetime, zone: str) -> str:
    """``30 September 2021, 17:00`` in ``zone``; ``end of 30 September 2021`` where the clock strikes midnight there."""
    if local_time(due_at, zone) == "00:00":
        return gettext("end of %(day)s") % {"day": local_date(last_day(due_at, zone))}
    return local_datetime(due_at, zone)


def until(due: date | datetime, zone: str, here: str, *, own: bool = True) -> str:
    """The last day of a deadline in ``zone`` (that day, or its exclusive end), for a reader in ``here``.

    Where the two differ, the deadline's zone is named, and where ``here`` is the reader's own, her time beside it.
    """
    due_at = due if isinstance(due, datetime) else end_of_local_day(due, zone)
    day = local_date(last_day(due_at, zone))
    if zone == here:
        return day
    there = gettext("%(day)s, %(zone)s") % {"day": day, "zone": zone_name(zone, due_at)}
    return f"{there}; {for_you(due_at, here)}" if own else there


def for_you(due_at: datetime, zone: str) -> str:
    """``for you 30 September 2021, 17:00, Bogota time (UTC-5)``."""
    told = {"moment": ending(due_at, zone), "zone": zone_name(zone, due_at)}
    return gettext("for you %(moment)s, %(zone)s") % told


def utc_offset(moment: datetime, zone: str) -> str:
    """``UTC+3``, ``UTC-4:30``: the offset of ``zone`` at ``moment``."""
    minutes = int((moment.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes >= 0 else '-'}{hours}{f':{rest:02d}' if rest else ''}"


def days_between(now: datetime, moment: datetime, zone: str) -> int:
    """Calendar days in ``zone`` from ``now`` until ``moment``; negative when it is past."""
    here = ZoneInfo(zone)
    return (moment.astimezone(here).date() - now.astimezone(here).date()).days


def relative(moment: datetime, now: datetime, zone: str = "UTC") -> str:
    """``today``, ``tomorrow``, ``in 5 days``, ``3 days ago``, by the calendar of ``zone``."""
    days = days_between(now, moment, zone)
    near = {0: gettext("today"), 1: gettext("tomorrow"), -1: gettext("yesterday")}
    if days in near:
        return near[days]
    if days > 0:
        return ngettext("in %(count)s day", "in %(count)s days", days) % {"count": days}
    return ngettext("%(count)s day ago", "%(count)s days ago", -days) % {"count": -days}


def last_day(due_at: datetime, zone: str) -> date:
    """The local day that ends at ``due_at``, the exclusive end of a deadline."""
    return (due_at - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date()


def remaining(due_at: datetime, now: datetime, zone: str = "UTC", grace: datetime | None = None) -> str:
    """``due today``, ``in 5 days``, ``3 days overdue``: until the day that ends at ``due_at``, in ``zone``.

    Until ``grace``, where that is later, it is over and still in time.
    """
    if grace is not None and due_at <= now < grace:
        return gettext("over, but still in time for %(time)s") % {"time": time_left(grace, now)}
    days = (last_day(due_at, zone) - now.astimezone(ZoneInfo(zone)).date()).days
    if now >= due_at:
        late = max(-days, 1)
        return ngettext("%(count)s day overdue", "%(count)s days overdue", late) % {"count": late}
    if days <= 0:
        return gettext("due today")
    if days == 1:
        return gettext("due tomorrow")
    return ngettext("in %(count)s day", "in %(count)s days", days) % {"count": days}


def urgency(due_at: datetime, now: datetime, zone: str = "UTC", grace: datetime | None = None) -> str:
    """``late``, ``soon`` (three days or less, or until ``grace``) or ``calm``: how a deadline is dressed."""
    if now >= max(due_at, grace or due_at):
        return "late"
    return "soon" if (last_day(due_at, zone) - now.astimezone(ZoneInfo(zone)).date()).days <= 3 else "calm"


def time_left(until: datetime, now: datetime) -> str:
    """``3 days``, ``22 hours``, ``5 minutes``: how long there still is, rounded down; at least one minute."""
    minutes = max(int((until - now).total_seconds() // 60), 1)
    if minutes >= 48 * 60:
        return duration(minutes // (24 * 60))
    if minutes >= 60:
        hours = minutes // 60
        return ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}
    return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}


def duration(days: int) -> str:
    """``5 days``."""
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}


def percent(share: float) -> str:
    """``25%`` of a share between 0 and 1."""
    return str(format_percent(share, locale=formats()))


def iso(moment: date | datetime) -> str:
    """For ``<time datetime>``: a day as it is, a moment in UTC."""
    if not isinstance(moment, datetime):
        return moment.isoformat()
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def paragraphs(text: str | None) -> Markup:
    """Plain text as escaped paragraphs: a blank line begins a new one, a single line break stays."""
    blocks: Iterable[str] = (block.strip("\n") for block in (text or "").replace("\r\n", "\n").split("\n\n"))
    shown = (
        Markup("<br>").join(escape(line) for line in block.split("\n")) for block in blocks if block.strip()
    )
    return Markup("").join(Markup("<p>%s</p>") % block for block in shown)
