"""The folder of a demonstration: nothing of anybody else's is ever removed, and one process at a time shows it."""

import pytest

from fund.base.errors import Misconfigured
from fund.base.settings import Settings
from fund.demo.clock import MovedClock
from fund.demo.folder import StageFolder
from fund.demo.stage import OPENING, set_up


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "fund.sqlite3").write_text("a real fund's")
    with pytest.raises(Misconfigured, match="holds other files"):
        set_up(Settings(), tmp_path, fresh=True, tell=print)
    assert [path.name for path in tmp_path.iterdir()] == ["fund.sqlite3"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="cannot hold the demonstration's data"):
        StageFolder(tmp_path / "file" / "demo")


def test_a_folder_in_use_is_not_taken(tmp_path):
    first = StageFolder(tmp_path)
    with pytest.raises(Misconfigured, match="is running"):
        StageFolder(tmp_path)
    first.close()
    StageFolder(tmp_path).close()


def test_a_story_counts_when_it_was_told_to_the_end(tmp_path):
    held = StageFolder(tmp_path)
    assert not held.has("3")
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "000001.eml").touch()
    held.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["ready"]
    assert not held.has("3")
    held.keep("3")
    assert held.has("3")
    assert not held.has("4")
    held.close()


def test_the_clock_runs_on_across_restarts_and_never_goes_back(tmp_path):
    clock = MovedClock(tmp_path / "clock.json", OPENING)
    later = OPENING.replace(year=2022)
    clock.move_to(later)
    clock.move_to(OPENING)
    assert clock.now() >= later
    assert MovedClock(tmp_path / "clock.json", OPENING).now() >= later
    (tmp_path / "clock.json").write_text("not whole")
    assert MovedClock(tmp_path / "clock.json", OPENING).now() < later
