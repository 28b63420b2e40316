"""Definitions that speak of one another: a parent's guards ask about its children, a child's about its parent."""

from collections.abc import Iterable, Iterator, Mapping

from workflows.errors import Finding
from workflows.guards import COME_IN, REGISTRY, UNDER_WAY
from workflows.parts import Content, GuardCall, Move
from workflows.shapes import nearest

ROUND = "round"
REVIEW = "review"


def strangers(content: Content, family: Mapping[str, Content]) -> Iterator[Finding]:
    """What a definition says of definitions in its family that is not so.

    A definition that is named and not in the family is an error; so is a state that it does not have.
    """
    for name in [*content.children, *filter(None, [content.parent])]:
        if name not in family:
            yield Finding(
                0, "", f'speaks of the workflow "{name}", which does not exist{nearest(name, family)}'
            )
    for move in content.moves.values():
        for call in move.guards:
            for name, states in _spoken_of(content, call):
                yield from _missing(move, call, name, states, family)
    for move in content.moves.values():
        for child in {start.child for start in move.starts} & family.keys():
            if family[child].parent != content.name:
                message = f"starts a {child}, which does not have {content.name} as its parent"
                yield Finding(move.line, f"move {move.trigger}", message)


def _spoken_of(content: Content, call: GuardCall) -> Iterable[tuple[str, Iterable[str]]]:
    """The definitions that a guard speaks of, each with the states that it names."""
    match REGISTRY[call.name].names:
        case "children":
            return tuple(call.argument.items())
        case "count":
            return [(REVIEW, UNDER_WAY + COME_IN)]
        case "parent":
            return [(content.parent or "", call.argument)]
        case "round":
            return [(ROUND, call.argument)]
    return ()


def _missing(
    move: Move, call: GuardCall, name: str, states: Iterable[str], family: Mapping[str, Content]
) -> Iterator[Finding]:
    """The states that the definition of that name does not have."""
    if name not in family:
        return
    for state in states:
        if state not in family[name].states:
            hint = nearest(state, family[name].states)
            message = f'guard {call.name}: the workflow "{name}" has no state "{state}"{hint}'
            yield Finding(move.line, f"move {move.trigger}", message)
