"""Thousands of reminders due at one instant, in a web process with the worker inside: how long its event loop is held,
and how long a page takes meanwhile. To be reached: never over 50 ms; a page's p95 under three times its idle one.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

from sqlalchemy import func, select

from bench.mails import mail_server
from bench.measure import folder, fresh_databases
from fund.base.database import Database
from notifications.outbox import MESSAGES
from schema.rounds import Round
from schema.workflows import Workflow
from tests.notifications.world import World
from workflows import shipped

PAGES = ("/", "/rounds", "/projects")
Held = tuple[float, float, float]
"""The longest hold of the event loop, its 99th of a hundred, and the longest without waits for a processor."""
LONGEST = 30
"""So many seconds of the storm are looked at."""


def bursts(due: int) -> None:
    """Rows for each database, quiet and under the storm."""
    for database in fresh_databases():
        with folder() as here, mail_server() as port, _web(database, port, here) as process:
            page = _Pages(process)
            page.times(40)
            idle, idle_held = page.measured(5, database, due)
            _plan(database, due)
            busy, held = page.measured(LONGEST, database, due)
            sent = _sent(database)
        print(f"  {database.dialect}: {due} due at once, {sent} sent meanwhile")
        print(
            f"    longest hold of the event loop {held[0]:8.1f} ms, quiet {idle_held[0]:8.1f} ms (to be under 50)"
        )
        print(
            f"      without waits for a processor {held[2]:7.1f} ms, quiet {idle_held[2]:8.1f} ms"
            " (other programs had them)"
        )
        print(f"    99 of 100 turns within         {held[1]:8.1f} ms, quiet {idle_held[1]:8.1f} ms")
        print(
            f"    p95 of a page                  {busy * 1000:8.1f} ms, quiet {idle * 1000:8.1f} ms,"
            f" {busy / idle:.2f} times (to be under 3)"
        )


class _Pages:
    """Asks one page after the other, as one visitor."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._ask, self._hear = process.stdin, process.stdout
        self._line = HTTPConnection("127.0.0.1", int(self._hear.readline()))

    def measured(self, seconds: float, database: Database, until: int) -> tuple[float, Held]:
        """p95 of a page, and how the event loop was held, until so many mails are sent."""
        self._line.close()  # the server does it anyway when nothing has come for a while
        self._held()
        took, end = [], time.monotonic() + seconds
        while time.monotonic() < end and _sent(database) < until:
            took += self.times(20)
        return statistics.quantiles(took, n=20)[-1], self._held()

    def times(self, count: int) -> list[float]:
        """How long each of so many pages took."""
        took = []
        for nth in range(count):
            start = time.perf_counter()
            self._line.request("GET", PAGES[nth % len(PAGES)])
            answer = self._line.getresponse()
            answer.read()
            took.append(time.perf_counter() - start)
            assert answer.status == 200, answer.status
        return took

    def _held(self) -> Held:
        self._ask.write("\n")
        self._ask.flush()
        longest, most, ours = map(float, self._hear.readline().split())
        return longest, most, ours


@contextmanager
def _web(database: Database, port: int, here: Path) -> Iterator["subprocess.Popen[str]"]:
    url = database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "bench.web", url, str(port), str(here)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _plan(database: Database, due: int) -> None:
    """Reminders of a hundred people whose moment was yesterday."""
    today = datetime.now(UTC)
    world = World(database, today - timedelta(days=3))
    _show(database, world)
    people = [world.person(f"p{nth}@example.org", zone="UTC") for nth in range(100)]
    for _ in range(due // 100):
        world.plan(world.deadline(today.date() + timedelta(days=10)), [-11], people)


def _show(database: Database, world: World) -> None:
    """Give round and proposal real workflows, so that pages can show them."""
    with database.write() as session:
        own = session.get_one(Workflow, world.workflow_id)
        own.source = shipped("application").source
        of_round = Workflow(
            name="round", version=1, digest="r", source=shipped("round").source, stored_at=own.stored_at
        )
        session.add(of_round)
        session.flush()
        session.get_one(Round, world.round_id).workflow_id = of_round.id or 0


def _sent(database: Database) -> int:
    with database.read() as session:
        c = MESSAGES.c
        return session.connection().execute(select(func.count()).where(c.status == "sent")).scalar_one()
