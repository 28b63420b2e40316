"""How often something may be tried: counted in the database, so that it holds over all processes and restarts."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from fund.base.errors import TooMany
from fund.people.secret import fingerprint
from fund.web.i18n import gettext as _
from fund.web.i18n import ngettext
from schema.people import Throttle

KEPT = timedelta(days=2)


@dataclass(frozen=True)
class Limit:
    """At most ``most`` tries in each window of ``length`` (the windows begin at fixed moments since 1970)."""

    name: str
    most: int
    length: timedelta

    def window(self, now: datetime) -> datetime:
        """When the window that ``now`` lies in began."""
        seconds = int(self.length.total_seconds())
        return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, UTC)


def count(session: Session, limit: Limit, what: str, now: datetime) -> None:
    """Count one more try of ``what``. Raises TooMany beyond the limit; that try is then not counted.

    ``what`` (an address) is stored as a fingerprint only. Safe when many count at once.
    """
    began = limit.window(now)
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = insert(Throttle).values(key=f"{limit.name}:{fingerprint(limit.name, what)}", window=began, count=1)
    counted = row.on_conflict_do_update(
        index_elements=["key", "window"], set_={"count": col(Throttle.count) + 1}
    ).returning(col(Throttle.count))
    if session.execute(counted).scalar_one() > limit.most:
        raise _too_many(began + limit.length - now)


def _too_many(wait: timedelta) -> TooMany:
    seconds = max(1, int(wait.total_seconds()))
    minutes = -(-seconds // 60)
    when = ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}
    if minutes > 120:
        hours = -(-minutes // 60)
        when = ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}
    return TooMany(
        _("This was tried too often. Wait %(time)s, then try again.") % {"time": when}, retry_after=seconds
    )


def neighbourhood(network_address: str) -> str:
    """What counts as one place on the network: an IPv4 address, or the /64 that one household gets in IPv6."""
    try:
        address = ipaddress.ip_address(network_address)
    except ValueError:
        return network_address
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(address)


def prune(session: Session, now: datetime) -> None:
    """Forget windows that ended long ago."""
    session.execute(delete(Throttle).where(col(Throttle.window) < now - KEPT))
