"""The machine: decides whether a move is made. Built on ``transitions``; nothing else here imports it.

One machine serves all things that a definition moves. It is bound to no model; a move is tried on a small row
that is thrown away. What the library does silently when a condition is unmet is turned into reasons here.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from transitions import EventData
from transitions import Machine as Transitions
from transitions import State as TransitionsState

from workflows.asks import missing
from workflows.errors import GuardFailed, NotAllowed, Refusal
from workflows.guards import Facts, unmet
from workflows.parts import CLOCK, Content, Move, State
from workflows.reasons import Reason

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Actor:
    """Who wants to make a move, in which roles towards the very thing that is moved."""

    id: int | None
    roles: frozenset[str]

    @classmethod
    def clock(cls) -> "Actor":
        """The actor of automatic moves."""
        return cls(None, frozenset({CLOCK}))


@dataclass(frozen=True)
class Outcome:
    """What a move comes to: from where to where, and all that it entails."""

    source: State
    target: State
    move: Move


@dataclass
class _Row:
    """What the library moves in place of a stored row."""

    state: str
    actor: Actor
    facts: Facts
    reasons: list[str] = field(default_factory=list)


class Machine:
    """The shared, stateless machine of one definition. Safe to use from several threads."""

    def __init__(self, content: Content) -> None:
        """Builds states and moves once."""
        self._content = content
        self._machine = Transitions(
            model=None,
            states=[TransitionsState(state.name, final=state.final) for state in content.states.values()],
            initial=content.initial,
            auto_transitions=False,
            send_event=True,
        )
        for move in content.moves.values():
            self._machine.add_transition(
                move.trigger, list(move.sources), move.target, conditions=_condition(move)
            )

    def fire(
        self,
        state: str,
        trigger: str,
        actor: Actor,
        facts: Facts,
        reason: str | None,
        data: Mapping[str, Any],
    ) -> Outcome:
        """See ``Definition.fire``."""
        move = self._content.moves.get(trigger)
        if move is None:
            raise NotAllowed(Refusal.UNKNOWN, [Reason("There is no such step.")])
        if not move.roles & actor.roles:
            raise NotAllowed(Refusal.ROLE, [Reason("This step is not yours to take.")])
        if state not in move.sources:
            raise NotAllowed(Refusal.STATE, [self._elsewhere(state, move)])
        row = _Row(state, actor, facts)
        if not self._machine.events[trigger].trigger(row):
            raise NotAllowed(Refusal.GUARD, row.reasons)
        if actor.roles != {CLOCK}:  # nobody is there to be asked
            self._asked(move, reason, data)
        states = self._content.states
        return Outcome(states[state], states[row.state], move)

    def _asked(self, move: Move, reason: str | None, data: Mapping[str, Any]) -> None:
        """Raises NotAllowed where what the move asks for was not given."""
        if move.reason == "required" and not (reason or "").strip():
            raise NotAllowed(Refusal.REASON, [Reason("Give a reason.")])
        if fields := missing(move.asks, data):
            raise NotAllowed(Refusal.FIELD, fields=fields)

    def _elsewhere(self, state: str, move: Move) -> Reason:
        """Why a move does not lead from here."""
        return Reason(
            "“%(move)s” is not possible now: it stands at “%(state)s”.",
            move=move.label,
            state=self._content.states[state].label,
        )


def _condition(move: Move) -> Any:
    """The library's condition for a move: role and guards, with the reasons left on the row."""

    def met(event: EventData) -> bool:
        row = cast(_Row, event.model)
        if not move.roles & row.actor.roles:
            return False
        row.reasons.extend(reasons(move, row.facts))
        return not row.reasons

    return met


def reasons(move: Move, facts: Facts) -> Iterator[str]:
    """Why the guards of a move are unmet; nothing if all are met. One that fails counts as unmet, and is logged."""
    for call in move.guards:
        try:
            reason = unmet(call, facts)
        except GuardFailed as failed:
            log.error("%s", failed, exc_info=failed.__cause__)
            reason = failed.reason
        if reason is not None:
            yield reason


def met(move: Move, facts: Facts) -> bool:
    """Whether all guards of a move are met. Raises GuardFailed where one cannot tell: nobody is there to be told."""
    return all(unmet(call, facts) is None for call in move.guards)
