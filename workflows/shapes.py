"""Shapes of values in a definition file. Each reads a value, noting what is wrong with it, and describes itself
as JSON Schema, so that the parser and the published schema cannot drift apart."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from workflows.lines import Path

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
Problems = list[tuple[Path, str]]

HINTS = 50
"""After so many problems no more guesses are made at what was meant: they cost time and help nobody."""
HINTED = 300
"""Among more words no guess is made either."""
MOST = 1000
"""The most items that a list or a table of names may hold."""


class Shape(Protocol):
    """What a value may look like."""

    def read(self, value: object, path: Path, problems: Problems) -> Any:
        """The value in the form that the parts want it; anything at all after a problem was noted."""

    def schema(self) -> dict[str, Any]:
        """The same as JSON Schema (draft 2020-12)."""


def nearest(word: str, words: Iterable[str]) -> str:
    """`` (did you mean "…"?)`` for a word that is close to one of the words, or nothing where that takes long."""
    known = list(words)
    close = difflib.get_close_matches(word, known, n=1) if len(word) <= 64 and len(known) <= HINTED else []
    return f' (did you mean "{close[0]}"?)' if close else ""


def shown(value: object) -> str:
    """A value as it may be quoted in a message: short, on one line. Values too large to be written are described."""
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):
        return "something very large"
    return text if len(text) <= 40 else text[:39] + "…"


def _writable(letter: str) -> bool:
    """Whether a character can stand in a page or a drawing: control characters and non-characters cannot."""
    code = ord(letter)
    return not (code < 32 or 127 <= code < 160 or 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE)


@dataclass(frozen=True)
class Text:
    """Words for people: one line at least."""

    def read(self, value: object, path: Path, problems: Problems) -> str:
        """The text with white space collapsed, as lines in the file mean nothing."""
        if not isinstance(value, str) or not value.strip():
            problems.append((path, f"must be a text, not {shown(value)}"))
            return ""
        text = " ".join(value.split())
        if not all(map(_writable, text)):
            problems.append((path, f"has characters that cannot be shown: {shown(text)}"))
        return text

    def schema(self) -> dict[str, Any]:
        """A string that is not empty."""
        return {"type": "string", "minLength": 1}


@dataclass(frozen=True)
class Name:
    """A name that other parts of the file, the database and addresses refer to."""

    def read(self, value: object, path: Path, problems: Problems) -> str:
        """The name."""
        if not isinstance(value, str) or not NAME.fullmatch(value):
            problems.append(
                (path, f"must be a name of small letters, digits and underscores, not {shown(value)}")
            )
            return ""
        return value

    def schema(self) -> dict[str, Any]:
        """A string of small letters, digits and underscores."""
        return {"type": "string", "pattern": f"^{NAME.pattern}$"}


@dataclass(frozen=True)
class Dotted:
    """A field of something, such as ``round.closes_on``."""

    pattern = re.compile(rf"{NAME.pattern}\.{NAME.pattern}")

    def read(self, value: object, path: Path, problems: Problems) -> str:
        """The dotted name."""
        if not isinstance(value, str) or not self.pattern.fullmatch(value):
            problems.append((path, f'must name a field such as "round.closes_on", not {shown(value)}'))
            return ""
        return value

    def schema(self) -> dict[str, Any]:
        """Two names joined by a dot."""
        return {"type": "string", "pattern": f"^{self.pattern.pattern}$"}


@dataclass(frozen=True)
class Whole:
    """A whole number between two bounds, both included."""

    least: int
    most: int

    def read(self, value: object, path: Path, problems: Problems) -> int:
        """The number."""
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
            problems.append(
                (path, f"must be a whole number from {self.least} to {self.most}, not {shown(value)}")
            )
            return self.least
        return value

    def schema(self) -> dict[str, Any]:
        """An integer between the bounds."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def read(self, value: object, path: Path, problems: Problems) -> bool:
        """The truth value."""
        if not isinstance(value, bool):
            problems.append((path, f"must be true or false, not {shown(value)}"))
        return value is True

    def schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, value: object, path: Path, problems: Problems) -> str:
        """The word."""
        if value not in self.words:
            hint = nearest(value, self.words) if isinstance(value, str) else ""
            problems.append((path, f"must be one of {', '.join(self.words)}, not {shown(value)}{hint}"))
            return self.words[0]
        return str(value)

    def schema(self) -> dict[str, Any]:
        """An enumeration."""
        return {"enum": list(self.words)}


@dataclass(frozen=True)
class Many:
    """A list of things of one shape, none of them twice."""

    of: Shape
    least: int = 0
    most: int = MOST

    def read(self, value: object, path: Path, problems: Problems) -> tuple[Any, ...]:
        """The items in order."""
        if not isinstance(value, list) or len(value) < self.least:
            problems.append(
                (path, f"must be a list{' with something in it' * bool(self.least)}, not {shown(value)}")
            )
            return ()
        if len(value) > self.most:
            problems.append((path, f"holds {len(value)} things, and {self.most} are the most"))
            return ()
        items = tuple(self.of.read(item, (*path, number), problems) for number, item in enumerate(value))
        if any(item in items[:number] for number, item in enumerate(items)):
            problems.append((path, "names something twice"))
        return items

    def schema(self) -> dict[str, Any]:
        """An array."""
        return {
            "type": "array",
            "items": self.of.schema(),
            "minItems": self.least,
            "maxItems": self.most,
            "uniqueItems": True,
        }


@dataclass(frozen=True)
class Named:
    """A table of things by name."""

    of: Shape
    least: int = 0

    def read(self, value: object, path: Path, problems: Problems) -> Mapping[str, Any]:
        """The things by name, in order; not to be changed."""
        if isinstance(value, dict) and len(value) > MOST:
            problems.append((path, f"holds {len(value)} things, and {MOST} are the most"))
            return MappingProxyType({})
        if not isinstance(value, dict) or len(value) < self.least:
            problems.append((path, f"must be a table of names{' with something in it' * bool(self.least)}"))
            return MappingProxyType({})
        for name in value:
            Name().read(name, (*path, name), problems)
        return MappingProxyType(
            {name: self.of.read(item, (*path, name), problems) for name, item in value.items()}
        )

    def schema(self) -> dict[str, Any]:
        """An object with any names of the right form."""
        return {
            "type": "object",
            "propertyNames": Name().schema(),
            "additionalProperties": self.of.schema(),
            "minProperties": self.least,
            "maxProperties": MOST,
        }


@dataclass(frozen=True)
class Keyed:
    """A table whose keys are some of a few words."""

    words: tuple[str, ...]
    of: Shape

    def read(self, value: object, path: Path, problems: Problems) -> Mapping[str, Any]:
        """The things by word; not to be changed."""
        if not isinstance(value, dict):
            problems.append((path, f"must be a table, not {shown(value)}"))
            return MappingProxyType({})
        for key in value:
            Choice(self.words).read(key, (*path, key), problems)
        return MappingProxyType(
            {key: self.of.read(item, (*path, key), problems) for key, item in value.items()}
        )

    def schema(self) -> dict[str, Any]:
        """An object with some of the words as keys."""
        return {
            "type": "object",
            "propertyNames": Choice(self.words).schema(),
            "additionalProperties": self.of.schema(),
        }


@dataclass(frozen=True)
class Words:
    """Texts by dotted keys, such as ``states.draft.label = "…"``; a key may stand in quotes as well."""

    deepest: int = 6

    def read(self, value: object, path: Path, problems: Problems) -> Mapping[str, str]:
        """The texts by their whole keys; not to be changed."""
        found: dict[str, str] = {}
        if isinstance(value, dict):
            self._collect(value, (), path, found, problems)
        else:
            problems.append((path, f"must be a table of texts, not {shown(value)}"))
        return MappingProxyType(found)

    def _collect(
        self,
        table: Mapping[str, object],
        keys: tuple[str, ...],
        path: Path,
        found: dict[str, str],
        problems: Problems,
    ) -> None:
        for name, value in table.items():
            here = (*keys, name)
            if isinstance(value, dict) and len(here) < self.deepest:
                self._collect(value, here, (*path, name), found, problems)
            elif ".".join(here) in found:
                problems.append(((*path, name), f"{shown('.'.join(here))} is translated twice"))
            else:
                found[".".join(here)] = Text().read(value, (*path, name), problems)

    def schema(self) -> dict[str, Any]:
        """Texts, and tables of them as deep as a key can go."""
        inner = Text().schema()
        for _ in range(self.deepest - 1):
            inner = {"anyOf": [Text().schema(), {"type": "object", "additionalProperties": inner}]}
        return {"type": "object", "additionalProperties": inner}


@dataclass(frozen=True)
class Entry:
    """One key of a table: its shape, whether it must be there, what stands for it if not, what it is for."""

    shape: Shape
    doc: str
    required: bool = False
    default: Any = None


@dataclass(frozen=True)
class Table:
    """A table with known keys; others are refused."""

    entries: Mapping[str, Entry] = field(default_factory=dict)

    def read(self, value: object, path: Path, problems: Problems) -> dict[str, Any]:
        """A value for every known key."""
        if not isinstance(value, dict):
            problems.append((path, f"must be a table, not {shown(value)}"))
            return {key: entry.default for key, entry in self.entries.items()}
        for key in value:
            if key not in self.entries:
                hint = nearest(key, self.entries) if len(problems) < HINTS else ""
                problems.append(((*path, key), f"unknown key {shown(key)}{hint}"))
        return {key: self._entry(key, entry, value, path, problems) for key, entry in self.entries.items()}

    def _entry(self, key: str, entry: Entry, value: dict[str, Any], path: Path, problems: Problems) -> Any:
        """The value of one key, or what stands for it."""
        if key in value:
            return entry.shape.read(value[key], (*path, key), problems)
        if entry.required:
            problems.append((path, f'"{key}" is missing'))
        return entry.default

    def schema(self) -> dict[str, Any]:
        """An object without other keys."""
        required = [key for key, entry in self.entries.items() if entry.required]
        return {
            "type": "object",
            "properties": {
                key: {"description": entry.doc, **entry.shape.schema()} for key, entry in self.entries.items()
            },
            "additionalProperties": False,
            **({"required": required} if required else {}),
        }


@dataclass(frozen=True)
class OneKey:
    """A table with exactly one of a few keys, such as ``{days = 14}``."""

    entries: Mapping[str, Shape]

    def read(self, value: object, path: Path, problems: Problems) -> tuple[str, Any]:
        """The key and its value."""
        if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in self.entries:
            wanted = " or ".join(f"{{{key} = …}}" for key in self.entries)
            problems.append((path, f"must be {wanted}, not {shown(value)}"))
            return "", None
        key = next(iter(value))
        return key, self.entries[key].read(value[key], (*path, key), problems)

    def schema(self) -> dict[str, Any]:
        """One alternative for each key."""
        return {
            "oneOf": [
                {
                    "type": "object",
                    "properties": {key: shape.schema()},
                    "required": [key],
                    "additionalProperties": False,
                }
                for key, shape in self.entries.items()
            ]
        }


@dataclass(frozen=True)
class Either:
    """The second shape for tables, the first for everything else."""

    plain: Shape
    table: Shape

    def read(self, value: object, path: Path, problems: Problems) -> Any:
        """What the shape that applies makes of it."""
        return (self.table if isinstance(value, dict) else self.plain).read(value, path, problems)

    def schema(self) -> dict[str, Any]:
        """Both alternatives."""
        return {"anyOf": [self.plain.schema(), self.table.schema()]}
