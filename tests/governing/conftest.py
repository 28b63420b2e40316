"""A fund behind its doors."""

import pytest

from tests.support.doors import Doors
from tests.support.world import world


@pytest.fixture
def here(sqlite_db, clock):
    return world(sqlite_db, clock.now())


@pytest.fixture
def doors(here, clock):
    return Doors(here.db, clock)
