"""A client of the test app, and axe."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.loop import quick
from tests.web.sink import make_app


@pytest.fixture
def clients() -> Iterator[Callable[..., TestClient]]:
    """Makes clients of the test app; ``who`` is amina, manager, reviewer or nobody; the rest goes to make_app."""
    opened: list[TestClient] = []

    def make(who: str = "", **options: Any) -> TestClient:
        cookies = {"who": who} if who else {}
        client = quick(TestClient(make_app(**options), follow_redirects=False, cookies=cookies))
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.app.state.fund.db.close()
        client.close()


@pytest.fixture
def client(clients: Callable[..., TestClient]) -> TestClient:
    """A client of the test app that nobody is signed in to."""
    return clients()
