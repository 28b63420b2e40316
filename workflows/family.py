"""Definitions that speak of one another: a parent's guards ask about its children, a child's about its parent.

They speak of subjects: there may be several definitions for one, such as applications with and without a concept note.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from workflows.errors import Finding, Level
from workflows.guards import ALL, COME_IN, registered
from workflows.parts import Content, GuardCall, Move
from workflows.reasons import Reason
from workflows.shapes import nearest

ROUND = "round"
REVIEW = "review"

STATE_MISSING = Reason('guard %(guard)s: the workflow "%(name)s" has no state "%(place)s"%(hint)s')
STAGE_MISSING = Reason(
    'guard %(guard)s: the workflow "%(name)s" has no stage "%(place)s" in which something is under way%(hint)s'
)
STATE_ASKED = Reason(
    "%(move)s of the workflow %(one)s asks for the state %(place)s, which this one does not have%(hint)s"
)
STAGE_ASKED = Reason(
    "%(move)s of the workflow %(one)s asks for the stage %(place)s, in which nothing is under way here%(hint)s"
)

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
            for name, named in spoken_of(content, call):
                yield from _missing(move, call, name, named, family)
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


def places(content: Content) -> set[str]:
    """Where things of this definition can stand, as guards of their relatives name it: its states, and its stages in
    which something can be under way."""
    stages = {state.stage + ALL for state in content.states.values() if not state.final}
    return content.states.keys() | stages


def spoken_of(content: Content, call: GuardCall) -> Iterable[tuple[str, Collection[str]]]:
    """The subjects that a guard speaks of, each with the places that it names."""
    match registered(call.name).names:
        case "children":
            return tuple(call.argument.items())
        case "count":
            return [(REVIEW, COME_IN)]
        case "parent":
            return [(content.parent or "", call.argument)]
        case "round":
            return [(ROUND, call.argument)]
    return ()


def _by_subject(content: Content, others: Mapping[str, Content]) -> Family:
    """The family with the definition itself in the place of an older one of its name."""
    found: dict[str, list[Content]] = {}
    for one in [*(other for other in others.values() if other.name != content.name), content]:
        found.setdefault(one.subject, []).append(one)
    return found


def _missing(
    move: Move, call: GuardCall, name: str, named: Iterable[str], family: Family
) -> Iterator[Finding]:
    """The places that no definition of that subject has."""
    known = {place for one in family.get(name, ()) for place in places(one)}
    for place in named:
        if known and place not in known:
            lacking = STAGE_MISSING if place.endswith(ALL) else STATE_MISSING
            message = Reason(
                lacking, guard=call.name, name=name, place=place.removesuffix(ALL), hint=_meant(place, known)
            )
            yield Finding(move.line, f"move {move.trigger}", message)


def _meant(place: str, known: Collection[str]) -> str:
    """The place that may be meant instead: a stage for a stage."""
    stage = place.endswith(ALL)
    alike = [one.removesuffix(ALL) for one in sorted(known) if one.endswith(ALL) == stage]
    return nearest(place.removesuffix(ALL), alike)


def _asked_about(content: Content, family: Family) -> Iterator[Finding]:
    """States that moves of children ask about in their parent, and that it does not have: in their newest versions."""
    for child in content.children:
        newest = {one.name: one for one in sorted(family.get(child, ()), key=lambda one: one.version)}
        for one in newest.values():
            for move in one.moves.values() if one.parent == content.subject else ():
                for call in move.guards:
                    if registered(call.name).names == "parent":
                        yield from _not_had(content, family, (move.trigger, one.name), call)


def _not_had(content: Content, family: Family, asking: tuple[str, str], call: GuardCall) -> Iterator[Finding]:
    """Places that a child's guard names in vain. It may keep off what only other definitions of the parent have."""
    move, one = asking
    excused = family[content.subject] if call.name == "parent_not_in" else [content]
    for place in call.argument:
        if not any(place in places(other) for other in excused):
            asks = STAGE_ASKED if place.endswith(ALL) else STATE_ASKED
            named, hint = place.removesuffix(ALL), _meant(place, places(content))
            message = Reason(asks, move=move, one=one, place=named, hint=hint)
            yield Finding(0, "", message, Level.WARNING)
