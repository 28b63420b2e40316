"""Which definitions of a round are changed for which, and whether that can be: looked at before anything else."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlmodel import Session

from fund.base.binding import bound_to
from fund.base.errors import Invalid
from fund.base.fit import misfits
from fund.base.versions import known
from notifications.compose import template_names
from schema.rounds import Round
from workflows import Definition, Finding, Level, State, check
from workflows.compare import successors
from workflows.family import spoken_of
from workflows.guards import stands_in
from workflows.reasons import Reason, counted, in_a_row

Places: TypeAlias = Mapping[str, Mapping[str, str]]
"""By kind of thing, for each state that vanishes the state that takes its place."""
NAMED = 10
"""So many things are named where something has no place; of the others only how many."""


@dataclass(frozen=True)
class Change:
    """One kind of thing in the round, the definition that moves it now, and the one that is to move it."""

    kind: str
    old: Definition
    new: Definition
    places: Mapping[str, str]

    @property
    def vanished(self) -> list[str]:
        """States of the old definition that the new one does not have, in the order of the file."""
        return [name for name in self.old.states if name not in self.new.states]

    @property
    def moved(self) -> Mapping[str, str]:
        """The places, and each state that stays but whose stage is no more: it is known as one of another."""
        under_way = (state for state in self.old.states.values() if not state.final)
        gone = (state.name for state in under_way if state.stage not in self.new.stages)
        return {name: name for name in gone if name in self.new.states} | dict(self.places)

    @property
    def heirs(self) -> dict[str, str]:
        """The places, and of states in which nothing stands those that nobody named and that can only be meant."""
        meant = successors(self.old, self.new)
        free = {state: new for state, new in meant.items() if new not in self.places.values()}
        return free | dict(self.places)

    def place(self, state: str) -> str | None:
        """Where things go that stand in ``state``; None if nobody said."""
        return state if state in self.new.states else self.places.get(state)


class NoPlace(Invalid):
    """Something stands in a state that would vanish, and nobody said where it goes. ``missing``: (kind, state)."""

    def __init__(
        self, standing: Mapping[tuple[str, str], Sequence[str]], labels: Mapping[tuple[str, str], str]
    ) -> None:
        self.missing = tuple(standing)
        super().__init__(
            {
                f"map-{kind}-{state}": _no_place(labels[kind, state], names)
                for (kind, state), names in standing.items()
            }
        )


def _no_place(label: str, names: Sequence[str]) -> Reason:
    return counted(
        "%(names)s stands in “%(state)s”, which the new version does not have. Say which state takes its place.",
        "%(names)s stand in “%(state)s”, which the new version does not have. Say which state takes its place.",
        len(names),
        names=", ".join(names[:NAMED]) + (f" … ({len(names)})" if len(names) > NAMED else ""),
        state=label,
    )


def changes(session: Session, round_: Round, wanted: Sequence[Definition], places: Places) -> list[Change]:
    """The changes that the wanted definitions come to. Raises Invalid for what cannot follow the present ones."""
    present = bound_to(session, round_)
    new: dict[str, Definition] = {}
    wrong: dict[str, str] = {}
    for definition in wanted:
        kind = definition.subject
        if kind in new:
            wrong[kind] = Reason("Name only one workflow whose subject is %(kind)s.", kind=kind)
        elif problem := _unfit_to_follow(kind, present.get(kind), definition):
            wrong[kind] = problem
        new[kind] = definition
    if wrong or not new:
        raise Invalid(wrong or {"workflow": Reason("Choose the version that the round is to change to.")})
    found = [
        Change(kind, present[kind], new[kind], _checked(kind, present[kind], new[kind], places.get(kind, {})))
        for kind in present
        if kind in new
    ]
    if strange := sorted(places.keys() - new.keys()):
        stays = Reason(
            "The workflow of %(kinds)s stays: no state of it can be mapped.", kinds=", ".join(strange)
        )
        raise Invalid({"workflow": stays})
    return found


def _unfit_to_follow(kind: str, old: Definition | None, new: Definition) -> Reason | None:
    """Why one definition cannot follow the other, or None."""
    if old is None:
        return Reason(
            "“%(name)s” is for the subject %(kind)s, of which a round has none.", name=new.name, kind=kind
        )
    if old.digest == new.digest:
        return Reason("The round follows this very version of “%(name)s” already.", name=new.name)
    if old.name == new.name and new.version <= old.version:
        return Reason(
            "The round follows version %(old)s of “%(name)s”; version %(new)s is no later one.",
            old=old.version,
            name=new.name,
            new=new.version,
        )
    return None


def _checked(kind: str, old: Definition, new: Definition, places: Mapping[str, str]) -> Mapping[str, str]:
    """The places, if they name states that are there. Raises Invalid."""
    wrong = {
        f"map-{kind}-{state}": problem
        for state, place in places.items()
        if (problem := _misplaced(kind, old, new, state, place))
    }
    if wrong:
        raise Invalid(wrong)
    return places


def _misplaced(kind: str, old: Definition, new: Definition, state: str, place: str) -> Reason | None:
    """Why the one state cannot take the place of the other, or None."""
    if state not in old.states:
        return Reason(
            "“%(state)s” is no state of the workflow that the round follows (%(kind)s).",
            state=state,
            kind=kind,
        )
    if state in new.states:
        return Reason(
            "“%(state)s” stays in the new version, and what stands there stays with it.", state=state
        )
    if place not in new.states:
        return Reason("“%(state)s” is no state of the new version (%(kind)s).", state=place, kind=kind)
    return None


def require_sound(session: Session, round_: Round, wanted: Sequence[Change]) -> None:
    """Raises Invalid, with the findings, where a new definition has errors."""
    after = bound_to(session, round_) | {change.kind: change.new for change in wanted}
    wrong: dict[str, str] = {}
    for change in wanted:
        if found := _errors(session, change.new, after.values()):
            name = change.new.name
            wrong[change.kind] = Reason(
                "“%(name)s” cannot be used: %(findings)s.", name=name, findings=_listed(found)
            )
    if wrong:
        raise Invalid(wrong)


def require_company(
    session: Session, round_: Round, wanted: Sequence[Change], concerned: Mapping[str, Collection[str]]
) -> None:
    """Raises Invalid where something under way goes by guards that know a state under its old name only.

    ``concerned`` tells for each kind that changes the kinds of things that look at those of it that are placed anew.
    """
    after = bound_to(session, round_) | {change.kind: change.new for change in wanted}
    wrong: dict[str, str] = {}
    for kind, definition in after.items():
        looked_at = [change for change in wanted if kind in concerned[change.kind]]
        if found := [one for change in looked_at for one in _left_behind(definition, change)]:
            wrong[kind] = Reason(
                "The round's workflow “%(name)s” has to change with it: %(findings)s.",
                name=definition.name,
                findings=_listed(found),
            )
    if wrong:
        raise Invalid(wrong)


def _errors(session: Session, definition: Definition, others: Collection[Definition]) -> list[Finding]:
    """What the checker finds, given what else the fund knows, and what the fund cannot carry out."""
    family = known(session) | {one.digest: one for one in others}
    found = [*check(definition, templates=template_names(), family=family), *misfits(definition)]
    return [finding for finding in found if finding.level is Level.ERROR]


def _left_behind(definition: Definition, change: Change) -> Iterator[Finding]:
    """Guards that know a state under its old name only: they would take what stands there for something else."""
    for move in definition.moves.values():
        for call in move.guards:
            for kind, named in spoken_of(definition, call):
                for state, place in change.moved.items() if kind == change.kind else ():
                    old, new = change.old.state(state), change.new.state(place)
                    if _loses(named, old, new, change):
                        message = Reason(
                            "%(guard)s knows %(old)s (%(kind)s) and not %(new)s",
                            guard=call.name,
                            old=_known_as(old, new),
                            kind=kind,
                            new=_known_as(new, old),
                        )
                        yield Finding(move.line, f"move {move.trigger}", message)


def _loses(named: Collection[str], old: State, new: State, change: Change) -> bool:
    """Whether places that a guard names have the old state and not the new one, and nobody can have meant that.

    An end is in no stage, and a stage that was there already may be left out.
    """
    if stands_in(new.standing, named) or not stands_in(old.standing, named):
        return False
    return old.name in named or not (new.final or new.stage in change.old.stages)


def _known_as(state: State, other: State) -> str:
    """The name that tells it from the other: that of the state, else with its stage."""
    return state.name if state.name != other.name else state.standing


def _listed(findings: Sequence[Finding]) -> str:
    return in_a_row(
        [Reason("%(where)s: %(message)s", where=one.where, message=one.message) for one in findings[:NAMED]]
    )
