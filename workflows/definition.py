"""A definition: what a workflow file says, and the one place to ask who may make which move.

>>> from workflows import Actor, shipped
>>> reviewer = Actor(7, frozenset({"reviewer"}))
>>> facts = {"parent": "returned", "conflict": ""}
>>> for option in shipped("review").available("assigned", reviewer, facts):
...     print(option.move.label, option.allowed, *option.reasons, sep=" | ")
Begin: I have no conflict of interest | False | It is with the applicant for changes. You can begin when it is back.
Declare a conflict of interest | True
Say that you cannot review it | True
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from workflows.check import check
from workflows.errors import DefinitionError, Finding, Level
from workflows.guards import Facts
from workflows.include import placed, whole
from workflows.machine import Actor, Machine, Outcome, met, reasons
from workflows.parse import parse
from workflows.parts import CLOCK, FACTS_CHANGED, Content, DeadlineRule, Move, Stage, State
from workflows.translation import spoken

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Option:
    """A move that the actor has the right to make from here, and why it cannot be made yet, if so."""

    move: Move
    allowed: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Definition(Content):
    """A definition ready for use. Never changes; two are equal if their text is.

    ``stages``, ``states``, ``moves`` and ``deadlines`` are mappings by name in the order of the file.
    """

    source: str
    """The text of the file, word for word, with the parts that it includes at its end."""
    digest: str
    """SHA-256 of the source, in hexadecimal."""
    _machine: Machine = field(repr=False)
    _leaving: Mapping[str, tuple[Move, ...]] = field(repr=False)

    @classmethod
    def parse(cls, text: str, *, closing: bool = False) -> "Definition":
        """The definition in a text; the same object for the same text. Raises DefinitionError, see ``parse``.

        What the checker finds is not looked at: a round under way keeps a version that a newer checker may refuse.
        With ``closing``, guards that are not there (any more) close their moves and hinder nothing else.
        """
        return _parsed(text, closing)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Definition) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def stage(self, name: str) -> Stage:
        """The stage of that name; KeyError if there is none."""
        return self.stages[name]

    def state(self, name: str) -> State:
        """The state of that name; KeyError if there is none."""
        return self.states[name]

    def move(self, trigger: str) -> Move:
        """The move of that trigger; KeyError if there is none."""
        return self.moves[trigger]

    def deadline(self, key: str) -> DeadlineRule:
        """The deadline of that key; KeyError if there is none."""
        return self.deadlines[key]

    def leaving(self, state: str) -> tuple[Move, ...]:
        """The moves that lead from a state, in the order of the file."""
        return self._leaving[state]

    def available(self, state: str, actor: Actor, facts: Facts) -> list[Option]:
        """The moves that the actor has the right to make from a state, in the order of the file.

        Moves of other roles are left out. A move whose guards are unmet is there with ``allowed`` False and every
        reason. What is allowed here, ``fire`` does, given a reason where the move requires one. Only guards of
        moves that are listed read facts. Raises KeyError for an unknown state, FactMissing for a missing fact.
        """
        options = []
        for move in self._leaving[state]:
            if move.roles & actor.roles:
                why = tuple(reasons(move, facts))
                options.append(Option(move, not why, why))
        return options

    def fire(
        self,
        state: str,
        trigger: str,
        actor: Actor,
        facts: Facts,
        *,
        reason: str | None = None,
        data: Mapping[str, Any] = NOTHING,
    ) -> Outcome:
        """What the move comes to; nothing is changed by asking. ``data`` holds what the move asks for, by name.

        Raises NotAllowed with reasons in words: no such move, not this actor's, not from this state, guards unmet, a
        required reason missing, something else that it asks for missing (looked at in this order; the clock is not
        asked). Raises KeyError for an unknown state, FactMissing for a missing fact.
        """
        self.states[state]
        return self._machine.fire(state, trigger, actor, facts, reason, data)

    def said(self, language: str) -> "Definition":
        """The same definition with its words in a language, where the file has them; otherwise as it is."""
        return _said(self, language) if language in self.languages else self

    def follows_facts(self, state: str) -> bool:
        """Whether an automatic move waits in the state for the facts to change."""
        return any(move.automatic == FACTS_CHANGED for move in self._leaving[state])

    def automatic(self, state: str, facts: Facts, passed: Collection[str] = frozenset()) -> Move | None:
        """The automatic move that is due from a state, to be fired by ``Actor.clock()``, or None.

        ``passed`` holds the keys of the thing's open deadlines whose moment, grace included, has gone by. Of
        several moves that are due, the first in the file is made; ask again afterwards, for another may follow.
        Raises KeyError for an unknown state, FactMissing for a missing fact, GuardFailed where a guard cannot tell.
        """
        for move in self._leaving[state]:
            due = move.automatic == FACTS_CHANGED or move.automatic in passed
            if due and CLOCK in move.roles and met(move, facts):
                return move
        return None


@lru_cache(maxsize=128)
def _parsed(text: str, closing: bool) -> Definition:
    """A definition from a text that was not seen lately."""
    text, content = whole(text), parse(text, closing=closing)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return _built({part.name: getattr(content, part.name) for part in fields(Content)}, text, digest)


@lru_cache(maxsize=128)
def _said(definition: Definition, language: str) -> Definition:
    """A definition in a language that it has."""
    content = {part.name: getattr(definition, part.name) for part in fields(Content)}
    return _built(content | spoken(definition, language), definition.source, definition.digest)


def _built(parts: Mapping[str, Any], source: str, digest: str) -> Definition:
    """The definition of these parts."""
    content = Content(**parts)
    leaving: dict[str, list[Move]] = {state: [] for state in content.states}
    for move in content.moves.values():
        for state in move.sources:
            leaving[state].append(move)
    return Definition(
        **parts,
        source=source,
        digest=digest,
        _machine=Machine(content),
        _leaving={state: tuple(moves) for state, moves in leaving.items()},
    )


def load(path: Path | str) -> Definition:
    """The definition in a file (UTF-8). Raises DefinitionError, its findings also those errors that the checker
    finds; OSError if the file cannot be read."""
    file = Path(path)
    try:
        text = file.read_bytes().decode("utf-8")
        definition = Definition.parse(text)
    except UnicodeDecodeError as error:
        raise DefinitionError([Finding(0, "", f"not UTF-8 text: {error.reason}")], str(file)) from error
    except DefinitionError as error:
        raise DefinitionError(error.findings, str(file)) from error
    if errors := [finding for finding in check(definition) if finding.level is Level.ERROR]:
        raise DefinitionError(placed(errors, text), str(file))
    return definition


@cache
def shipped(name: str) -> Definition:
    """A definition that comes with this package: application, review, report, lesson, round.

    Raises LookupError for a name that is not shipped.
    """
    if name not in library():
        raise LookupError(f"no workflow called {name!r} is shipped; there are {', '.join(library())}")
    return Definition.parse((resources.files("workflows") / "library" / f"{name}.toml").read_text("utf-8"))


@cache
def library() -> tuple[str, ...]:
    """Names of the shipped definitions."""
    files = (resources.files("workflows") / "library").iterdir()
    names = (file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))
    return tuple(sorted(name for name in names if "." not in name))
