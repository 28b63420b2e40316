"""docs/workflows.md: its examples run and its tables are complete."""

import doctest
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import workflows.definition
from workflows import Actor, Definition, check, library, shipped
from workflows.draw import svg
from workflows.grammar import DEADLINE, DEFINITION, MOVE, STATE
from workflows.guards import REGISTRY
from workflows.parts import ACTING

DOCS = Path(__file__).parents[2] / "docs" / "workflows.md"
TEXT = DOCS.read_text(encoding="utf-8")


@pytest.fixture
def registry() -> Iterator[None]:
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


@pytest.mark.usefixtures("registry")
def test_examples_run() -> None:
    result = doctest.testfile(str(DOCS), module_relative=False, encoding="utf-8")
    assert (result.failed, result.attempted > 5) == (0, True)


def test_examples_in_docstrings_run() -> None:
    assert doctest.testmod(workflows.definition).failed == 0
    assert doctest.testmod(workflows.definition).attempted > 0


def test_site_visit_is_added_as_it_is_told() -> None:
    addition = TEXT.split("```toml\n")[1].split("```")[0]
    application = Definition.parse(shipped("application").source + addition)
    assert check(application, family={name: shipped(name) for name in library()}) == []
    manager = Actor(1, frozenset({"manager"}))
    visit = application.fire("deliberation", "visit", manager, {})
    assert visit.target.deadlines == ("site_visit",)
    assert application.fire("site_visit", "back_from_visit", manager, {}).target.name == "deliberation"
    assert "Site visit" in svg(application)


def table(title: str) -> list[list[str]]:
    """The cells of the table whose head begins with a title."""
    lines = TEXT.split("\n")
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {title} "))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def named(title: str) -> set[str]:
    """The names in backquotes in the first column of a table."""
    return {name for row in table(title) for name in re.findall(r"`\[?(\w+)", row[0])}


@pytest.mark.parametrize(
    ("title", "grammar"),
    [
        ("key of the file", DEFINITION),
        ("key of `[states.NAME]`", STATE),
        ("key of `[moves.TRIGGER]`", MOVE),
        ("key of `[deadlines.KEY]`", DEADLINE),
    ],
)
def test_every_key_is_explained(title: str, grammar) -> None:
    other = {"states", "moves", "deadlines"} if grammar is DEFINITION else set()
    assert named(title) == set(grammar.entries) - other


def test_every_guard_is_explained_with_the_facts_that_it_reads() -> None:
    told = {}
    for name, _, facts in table("guard"):
        told[re.findall(r"`(\w+)", name)[0]] = re.findall(r"`(\w+)", facts)[:1]
    assert told == {name: list(guard.reads) for name, guard in REGISTRY.items()}


def test_every_mail_template_is_listed_by_whom_it_goes_to() -> None:
    section = TEXT.split("## Mail templates")[1].split("\n## ")[0]
    for role, title in zip(ACTING, ("the applicant", "the reviewer", "managers"), strict=True):
        paragraph = section.split(f"To {title}: ")[1].split("\nTo ")[0]
        notices = [
            notice
            for name in library()
            for notice in (
                *shipped(name).notices,
                *(n for move in shipped(name).moves.values() for n in move.notices),
            )
        ]
        assert set(re.findall(r"`(\w+)`", paragraph)) == {n.template for n in notices if n.to == role}
