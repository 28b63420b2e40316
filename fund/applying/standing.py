"""Where a proposal stands, in the applicant's words: what this means, what comes next, what happened so far."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from fund.applying import queries
from fund.applying.submitted import submissions
from fund.applying.way import Leg, way
from fund.base import access, moves, undo
from fund.base.deadlines import waived_among
from fund.base.definitions import definition_of
from fund.base.eras import Reading, readings
from fund.base.history import Usual, usual_times
from fund.base.moved import Moved, last_moves
from fund.base.permissions import Viewer
from fund.base.subjects import Subject, chain_of, children_of, id_of, kind_of, path_of, round_of
from fund.web.i18n import gettext as _
from schema.applications import Application, Submission
from schema.awards import Award
from schema.deadlines import OWED, Deadline, DeadlineStatus
from schema.ledger import LedgerEvent
from schema.lessons import Lesson
from schema.people import Member, Person
from schema.reports import Report, ReportKind
from schema.reviews import Review
from schema.rounds import Round
from workflows import Option, State
from workflows.guards import COME_IN


@dataclass(frozen=True)
class Happening:
    """One line of the history. ``by`` is a colleague's name, or the fund; ``note`` is what was written with it."""

    at: datetime
    title: str
    by: str
    note: str


@dataclass(frozen=True)
class Paper:
    """A report or the lesson: what it is called, where it is, how it stands."""

    title: str
    path: str
    state: State
    action: str
    """What the applicant is asked to do with it now, or nothing."""


@dataclass(frozen=True)
class Standing:
    """Everything that the page of a proposal says to its applicant."""

    application: Application
    round: Round
    member: Member
    state: State
    editable: bool
    word: str
    """What the fund wrote with the move that brought it here, or nothing."""
    deadlines: Sequence[Deadline]
    """What the applicant owes, the nearest first."""
    moved: Mapping[int, Moved]
    """Which of these a manager gave another day, by their keys."""
    fund_by: date | None
    """The day by which the fund is to take its next step, where it has one that is not the decision."""
    decision_on: date | None
    """When the decision is due, while it is waited for."""
    way: Sequence[Leg]
    """The stages that it came through, where it is, and what follows."""
    usual: Usual | None
    """How long others waited where this one waits for the fund, as far as that is known."""
    options: Sequence[Option]
    undoable: undo.Offer | None
    """The last move, if it is hers to undo."""
    offer: str
    """Where the offer or the agreement is, if there is one."""
    papers: Sequence[Paper]
    feedback: Sequence[str]
    """What the reviewers wrote for the applicant, once it is decided. Without their names."""
    history: Sequence[Happening]
    parts: Sequence[queries.Part]
    submissions: Sequence[Submission]
    reports: Mapping[int | None, str]
    """Its reports: which is which, by their keys."""

    def report_of(self, deadline: Deadline) -> str | None:
        """Of which report the deadline is: interim or final; None where it is of something else."""
        return self.reports.get(deadline.subject_id) if deadline.subject_kind == "report" else None


def standing(session: Session, viewer: Viewer, reference: str, now: datetime) -> Standing:
    """Where the proposal stands, for somebody of the member that applies. Raises NotFound for everybody else."""
    application = queries.own(session, viewer, reference)
    round_ = round_of(session, application)
    state = definition_of(session, application).state(application.state)
    children = children_of(session, application)
    sent = submissions(session, application)
    offer = _sees_offer(session, application, state)
    waits = bool(sent) and not state.final and not offer
    due, waived = _due(session, application, children)
    owed = [one for one in (*due, *waived) if one.owner_role == "applicant"]
    fund_by, decision_on = _days(round_, due) if waits else (None, None)
    return Standing(
        application=application,
        round=round_,
        member=session.get_one(Member, application.member_id),
        state=state,
        editable=access.may_edit(session, application, viewer),
        word=queries.word(session, application),
        deadlines=owed,
        moved=last_moves(session, viewer, owed),
        fund_by=fund_by,
        decision_on=decision_on,
        way=way(session, application),
        usual=usual_times(session).get(state.name) if waits and "applicant" not in state.edit else None,
        options=moves.options(session, application, viewer, now),
        undoable=undo.offer(session, application, viewer, now),
        offer=f"/applications/{reference}/offer" if offer else "",
        papers=[_paper(session, child) for child in children if isinstance(child, Report | Lesson)],
        feedback=feedback(session, application, state),
        history=history(session, application),
        parts=queries.parts(session, application),
        submissions=sent,
        reports={child.id: child.kind for child in children if isinstance(child, Report)},
    )


def feedback(session: Session, application: Application, state: State) -> list[str]:
    """What reviewers wrote for the applicant; nothing where the state hides it from her."""
    if not state.shows("applicant", "feedback"):
        return []
    found = session.exec(
        select(Review.feedback)
        .where(Review.application_id == application.id, col(Review.state).in_(COME_IN))
        .order_by(col(Review.id))
    )
    return [text for text in found if text.strip()]


def history(session: Session, application: Application) -> list[Happening]:
    """What happened to the proposal, its reports and its lesson, in the applicant's words, the latest first.

    What only concerns the fund's own work, such as who reviews, is left out.
    """
    events = session.exec(
        select(LedgerEvent)
        .where(LedgerEvent.chain == chain_of(application))
        .order_by(col(LedgerEvent.seq).desc())
    ).all()
    names = _names(session, events)
    told: list[tuple[int, Happening]] = []
    for subject in [application, *children_of(session, application)]:
        about = (kind_of(subject), id_of(subject))
        mine = [event for event in events if (event.subject_kind, event.subject_id) == about]
        read = readings(session, subject, mine)
        lines = ((event.seq, _told(event, subject, read[event.seq], names)) for event in mine)
        told += [(seq, line) for seq, line in lines if line is not None]
    return [line for _seq, line in sorted(told, key=lambda one: one[0], reverse=True)]


def _sees_offer(session: Session, application: Application, state: State) -> bool:
    """Whether there is an offer or an agreement that the applicant may read."""
    award = select(Award.id).where(Award.application_id == application.id)
    return state.shows("applicant", "offer") and session.exec(award).first() is not None


def _due(
    session: Session, application: Application, children: Iterable[Subject]
) -> tuple[list[Deadline], list[Deadline]]:
    """What is owed for the proposal and all that belongs to it, by whomever, the nearest first; and what was waived."""
    found = session.exec(
        select(Deadline).where(Deadline.application_id == application.id).order_by(col(Deadline.due_at))
    ).all()
    waived: list[Deadline] = []
    for subject in (application, *children):
        about = (kind_of(subject), id_of(subject))
        state = definition_of(session, subject).state(subject.state)
        of_it = [one for one in found if (one.subject_kind, one.subject_id) == about]
        waived += waived_among(state, of_it)
    return [one for one in found if one.status in OWED], waived


def _days(round_: Round, due: Iterable[Deadline]) -> tuple[date | None, date | None]:
    """The nearest day by which the fund owes something for the proposal itself, and that of the decision.

    Nothing is owed while it is on hold. What is owed after the day of the decision takes its place.
    """
    mine = (one for one in due if one.owner_role == "manager" and one.subject_kind == "application")
    first = next((one.due_on for one in mine if one.status == DeadlineStatus.OPEN), None)
    if first is None or first == round_.decision_on:
        return None, round_.decision_on
    return first, round_.decision_on if first < round_.decision_on else None


def _paper(session: Session, child: Report | Lesson) -> Paper:
    state = definition_of(session, child).state(child.state)
    action = _("Write the lesson") if isinstance(child, Lesson) else _("Write the report")
    mine = "applicant" in state.edit
    return Paper(_title(child), path_of(session, child), state, action if mine else "")


def _title(child: Subject) -> str:
    if isinstance(child, Report):
        return _("Interim report") if child.kind == ReportKind.INTERIM else _("Final report")
    return _("Lesson")


def _names(session: Session, events: Iterable[LedgerEvent]) -> dict[int | None, str]:
    """Names of those who acted for the applicant."""
    ids = {event.actor_id for event in events if event.actor_role == "applicant"}
    return {row.id: row.name for row in session.exec(select(Person).where(col(Person.id).in_(ids)))}


def _told(
    event: LedgerEvent, subject: Subject, read: Reading, names: dict[int | None, str]
) -> Happening | None:
    """The event in the applicant's words, as they were then; None for what is not told."""
    if isinstance(subject, Review):
        return None
    by = names.get(event.actor_id, _("A colleague")) if event.actor_role == "applicant" else _("The fund")
    if event.action == "created":
        started = isinstance(subject, Application)
        return Happening(event.at, _("Draft started"), by, "") if started else None
    source, target, move = read.source(event), read.target(event), read.before.moves.get(event.action)
    if event.action == undo.UNDONE and source:
        return Happening(event.at, _("Undone: %(what)s") % {"what": _(source.applicant_label)}, by, "")
    if move is None or target is None or (move.automatic == "facts" and target.waits_for):
        return None  # not a move, or one that only follows what a report or the lesson has told already
    label = _(target.applicant_label)
    title = label if isinstance(subject, Application) else f"{_title(subject)}: {label}"
    return Happening(event.at, title, "" if event.actor_role == "clock" else by, queries.told(event, move))


@dataclass(frozen=True)
class Asked:
    """A move that somebody is about to make, with what she should see before she does."""

    application: Application
    state: State
    label: str
    """How the present state is called for her."""
    option: Option


def asked(session: Session, viewer: Viewer, reference: str, trigger: str, now: datetime) -> Asked:
    """The move, for whoever has the right to it here. Raises NotFound, MoveRefused."""
    application = access.application(session, viewer, reference)
    option = queries.option(session, viewer, application, trigger, now)
    state = definition_of(session, application).state(application.state)
    own = application.member_id in viewer.member_ids
    return Asked(application, state, state.applicant_label if own else state.label, option)
