"""Binding a round to workflows that go together: what is planned today follows the newest ones of today.

Each version is accepted by itself, so for a while the newest ones need not fit: one knows a state of another under a
name that it no longer has. No round begins with such a mixture.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from fund.base.definitions import (
    APPLICATION,
    PINNED,
    choices,
    definition_by_id,
    definition_of,
    newest,
    store,
)
from fund.base.errors import Invalid
from fund.base.fit import lost_guards
from fund.base.subjects import KINDS
from fund.base.versions import known
from schema.rounds import Round
from schema.workflows import RoundWorkflow
from workflows import Definition, Move, Reason
from workflows.compare import successors
from workflows.family import places as places_in
from workflows.family import spoken_of
from workflows.guards import ALL, stands_in
from workflows.reasons import in_a_row

ROUND = "round"
STATE_GONE = Reason(
    "“%(behind)s”, version %(number)s, goes by the state %(state)s (%(moves)s), while “%(ahead)s”,"
    " version %(latest)s, has %(places)s in its place"
)
STAGE_GONE = Reason(
    "“%(behind)s”, version %(number)s, goes by the stage %(state)s (%(moves)s), while “%(ahead)s”,"
    " version %(latest)s, has %(places)s in its place"
)
Places = Mapping[str, set[str]]
"""For each state or stage (``STAGE/*``) that a workflow no longer has, those that may have taken its place."""


@dataclass(frozen=True)
class Gap:
    """One workflow goes by a state or a stage that another has no longer, and knows nothing of what took its place."""

    behind: Definition
    ahead: Definition
    state: str
    """Or the stage, as guards name it."""
    places: tuple[str, ...]
    moves: tuple[str, ...]

    def concerns(self, definition: Definition) -> bool:
        """Whether the definition is one of the two."""
        return definition.digest in (self.behind.digest, self.ahead.digest)

    @property
    def reason(self) -> Reason:
        """What has to be changed where, in words."""
        return Reason(
            STAGE_GONE if self.state.endswith(ALL) else STATE_GONE,
            behind=self.behind.name,
            number=self.behind.version,
            state=self.state.removesuffix(ALL),
            moves=", ".join(self.moves),
            places=in_a_row([place.removesuffix(ALL) for place in self.places], Reason(" or ")),
            ahead=self.ahead.name,
            latest=self.ahead.version,
        )


def pin(session: Session, round_: Round, now: datetime, application: str = APPLICATION) -> None:
    """Bind the round to the newest definitions of today: for its applications to that of the name ``application``.

    Later versions reach it only by a migration. What was pinned before is forgotten: for a round without applications.
    Raises Invalid where these do not go together, with what has to follow, and where a guard of one of them is gone.
    """
    assert round_.id is not None
    chosen = {subject: newest(session, _named(subject, application)) for subject in PINNED}
    together = chosen | {ROUND: definition_of(session, round_)}
    if found := gaps(together, known(session).values()):
        raise Invalid({"workflow": unfit(found)})
    for definition in together.values():
        for move, guard in lost_guards(definition):
            raise Invalid({"workflow": _lost(definition, move, guard)})
    for subject, definition in chosen.items():
        key = store(session, definition, now)
        session.merge(RoundWorkflow(round_id=round_.id, name=subject, workflow_id=key))
    session.flush()


def bound_to(session: Session, round_: Round) -> dict[str, Definition]:
    """The definitions that the round is bound to, by kind of thing; the one that moves the round itself is the last."""
    pins = session.exec(select(RoundWorkflow).where(RoundWorkflow.round_id == round_.id)).all()
    found = {pin.name: definition_by_id(session, pin.workflow_id) for pin in pins}
    found[ROUND] = definition_of(session, round_)
    return {kind: found[kind] for kind in KINDS if kind in found}


def gaps_of(session: Session, round_: Round) -> list[Gap]:
    """Where the workflows that a round is bound to do not go together; nothing in a round that is at its end."""
    together = bound_to(session, round_)
    if together[ROUND].state(round_.state).final:
        return []
    return gaps(together, known(session).values())


def open_gaps(session: Session) -> list[Gap]:
    """All that keeps rounds from being planned now, whichever workflow their applications are to go through."""
    everything = known(session).values()
    found: dict[Gap, None] = {}
    for application in choices(session):
        names = [_named(subject, application) for subject in (*PINNED, ROUND)]
        together = {one.subject: one for one in (newest(session, name) for name in names)}
        found |= dict.fromkeys(gaps(together, everything))
    return list(found)


def gaps(together: Mapping[str, Definition], everything: Iterable[Definition]) -> list[Gap]:
    """Where definitions that are to work together do not: by subject, with all others that the fund knows."""
    versions = list(everything)
    return [
        gap
        for ahead in together.values()
        if (places := _replaced(ahead, versions))
        for behind in together.values()
        for gap in _left_behind(behind, ahead, places)
    ]


def _named(subject: str, application: str) -> str:
    return application if subject == APPLICATION else subject


def unfit(found: Sequence[Gap]) -> Reason:
    """Why a round cannot be planned with these, in words."""
    return Reason(
        "The newest workflows do not go together: %(gaps)s. Give the fund a version that does, then plan the round.",
        gaps=in_a_row([gap.reason for gap in found]),
    )


def _lost(definition: Definition, move: Move, guard: str) -> Reason:
    return Reason(
        "Nobody could make the move “%(move)s” of “%(name)s”, version %(number)s: there is no guard %(guard)s here."
        " Tell whoever looks after this system.",
        move=move.label,
        name=definition.name,
        number=definition.version,
        guard=guard,
    )


def _replaced(definition: Definition, everything: Iterable[Definition]) -> Places:
    """States and stages of other versions that this one has not, each with those of its own that stand in their place.

    A state that got another name counts both ways, as another workflow for the same thing may have kept the old one.
    """
    kin = [one for one in everything if one.subject == definition.subject]
    found: dict[str, set[str]] = {}
    there = places_in(definition)
    for old in kin:
        for new in kin:
            if old.name == new.name and old.version < new.version:
                pairs = [*successors(old, new).items(), *_stages(old, new)]
                _note(found, there, [*pairs, *((place, gone) for gone, place in pairs)])
        if old.name == definition.name and old.version < definition.version:
            _note(found, there, _perhaps(old, definition))
    return found


def _note(found: dict[str, set[str]], there: set[str], pairs: Iterable[tuple[str, str]]) -> None:
    for gone, place in pairs:
        if gone not in there and place in there:
            found.setdefault(gone, set()).add(place)


def _stages(old: Definition, new: Definition) -> Iterator[tuple[str, str]]:
    """For each stage that vanished those in which its states stand now, as long as they are under way."""
    names = successors(old, new)
    for state in old.states.values():
        now = new.states.get(names.get(state.name, state.name))
        if now and not (state.final or now.final) and state.stage not in new.stages:
            yield state.stage + ALL, now.stage + ALL


def _perhaps(old: Definition, new: Definition) -> Iterator[tuple[str, str]]:
    """Where it cannot be told what took a state's place: every new state that may have."""
    told = successors(old, new)
    come = [state for state in new.states.values() if state.name not in old.states]
    for state in old.states.values():
        if state.name not in new.states and state.name not in told:
            yield from ((state.name, other.name) for other in come if other.final == state.final)


def _left_behind(behind: Definition, ahead: Definition, places: Places) -> Iterator[Gap]:
    """States and stages that guards know under a name that is gone, and under no other."""
    found: dict[str, dict[str, None]] = {}
    for move in behind.moves.values():
        for call in move.guards:
            for kind, names in spoken_of(behind, call):
                gone = [name for name in names if kind == ahead.subject and name in places]
                for state in gone:
                    if not any(stands_in(_standing(ahead, place), names) for place in places[state]):
                        found.setdefault(state, {})[move.trigger] = None
    for state, moves in found.items():
        yield Gap(behind, ahead, state, tuple(sorted(places[state])), tuple(moves))


def _standing(definition: Definition, place: str) -> str:
    """What stands in a place is known by: a stage by itself."""
    return place if place.endswith(ALL) else definition.state(place).standing
