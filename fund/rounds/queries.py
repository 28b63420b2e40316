"""What there is to see of rounds: by everybody once they are open, by those who read everything before that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, func, select

from fund.base import access, deadlines, facts, moves, undo
from fund.base.audience import left_to
from fund.base.binding import Gap, gaps_of
from fund.base.definitions import APPLICATION, definition_by_id, definition_of, pinned
from fund.base.editions import edition_of
from fund.base.errors import NotFound
from fund.base.moved import Moved, last_moves
from fund.base.permissions import Viewer
from fund.base.subjects import id_of
from fund.rounds.fields import NAMES
from fund.web.i18n import gettext as _
from notifications.dates import end_of_local_day
from schema.applications import Application
from schema.deadlines import Deadline, DeadlineStatus
from schema.rounds import Criterion, Round
from schema.values import Money
from workflows import Ask, Definition, Option, State

OPEN = "open"
"""The state in which proposals are taken, as the guards of the application's workflow name it."""
PREPARATION, CALL = "preparation", "call"
"""Stages of the round's workflow: before everybody sees it, and while proposals are written."""


@dataclass(frozen=True)
class Closing:
    """Until when proposals can be submitted, with the fields of a Deadline that pages show."""

    due_on: date
    due_at: datetime
    zone: str
    label: str = "Submit the proposal"
    status: str = DeadlineStatus.OPEN.value


@dataclass(frozen=True)
class Share:
    """A criterion with its part of the whole, between 0 and 1."""

    criterion: Criterion
    part: float


@dataclass(frozen=True)
class RoundView:
    """A round as pages show it. ``takes_proposals``: a proposal can be started at this moment."""

    round: Round
    state: State
    closing: Closing
    takes_proposals: bool
    pot: Money
    ceiling: Money
    shares: Sequence[Share]


@dataclass(frozen=True)
class Purse:
    """What the round can award in all, has promised, and has left (below nothing if too much was promised)."""

    pot: Money
    committed: Money

    @property
    def left(self) -> Money:
        """What is still to be promised."""
        return self.pot - self.committed


@dataclass(frozen=True)
class Listed:
    """Every round that the viewer may see, by what can be done with it; the latest closing day first."""

    open: Sequence[RoundView]
    planned: Sequence[RoundView]
    past: Sequence[RoundView]


def round_by_slug(session: Session, viewer: Viewer, slug: str) -> Round:
    """The round with that slug, for a viewer who may see it. Raises NotFound otherwise."""
    found = session.exec(select(Round).where(Round.slug == slug)).first()
    if found is None or not access.may_read(session, found, viewer):
        raise NotFound
    return found


def view(session: Session, round_: Round, now: datetime) -> RoundView:
    """The round with what pages say about it at ``now``."""
    closing = Closing(round_.closes_on, end_of_local_day(round_.closes_on, round_.zone), round_.zone)
    whole = sum(criterion.weight for criterion in round_.criteria) or 1
    return RoundView(
        round=round_,
        state=definition_of(session, round_).state(round_.state),
        closing=closing,
        takes_proposals=takes_proposals(round_, now),
        pot=Money(round_.pot_minor, round_.currency),
        ceiling=Money(round_.ceiling_minor, round_.currency),
        shares=[Share(criterion, criterion.weight / whole) for criterion in round_.criteria],
    )


def whole(session: Session, round_: Round, now: datetime) -> RoundView:
    """The same, saying of the closing day what its workflow asks for until then: a proposal, a concept note."""
    seen, definition = view(session, round_, now), workflow(session, round_)
    owed = definition.state(definition.initial).deadlines
    label = definition.deadline(owed[0]).label if owed else seen.closing.label
    return replace(seen, closing=replace(seen.closing, label=label))


def takes_proposals(round_: Round, now: datetime) -> bool:
    """Whether a proposal can be started: the round is open and its closing day is not over."""
    return round_.state == OPEN and closing_lies_ahead(round_, now)


def closing_lies_ahead(round_: Round, now: datetime) -> bool:
    """Whether the closing day is not over."""
    return now < end_of_local_day(round_.closes_on, round_.zone)


def grace(session: Session, round_: Round) -> timedelta:
    """For how long after the closing day a proposal can still be submitted, as the round's workflow says."""
    definition = workflow(session, round_)
    rules = [definition.deadlines[key] for key in definition.state(definition.initial).deadlines]
    return min(
        (timedelta(days=rule.grace_days, minutes=rule.grace_minutes) for rule in rules), default=timedelta()
    )


def workflow(session: Session, round_: Round) -> Definition:
    """The workflow that the round's applications go through."""
    return definition_by_id(session, pinned(session, id_of(round_), APPLICATION))


def asked_later(session: Session, round_: Round) -> dict[str, str]:
    """Sections of the form that are not asked from the beginning, by key, each with the label of its stage."""
    definition = workflow(session, round_)
    first = definition.state(definition.initial).stage
    stages = {section.key: definition.stages.get(section.stage) for section in round_.sections}
    return {key: stage.label for key, stage in stages.items() if stage is not None and stage.name != first}


def visible(session: Session, viewer: Viewer) -> list[Round]:
    """Every round that the viewer may see, the latest closing day first. The same number of queries for any number."""
    rounds = session.exec(select(Round).order_by(col(Round.closes_on).desc(), col(Round.id).desc())).all()
    return [round_ for round_ in rounds if access.may_read(session, round_, viewer)]


def listed(session: Session, viewer: Viewer, now: datetime) -> Listed:
    """Every round that the viewer may see, sorted into open, planned and past."""
    views = [view(session, round_, now) for round_ in visible(session, viewer)]
    return Listed(
        open=[one for one in views if one.state.stage == CALL],
        planned=[one for one in views if one.state.stage == PREPARATION],
        past=[one for one in views if one.state.stage not in (CALL, PREPARATION)],
    )


def open_rounds(session: Session, now: datetime) -> list[RoundView]:
    """The rounds that take proposals at ``now``, the nearest closing day first. For anybody to see."""
    found = session.exec(
        select(Round).where(Round.state == OPEN).order_by(col(Round.closes_on), col(Round.id))
    ).all()
    return [view(session, round_, now) for round_ in found if takes_proposals(round_, now)]


def purse(session: Session, round_: Round) -> Purse:
    """What the round can award and has promised."""
    return Purse(Money(round_.pot_minor, round_.currency), facts.committed(session, round_))


@dataclass(frozen=True)
class Managed:
    """A round as those see it who run it. ``deadlines``: what the fund owes for it, the nearest first."""

    view: RoundView
    purse: Purse
    proposals: int
    """How many were ever submitted."""
    drafts: int
    """How many are being written."""
    deadlines: Sequence[Deadline]
    moved: Mapping[int, Moved]
    """Which of these a manager gave another day, by their keys."""
    options: Sequence[Option]
    undoable: undo.Offer | None
    """The last move, if it is hers to undo."""
    editable: bool
    workflow: Definition
    gaps: Sequence[Gap]
    """Where its workflows do not go together."""
    left: str
    """Who runs it, for a manager who does not."""


def managed(session: Session, viewer: Viewer, slug: str, now: datetime) -> Managed:
    """The round with its money, its counts and the viewer's moves. Raises NotFound."""
    round_ = round_by_slug(session, viewer, slug)
    proposals, drafts = _counts(session, round_)
    owed = deadlines.open_of(session, round_)
    return Managed(
        view=view(session, round_, now),
        purse=purse(session, round_),
        proposals=proposals,
        drafts=drafts,
        deadlines=owed,
        moved=last_moves(session, viewer, owed),
        options=moves.options(session, round_, viewer, now),
        undoable=undo.offer(session, round_, viewer, now),
        editable=access.may_edit(session, round_, viewer),
        workflow=workflow(session, round_),
        gaps=gaps_of(session, round_),
        left=left_to(session, round_, viewer),
    )


def _counts(session: Session, round_: Round) -> tuple[int, int]:
    """How many applications were submitted, and how many were not and are not at an end."""
    rows = session.exec(
        select(
            Application.state,
            Application.workflow_id,
            func.count(col(Application.id)),
            func.count(col(Application.submitted_at)),
        )
        .where(Application.round_id == round_.id)
        .group_by(Application.state, col(Application.workflow_id))
    ).all()
    drafts = sum(
        total - sent
        for state, workflow_id, total, sent in rows
        if not definition_by_id(session, workflow_id).state(state).final
    )
    return sum(sent for _state, _workflow, _total, sent in rows), drafts


def options(session: Session, viewer: Viewer, round_: Round, now: datetime) -> list[Option]:
    """The moves of the round that are the viewer's, allowed or with the reasons why not."""
    return moves.options(session, round_, viewer, now)


def asked(session: Session, viewer: Viewer, slug: str, trigger: str) -> tuple[tuple[Ask, ...], str]:
    """What a move of the round asks for besides a reason, and its currency. Raises NotFound."""
    return moves.asked(session, round_by_slug(session, viewer, slug), trigger)


def editable(session: Session, viewer: Viewer, slug: str) -> Round:
    """The round, for a viewer who may change it now. Raises NotFound, Forbidden."""
    round_ = round_by_slug(session, viewer, slug)
    if not access.may_edit(session, round_, viewer):
        raise access.refusal(session, round_, viewer, _("This round cannot be changed by you now."))
    return round_


def run_by(session: Session, viewer: Viewer, slug: str) -> Round:
    """The round, for a manager who runs it. Raises NotFound, Forbidden."""
    round_ = round_by_slug(session, viewer, slug)
    access.require_manager_of(session, round_, viewer)
    return round_


def is_promised(session: Session, round_: Round) -> bool:
    """Whether the round has been opened: from then on applicants count on its days, amounts and questions."""
    return round_.state != definition_of(session, round_).initial


def taking(session: Session, viewer: Viewer, slug: str) -> Round:
    """The round with that slug, while it is open. Raises NotFound otherwise."""
    round_ = round_by_slug(session, viewer, slug)
    if round_.state != OPEN:
        raise NotFound
    return round_


def edition(round_: Round) -> str:
    """A short name for what stands in the round's fields: it changes when they do."""
    return edition_of({name: getattr(round_, name) for name in NAMES})
