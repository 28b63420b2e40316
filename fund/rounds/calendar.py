"""The days of a round for calendars, as everybody may know them."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from fund.base.settings import Settings
from fund.base.subjects import chain_of
from fund.rounds import queries
from fund.web.i18n import gettext as _
from notifications.calendar import Entry
from notifications.dates import end_of_local_day
from schema.ledger import LedgerEvent
from schema.rounds import Round


@dataclass(frozen=True)
class Voice:
    """What every entry says of the fund. ``note`` is what files of the demonstration say."""

    settings: Settings
    note: str = ""

    def description(self, path: str) -> str:
        """The longer text of an entry that leads to ``path``, below the fund's address."""
        fund = _("%(fund)s, a fund of %(network)s")
        names = {"fund": self.settings.fund_name, "network": self.settings.network_name}
        return "\n".join(line for line in (fund % names, self.settings.address + path, self.note) if line)


def days(session: Session, round_: Round, now: datetime, voice: Voice) -> list[Entry]:
    """When the round opens, until when it takes proposals, and when it decides: in this order.

    Where it was closed before its day, that day is cancelled.
    """
    number, changed = _told(session, round_)
    closing = end_of_local_day(round_.closes_on, round_.zone)
    over = queries.view(session, round_, now).state.stage not in (queries.PREPARATION, queries.CALL)
    said: list[tuple[str, date | datetime, str, bool]] = [
        ("opens", round_.opens_on, _("Proposals open: %(round)s"), False),
        ("closes", closing, _("Proposals close: %(round)s"), over and closing > now),
        ("decision", round_.decision_on, _("Decisions: %(round)s"), False),
    ]
    path = f"/rounds/{round_.slug}"
    return [
        Entry(
            key=f"round-{round_.id}-{name}",
            sequence=number,
            when=when,
            changed_at=changed,
            summary=summary % {"round": round_.title},
            description=voice.description(path),
            url=voice.settings.address + path,
            cancelled=cancelled,
        )
        for name, when, summary, cancelled in said
    ]


def closing(session: Session, round_: Round, now: datetime, voice: Voice) -> Entry:
    """Until when it takes proposals."""
    return days(session, round_, now, voice)[1]


def _told(session: Session, round_: Round) -> tuple[int, datetime]:
    """How often something happened to the round, and when it last did: its days change in no other way."""
    told = select(LedgerEvent.seq, LedgerEvent.at).where(LedgerEvent.chain == chain_of(round_))
    return session.exec(told.order_by(col(LedgerEvent.seq).desc()).limit(1)).first() or (0, round_.created_at)
