"""The one source of the present moment. It is read at the edge of a use case and passed on as ``now``."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the present moment as an aware datetime in UTC."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is moved: for tests and for rehearsals."""

    def __init__(self, now: datetime) -> None:
        if now.tzinfo is None:
            raise ValueError("a clock needs an aware moment")
        self._now = now.astimezone(UTC)

    def now(self) -> datetime:
        """The moment it was last moved to, in UTC."""
        return self._now

    def move_to(self, moment: datetime) -> None:
        """Stand at ``moment`` (aware) from now on, earlier or later."""
        self._now = moment.astimezone(UTC)

    def advance(self, step: timedelta) -> None:
        """Move on by ``step``."""
        self._now += step
