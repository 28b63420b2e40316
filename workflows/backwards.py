"""What the checker says of ways back: moves that can be undone, moves declared as reverts, states that hold."""

from collections.abc import Iterator

from workflows.errors import Finding, Level
from workflows.graph import edges, reachable
from workflows.parts import CLOCK, Content, Move, State
from workflows.reasons import Reason


def ways_back(content: Content) -> Iterator[Finding]:
    """Undo, revert and hold where they cannot mean what they say."""
    forward = edges(content, lambda move: bool(move.roles) and not move.revert)
    for move in content.moves.values():
        yield from (Finding(move.line, f"move {move.trigger}", said) for said in _undo(move))
        if move.revert and not reachable(forward, [move.target]) & set(move.sources):
            said = Reason(
                "declared as a revert, and no way leads on from %(target)s to where it came from",
                target=move.target,
            )
            yield Finding(move.line, f"move {move.trigger}", said, Level.WARNING)
    for state in content.states.values():
        if state.hold:
            yield from (Finding(state.line, f"state {state.name}", said) for said in _hold(content, state))


def _undo(move: Move) -> Iterator[str]:
    if move.undo is None:
        return
    if move.roles == {CLOCK}:
        yield Reason("cannot be undone: it happens by itself, and would happen again")
    if move.starts:
        yield Reason(
            "cannot be undone: it starts a %(child)s, which cannot be unmade", child=move.starts[0].child
        )
    for record in move.records:
        if record[0] in "aeiou":
            yield Reason("cannot be undone: it records an %(record)s, which stands", record=record)
        else:
            yield Reason("cannot be undone: it records a %(record)s, which stands", record=record)


def _hold(content: Content, state: State) -> Iterator[str]:
    if state.name == content.initial:
        yield Reason("cannot hold: everything begins in it, so there is nothing to hold")
    if state.final:
        yield Reason("cannot hold: it is an end")
    entering = [move for move in content.moves.values() if move.target == state.name]
    held = {key for move in entering for source in move.sources for key in content.states[source].deadlines}
    for key in state.deadlines:
        if key in held and not any(content.states[one].hold for move in entering for one in move.sources):
            yield Reason("holds the deadline %(key)s and opens it too", key=key)
    if not any(_resumes(content, move) for move in content.moves.values() if state.name in move.sources):
        yield Reason("holds for good: no move leads from it to a state that neither holds nor ends")


def _resumes(content: Content, move: Move) -> bool:
    target = content.states[move.target]
    return bool(move.roles) and not target.hold and not target.final
