"""The habits of the house, measured: who imports whom, how long things are, what the tests may not do."""

import ast
import re
import shutil
import statistics
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.repo.tree import PACKAGES, ROOT, modules, pins, text, tracked

LONGEST_FUNCTION = 60
LONGEST_FILE = 400

Function = ast.FunctionDef | ast.AsyncFunctionDef


def trees(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in modules(*folders):
        if "versions" not in path.parts:
            yield path, parsed(path)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(text(path) or "")


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def contracts_checked(folder: Path) -> "subprocess.CompletedProcess[str]":
    """In a process of its own: the program switches off all logging that is not its own."""
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-cache"], cwd=folder, capture_output=True, text=True)


def test_the_import_contracts_hold() -> None:
    done = contracts_checked(ROOT)
    assert done.returncode == 0, done.stdout


# One line for each contract that would break it.
TRESPASSES = {
    "schema/values.py": "import fund.base.errors",
    "workflows/definition.py": "import schema, sqlite3",
    "notifications/plan.py": "import workflows",
    "fund/base/errors.py": "import transitions, apscheduler, fund.rounds.service",
    "fund/rounds/service.py": "import fastapi, fund.base.states",
    "fund/rounds/pages.py": "import sqlmodel",
    "fund/rounds/api.py": "import fund.rounds.pages",
    "fund/app.py": "import fund.demo",
}


def test_every_import_contract_would_be_seen_to_break(tmp_path: Path) -> None:
    for path in [*modules(*PACKAGES), Path("pyproject.toml")]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(f"{text(path) or ''}\n{TRESPASSES.get(str(path), '')}\n")
    done = contracts_checked(tmp_path)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert [
        contract["name"] for contract in contracts if f"{contract['name']} BROKEN" not in done.stdout
    ] == []


def imported(tree: ast.AST) -> Iterator[str]:
    """The outermost names of all that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


distributions = cache(packages_distributions)
"""It reads what is installed, file by file."""


@pytest.mark.parametrize(
    ("lock", "folders"), [("base.txt", PACKAGES), ("dev.txt", ("tests", "scripts", "bench"))]
)
def test_whatever_is_imported_is_pinned(lock: str, folders: tuple[str, ...]) -> None:
    known = {*sys.stdlib_module_names, *PACKAGES, *folders}
    pinned = pins(lock)
    origin = distributions()
    stray = [
        f"{path}: {name}"
        for path, tree in trees(*folders)
        for name in set(imported(tree)) - known
        if not any(canonicalize_name(distribution) in pinned for distribution in origin.get(name, ()))
    ]
    assert stray == []


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{path}:{function.lineno} {function.name} has {length(function)} lines"
        for path, tree in trees(*PACKAGES, "tests", "scripts", "bench")
        for function in functions(tree)
        if length(function) > LONGEST_FUNCTION
    ]
    assert long == []


def test_most_functions_are_short() -> None:
    lengths = [length(function) for _, tree in trees(*PACKAGES) for function in functions(tree)]
    assert statistics.median(lengths) <= 8
    assert statistics.quantiles(lengths, n=10)[-1] < 30


def test_no_file_is_longer_than_a_reader_holds_in_mind() -> None:
    counted = {
        path: len((text(path) or "").splitlines())
        for path in modules(*PACKAGES)
        if "versions" not in path.parts
    }
    assert {str(path): lines for path, lines in counted.items() if lines >= LONGEST_FILE} == {}


def is_stub(function: Function) -> bool:
    return ast.unparse(function.body[0]) == "..."


def undocumented(tree: ast.Module) -> Iterator[str]:
    """Public functions and classes of a module, and public methods of its public classes, without a docstring."""
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            if not ast.get_docstring(node):
                yield node.name
            if isinstance(node, ast.ClassDef):
                # A protocol's methods without a body are names of what its implementations explain.
                methods = [
                    method for method in node.body if isinstance(method, Function) and not is_stub(method)
                ]
                yield from (
                    f"{node.name}.{method.name}"
                    for method in methods
                    if not method.name.startswith("_") and not ast.get_docstring(method)
                )


def test_whatever_is_public_says_what_it_guarantees() -> None:
    silent = [f"{path}: {name}" for path, tree in trees(*PACKAGES) for name in undocumented(tree)]
    assert silent == []


def test_every_module_says_what_it_is_for() -> None:
    everything = trees(*PACKAGES, "tests", "scripts", "bench")
    assert [str(path) for path, tree in everything if tree.body and not ast.get_docstring(tree)] == []


def called(tree: ast.AST) -> Iterator[str]:
    return (ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_no_test_waits_by_the_clock_skips_in_silence_or_mocks() -> None:
    forbidden = re.compile(
        r"^(time\.sleep|pytest\.(skip|xfail|importorskip|mark\.(skip|skipif|xfail))|.*\b(Magic|Async)?Mock|mock\.patch.*)$"
    )
    found = [
        f"{path}: {name}"
        for path, tree in trees("tests")
        for name in called(tree)
        if forbidden.fullmatch(name)
    ]
    assert found == []


def test_nothing_deep_inside_reads_the_clock() -> None:
    readers = {
        str(path)
        for path, tree in trees("schema", "workflows", "notifications", "fund")
        for name in called(tree)
        if name in ("datetime.now", "datetime.utcnow", "date.today", "time.time", "datetime.datetime.now")
    }
    # The scheduler compares the wall clock with the monotonic one, to notice that somebody set it.
    assert readers <= {"fund/base/clock.py", "notifications/ticks.py"}


def installed_files(source: Path, target: Path) -> set[str]:
    """What a wheel made from ``source`` would put in place."""
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
    ]
    done = subprocess.run([*build, "--wheel-dir", str(target), str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [wheel] = target.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        return set(content.namelist())


@pytest.mark.slow
def test_the_installed_fund_is_whole(tmp_path: Path) -> None:
    """What `pip install` puts in place holds every file that the packages have here."""
    needed = (*PACKAGES, "requirements", "pyproject.toml", "README.md", "LICENSE")
    for path in tracked():
        if path.parts[0] in needed:
            (tmp_path / "source" / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, tmp_path / "source" / path)
    inside = installed_files(tmp_path / "source", tmp_path)
    ours = [path for path in tracked() if path.parts[0] in PACKAGES and not path.name.startswith(".")]
    assert [str(path) for path in ours if str(path) not in inside] == []
