"""A fund in memory behind its doors."""

import pytest

from tests.support.doors import Doors
from tests.support.world import World
from tests.support.world import world as make_world


@pytest.fixture
def world(sqlite_db, clock) -> World:
    """Members, people and an open round."""
    return make_world(sqlite_db, clock.now())


@pytest.fixture
def doors(world, clock) -> Doors:
    """Browsers and programs in front of the product."""
    return Doors(world.db, clock)
