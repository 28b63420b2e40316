"""The ticks: they come, survive errors and jumping clocks, and end."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from notifications.ticks import JOB_DEFAULTS, Job, Pulse, Ticks

HOUR = 3600.0


class Work:
    """A job that counts how often it ran."""

    def __init__(self, *errors: Exception) -> None:
        self.runs = 0
        self._errors = list(errors)
        self._changed = threading.Condition()

    def __call__(self) -> None:
        with self._changed:
            self.runs += 1
            self._changed.notify_all()
        if self._errors:
            raise self._errors.pop(0)

    def wait_for(self, runs: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.runs >= runs, timeout=10)


@pytest.fixture
def start() -> Iterator[Callable[..., Ticks]]:
    with ExitStack() as stack:

        def begin(*, now: bool = True, watch_seconds: float = HOUR, **jobs: Job) -> Ticks:
            ticks = Ticks(jobs, watch_seconds=watch_seconds)
            stack.callback(ticks.stop)
            if now:
                ticks.start()
            return ticks

        yield begin


def settled(ticks: Ticks, name: str) -> None:
    """Wait until a run has left its mark."""
    end = time.monotonic() + 10
    while ticks.last(name) is None and not ticks.error(name):
        assert time.monotonic() < end
        threading.Event().wait(0.001)


def test_every_job_runs_at_once_and_then_again(start: Callable[..., Ticks]) -> None:
    often, seldom = Work(), Work()
    ticks = start(often=Job(0.02, often), seldom=Job(HOUR, seldom))
    often.wait_for(3)
    seldom.wait_for(1)
    settled(ticks, "seldom")
    assert seldom.runs == 1
    last = ticks.last("seldom")
    assert last is not None
    assert datetime.now(UTC) - last < timedelta(minutes=1)


def test_a_job_that_fails_is_tried_again_and_says_why(
    start: Callable[..., Ticks], caplog: pytest.LogCaptureFixture
) -> None:
    once, always = Work(ValueError("no luck")), Work(*[OSError("gone")] * 9)
    ticks = start(once=Job(0.02, once), always=Job(HOUR, always))
    once.wait_for(2)
    settled(ticks, "always")
    assert ticks.error("always") == "OSError: gone"
    assert ticks.last("always") is None
    assert "once failed" in caplog.text


def test_a_job_can_be_woken(start: Callable[..., Ticks]) -> None:
    work = Work()
    ticks = start(work=Job(HOUR, work))
    work.wait_for(1)
    settled(ticks, "work")
    ticks.wake("work")
    work.wait_for(2)


def test_a_job_never_runs_beside_itself_and_nobody_complains(
    start: Callable[..., Ticks], caplog: pytest.LogCaptureFixture
) -> None:
    inside, most = [0], [0]
    work = Work()

    def slow() -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        threading.Event().wait(0.05)
        inside[0] -= 1
        work()

    start(slow=Job(0.01, slow))
    work.wait_for(3)
    assert most == [1]
    assert caplog.text == ""


def test_missed_ticks_are_neither_dropped_nor_piled_up(start: Callable[..., Ticks]) -> None:
    ticks = start(work=Job(HOUR, Work()))
    (job,) = ticks._scheduler.get_jobs()
    assert {name: getattr(job, name) for name in JOB_DEFAULTS} == JOB_DEFAULTS


@pytest.mark.chaos
@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_a_jump_of_the_clock_starts_all_ticks_anew(jump: float) -> None:
    wall = [1000.0]
    work = Work()
    ticks = Ticks({"work": Job(HOUR, work)}, watch_seconds=HOUR, wall=lambda: wall[0], monotonic=lambda: 50.0)
    ticks.start()
    work.wait_for(1)
    assert not ticks._arm_again_after_a_jump()
    wall[0] += jump
    assert ticks._arm_again_after_a_jump()
    work.wait_for(2)
    assert not ticks._arm_again_after_a_jump()
    ticks.stop()


def test_the_clock_is_watched(start: Callable[..., Ticks]) -> None:
    wall, work = [0.0], Work()
    ticks = Ticks({"work": Job(HOUR, work)}, watch_seconds=0.01, wall=lambda: wall[0], monotonic=lambda: 0.0)
    ticks.start()
    work.wait_for(1)
    wall[0] = HOUR
    work.wait_for(2)
    ticks.stop()


def test_a_sweep_that_stands_still_is_noticed() -> None:
    moment = [100.0]
    ticks = Ticks({"sweep": Job(15, Work())}, monotonic=lambda: moment[0])
    assert ticks.stands_still("sweep")  # not even started
    ticks._started_at = 100.0
    moment[0] = 190.0
    assert not ticks.stands_still("sweep")
    moment[0] = 190.1
    assert ticks.stands_still("sweep")
    ticks._pulses["sweep"] = Pulse(monotonic=190.0)
    assert not ticks.stands_still("sweep")


def test_after_the_stop_nothing_runs(start: Callable[..., Ticks]) -> None:
    work = Work()
    ticks = start(work=Job(0.01, work))
    work.wait_for(1)
    ticks.stop()
    runs = work.runs
    threading.Event().wait(0.05)
    assert work.runs == runs
    ticks._started_at = None  # the fixture stops it once more
