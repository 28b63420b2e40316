"""A rehearsal holds up nobody for long, and what a killed one leaves behind does not stay."""

import os
import tempfile
import time
from contextlib import ExitStack

import pytest

from fund.base.errors import TooMany
from fund.rehearsing import copying, queries
from fund.rehearsing.scenario import Manner, Scenario
from tests.support.world import world

SCENARIO = Scenario(Manner.NOBODY)


def test_whoever_comes_while_many_wait_is_sent_away_at_once(sqlite_db, clock):
    """Waiting threads answer nobody else."""
    here = world(sqlite_db, clock.now())
    began = time.monotonic()
    with ExitStack() as waiting, pytest.raises(TooMany):
        for _number in range(queries.WAITING):
            assert queries._queue.acquire(blocking=False)
            waiting.callback(queries._queue.release)
        queries.rehearse(here.db, None, here.round_slug, SCENARIO, clock.now())
    assert time.monotonic() - began < queries.PATIENCE / 2


def test_after_an_error_the_next_one_may_begin(sqlite_db, clock, monkeypatch):
    here = world(sqlite_db, clock.now())
    monkeypatch.setattr(queries, "scratch", None)
    for _number in range(queries.WAITING + 1):
        with pytest.raises(TypeError):
            queries.rehearse(here.db, None, here.round_slug, SCENARIO, clock.now())


def test_copies_of_killed_processes_are_removed_and_those_in_use_are_not(
    sqlite_db, clock, monkeypatch, tmp_path
):
    here = world(sqlite_db, clock.now())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, recent, other = (tmp_path / name for name in ("fund-rehearsal-old", "fund-rehearsal-new", "other"))
    long_ago = time.time() - copying.LEFT_BEHIND - 60
    for folder in (old, recent, other):
        folder.mkdir()
        (folder / "rehearsal.sqlite3").write_text("Lucía Prado")
    (tmp_path / "fund-rehearsal-link").symlink_to(other)
    for folder in (old, other):
        os.utime(folder, (long_ago, long_ago))
    with copying.scratch(here.db, here.round_id):
        assert {one.name for one in tmp_path.iterdir()} > {"fund-rehearsal-new", "other"}
    assert {one.name for one in tmp_path.iterdir()} == {
        "fund-rehearsal-new",
        "other",
        "fund-rehearsal-link",
    }
