"""What the test processes of one run share: a folder, and things made in it by whoever comes first."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.postgres import Server, find_programs

PREFIX = "fund-tests-"


def open_folder() -> Path:
    """A new folder for this run; its name carries the process id, so that leftovers can be told."""
    remove_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    folder.chmod(0o711)  # the server's user has to get through
    return folder


def close_folder(folder: Path) -> None:
    """Stop the database server of the run, if there was one, and remove the folder."""
    if (folder / "postgres").exists() and find_programs() is not None:
        Server(folder / "postgres").stop()
    shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers() -> None:
    """Close the folders of runs whose process is gone: they were killed before they could."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        owner = folder.name.removeprefix(PREFIX).split("-")[0]
        if owner.isdigit() and _is_gone(int(owner)):
            close_folder(folder)


def once(folder: Path, name: str, make: Callable[[], None]) -> None:
    """Call ``make`` once for all test processes of the run; the others wait until it is done."""
    done = folder / f"{name}.done"
    with _locked(folder / f"{name}.lock"):
        if not done.exists():
            make()
            done.touch()


def keep_figure(folder: Path, line: str) -> None:
    """Keep a line for the end of the run, whichever process it comes from."""
    with _locked(folder / "figures.lock"), (folder / "figures").open("a") as kept:
        kept.write(line + "\n")


def figures(folder: Path) -> list[str]:
    """What was kept, in alphabetical order."""
    kept = folder / "figures"
    return sorted(kept.read_text().splitlines()) if kept.exists() else []


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_gone(process: int) -> bool:
    with suppress(PermissionError):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
    return False
