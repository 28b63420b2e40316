"""Fixtures for all rooms, and what is left out where PostgreSQL or Chromium is missing.

database_url   a fresh database with all tables; the test runs once on SQLite and once on PostgreSQL
sqlite_url     the same, on SQLite only;  postgres_url: on PostgreSQL only
db             fund.base.database.Database of database_url;  sqlite_db: on SQLite only
clock          stands at 21 September 2021, 08:00 UTC, until it is moved
mailbox        a real mail server that can be told to misbehave
figure         says a line at the end of the whole run: what a test counted or measured
visits         opens browser pages in contexts of their own;  page: one of them
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from fund.base.clock import FixedClock
from fund.base.database import Database
from tests.support import browser as browsers
from tests.support import databases, loop, needs, shared
from tests.support.smtp import Mailbox

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

for name in [name for name in os.environ if name.startswith("FUND_")]:
    if name not in ("FUND_REQUIRE_ALL", "FUND_LONG", "FUND_CHROMIUM", "FUND_TEST_POSTGRES_URL"):
        del os.environ[name]  # the tests do not depend on how this machine's own fund is set up

hypothesis.settings.register_profile(
    "house",
    deadline=None,
    print_blob=True,
    derandomize=needs.all_required(),
    max_examples=100 if needs.all_required() or os.environ.get("FUND_LONG") else 20,
)
hypothesis.settings.load_profile("house")

RUN_FOLDER = pytest.StashKey[Path]()
LACKING = pytest.StashKey[Counter[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LACKING] = Counter()
    if hasattr(config, "workerinput"):
        config.stash[RUN_FOLDER] = Path(config.workerinput["fund_run_folder"])
    else:
        needs.refuse_to_run_without()
        config.stash[RUN_FOLDER] = shared.open_folder()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and RUN_FOLDER in config.stash:
        databases.clear(config.stash[RUN_FOLDER])
        shared.close_folder(config.stash[RUN_FOLDER])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    node.workerinput["fund_run_folder"] = str(node.config.stash[RUN_FOLDER])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error: object) -> None:
    for name, count in getattr(node, "workeroutput", {}).get("fund_lacking", {}).items():
        node.config.stash[LACKING][name] = count


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    needs.mark_by_fixture(item)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept, dropped, lacking = needs.split(items)
    config.stash[LACKING] = lacking
    items[:] = sorted(kept, key=needs.turn)
    if dropped:
        config.hook.pytest_deselected(items=dropped)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("browser") is None:
        browsers.close_kept()


def pytest_sessionfinish(session: pytest.Session) -> None:
    browsers.close_kept()
    loop.close()
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["fund_lacking"] = dict(session.config.stash[LACKING])
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if needs.all_required() and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in shared.figures(config.stash[RUN_FOLDER]):
        terminalreporter.write_line(line)
    if line := needs.left_out(config.stash[LACKING]):
        terminalreporter.write_line(line, yellow=True)
    if needs.all_required() and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line(
            "FUND_REQUIRE_ALL is set, but tests were skipped: that is a failure", red=True
        )


@pytest.fixture(scope="session")
def run_folder(pytestconfig: pytest.Config) -> Path:
    """The folder that all test processes of this run share."""
    return pytestconfig.stash[RUN_FOLDER]


@pytest.fixture
def figure(run_folder: Path) -> Callable[[str], None]:
    """Says a line at the end of the whole run."""
    return lambda line: shared.keep_figure(run_folder, line)


@pytest.fixture
def sqlite_url(run_folder: Path) -> Iterator[str]:
    """The address of a fresh SQLite database with all tables."""
    with databases.sqlite_database(run_folder) as url:
        yield url


@pytest.fixture
def postgres_url(run_folder: Path) -> Iterator[str]:
    """The address of a fresh PostgreSQL database with all tables."""
    with databases.postgres_database(run_folder) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, run_folder: Path) -> Iterator[str]:
    """The address of a fresh database with all tables, once on each of the two databases."""
    make = databases.sqlite_database(run_folder)
    if request.param == "postgresql":
        make = databases.postgres_database(run_folder)
    with make as url:
        yield url


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """A fresh database with all tables, once on each of the two databases."""
    with databases.opened(database_url) as database:
        yield database


@pytest.fixture
def sqlite_db(sqlite_url: str) -> Iterator[Database]:
    """A fresh SQLite database with all tables."""
    with databases.opened(sqlite_url) as database:
        yield database


@pytest.fixture
def clock() -> FixedClock:
    """A clock at the network's second anniversary; it moves only with ``move_to`` and ``advance``."""
    return FixedClock(datetime(2021, 9, 21, 8, 0, tzinfo=UTC))


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A mail server on a free port of this machine."""
    with Mailbox() as server:
        yield server


@pytest.fixture
def browser() -> "Browser":
    """The system's Chromium: the same for all tests in a row that need it."""
    return browsers.kept_open()


@pytest.fixture
def visits(browser: "Browser") -> Iterator[browsers.Visits]:
    """Opens pages, each as another person's browser; fails where a page complained."""
    with browsers.visits(browser) as opened:
        yield opened


@pytest.fixture
def page(visits: browsers.Visits) -> "Page":
    """One page, 1280 by 800."""
    return visits.open()
