"""What some tests need besides Python: whether it is here, and saying in one line what was left out."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest

from tests.support import browser, postgres


@dataclass(frozen=True)
class Need:
    """Something that has to be on the machine for the tests with this mark."""

    mark: str
    name: str
    here: Callable[[], bool]
    how: str


def all_required() -> bool:
    """Whether nothing may be left out (FUND_REQUIRE_ALL=1)."""
    return os.environ.get("FUND_REQUIRE_ALL", "") not in ("", "0")


ALWAYS_ON_BOTH = ("base", "schema", "notifications", "repo")
"""Folders of tests in which the database itself is at stake: locks, races, types. The others run on the second database
with those that need minutes."""
DECIDED_IN_PYTHON = {
    *("test_receipts.py", "test_undo.py", "test_health.py", "test_eras.py", "test_extending.py"),
    *("test_holding.py", "test_own_guards.py", "test_digest.py", "test_digest_story.py"),
}
"""Files in those folders that ask nothing of the database but what their neighbours ask already."""

NEEDS = (
    Need("postgres", "PostgreSQL", postgres.available, "install postgresql or set FUND_TEST_POSTGRES_URL"),
    Need(
        "browser",
        "Chromium",
        lambda: browser.find_chromium() is not None,
        "install chromium or set FUND_CHROMIUM",
    ),
    Need("openssl", "OpenSSL", lambda: shutil.which("openssl") is not None, "install openssl"),
    Need(
        "slow",
        "minutes",
        lambda: all_required() or bool(os.environ.get("FUND_LONG")),
        "FUND_LONG=1 make test",
    ),
)


def refuse_to_run_without() -> None:
    """Raise pytest.UsageError, in one line that says what to do, where all is required but not here."""
    missing = [f"{need.name} is missing: {need.how}" for need in NEEDS if not need.here()]
    if all_required() and missing:
        raise pytest.UsageError("FUND_REQUIRE_ALL is set, but " + "; ".join(missing))


def mark_by_fixture(item: pytest.Item) -> None:
    """Mark a test by the fixtures that it uses, so that nobody has to remember."""
    names = set(getattr(item, "fixturenames", ()))
    callspec = getattr(item, "callspec", None)
    database = callspec.params.get("database_url") if callspec is not None else None
    if "postgres_url" in names or database == "postgresql":
        item.add_marker(pytest.mark.postgres)
    always = item.path.parent.name in ALWAYS_ON_BOTH and item.path.name not in DECIDED_IN_PYTHON
    if database == "postgresql" and not always:
        item.add_marker(pytest.mark.slow)
    if "browser" in names:
        item.add_marker(pytest.mark.browser)
    if "tls" in names:
        item.add_marker(pytest.mark.openssl)


def split(items: Iterable[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item], Counter[str]]:
    """The tests that can run here, those that cannot, and how many lack what."""
    missing = [need for need in NEEDS if not need.here()]
    kept, dropped, lacking = [], [], Counter[str]()
    for item in items:
        need = next((need for need in missing if item.get_closest_marker(need.mark)), None)
        if need is None:
            kept.append(item)
        else:
            dropped.append(item)
            lacking[need.name] += 1
    return kept, dropped, lacking


def turn(item: pytest.Item) -> int:
    """Its place in a run: those with a browser in a row, for it starts slowly; then what takes long, so that no
    process is left with it at the end."""
    marks = [item.get_closest_marker(name) is not None for name in ("browser", "slow")]
    return marks.index(True) if any(marks) else len(marks)


def left_out(lacking: Counter[str]) -> str:
    """The one line at the end; empty where nothing was left out."""
    parts = [
        f"{lacking[need.name]} that need {need.name} ({need.how})" for need in NEEDS if lacking[need.name]
    ]
    return "left out: " + "; ".join(parts) if parts else ""
