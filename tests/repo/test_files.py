"""What is committed holds everywhere: no machine's paths, no index's address, no broken link."""

import re
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.settings import TARGET, page
from tests.repo.tree import ROOT, pins, text, tracked

# Written in pieces, so that this file does not find itself.
INDEX = "|".join(
    ["index" + "-url", "find" + "-links", "files.python" + "hosted", "pypi.org" + "/simple", '"resolved": *"']
)
MACHINE = r"(?<![\w.}*-])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "ho" + "me", "Us" + "ers"]) + r")/\w"


def lines_with(pattern: str) -> list[str]:
    found = []
    for path in tracked():
        for number, line in enumerate((text(path) or "").splitlines(), 1):
            if re.search(pattern, line):
                found.append(f"{path}:{number}: {line.strip()[:100]}")
    return found


def test_no_file_holds_the_address_of_a_package_index() -> None:
    assert lines_with(INDEX) == []


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    assert lines_with(MACHINE) == []


@pytest.mark.parametrize("line", ["see /ro" + "ot/fund", "cd /wo" + "rk/main", "'/ho" + "me/ana/x'"])
def test_a_path_of_a_machine_would_be_found(line: str) -> None:
    assert re.search(MACHINE, line)


def test_no_key_and_no_database_is_committed() -> None:
    names = [
        str(path) for path in tracked() if re.search(r"(\.(pem|key|sqlite3?|db|env)|id_rsa)$", path.name)
    ]
    assert names == []
    assert lines_with("BEGIN [A-Z ]*PRIVATE " + "KEY") == []


@pytest.mark.parametrize("name", ["base.txt", "dev.txt"])
def test_every_requirement_is_pinned_by_version_and_hash(name: str) -> None:
    assert len(pins(name)) > 40


def test_the_tests_run_on_what_the_fund_runs_on() -> None:
    assert pins("base.txt").items() <= pins("dev.txt").items()


@pytest.mark.parametrize("name", ["base", "dev"])
def test_every_wish_is_in_the_lock(name: str) -> None:
    wishes = (ROOT / "requirements" / f"{name}.in").read_text().splitlines()
    wanted = {canonicalize_name(Requirement(wish).name) for wish in wishes if wish and wish[0] not in "#-"}
    assert wanted - pins(f"{name}.txt").keys() == set()


def test_every_setting_is_documented() -> None:
    assert TARGET.read_text(encoding="utf-8") == page(), "a setting changed: run `make settings`"


def test_every_link_in_the_documents_leads_somewhere() -> None:
    broken = []
    for path in [path for path in tracked() if path.suffix == ".md"]:
        for target in re.findall(r"\]\(([^)\s]+)\)", text(path) or ""):
            local = unquote(target.partition("#")[0])
            if local and "://" not in local and not (ROOT / path.parent / local).exists():
                broken.append(f"{path}: {target}")
    assert broken == []


def test_decisions_are_numbered_in_order_and_have_their_parts() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))
    for record in records:
        content = record.read_text()
        assert content.startswith(f"# {int(record.name[:4])}. "), record.name
        headings = re.findall(r"^## (.*)$", content, re.MULTILINE)
        assert headings[:3] == ["Context", "Decision", "Consequences"], record.name


def test_the_papers_of_a_free_project_are_there() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (project["license"], project["requires-python"]) == ("Apache-2.0", ">=3.11")


def test_every_word_of_the_makefile_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text()
    [phony] = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    explained = re.findall(r"^([a-z]+):.* ## .+$", makefile, re.MULTILINE)
    assert explained == phony.split()
    listed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert [line.split()[1] for line in listed.stdout.splitlines()] == explained


def test_the_check_of_a_change_is_a_program_that_bash_can_read() -> None:
    program = ROOT / ".ci" / "run"
    assert program.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", str(program)], capture_output=True).stderr == b""


def test_no_file_is_larger_than_a_slow_line_can_bear() -> None:
    large = [str(path) for path in tracked() if (ROOT / path).stat().st_size > 700_000]
    assert large == []


def test_names_are_ones_that_every_system_can_hold() -> None:
    assert [str(path) for path in tracked() if not re.fullmatch(r"[\w./-]+", str(path), re.ASCII)] == []
    lowered = [str(path).lower() for path in tracked()]
    assert len(lowered) == len(set(lowered))


def test_the_root_holds_only_what_a_reader_expects_there() -> None:
    folders = {path.parts[0] for path in tracked() if len(path.parts) > 1}
    known = {
        ".ci",
        "bench",
        "docs",
        "fund",
        "notifications",
        "requirements",
        "schema",
        "scripts",
        "tests",
        "workflows",
    }
    assert folders - known == set()
    assert Path("README.md") in tracked()
