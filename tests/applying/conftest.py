"""A fund in memory behind its doors."""

import pytest

from tests.support.doors import Doors
from tests.support.world import World
from tests.support.world import world as make_world


@pytest.fixture
def fund(db, clock) -> World:
    """Members, people and an open round, once on each database."""
    return make_world(db, clock.now())


@pytest.fixture
def world(sqlite_db, clock) -> World:
    """The same, on SQLite only: for pages and API."""
    return make_world(sqlite_db, clock.now())


@pytest.fixture
def doors(world, clock) -> Doors:
    """Browsers and programs in front of the product."""
    return Doors(world.db, clock)
