"""A real HTTP server on a free port of this machine that keeps the calls it gets and answers as it is told.

with Receiver() as receiver:
    receiver.answers(429, headers={"Retry-After": "7200"})   # the next call; afterwards 204 again
    receiver.drops()                                         # the next call is read, and the line cut
    receiver.stalls()                                        # the next call gets no answer until the end
    ...
    receiver.calls[0].json["type"]
"""

import json
import ssl
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Call:
    """A call as it came in; names of headers in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


@dataclass(frozen=True)
class _Plan:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Receiver:
    """Answers 204 unless told otherwise."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.calls: list[Call] = []
        self.plans: deque[_Plan | str] = deque()
        self.came = threading.Semaphore(0)
        self.ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.secure = context is not None
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The address to call."""
        return f"{'https' if self.secure else 'http'}://127.0.0.1:{self.port}/hook?to=chat"

    def answers(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """What the next call gets that nothing was said about yet."""
        self.plans.append(_Plan(status, headers or {}, body))

    def wait_for_a_call(self, seconds: float = 120) -> Call:
        """The next call that came, or comes. AssertionError where none does in that time."""
        assert self.came.acquire(timeout=seconds), "no call came"
        return self.calls[-1]

    def drops(self) -> None:
        """The next call is read, and then the line breaks."""
        self.plans.append("drop")

    def stalls(self) -> None:
        """The next call is read, and nothing is said."""
        self.plans.append("stall")


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            receiver.calls.append(Call("POST", self.path, headers, body))
            receiver.came.release()
            plan = receiver.plans.popleft() if receiver.plans else _Plan(204, {}, b"")
            self.close_connection = True
            if isinstance(plan, str):
                if plan == "stall":
                    receiver.ended.wait(30)
                return
            self.send_response(plan.status)
            for name, value in plan.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(plan.body)))
            self.end_headers()
            self.wfile.write(plan.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler
