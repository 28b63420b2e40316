"""The folder of a demonstration: whose it is, whether its story was told to the end, and that only one shows it."""

import fcntl
import shutil
from pathlib import Path

from fund.base.errors import Misconfigured

MARK = "ready"
BEGUN = "begun"


class StageFolder:
    """A folder held by this process until ``close``. Raises Misconfigured where it is another's.

    The mark in it says which edition of the story was told to the end. A folder that holds something and has no mark
    is no demonstration's: nothing in it is touched.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mark = path / MARK
        try:
            path.mkdir(parents=True, exist_ok=True)
            if any(path.iterdir()) and not self._mark.exists():
                raise Misconfigured(
                    f"{path} holds other files. Name an empty folder: fund demo --data FOLDER"
                )
            self._held = self._mark.open("a")
        except OSError as error:
            raise Misconfigured(f"{path} cannot hold the demonstration's data ({error.strerror}).") from error
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._held.close()
            raise Misconfigured(
                f"A demonstration with the data in {path} is running. Stop it, or name another folder with --data."
            ) from error

    def has(self, edition: str) -> bool:
        """Whether the story of that edition was told to the end here."""
        return self._mark.read_text() == edition

    def clear(self) -> None:
        """Remove everything but the mark, which says from now on that the story is not told yet."""
        self._mark.write_text(BEGUN)
        for path in self.path.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path != self._mark:
                path.unlink()

    def keep(self, edition: str) -> None:
        """Note that the story of that edition was told to the end."""
        self._mark.write_text(edition)

    def close(self) -> None:
        """Let another process have the folder."""
        self._held.close()
