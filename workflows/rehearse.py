"""Golden paths: stories of how a thing should move, kept beside its definition and told again by the tests.

A file ``application.paths.toml`` holds ``[[paths]]``, each with a ``name``, the ``facts`` that hold from its
beginning, and ``steps``. A step is one of

    { by = "applicant", does = "submit", to = "submitted" }                    a move that is made
    { by = "manager", does = "submit", refused = "role" }                      a move that is refused, and how
    { passes = "offer", does = "lapse_offer", to = "offer_lapsed" }            a deadline that passes
    { happens = "report_came_in", to = "report_under_review" }                 what the facts bring about
    { rests = true }                                                           nothing happens by itself

and may add ``facts`` that hold from then on, a ``reason``, and what it ``gives`` of what the move asks for.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from workflows.definition import Definition
from workflows.errors import NotAllowed
from workflows.machine import Actor


@dataclass(frozen=True)
class GoldenPath:
    """One story: its name, the facts at its beginning, its steps."""

    name: str
    facts: Mapping[str, Any]
    steps: tuple[Mapping[str, Any], ...]
    start: str | None = None
    """The state it begins in; the initial one without it."""


class Strayed(AssertionError):
    """A story did not go as it was told."""


def read_paths(text: str) -> tuple[GoldenPath, ...]:
    """The golden paths in a text. Raises ValueError for a text that is no TOML, KeyError for a missing key."""
    return tuple(
        GoldenPath(raw["name"], raw.get("facts", {}), tuple(raw["steps"]), raw.get("start"))
        for raw in tomllib.loads(text)["paths"]
    )


def shipped_paths(name: str) -> tuple[GoldenPath, ...]:
    """The golden paths of a shipped definition."""
    file = resources.files("workflows") / "library" / f"{name}.paths.toml"
    return read_paths(file.read_text("utf-8"))


def rehearse(definition: Definition, path: GoldenPath) -> list[str]:
    """Follow a path to its end; the triggers that were fired. Raises Strayed where the definition goes elsewhere."""
    state, facts = path.start or definition.initial, dict(path.facts)
    fired = []
    for number, step in enumerate(path.steps, start=1):
        facts |= step.get("facts", {})
        try:
            for trigger, target in _step(definition, state, step, facts):
                fired.append(trigger)
                state = target
        except (NotAllowed, Strayed) as error:
            raise Strayed(f"{path.name}, step {number}, in {state}: {error}") from error
    return fired


def _step(
    definition: Definition, state: str, step: Mapping[str, Any], facts: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Make one step; the trigger and the state it leads to, if it leads anywhere."""
    if "by" in step:
        yield from _made(definition, state, step, facts)
        return
    passed = frozenset([step["passes"]] if "passes" in step else [])
    move = definition.automatic(state, facts, passed)
    trigger = move.trigger if move else None
    wanted = step.get("happens") or step.get("does")
    if trigger != wanted:
        raise Strayed(f"by itself happens {trigger}, not {wanted}")
    if trigger is not None:
        outcome = definition.fire(state, trigger, Actor.clock(), facts)
        yield trigger, _arrived(step, outcome.target.name)


def _made(
    definition: Definition, state: str, step: Mapping[str, Any], facts: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """A move that a person makes or is refused."""
    actor = Actor(1, frozenset([step["by"]]))
    try:
        outcome = definition.fire(
            state, step["does"], actor, facts, reason=step.get("reason"), data=step.get("gives", {})
        )
    except NotAllowed as refusal:
        if step.get("refused") != refusal.why:
            raise
        return
    if "refused" in step:
        raise Strayed(f"{step['does']} is not refused")
    yield step["does"], _arrived(step, outcome.target.name)


def _arrived(step: Mapping[str, Any], target: str) -> str:
    """The state that a step led to, if it is the one that was told."""
    if step["to"] != target:
        raise Strayed(f"leads to {target}, not {step['to']}")
    return target
