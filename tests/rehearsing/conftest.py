"""A fund with a round that is planned, on SQLite."""

import pytest

from tests.rehearsing.support import Fund, planned_fund


@pytest.fixture
def fund(sqlite_db, clock) -> Fund:
    """A manager, two members, three reviewers, and a round that opens on the first of October."""
    return planned_fund(sqlite_db, clock.now())
