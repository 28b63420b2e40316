"""Parts that several definitions share word for word, such as the life of a grant from the offer on.

A file that says ``include = ["funded"]`` goes on with the shipped part of that name. It is put at the end of the text
when the text is read, so that what is kept of a definition is always the whole, whatever becomes of the part.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any

import tomli

from workflows.errors import Finding
from workflows.lines import Lines

KEY = "include"


@cache
def shipped_parts() -> dict[str, str]:
    """The text of every part that comes with this package, by its name."""
    files = (resources.files("workflows") / "library" / "parts").iterdir()
    return {
        file.name.removesuffix(".toml"): file.read_text("utf-8")
        for file in sorted(files, key=lambda file: file.name)
        if file.name.endswith(".toml")
    }


def whole(text: str) -> str:
    """The text with the parts that it includes at its end; as it is where it includes none, or none that exists.

    What was included is no longer asked for in the whole: reading it again changes nothing.
    """
    names = _included(text)
    if not names:
        return text
    lines = text.split("\n")
    at = Lines(text).of((KEY,)) - 1
    lines[at] = f"# {lines[at]}  (stands at the end)"
    if _table("\n".join(lines)).keys() != _table(text).keys() - {KEY}:
        return text  # it does not stand on a line of its own
    return "\n".join([*lines, *(f"{_joint(name)}\n\n{shipped_parts()[name]}" for name in names)])


def placed(findings: Iterable[Finding], text: str) -> Iterator[Finding]:
    """Findings of ``whole(text)``, each with its line in the file that it stands in."""
    joined = whole(text)
    if joined is text:
        yield from findings
        return
    lines = joined.split("\n")
    starts = [(lines.index(_joint(name)) + 2, name) for name in _included(text)]
    for finding in findings:
        inside = [(start, name) for start, name in starts if start < finding.line]
        if inside:
            start, name = inside[-1]
            finding = replace(finding, line=finding.line - start, where=f"part {name}, {finding.where}")
        yield finding


def _joint(name: str) -> str:
    """The line after which a part stands."""
    return f"# ================ the part {name}"


def _included(text: str) -> list[str]:
    """Names of the parts that a text asks for; nothing if one of them does not exist."""
    asked = _table(text).get(KEY) if KEY in text else None
    if not isinstance(asked, list) or not all(isinstance(name, str) for name in asked):
        return []
    return asked if len(set(asked) & shipped_parts().keys()) == len(asked) else []


def _table(text: str) -> dict[str, Any]:
    """A text as TOML; empty if it is none."""
    try:
        return tomli.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return {}
