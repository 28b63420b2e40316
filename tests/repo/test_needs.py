"""What is missing on a machine is said in one line, or is an error where all is required."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.repo.tree import ROOT
from tests.support.shared import close_folder, once, open_folder, remove_leftovers


def run_tests(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Tests in a process of their own; ``environment`` is added to this one's."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True
    )


NOTHING = {"FUND_TEST_POSTGRES_URL": "none", "FUND_CHROMIUM": "none"}
FEW = ("tests/repo/test_support.py", "-k", "clock or browser or all_tables")


@pytest.mark.parametrize("processes", ["0", pytest.param("1", marks=pytest.mark.slow)])
def test_what_was_left_out_is_one_line_at_the_end(processes: str) -> None:
    done = run_tests(*FEW, "-n", processes, **NOTHING, FUND_REQUIRE_ALL="")
    *_, line, closing = done.stdout.splitlines()
    assert line == (
        "left out: 1 that need PostgreSQL (install postgresql or set FUND_TEST_POSTGRES_URL); "
        "3 that need Chromium (install chromium or set FUND_CHROMIUM)"
    )
    assert closing.startswith("2 passed")
    assert done.returncode == 0


@pytest.mark.slow
def test_where_all_is_required_a_missing_one_is_an_error() -> None:
    done = run_tests(*FEW, **NOTHING, FUND_REQUIRE_ALL="1")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stderr.strip() == (
        "ERROR: FUND_REQUIRE_ALL is set, but "
        "PostgreSQL is missing: install postgresql or set FUND_TEST_POSTGRES_URL; "
        "Chromium is missing: install chromium or set FUND_CHROMIUM"
    )


@pytest.mark.slow
def test_where_all_is_required_a_skipped_test_is_a_failure(tmp_path: Path) -> None:
    lazy = tmp_path / "test_lazy.py"
    lazy.write_text("import pytest\n\ndef test_nothing():\n    pytest.skip('not today')\n")
    here = {"FUND_CHROMIUM": sys.executable, "FUND_TEST_POSTGRES_URL": "postgresql://unused"}
    arguments = ("-p", "tests.conftest", "--rootdir", str(tmp_path), str(lazy))
    done = run_tests(*arguments, **here, FUND_REQUIRE_ALL="1")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "tests were skipped: that is a failure" in done.stdout


@pytest.mark.slow
def test_a_server_that_was_given_is_used_and_left_as_it_was(postgres_url: str) -> None:
    ours = re.search(r"/(fund_[a-z0-9_]+_)(gw\d+|alone)\?", postgres_url)
    assert ours is not None

    def databases() -> set[str]:
        """All but those of this run, which come and go meanwhile."""
        with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
            names = {name for (name,) in connection.execute("SELECT datname FROM pg_database").fetchall()}
        return {name for name in names if not name.startswith(ours[1])}

    before = databases()
    few = ("tests/repo/test_support.py", "-k", "all_tables and postgresql", "-n", "1")
    done = run_tests(*few, FUND_TEST_POSTGRES_URL=postgres_url, FUND_REQUIRE_ALL="")
    assert done.stdout.splitlines()[-1].startswith("1 passed")
    assert before >= {"postgres", "template0", "template1"}
    assert databases() == before


def test_something_shared_is_made_once() -> None:
    folder = open_folder()
    made: list[int] = []
    for attempt in range(3):
        once(folder, "thing", lambda attempt=attempt: made.append(attempt))
    close_folder(folder)
    assert made == [0]
    assert not folder.exists()


def test_the_folder_of_a_run_that_was_killed_is_removed_by_the_next() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    mine = open_folder()
    left = mine.with_name(f"fund-tests-{gone.pid}-left")
    left.mkdir()
    remove_leftovers()
    assert (left.exists(), mine.exists()) == (False, True)
    close_folder(mine)
