"""Shapes of tables in a definition file, made of shapes of values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from workflows.lines import Path
from workflows.reasons import Reason
from workflows.shapes import HINTS, MOST, Choice, Name, Problems, Shape, Text, nearest, shown


@dataclass(frozen=True)
class Named:
    """A table of things by name."""

    of: Shape
    least: int = 0

    def read(self, value: object, path: Path, problems: Problems) -> Mapping[str, Any]:
        """The things by name, in order; not to be changed."""
        if isinstance(value, dict) and len(value) > MOST:
            problems.append(
                (
                    path,
                    Reason("holds %(count)s things, and %(most)s are the most", count=len(value), most=MOST),
                )
            )
            return MappingProxyType({})
        if not isinstance(value, dict) or len(value) < self.least:
            problems.append(
                (
                    path,
                    Reason("must be a table of names with something in it")
                    if self.least
                    else Reason("must be a table of names"),
                )
            )
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
            problems.append((path, Reason("must be a table, not %(value)s", value=shown(value))))
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
            problems.append((path, Reason("must be a table of texts, not %(value)s", value=shown(value))))
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
                problems.append(
                    ((*path, name), Reason("%(value)s is translated twice", value=shown(".".join(here))))
                )
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
            problems.append((path, Reason("must be a table, not %(value)s", value=shown(value))))
            return {key: entry.default for key, entry in self.entries.items()}
        for key in value:
            if key not in self.entries:
                hint = nearest(key, self.entries) if len(problems) < HINTS else ""
                problems.append(
                    ((*path, key), Reason("unknown key %(value)s%(hint)s", value=shown(key), hint=hint))
                )
        for key, entry in self.entries.items():
            if entry.required and key not in value:
                problems.append((path, Reason('"%(key)s" is missing', key=key)))
        return {
            key: entry.shape.read(value[key], (*path, key), problems) if key in value else entry.default
            for key, entry in self.entries.items()
        }

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
            problems.append(
                (path, Reason("must be %(wanted)s, not %(value)s", wanted=wanted, value=shown(value)))
            )
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
