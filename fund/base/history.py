"""How long things usually take, computed from what the ledger says about those that went before."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import quantiles
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from fund.base.definitions import definition_by_id
from fund.base.eras import CHANGED, names_of_one
from schema.ledger import LedgerEvent
from schema.workflows import Workflow

LOOKED_AT = 5_000
"""The latest moves that are looked at: enough for years of a small fund, and the same work for a large one."""
ENOUGH = 3
"""Fewer stays than these say nothing about the next."""


@dataclass(frozen=True, slots=True)
class Usual:
    """How long a state took those that went on from it: half of them at most ``middle``, four of five ``most``."""

    middle: timedelta
    most: timedelta
    stays: int

    @property
    def days(self) -> int:
        """The middle in whole days, at least one."""
        return max(1, round(self.middle / timedelta(days=1)))

    @property
    def most_days(self) -> int:
        """``most`` in whole days, at least one."""
        return max(1, round(self.most / timedelta(days=1)))


def usual_times(session: Session, kind: str = "application") -> dict[str, Usual]:
    """For each state of things of that kind how long it usually takes; states with little history are left out.

    Stays that ended by a move backwards, by being put on hold, by what was undone or by another workflow say nothing
    about how long the work takes and are not counted; a state that a version calls otherwise is the same one.
    Reads at most ``LOOKED_AT`` events, however long the ledger.
    """
    backwards, holds = _not_counted(session, kind)
    one = names_of_one(session, kind)
    stays: dict[str, list[float]] = defaultdict(list)
    for came, left in _stays(_events(session, kind, one)):
        if came.action != CHANGED and left.action not in backwards and left.target not in holds:
            stays[one.get(came.target, came.target)].append((left.at - came.at).total_seconds())
    usual = {state: _usual(found) for state, found in stays.items() if len(found) >= ENOUGH}
    return usual | {name: usual[known] for name, known in one.items() if known in usual}


def _events(session: Session, kind: str, one: Mapping[str, str]) -> Iterable[Any]:
    """The latest moves, by what they moved and in their order, without changes of version that only renamed."""
    event = LedgerEvent
    asked = (event.subject_id, event.seq, event.action, event.source, event.target, event.at)
    latest = session.execute(
        select(*(col(column) for column in asked))
        .where(col(event.subject_kind) == kind, col(event.target) != "")
        .order_by(col(event.id).desc())
        .limit(LOOKED_AT)
    ).all()
    moved = [
        row
        for row in latest
        if row.action != CHANGED or one.get(row.source, row.source) != one.get(row.target, row.target)
    ]
    return sorted(moved, key=lambda row: (row.subject_id, row.seq))


def _stays(events: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """How each thing came into a state, and how it left it."""
    for came, left in pairwise(events):
        if came.subject_id == left.subject_id and came.target != left.target:
            yield came, left


def _not_counted(session: Session, kind: str) -> tuple[set[str], set[str]]:
    backwards, holds = {"undone", CHANGED}, set()
    for key in session.scalars(select(col(Workflow.id))):
        definition = definition_by_id(session, key or 0)
        if definition.subject == kind:
            backwards |= {move.trigger for move in definition.moves.values() if move.revert}
            holds |= {state.name for state in definition.states.values() if state.hold}
    return backwards, holds


def _usual(seconds: list[float]) -> Usual:
    cuts = quantiles(seconds, n=10, method="inclusive")
    return Usual(timedelta(seconds=cuts[4]), timedelta(seconds=cuts[7]), len(seconds))


def expected_until(usual: Usual | None, since: datetime) -> datetime | None:
    """When four of five had gone on by now, for what came into the state ``since``; None where nothing is known."""
    return since + usual.most if usual else None
