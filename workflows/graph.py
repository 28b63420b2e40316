"""Questions about the graph of states and moves."""

from collections.abc import Callable, Iterable, Mapping

from workflows.guards import exclusive
from workflows.parts import FACTS_CHANGED, Content, Move

Edges = Mapping[str, frozenset[str]]
MOST_STEPS = 50_000
"""How many pairs of moves a search for endless automatic ones compares before it gives up. The shipped ones need 50."""


def makeable(move: Move) -> bool:
    """Whether it has roles at all: denied by default, a move without any is nobody's."""
    return bool(move.roles)


def edges(content: Content, counts: Callable[[Move], bool] = makeable) -> Edges:
    """From each state the states that a move leads to, of the moves that count."""
    found: dict[str, set[str]] = {state: set() for state in content.states}
    for move in content.moves.values():
        if counts(move):
            for source in move.sources:
                found[source].add(move.target)
    return {state: frozenset(targets) for state, targets in found.items()}


def reversed_(graph: Edges) -> Edges:
    """The same graph with every edge the other way round."""
    found: dict[str, set[str]] = {state: set() for state in graph}
    for state, targets in graph.items():
        for target in targets:
            found[target].add(state)
    return {state: frozenset(sources) for state, sources in found.items()}


def reachable(graph: Edges, starts: Iterable[str]) -> set[str]:
    """The states that can be reached from any of the given ones, these included."""
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        state = waiting.pop()
        if state not in found:
            found.add(state)
            waiting.extend(graph[state])
    return found


def can_end(content: Content, counts: Callable[[Move], bool] = makeable) -> set[str]:
    """The states from which an end can be reached by the moves that count, the ends included."""
    ends = (state.name for state in content.states.values() if state.final)
    return reachable(reversed_(edges(content, counts)), ends)


def compatible(one: Move, other: Move) -> bool:
    """Whether the guards of two moves can be met by the same facts, as far as can be told."""
    return not any(exclusive(first, second) for first in one.guards for second in other.guards)


class Tangled(Exception):
    """The automatic moves are too many to be followed to every end."""


def endless(content: Content) -> tuple[Move, ...] | None:
    """Automatic moves that the same facts may drive round and round, or None. Raises Tangled if it cannot tell."""
    by_facts = [move for move in content.moves.values() if move.automatic == FACTS_CHANGED]
    leaving: dict[str, list[Move]] = {state: [] for state in content.states}
    for move in by_facts:
        for source in move.sources:
            leaving[source].append(move)
    steps = 0
    for start in leaving:
        waiting: list[tuple[Move, ...]] = [(move,) for move in leaving[start]]
        while waiting:
            path = waiting.pop()
            steps += len(path) * (1 + len(leaving[path[-1].target]))
            if steps > MOST_STEPS:
                raise Tangled
            if path[-1].target == start:
                return path
            waiting.extend(
                (*path, move)
                for move in leaving[path[-1].target]
                if move not in path and all(compatible(move, made) for made in path)
            )
    return None
