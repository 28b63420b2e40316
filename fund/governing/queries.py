"""What there is to see of workflows: their versions, who follows which, and what a round is bound to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from fund.base import definitions, migrating, versions
from fund.base.binding import Gap, gaps_of
from fund.base.errors import NotFound
from fund.base.permissions import Viewer
from fund.base.subjects import KINDS
from fund.rounds import queries as rounds
from schema.applications import Application
from schema.ledger import LedgerEvent
from schema.people import Person
from schema.rounds import Round
from schema.workflows import RoundWorkflow, Workflow
from workflows import Definition, Move, Stage, State


@dataclass(frozen=True)
class Version:
    """One version of a workflow. ``stored_at`` is None for one that only comes with the product."""

    definition: Definition
    stored_at: datetime | None
    by: str
    """Who gave it to the fund; empty for what comes with the product."""
    rounds: Sequence[Round]
    newest: bool
    """Whether rounds that are planned now follow it, if they follow a workflow of that name."""

    @property
    def key(self) -> str:
        """What it is called in addresses."""
        return versions.key_of(self.definition)

    @property
    def idle(self) -> bool:
        """Whether the fund has nothing yet that it could move."""
        return self.definition.subject not in KINDS


def listed(session: Session) -> list[Version]:
    """Every version that the fund knows: by subject and name, the latest first."""
    everything = versions.known(session)
    rows = {row.digest: row for row in session.exec(select(Workflow))}
    followed, givers = _followed(session), _givers(session)
    newest = {
        name: definitions.newest(session, name).digest for name in {one.name for one in everything.values()}
    }
    return [
        Version(
            definition=one,
            stored_at=rows[digest].stored_at if digest in rows else None,
            by=givers.get(rows[digest].id or 0, "") if digest in rows else "",
            rounds=followed.get(rows[digest].id or 0, []) if digest in rows else [],
            newest=newest[one.name] == digest,
        )
        for digest, one in everything.items()
    ]


def version(session: Session, key: str) -> Version:
    """The version of that key. Raises NotFound."""
    for one in listed(session):
        if one.key == key:
            return one
    raise NotFound


def _followed(session: Session) -> dict[int, list[Round]]:
    """The rounds that follow each stored version, the latest first."""
    found: dict[int, list[Round]] = {}
    pins = select(RoundWorkflow.workflow_id, Round).join(Round, col(Round.id) == col(RoundWorkflow.round_id))
    for key, round_ in session.exec(pins.order_by(col(Round.closes_on).desc())):
        found.setdefault(key, []).append(round_)
    for round_ in session.exec(select(Round).order_by(col(Round.closes_on).desc())):
        found.setdefault(round_.workflow_id, []).append(round_)
    return found


def _givers(session: Session) -> dict[int, str]:
    """Who gave each stored version to the fund."""
    events = select(LedgerEvent.subject_id, Person.name).join(
        Person, col(Person.id) == col(LedgerEvent.actor_id)
    )
    return dict(session.exec(events.where(LedgerEvent.subject_kind == "workflow")).all())


@dataclass(frozen=True)
class Bound:
    """What a round is bound to for one kind of thing, and what it could change to: the newest first."""

    kind: str
    definition: Definition
    others: Sequence[Definition]

    @property
    def key(self) -> str:
        """What the version is called in addresses."""
        return versions.key_of(self.definition)


@dataclass(frozen=True)
class Governed:
    """A round with everything that it is bound to."""

    round: Round
    bound: Sequence[Bound]
    gaps: Sequence[Gap]
    """Where these do not go together."""

    def of(self, kind: str) -> Bound:
        """What it is bound to for that kind of thing. Raises NotFound."""
        for one in self.bound:
            if one.kind == kind:
                return one
        raise NotFound


def governed(session: Session, viewer: Viewer, slug: str) -> Governed:
    """The round and what it is bound to, for a viewer who may see it. Raises NotFound."""
    round_ = rounds.round_by_slug(session, viewer, slug)
    everything = versions.known(session).values()
    return Governed(
        round_,
        [
            Bound(kind, present, [one for one in everything if _could_follow(one, present)])
            for kind, present in migrating.bound_to(session, round_).items()
        ],
        gaps_of(session, round_),
    )


def _could_follow(one: Definition, present: Definition) -> bool:
    """Whether a round could change to it: a later version of the same name, or another workflow for the same thing."""
    later = one.name != present.name or one.version > present.version
    return one.subject == present.subject and one.digest != present.digest and later


@dataclass(frozen=True)
class StageInWords:
    """A stage with its states, and with each the moves that lead out of it."""

    stage: Stage
    states: Sequence[tuple[State, Sequence[Move]]]


def in_words(definition: Definition) -> list[StageInWords]:
    """Stages, states and moves in the order of the file; stages without states are left out."""
    found = []
    for stage in definition.stages.values():
        states = [state for state in definition.states.values() if state.stage == stage.name]
        if states:
            found.append(StageInWords(stage, [(state, definition.leaving(state.name)) for state in states]))
    return found


def standing(session: Session, round_: Round) -> dict[tuple[str, str], int]:
    """How many things of the round stand in each state, by kind and state."""
    found = {("round", round_.state): 1}
    for kind, table in KINDS.items():
        if table is Round:
            continue
        counted = select(table.state, func.count())
        if table is not Application:
            counted = counted.join(Application)
        in_round = counted.where(Application.round_id == round_.id).group_by(col(table.state))
        found |= {(kind, state): count for state, count in session.exec(in_round)}
    return found
