"""What those who decide look at."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from sqlmodel import Session, col, select

from fund.base import facts
from fund.base.audience import left_to
from fund.base.definitions import definition_by_id, definition_of
from fund.base.errors import Forbidden
from fund.base.permissions import Viewer
from fund.reviewing.opinions import Opinion, opinions
from fund.rounds import queries as rounds
from fund.web.i18n import gettext as _
from schema.applications import Application
from schema.awards import Award
from schema.people import Member
from schema.rounds import Round
from schema.values import Money
from workflows import Definition, Move, State

DECISION = "decision"
DECIDED = (DECISION, "award", "reporting", "sharing")
"""Stages of the application's workflow in which the applicant knows the decision."""


@dataclass(frozen=True)
class Found:
    """An application of the round with its member and its award, as they were read together."""

    application: Application
    member: Member
    award: Award | None
    definition: Definition

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.definition.state(self.application.state)

    @property
    def amount(self) -> Money | None:
        """What it would cost: the award that is prepared, else what is asked for."""
        return self.award.amount if self.award else self.application.requested


@dataclass(frozen=True)
class Choice:
    """An application to be decided, with its place in the order of the reviews.

    ``running`` is what all down to this one would cost together; ``fits`` whether that is still left.
    """

    application: Application
    member: Member
    state: State
    opinion: Opinion
    amount: Money | None
    prepared: bool
    running: Money
    fits: bool
    picked: bool
    moves: Sequence[Move]


@dataclass(frozen=True)
class Decided:
    """An application that was decided, and what it was awarded, if the money is still promised."""

    application: Application
    member: Member
    state: State
    awarded: Money | None


@dataclass(frozen=True)
class Deliberation:
    """A round on its way to decisions.

    ``picked`` is what the picked ones cost together. ``under_way`` counts proposals that are not ripe for a decision;
    ``own`` those of the viewer's own members, which others decide.
    """

    round: Round
    purse: rounds.Purse
    choices: Sequence[Choice]
    decided: Sequence[Decided]
    picked: Money
    under_way: int
    own: int
    left: str
    """Who runs the round, for a manager who does not."""

    @property
    def left_after_picked(self) -> Money:
        """What would be left if all that are picked were funded; below nothing if too much."""
        return self.purse.left - self.picked


def deliberation(session: Session, viewer: Viewer, slug: str, picked: Collection[str] = ()) -> Deliberation:
    """The round's applications that can be decided, the best reviewed first, against the money that is left.

    ``picked`` holds references for a trial sum; nothing is stored. For managers and auditors; a viewer's own members'
    applications are left out. The same number of queries for any number. Raises NotFound, Forbidden.
    """
    round_ = rounds.round_by_slug(session, viewer, slug)
    if not viewer.reads_everything:
        raise Forbidden(_("This is for the people who manage the fund."))
    everything = _found(session, round_)
    found = [one for one in everything if one.application.member_id not in viewer.member_ids]
    purse = rounds.purse(session, round_)
    choices = _ranked(session, [one for one in found if is_ripe(one.definition, one.state)], purse, picked)
    return Deliberation(
        round=round_,
        purse=purse,
        choices=choices,
        decided=_decided(found),
        picked=_sum((one.amount for one in choices if one.picked), round_.currency),
        under_way=sum(_under_way(one) for one in found),
        own=len(everything) - len(found),
        left=left_to(session, round_, viewer),
    )


def is_ripe(definition: Definition, state: State) -> bool:
    """Whether an award can be prepared and offered from this state, as the workflow declares it."""
    return any(_needs_award(move) for move in definition.leaving(state.name))


def ripe(session: Session, application: Application) -> bool:
    """Whether an award can be prepared for the application now."""
    definition = definition_of(session, application)
    return is_ripe(definition, definition.state(application.state))


def _needs_award(move: Move) -> bool:
    return any(call.name == "award_prepared" for call in move.guards)


def _found(session: Session, round_: Round) -> list[Found]:
    """Everything of the round that was ever submitted."""
    rows = session.exec(
        select(Application, Member, Award)
        .join(Member, col(Member.id) == col(Application.member_id))
        .join(Award, col(Award.application_id) == col(Application.id), isouter=True)
        .where(Application.round_id == round_.id, col(Application.submitted_at).is_not(None))
        .order_by(col(Application.submitted_at), col(Application.id))
    )
    return [
        Found(application, member, award, definition_by_id(session, application.workflow_id))
        for application, member, award in rows
    ]


def _ranked(
    session: Session, found: Sequence[Found], purse: rounds.Purse, picked: Collection[str]
) -> list[Choice]:
    said = opinions(session, [one.application for one in found])
    order = sorted(found, key=lambda one: _rank(said[one.application.id or 0]), reverse=True)
    costs = (one.amount or Money(0, purse.pot.currency) for one in order)
    running = accumulate(costs)
    return [
        Choice(
            application=one.application,
            member=one.member,
            state=one.state,
            opinion=said[one.application.id or 0],
            amount=one.amount,
            prepared=one.award is not None,
            running=so_far,
            fits=so_far.minor <= purse.left.minor,
            picked=one.application.reference in picked,
            moves=tuple(_decisions(one)),
        )
        for one, so_far in zip(order, running, strict=True)
    ]


def _rank(opinion: Opinion) -> float:
    """The average; what has no score stands last."""
    return -1.0 if opinion.summary.average is None else opinion.summary.average


def _decisions(found: Found) -> Iterator[Move]:
    """The manager's moves that decide: into the stages decision and award."""
    for move in found.definition.leaving(found.state.name):
        if "manager" in move.roles and found.definition.state(move.target).stage in (DECISION, "award"):
            yield move


def _decided(found: Sequence[Found]) -> list[Decided]:
    return [
        Decided(
            one.application,
            one.member,
            one.state,
            one.award.amount if one.award and facts.holds_money(one.state) else None,
        )
        for one in found
        if one.state.stage in DECIDED and not is_ripe(one.definition, one.state)
    ]


def _under_way(found: Found) -> bool:
    return (
        found.state.stage not in DECIDED
        and not found.state.final
        and not is_ripe(found.definition, found.state)
    )


def _sum(amounts: Iterator[Money | None], currency: str) -> Money:
    return Money(sum(one.minor for one in amounts if one is not None), currency)
