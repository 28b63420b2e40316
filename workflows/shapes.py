"""Shapes of values in a definition file. Each reads a value, noting what is wrong with it, and describes itself
as JSON Schema, so that the parser and the published schema cannot drift apart."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from workflows.lines import Path
from workflows.reasons import Reason

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
    return Reason(' (did you mean "%(word)s"?)', word=close[0]) if close else ""


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
            problems.append((path, Reason("must be a text, not %(value)s", value=shown(value))))
            return ""
        text = " ".join(value.split())
        if not all(map(_writable, text)):
            problems.append(
                (path, Reason("has characters that cannot be shown: %(value)s", value=shown(text)))
            )
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
                (
                    path,
                    Reason(
                        "must be a name of small letters, digits and underscores, not %(value)s",
                        value=shown(value),
                    ),
                )
            )
            return ""
        return value

    def schema(self) -> dict[str, Any]:
        """A string of small letters, digits and underscores."""
        return {"type": "string", "pattern": f"^{NAME.pattern}$"}


@dataclass(frozen=True)
class Somewhere:
    """A state of another workflow, or a stage of it with all that is under way there: ``review/*``."""

    pattern = re.compile(rf"{NAME.pattern}(/\*)?")

    def read(self, value: object, path: Path, problems: Problems) -> str:
        """The name of the state, or that of the stage with ``/*``."""
        if not isinstance(value, str) or not self.pattern.fullmatch(value):
            said = Reason(
                'must be the name of a state, or a stage as in "review/*", not %(value)s', value=shown(value)
            )
            problems.append((path, said))
            return ""
        return value

    def schema(self) -> dict[str, Any]:
        """A name, with or without a slash and a star."""
        return {"type": "string", "pattern": f"^{self.pattern.pattern}$"}


@dataclass(frozen=True)
class Dotted:
    """A field of something, such as ``round.closes_on``."""

    pattern = re.compile(rf"{NAME.pattern}\.{NAME.pattern}")

    def read(self, value: object, path: Path, problems: Problems) -> str:
        """The dotted name."""
        if not isinstance(value, str) or not self.pattern.fullmatch(value):
            problems.append(
                (
                    path,
                    Reason('must name a field such as "round.closes_on", not %(value)s', value=shown(value)),
                )
            )
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
                (
                    path,
                    Reason(
                        "must be a whole number from %(least)s to %(most)s, not %(value)s",
                        least=self.least,
                        most=self.most,
                        value=shown(value),
                    ),
                )
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
            problems.append((path, Reason("must be true or false, not %(value)s", value=shown(value))))
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
            problems.append(
                (
                    path,
                    Reason(
                        "must be one of %(names)s, not %(value)s%(hint)s",
                        names=", ".join(self.words),
                        value=shown(value),
                        hint=hint,
                    ),
                )
            )
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
            problems.append((path, self._wanted(shown(value))))
            return ()
        if len(value) > self.most:
            problems.append(
                (
                    path,
                    Reason(
                        "holds %(count)s things, and %(most)s are the most", count=len(value), most=self.most
                    ),
                )
            )
            return ()
        items = tuple(self.of.read(item, (*path, number), problems) for number, item in enumerate(value))
        if len(items) > 1 and any(item in items[:number] for number, item in enumerate(items)):
            problems.append((path, Reason("names something twice")))
        return items

    def _wanted(self, given: str) -> Reason:
        if self.least:
            return Reason("must be a list with something in it, not %(value)s", value=given)
        return Reason("must be a list, not %(value)s", value=given)

    def schema(self) -> dict[str, Any]:
        """An array."""
        return {
            "type": "array",
            "items": self.of.schema(),
            "minItems": self.least,
            "maxItems": self.most,
            "uniqueItems": True,
        }
