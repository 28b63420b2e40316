"""Which move the owner of a deadline makes: the way forward, as the definition draws it. Pure."""

from workflows import DeadlineRule, Definition, Move

MONEY = "budget_left"
"""The guard of a move that takes from the round's pot: where the pot is empty, something else is decided."""


def forward(definition: Definition, state: str, rule: DeadlineRule) -> Move | None:
    """The move by which the deadline's owner goes on from ``state``, or None if there is none.

    The primary one, else one that meets the deadline; never a way back, nor one that does harm.
    """
    found = [move for move in _own(definition, state, rule) if move.style != "danger"]
    found = [move for move in found if move.style == "primary" or rule.key in move.meets]
    return min(found, key=lambda move: (move.style != "primary", rule.key not in move.meets), default=None)


def instead(definition: Definition, state: str, rule: DeadlineRule) -> Move | None:
    """What is decided where the pot is empty: another move that meets the deadline, a refusal only at last."""
    found = [
        move for move in _own(definition, state, rule) if rule.key in move.meets and not takes_money(move)
    ]
    return min(found, key=lambda move: move.style == "danger", default=None)


def takes_money(move: Move) -> bool:
    """Whether the move takes from the round's pot."""
    return any(call.name == MONEY for call in move.guards)


def lapses(definition: Definition, key: str) -> bool:
    """Whether what the deadline is for cannot be done any more once it has passed."""
    return any(move.automatic == key for move in definition.moves.values())


def _own(definition: Definition, state: str, rule: DeadlineRule) -> list[Move]:
    return [
        move
        for move in definition.leaving(state)
        if rule.owner in move.roles and move.target != state and not move.revert
    ]
