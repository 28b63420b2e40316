"""The demonstration's clock: it runs on from wherever it was last set, and remembers that across restarts."""

import json
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

BEGINNING = datetime(2021, 9, 21, 9, 0, tzinfo=UTC)
"""The morning of the network's second anniversary."""


class MovedClock:
    """Tells the moment it was set to plus the time that has run since. Never goes back."""

    def __init__(self, file: Path, start: datetime) -> None:
        self._file = file
        self._guard = threading.Lock()
        self._set(_stored(file) or start)

    def now(self) -> datetime:
        """The demonstration's moment, aware, in UTC."""
        with self._guard:
            return self._now()

    def move_to(self, moment: datetime) -> None:
        """Go on from ``moment`` (aware); one that lies behind is passed over."""
        with self._guard:
            if moment > self._now():
                self._set(moment)
                self._save()

    def save(self) -> None:
        """Remember where the clock stands. The file is replaced whole: a crash leaves the old or the new one."""
        with self._guard:
            self._save()

    def _now(self) -> datetime:
        return self._moment + timedelta(seconds=time.monotonic() - self._since)

    def _save(self) -> None:
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps({"moment": self._now().isoformat()}))
        os.replace(draft, self._file)

    def _set(self, moment: datetime) -> None:
        self._moment, self._since = moment.astimezone(UTC), time.monotonic()


def _stored(file: Path) -> datetime | None:
    try:
        return datetime.fromisoformat(json.loads(file.read_text())["moment"])
    except (OSError, ValueError, KeyError):
        return None
