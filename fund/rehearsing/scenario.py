"""When people act: each in time, nobody at all, or everybody some days late."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from notifications.dates import reminder_moment

HOUR = 10
"""The local hour at which people act: after the morning's reminders."""
LEAD, LATE, LATEST = 3, 7, 365
"""Days before and after a due day at which people act, and how late they are at most."""
A_WHILE = timedelta(hours=1)
"""So long after something came up, at the soonest, somebody does it."""


class Manner(StrEnum):
    """How people keep their deadlines."""

    IN_TIME = "in_time"
    NOBODY = "nobody"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Scenario:
    """``lead``: days before the due day on which people act in time. ``late``: days after it when they are late."""

    manner: Manner
    lead: int = LEAD
    late: int = LATE

    def moment(
        self, due_on: date, zone: str, since: datetime, *, lapses: bool, of_round: bool
    ) -> datetime | None:
        """When the owner of a deadline that came up at ``since`` acts (UTC); None is never.

        What ``lapses`` when its day is over cannot be done late: whoever is late does it on its last day. A round is
        opened and decided on its day, not before it was announced.
        """
        if self.manner is Manner.NOBODY:
            return None
        days = -self.lead
        if self.manner is Manner.LATE:
            days = 0 if lapses else self.late
        elif of_round:
            days = 0
        return self.on(due_on, days, zone, since)

    @staticmethod
    def on(day: date, days: int, zone: str, since: datetime) -> datetime:
        """The hour at which people act, so many days after ``day``, but not before a while after ``since``."""
        return max(reminder_moment(day, days, zone, HOUR), since + A_WHILE)
