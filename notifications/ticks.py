"""The ticks that make time pass: a few jobs at steady intervals. The only importer of apscheduler.

No job stands for one message or one date: what is due is read from the database at every tick, so a tick that was
missed is caught up by the next one.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler

log = logging.getLogger("notifications")
# Its warnings say, each second, that a sweep of thousands is still running: that is how it should be.
quiet = logging.getLogger("notifications.scheduler")
quiet.setLevel(logging.ERROR)

# Given to the constructor under their own names they are ignored without a word; only job_defaults counts.
JOB_DEFAULTS = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
JITTER = 0.1
"""Each tick comes up to a tenth of its interval early or late, so that several workers do not march in step."""
JUMP_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Job:
    """What to do every ``seconds`` of real time."""

    seconds: float
    work: Callable[[], object]


@dataclass(slots=True)
class Pulse:
    """When a job last came to its end without an error."""

    at: datetime | None = None
    monotonic: float | None = None
    error: str = ""


class Ticks:
    """Runs jobs in background threads until ``stop``. Every job runs once at the start."""

    def __init__(
        self,
        jobs: Mapping[str, Job],
        *,
        watch_seconds: float = 5,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._jobs = dict(jobs)
        self._pulses = {name: Pulse() for name in jobs}
        self._wall, self._monotonic = wall, monotonic
        self._watch_seconds = watch_seconds
        self._scheduler = BackgroundScheduler(job_defaults=JOB_DEFAULTS, timezone=UTC, logger=quiet)
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="clock watch", daemon=True)
        self._lead = wall() - monotonic()
        self._started_at: float | None = None

    def start(self) -> None:
        """Begin. The jobs run for the first time at once."""
        for name, job in self._jobs.items():
            self._scheduler.add_job(
                self._run,
                "interval",
                args=(name,),
                id=name,
                seconds=job.seconds,
                jitter=job.seconds * JITTER,
                next_run_time=datetime.now(UTC),
            )
        self._started_at = self._monotonic()
        self._scheduler.start()
        self._watcher.start()

    def stop(self) -> None:
        """End after the jobs that are running; no other begins."""
        self._stopping.set()
        if self._started_at is not None:
            self._scheduler.shutdown(wait=True)
            self._watcher.join()

    def wake(self, name: str) -> None:
        """Run a job now instead of at its next tick."""
        self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))

    def last(self, name: str) -> datetime | None:
        """When the job last came to its end without an error, by the machine's clock; None before the first time."""
        return self._pulses[name].at

    def error(self, name: str) -> str:
        """What its last run failed with; empty if it went well."""
        return self._pulses[name].error

    def stands_still(self, name: str) -> bool:
        """Whether the job has not come to a good end for four of its intervals and half a minute."""
        if self._started_at is None:
            return True
        since = self._pulses[name].monotonic or self._started_at
        return self._monotonic() - since > 4 * self._jobs[name].seconds + 30

    def _run(self, name: str) -> None:
        pulse = self._pulses[name]
        try:
            self._jobs[name].work()
        # The next tick tries again: a job that failed once must not end all others.
        except Exception as error:
            pulse.error = f"{type(error).__name__}: {error}"
            log.exception("%s failed", name)
        else:
            pulse.at, pulse.monotonic, pulse.error = datetime.now(UTC), self._monotonic(), ""

    def _watch(self) -> None:
        while not self._stopping.wait(self._watch_seconds):
            self._arm_again_after_a_jump()

    def _arm_again_after_a_jump(self) -> bool:
        """A clock that was set back by an hour would silence an interval job for an hour."""
        lead = self._wall() - self._monotonic()
        jumped = abs(lead - self._lead) > JUMP_SECONDS
        self._lead = lead
        if jumped:
            log.warning("the machine's clock jumped; all ticks start anew")
            for name in self._jobs:
                self.wake(name)
        return jumped
