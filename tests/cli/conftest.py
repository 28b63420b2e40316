"""The command line in this process: what it answers, and a folder of data of its own."""

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fund.cli import main


@dataclass(frozen=True)
class Said:
    """How a command ended: exit code, standard output, and the lines of standard error."""

    code: int
    out: str
    errors: list[str]


Fund = Callable[..., Said]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder that commands work in; it is not there yet."""
    folder = tmp_path / "data"
    monkeypatch.setenv("FUND_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def fund(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Said]]:
    """Runs ``fund`` with these arguments, through the function that the installed command calls."""
    root = logging.getLogger()
    kept = root.handlers[:], root.level

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["fund", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Said(int(ended.value.code or 0), said.out, said.err.splitlines())

    yield run
    root.handlers[:], root.level = kept
