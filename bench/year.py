"""A year of a whole round, rehearsed and then lived through: ``python -m bench.year [--applications 300]``.

Each proposal goes its whole way: drafted, submitted, screened, reviewed twice, decided on; a third of them is funded
and reports. All mail goes to a real mail server. To be reached: the year lived in under two minutes, and not
one mail other than in its rehearsal.
"""

import argparse
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

from bench.measure import folder, fresh_databases
from fund.base.clock import FixedClock
from fund.base.database import Database
from fund.base.settings import Settings
from fund.rehearsing.living import live
from fund.rehearsing.playing import Play
from fund.rehearsing.scenario import Manner, Scenario
from fund.worker import Worker
from tests.rehearsing.support import Fund, Told, planned_fund, rehearsed, told

NOW = datetime(2021, 9, 21, 8, tzinfo=UTC)
CEILING = 20_000_00
Seconds = tuple[float, float]
"""On the wall, and of this process's processor: the second counts where the machine does something else as well."""
IN_TIME = Scenario(Manner.IN_TIME)
DAYS = {
    "closes_on": date(2021, 10, 25),
    "review_due_on": date(2021, 11, 15),
    "decision_on": date(2021, 11, 30),
    "project_months": 4,
}


def main() -> None:
    """Rehearse and live through the year on each database, and say how long it took."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--applications", type=int, default=300, help="how many proposals take part")
    options.add_argument("--days", type=int, default=365, help="how long the year is")
    arguments = options.parse_args()
    for database in fresh_databases():
        year(database, arguments.applications, arguments.days)


def year(database: Database, count: int, days: int) -> None:
    """One round on one database."""
    fund = planned_fund(
        database, NOW, members=count, reviewers=max(3, count // 10), pot_minor=count * CEILING // 3, **DAYS
    )
    start = _watches()
    rehearsal = rehearsed(fund, IN_TIME, NOW, applications=count, until=(NOW + timedelta(days=days)).date())
    rehearsing = _since(start)
    arrived, living = lived(fund, count, rehearsal.until)
    expected, found = Counter(told(rehearsal)), Counter(arrived)
    differ = (expected - found) + (found - expected)
    print(f"{database.dialect}: {count} proposals, {days} days, {len(arrived)} mails")
    print(f"  rehearsed in {rehearsing[0]:.0f} s ({rehearsing[1]:.0f} s of processor)")
    print(f"  lived through in {living[0]:.0f} s ({living[1]:.0f} s of processor; to be under 120)")
    print(f"  mails that differ from the rehearsal: {differ.total()} (to be 0)", flush=True)


def lived(fund: Fund, count: int, until: datetime) -> tuple[list[Told], Seconds]:
    """What arrives at the mail server while the year is lived through, and how long that takes."""
    with folder() as here, mail_server(here / "mail") as port:
        settings = Settings(data_dir=here, smtp_port=port, mail_limits="", log_level="error")
        start, clock = _watches(), FixedClock(NOW)
        worker = Worker(settings, fund.db, clock)
        live(worker, clock, Play(fund.db, fund.round_id, IN_TIME, NOW, count), until)
        worker.sender.stop()
        took = _since(start)
        return list(_arrived((here / "mail").read_bytes())), took


def _watches() -> Seconds:
    return time.perf_counter(), time.process_time()


def _since(start: Seconds) -> Seconds:
    wall, processor = _watches()
    return wall - start[0], processor - start[1]


@contextmanager
def mail_server(file: Path) -> Iterator[int]:
    """The port of a mail server that keeps the head of each mail in the file."""
    command = [sys.executable, "-m", "bench.mailserver", str(file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def _arrived(kept: bytes) -> Iterator[Told]:
    for head in kept.split(b"\r\n\r\n")[:-1]:
        mail = message_from_bytes(head + b"\r\n\r\n", policy=default)
        yield mail["Date"].datetime, str(mail["X-Recipient"]), str(mail["Subject"])


if __name__ == "__main__":
    main()
