"""Moving the clock as time itself would: from one thing that is due to the next, and everything on the way happens."""

from datetime import datetime

from fund.demo.clock import MovedClock
from fund.rehearsing.living import next_event, settle
from fund.worker import Worker


def travel(worker: Worker, clock: MovedClock, target: datetime) -> None:
    """Move to ``target`` (aware), stopping wherever a deadline passes or a mail is due."""
    while True:
        coming = next_event(worker.database, clock.now())
        stop = min(coming, target) if coming else target
        before = clock.now()
        clock.move_to(stop)
        settle(worker)
        if clock.now().date() != before.date():
            worker.daily()
        if stop >= target:
            return
