"""A web process with its worker inside that says how long its event loop was held: ``python -m bench.web``.

It takes the database, the mail server's port and a folder, and says its own port first. Then it answers each line on
its standard input with the longest time that the loop was held since the last line, with the time that 99 of 100 turns
stayed under, and with the longest without waits for a processor that other programs had; in milliseconds.
"""

import asyncio
import socket
import sys
import threading
from pathlib import Path

import uvicorn

from fund.app import create_app, settle_down
from fund.base import soundness
from fund.base.clock import SystemClock
from fund.base.database import Database
from fund.base.settings import Settings
from fund.worker import Worker

STEP = 0.002


class Watched(uvicorn.Server):
    """Wakes up every two milliseconds and keeps how much later than that it was, and how much of it was ours."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.late, self.ours = [0.0], [0.0]
        self.watching: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and watch."""
        await super().startup(sockets=sockets)
        self.watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            before, waited = loop.time(), _waited()
            await asyncio.sleep(STEP)
            late = loop.time() - before - STEP
            self.late.append(late)
            self.ours.append(late - (_waited() - waited))

    def answer(self) -> None:
        """Answer each line."""
        for _ in sys.stdin:
            late, self.late, ours, self.ours = sorted(self.late), [0.0], max(self.ours), [0.0]
            most = late[len(late) * 99 // 100]
            print(*(f"{seconds * 1000:.1f}" for seconds in (late[-1], most, ours)), flush=True)


def _waited() -> float:
    """For how many seconds this thread was ready and had no processor; 0 where Linux does not say."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def main(url: str, port: str, folder: str) -> None:
    """Serve until killed."""
    settings = Settings(
        database_url=url, data_dir=Path(folder), smtp_port=int(port), mail_limits="", sweep_seconds=1,
        embedded_worker=True, log_level="error",
    )  # fmt: skip
    database = Database(url)
    app = create_app(settings, db=database)
    door = socket.socket()
    door.bind(("127.0.0.1", 0))
    door.listen()
    server = Watched(uvicorn.Config(app, log_config=None, access_log=False))
    threading.Thread(target=server.answer, daemon=True).start()
    soundness.report(database)  # as ``fund serve`` does
    settle_down(app)
    print(door.getsockname()[1], flush=True)
    with Worker(settings, database, SystemClock()).running():
        server.run(sockets=[door])


if __name__ == "__main__":
    main(*sys.argv[1:])
