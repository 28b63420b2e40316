"""One event loop for all clients in memory: without it each request starts a loop and threads of its own."""

from contextlib import ExitStack

from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.testclient import TestClient

_OPEN = ExitStack()
_PORTALS: list[BlockingPortal] = []


def quick(client: TestClient) -> TestClient:
    """The client, whose requests are answered on the loop of this process."""
    if not _PORTALS:
        _PORTALS.append(_OPEN.enter_context(start_blocking_portal()))
    client.portal = _PORTALS[0]
    return client


def close() -> None:
    """End the loop, if there is one; the process would not end before."""
    _PORTALS.clear()
    _OPEN.close()
