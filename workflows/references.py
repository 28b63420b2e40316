"""Names in a definition that nothing goes by. A definition with any is refused."""

from collections.abc import Callable, Collection, Iterator

from workflows.guards import registered
from workflows.include import KEY, shipped_parts
from workflows.lines import Path
from workflows.parts import FACTS_CHANGED, Content, GuardCall, Move
from workflows.reasons import Reason
from workflows.shapes import nearest
from workflows.translation import phrases

Broken = Iterator[tuple[Path, str]]


def broken(content: Content) -> Broken:
    """Each name that is used and not declared, with the path where it is used."""
    yield from _included(content)
    yield from _unknown(("initial",), "state", [content.initial], content.states)
    for name, state in content.states.items():
        at: Path = ("states", name)
        yield from _unknown((*at, "stage"), "stage", [state.stage], content.stages)
        yield from _unknown((*at, "deadlines"), "deadline", state.deadlines, content.deadlines)
        yield from _unknown((*at, "waits_for"), "child", state.waits_for, content.children)
    if FACTS_CHANGED in content.deadlines:
        yield (
            ("deadlines", FACTS_CHANGED),
            Reason('a deadline cannot be called "%(name)s"', name=FACTS_CHANGED),
        )
    for move in content.moves.values():
        yield from _move(content, move)
    for language, words in content.translations.items():
        yield from _unknown(("translations", language), "language", [language], content.languages)
        known = phrases(content)
        for key in words:
            yield from _unknown(("translations", language, *key.split(".")), "text", [key], known)


def _included(content: Content) -> Broken:
    """Parts that do not exist, or that could not be put in the place of what asks for them."""
    at: Path = (KEY,)
    yield from _unknown(at, "part", content.include, shipped_parts())
    if content.include and set(content.include) <= shipped_parts().keys():
        yield at, Reason("must stand on a line of its own")


def _move(content: Content, move: Move) -> Broken:
    """What one move names in vain."""
    at: Path = ("moves", move.trigger)
    yield from _unknown((*at, "from"), "state", move.sources, content.states)
    yield from _unknown((*at, "to"), "state", [move.target], content.states)
    yield from _unknown((*at, "meets"), "deadline", move.meets, content.deadlines)
    yield from _unknown((*at, "cancels"), "deadline", move.cancels, content.deadlines)
    yield from _unknown((*at, "moves"), "deadline", move.moves, content.deadlines)
    yield from _unknown((*at, "starts"), "child", [start.child for start in move.starts], content.children)
    if move.automatic not in (None, FACTS_CHANGED):
        yield from _unknown((*at, "automatic"), "deadline", [str(move.automatic)], content.deadlines)
    for call in move.guards:
        yield from _guard((*at, "guards"), content, call)


def _guard(at: Path, content: Content, call: GuardCall) -> Broken:
    """What the argument of a guard names in vain, inside this definition."""
    check: dict[str, Callable[[], Broken]] = {
        "deadline": lambda: _unknown(at, "deadline", [call.argument], content.deadlines),
        "children": lambda: _unknown(at, "child", call.argument, content.children),
        "count": lambda: _unknown(at, "child", ["review"], content.children),
    }
    names = registered(call.name).names
    if names in check:
        yield from check[names]()
    elif names == "parent" and content.parent is None:
        yield at, Reason("guard %(guard)s asks about a parent, and none is declared", guard=call.name)


def _unknown(at: Path, what: str, used: Collection[str], known: Collection[str]) -> Broken:
    """The names in ``used`` that are not in ``known``; one that could not be read is told elsewhere."""
    for name in used:
        if name and name not in known:
            yield (
                at,
                Reason(
                    'there is no %(what)s "%(name)s"%(hint)s', what=what, name=name, hint=nearest(name, known)
                ),
            )
