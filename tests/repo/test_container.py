"""The recipe of the container is consistent, as far as can be told without building it."""

import fnmatch
import json
import re
import shlex

import pytest

from tests.repo.tree import PACKAGES, ROOT, tracked

KNOWN = {"ARG", "CMD", "COPY", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "RUN", "USER", "VOLUME", "WORKDIR"}


def instructions() -> list[tuple[str, str]]:
    """The lines of the Dockerfile as (instruction, argument), continued lines joined, comments left out."""
    recipe = (ROOT / "Dockerfile").read_text()
    lines = [line for line in recipe.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [
        (word, rest.strip())
        for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def arguments(wanted: str) -> list[str]:
    return [rest for word, rest in instructions() if word == wanted]


def stages() -> list[str]:
    return [rest.split(" AS ")[1] for rest in arguments("FROM")]


def copies() -> list[str]:
    """What is copied from the checkout: the sources of each COPY without --from."""
    sources = []
    for rest in arguments("COPY"):
        parts = shlex.split(rest)
        if not parts[0].startswith("--from="):
            sources += parts[:-1]
    return sources


def reaches_the_builder(path: str) -> bool:
    """Whether .dockerignore lets a file through: the last rule that fits it or a folder above it wins."""
    ignored = False
    parts = path.split("/")
    heads = ["/".join(parts[: length + 1]) for length in range(len(parts))]
    for rule in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = rule.lstrip("!")
        if rule and rule[0] != "#" and any(_fits(head, pattern) for head in heads):
            ignored = not rule.startswith("!")
    return not ignored


def _fits(path: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatch.fnmatch(path.rpartition("/")[2], pattern[3:])
    return path.count("/") == pattern.count("/") and fnmatch.fnmatch(path, pattern)


def test_every_instruction_is_known_and_every_list_is_json() -> None:
    assert {word for word, _ in instructions()} <= KNOWN
    for rest in [*arguments("CMD"), *arguments("VOLUME"), arguments("HEALTHCHECK")[0].partition("CMD ")[2]]:
        assert all(isinstance(part, str) for part in json.loads(rest))


@pytest.mark.parametrize("source", copies())
def test_every_copied_file_is_there_and_reaches_the_builder(source: str) -> None:
    inside = [str(path) for path in tracked() if str(path) == source or str(path).startswith(f"{source}/")]
    assert inside != []
    assert [path for path in inside if not reaches_the_builder(path)] == []


def test_tests_and_history_stay_outside() -> None:
    assert [
        path for path in (".git/config", "tests/conftest.py", "data/x") if reaches_the_builder(path)
    ] == []


def test_all_packages_are_in_the_image() -> None:
    assert set(PACKAGES) <= set(copies())


def test_there_are_several_stages_and_each_rests_on_one_that_exists() -> None:
    known: list[str] = []
    for rest in arguments("FROM"):
        base, name = rest.split(" AS ")
        assert base in known or re.fullmatch(r"python:\$\{PYTHON\}", base), base
        known.append(name)
    assert len(known) >= 2
    taken = re.findall(r"--from=(\S+)", " ".join(arguments("COPY")))
    assert taken != []
    assert set(taken) <= set(known)


def test_the_base_image_is_named_by_version_and_is_new_enough() -> None:
    [given] = arguments("ARG")
    found = re.fullmatch(r"PYTHON=3\.(\d+)-slim-\w+", given)
    assert found is not None
    assert int(found[1]) >= 11


def test_nothing_is_installed_without_a_hash_or_from_the_network_afterwards() -> None:
    installs = [rest for rest in arguments("RUN") if "pip install" in rest]
    assert len(installs) == 2
    assert all("--require-hashes" in rest or "--no-index --no-build-isolation" in rest for rest in installs)


def test_the_fund_does_not_run_as_root_and_tells_how_it_is() -> None:
    last = [word for word, _ in instructions()]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", arguments("USER")[-1])
    assert "/healthz" in arguments("HEALTHCHECK")[0]
    assert last.index("USER") > last.index("COPY")
    assert json.loads(arguments("CMD")[-1]) == ["fund", "serve"]


def test_the_health_check_is_a_program_that_python_can_read() -> None:
    command = json.loads(arguments("HEALTHCHECK")[0].partition("CMD ")[2])
    assert command[:2] == ["python", "-c"]
    compile(command[2], "health check", "exec")
