"""What is found in a definition, said of the part that it is about."""

from workflows.errors import Finding, Level
from workflows.parts import DeadlineRule, Move, State


def of_state(state: State, message: str, level: Level = Level.ERROR) -> Finding:
    """What is found about a state, at its line."""
    return Finding(state.line, f"state {state.name}", message, level)


def of_move(move: Move, message: str, level: Level = Level.ERROR) -> Finding:
    """What is found about a move, at its line."""
    return Finding(move.line, f"move {move.trigger}", message, level)


def of_deadline(rule: DeadlineRule, message: str, level: Level = Level.ERROR) -> Finding:
    """What is found about a deadline, at its line."""
    return Finding(rule.line, f"deadline {rule.key}", message, level)
