"""A world and the doors to it, for the pages and the API of this room."""

import pytest

from tests.support.doors import Doors
from tests.support.world import World
from tests.support.world import world as make_world


@pytest.fixture
def small(sqlite_db, clock) -> World:
    """Members, people and an open round, on SQLite."""
    return make_world(sqlite_db, clock.now(), title="Call 2022", pot_minor=10**9)


@pytest.fixture
def doors(small, clock) -> Doors:
    """The product."""
    return Doors(small.db, clock)
