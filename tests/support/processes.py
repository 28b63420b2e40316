"""The installed commands as processes of their own: started, listened to, told to stop."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


class Running:
    """A command that runs; ``lines`` are what it has said so far, on either output."""

    def __init__(self, arguments: tuple[str, ...], settings: dict[str, str]) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FUND_")}
        clean.pop("PYTHONDONTWRITEBYTECODE", None)
        self.lines: list[str] = []
        self._coming: queue.Queue[str | None] = queue.Queue()
        if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
            # Where the tests were started in the background, whatever they start would never hear Ctrl+C.
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "fund.cli", *arguments],
            cwd=ROOT,
            env=clean | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as said:
            for line in said:
                self._coming.put(line.rstrip("\n"))
        self._coming.put(None)

    def wait_for(self, words: str, *, seconds: float = 240) -> str:
        """The first line from now on with these words; AssertionError where it ends or falls silent before."""
        while (line := self._coming.get(timeout=seconds)) is not None:
            self.lines.append(line)
            if words in line:
                return line
        raise AssertionError(f"it ended without saying {words!r}:\n" + "\n".join(self.lines))

    def end(self, number: signal.Signals, *, seconds: float = 60) -> int:
        """Send the signal and wait; the exit code. All that it said is in ``lines`` then."""
        self.process.send_signal(number)
        code = self.process.wait(seconds)
        while (line := self._coming.get(timeout=seconds)) is not None:
            self.lines.append(line)
        return code


@contextmanager
def fund(*arguments: str, **settings: object) -> Iterator[Running]:
    """``fund …`` with these settings (``port=1`` is FUND_PORT=1), killed at the end if it still runs."""
    running = Running(arguments, {f"FUND_{name.upper()}": str(value) for name, value in settings.items()})
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()
