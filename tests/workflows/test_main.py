"""``python -m workflows``: the engine without the fund."""

import json
import subprocess
import sys

import pytest

from tests.workflows.drafts import SOUND, VISIT, sound
from workflows.__main__ import main
from workflows.definition import Definition
from workflows.draw import mermaid, svg


def test_check_tells_findings_and_exits_by_the_worst(tmp_path, capsys) -> None:
    file = tmp_path / "visit.toml"
    file.write_text(SOUND)
    assert main(["check", str(file)]) == 0
    assert capsys.readouterr().out == ""
    file.write_text(sound(visit=VISIT.replace("[-2, 1]", "[]")))
    assert main(["check", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: line 30: warning: deadline visit: nobody is reminded of it\n"
    file.write_text("name = 1\n")
    assert main(["check", str(file)]) == 1
    assert f"{file}: line 1: error: name: must be a name" in capsys.readouterr().out


@pytest.mark.parametrize(("wanted", "expected"), [("svg", svg), ("mermaid", mermaid)])
def test_pictures(tmp_path, capsys, wanted, expected) -> None:
    file = tmp_path / "visit.toml"
    file.write_text(SOUND)
    assert main([wanted, str(file)]) == 0
    assert capsys.readouterr().out.strip() == expected(Definition.parse(SOUND)).strip()
    file.write_text("nonsense")
    assert main([wanted, str(file)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"{file}: line 1: error: not valid TOML")


def test_files_that_cannot_be_read(tmp_path, capsys) -> None:
    assert main(["check", str(tmp_path / "none.toml")]) == 2
    assert "No such file" in capsys.readouterr().err
    file = tmp_path / "bytes.toml"
    file.write_bytes(b"\xff")
    assert main(["check", str(file)]) == 2
    assert "invalid start byte" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["dance"], ["check"], ["check", "a", "b"]])
def test_wrong_use_is_answered_with_the_right_one(arguments, capsys) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: python -m workflows check FILE")


def test_schema_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "workflows", "schema"],
        capture_output=True,
        check=True,
        text=True,
    )
    assert json.loads(done.stdout)["title"] == "Workflow definition"
