"""What the checker says of the ways between states: states that none leads to, or from which none leads to an end."""

from collections.abc import Callable, Iterator

from workflows.errors import Finding
from workflows.findings import of_state
from workflows.graph import Edges, can_end, edges, makeable, reachable
from workflows.parts import Content, Move
from workflows.reasons import Reason

LARGE, SHOWN = 200, 8
"""From how many states on a loop is not followed round, and how many of its states a finding names."""


def reach(content: Content, counts: Callable[[Move], bool] = makeable) -> Iterator[Finding]:
    """States that nothing leads to, and states from which there is no way to an end, by the moves that count."""
    graph = edges(content, counts)
    reached = reachable(graph, [content.initial])
    ending = can_end(content, counts)
    for state in content.states.values():
        if state.name not in reached:
            yield of_state(state, Reason("cannot be reached from %(initial)s", initial=content.initial))
        if state.name in ending:
            continue
        if graph[state.name]:
            yield of_state(
                state,
                Reason(
                    "a loop without an exit: it only leads to %(states)s, and none of them is an end",
                    states=_around(graph, state.name),
                ),
            )
        else:
            yield of_state(
                state, Reason("no way to an end: nothing leads out of it, and it declares no outcome")
            )


def _around(graph: Edges, state: str) -> str:
    """The states that can be reached from one; only the next ones where the graph is large."""
    names = reachable(graph, [state]) if len(graph) <= LARGE else graph[state]
    return ", ".join(sorted(names)[:SHOWN]) + ", …" * (len(names) > SHOWN)
