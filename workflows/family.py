"""Definitions that speak of one another: a parent's guards ask about its children, a child's about its parent.

They speak of subjects: there may be several definitions for one, such as applications with and without a concept note.
"""

from collections.abc import Iterable, Iterator, Mapping

from workflows.errors import Finding, Level
from workflows.guards import COME_IN, REGISTRY, UNDER_WAY
from workflows.parts import Content, GuardCall, Move
from workflows.reasons import Reason
from workflows.shapes import nearest

ROUND = "round"
REVIEW = "review"

Family = Mapping[str, list[Content]]
"""Definitions by the subject that they move."""


def strangers(content: Content, others: Mapping[str, Content]) -> Iterator[Finding]:
    """What a definition says of definitions in its family that is not so, and they of it.

    A subject that is named and that no definition moves is an error; so is a state that none of its definitions has.
    """
    family = _by_subject(content, others)
    for name in [*content.children, *filter(None, [content.parent])]:
        if name not in family:
            message = Reason(
                'speaks of the workflow "%(name)s", which does not exist%(hint)s',
                name=name,
                hint=nearest(name, family),
            )
            yield Finding(0, "", message)
    for move in content.moves.values():
        for call in move.guards:
            for name, states in _spoken_of(content, call):
                yield from _missing(move, call, name, states, family)
    for move in content.moves.values():
        for child in {start.child for start in move.starts} & family.keys():
            if all(one.parent != content.subject for one in family[child]):
                message = Reason(
                    "starts a %(child)s, which does not have %(subject)s as its parent",
                    child=child,
                    subject=content.subject,
                )
                yield Finding(move.line, f"move {move.trigger}", message)
    yield from _asked_about(content, family)


def _by_subject(content: Content, others: Mapping[str, Content]) -> Family:
    """The family with the definition itself in the place of an older one of its name."""
    found: dict[str, list[Content]] = {}
    for one in [*(other for other in others.values() if other.name != content.name), content]:
        found.setdefault(one.subject, []).append(one)
    return found


def _spoken_of(content: Content, call: GuardCall) -> Iterable[tuple[str, Iterable[str]]]:
    """The subjects that a guard speaks of, each with the states that it names."""
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
    move: Move, call: GuardCall, name: str, states: Iterable[str], family: Family
) -> Iterator[Finding]:
    """The states that no definition of that subject has."""
    known = {state for one in family.get(name, ()) for state in one.states}
    for state in states:
        if known and state not in known:
            message = Reason(
                'guard %(guard)s: the workflow "%(name)s" has no state "%(state)s"%(hint)s',
                guard=call.name,
                name=name,
                state=state,
                hint=nearest(state, known),
            )
            yield Finding(move.line, f"move {move.trigger}", message)


def _asked_about(content: Content, family: Family) -> Iterator[Finding]:
    """States that moves of children ask about in their parent, and that it does not have: in their newest versions."""
    for child in content.children:
        newest = {one.name: one for one in sorted(family.get(child, ()), key=lambda one: one.version)}
        for one in newest.values():
            for move in one.moves.values() if one.parent == content.subject else ():
                for call in move.guards:
                    if REGISTRY[call.name].names == "parent":
                        yield from _not_had(content, family, (move.trigger, one.name), call)


def _not_had(content: Content, family: Family, asking: tuple[str, str], call: GuardCall) -> Iterator[Finding]:
    """States that a child's guard names in vain. It may keep off what only other definitions of the parent have."""
    move, one = asking
    excused = family[content.subject] if call.name == "parent_not_in" else [content]
    for state in call.argument:
        if not any(state in other.states for other in excused):
            message = Reason(
                "%(move)s of the workflow %(one)s asks for the state %(state)s, which this one does not have%(hint)s",
                move=move,
                one=one,
                state=state,
                hint=nearest(state, content.states),
            )
            yield Finding(0, "", message, Level.WARNING)
