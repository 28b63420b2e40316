"""The way of a proposal for its applicant: the stages that it came through, where it is, and what follows.

All in the names that the workflow has for her, and only of states in which she may read it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fund.base import trail
from fund.base.definitions import definition_of
from schema.applications import Application
from workflows import Definition, Stage, State
from workflows.parts import ANYONE, APPLICANT


@dataclass(frozen=True)
class Stay:
    """A state in her words, and since when the proposal stood in it."""

    label: str
    at: datetime


@dataclass(frozen=True)
class Leg:
    """A stage of the way. What lies ahead has no stays."""

    label: str
    stays: Sequence[Stay]
    """Where it stood in this stage, in order; in the present one the last is where it stands."""
    here: bool
    follows: Sequence[str]
    """What the states are called to which the next move can lead, if it is here. None where it came to its end."""


def way(session: Session, application: Application) -> list[Leg]:
    """The way of the proposal: each stage as often as it came there, then those that can still be come to.

    Whether a move can be made now is not told: what it waits for is the fund's own work.
    """
    definition = definition_of(session, application)
    here = definition.state(application.state)
    legs = _gone(definition, trail.steps(session, application))
    if legs:
        legs[-1] = Leg(legs[-1].label, legs[-1].stays, here=True, follows=_follows(definition, here))
    return legs + [Leg(stage.label, [], False, []) for stage in _ahead(definition, here)]


def _gone(definition: Definition, steps: Iterable[trail.Step]) -> list[Leg]:
    """The stages that were come through. Stays that are called the same for her are one."""
    legs: list[tuple[str, list[Stay]]] = []
    for step in steps:
        if not _told(step.state):
            continue
        now = definition.states.get(step.name, step.state)
        stage = definition.stages.get(now.stage)
        label = stage.label if stage else now.stage
        if not legs or legs[-1][0] != label:
            legs.append((label, []))
        stays = legs[-1][1]
        if not stays or stays[-1].label != step.state.applicant_label:
            stays.append(Stay(step.state.applicant_label, step.at))
    return [Leg(label, stays, False, []) for label, stays in legs]


def _follows(definition: Definition, here: State) -> list[str]:
    """What comes after where it stands, in her words, the ways out last; ways back are not told."""
    if here.final:
        return []
    moves = [move for move in definition.leaving(here.name) if not move.revert]
    targets = [
        definition.state(move.target) for move in sorted(moves, key=lambda move: move.style == "danger")
    ]
    found = dict.fromkeys(one.applicant_label for one in targets if _told(one))
    return [label for label in found if label != here.applicant_label]


def _ahead(definition: Definition, here: State) -> list[Stage]:
    """The stages that can still be come to without going back, in the order of the file."""
    reached, new = {here.name}, [] if here.final else [here.name]
    while new:
        moves = [move for move in definition.leaving(new.pop()) if not move.revert]
        fresh = {move.target for move in moves} - reached
        reached |= fresh
        new += fresh
    order = list(definition.stages)
    names = {definition.state(name).stage for name in reached if _told(definition.state(name))}
    return [definition.stages[name] for name in order[order.index(here.stage) + 1 :] if name in names]


def _told(state: State) -> bool:
    """Whether she may read the proposal in that state."""
    return bool(state.read & {APPLICANT, ANYONE})
