"""A real web server in a thread, for browsers and for clients that need a port."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import uvicorn

T = TypeVar("T")


def free_socket() -> socket.socket:
    """A listening socket on a free port of this machine: the port is known before the application is made."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    return listening


def address_of(listening: socket.socket) -> str:
    """``http://127.0.0.1:port`` of a socket from ``free_socket``."""
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


def apart(work: Callable[[], T]) -> T:
    """Do it in a thread of its own, as a worker does: the event loop of this one may be Playwright's."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work).result()


@contextmanager
def served(app: Any, listening: socket.socket | None = None) -> Iterator[str]:
    """Serve an ASGI application while inside; yields its address. Start-up and shut-down handlers run."""
    listening = listening or free_socket()
    started = _Server(
        uvicorn.Config(app, log_level="warning", lifespan="on", ws="none", timeout_graceful_shutdown=2)
    )
    thread = threading.Thread(target=started.run, kwargs={"sockets": [listening]}, name="web", daemon=True)
    thread.start()
    try:
        assert started.ready.wait(20), "the web server did not start in 20 s"
        assert started.started, "the application refused to start"
        yield address_of(listening)
    finally:
        started.should_exit = True
        thread.join(timeout=10)
        listening.close()
    assert not thread.is_alive(), "the web server did not stop in 10 s"


class _Server(uvicorn.Server):
    """Tells when it is up, or has given up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets=sockets)
        finally:
            self.ready.set()
