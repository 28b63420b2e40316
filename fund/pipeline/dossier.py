"""The file of one application: answers, reviews, award, reports, deadlines, mail and history, for who reads all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from fund.applying.submitted import submissions as handed_in
from fund.base import access, ledger, moves, undo
from fund.base.definitions import definition_of
from fund.base.errors import NotFound
from fund.base.facts import sections
from fund.base.permissions import Viewer
from fund.base.subjects import chain_of, children_of, get, id_of, kind_of
from fund.reviewing import opinions
from schema.applications import Answer, Application, Submission
from schema.awards import Award
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent
from schema.lessons import Lesson
from schema.people import Member, Person
from schema.reports import Report
from schema.rounds import Round, Section
from schema.wording import gettext_noop as _n
from workflows import Definition, Move, Option, Reason, State
from workflows.draw import svg

OF_DEADLINES = {
    "deadline_passed": _n("A deadline passed"),
    "deadline_moved": _n("A deadline was given another day"),
    "deadline_waived": _n("A deadline was waived"),
}


@dataclass(frozen=True)
class Dossier:
    """What stands at the head of every page of the file."""

    application: Application
    round: Round
    member: Member
    definition: Definition

    @property
    def state(self) -> State:
        """Where the application stands."""
        return self.definition.state(self.application.state)


@dataclass(frozen=True)
class Overview:
    """What stands on the first page of the file."""

    author: Person
    award: Award | None
    opinion: opinions.Opinion
    reviews: list[opinions.Row]
    reports: list[tuple[Report, State]]
    lesson: tuple[Lesson, State] | None
    options: list[Option]
    undoable: undo.Offer | None
    """The last move, if it is hers to undo."""

    def owes(self, deadline: Deadline) -> str:
        """The name of the reviewer who has to meet the deadline, or nothing where a role says enough."""
        if deadline.subject_kind != "review":
            return ""
        return next((row.reviewer.name for row in self.reviews if row.review.id == deadline.subject_id), "")


@dataclass(frozen=True)
class Step:
    """A state that the application came to, and when. The last one is where it stands."""

    state: State
    at: datetime


@dataclass(frozen=True)
class Way:
    """The way that the application came, the moves that lead on, and both as a picture (an SVG)."""

    steps: list[Step]
    moves: list[tuple[Move, State]]
    picture: str


@dataclass(frozen=True)
class Happened:
    """One event of the history in words."""

    at: datetime
    title: str
    by: str
    note: str
    about: str
    source: str
    """The label of the state that was left, if one was."""
    target: str


def find(session: Session, viewer: Viewer, reference: str) -> Application:
    """The application, for a viewer who reads everything; to all others it does not exist. Raises NotFound.

    And Forbidden where she acts for the member that applies: reviewers' names and the fund's own words stand in a file.
    """
    application = access.application(session, viewer, reference)
    if not viewer.reads_everything:
        raise NotFound
    access.require_apart(application, viewer)
    return application


def of(session: Session, application: Application) -> Dossier:
    """The head of the file."""
    return Dossier(
        application=application,
        round=session.get_one(Round, application.round_id),
        member=session.get_one(Member, application.member_id),
        definition=definition_of(session, application),
    )


def overview(session: Session, viewer: Viewer, application: Application, now: datetime) -> Overview:
    """The first page of the file."""
    lesson = session.exec(select(Lesson).where(Lesson.application_id == application.id)).first()
    reports = session.exec(
        select(Report).where(Report.application_id == application.id).order_by(col(Report.due_on))
    ).all()
    return Overview(
        author=session.get_one(Person, application.author_id),
        award=session.exec(select(Award).where(Award.application_id == application.id)).first(),
        opinion=opinions.opinion(session, viewer, application),
        reviews=opinions.of_application(session, viewer, application),
        reports=[(one, definition_of(session, one).state(one.state)) for one in reports],
        lesson=(lesson, definition_of(session, lesson).state(lesson.state)) if lesson else None,
        options=moves.options(session, application, viewer, now),
        undoable=undo.offer(session, application, viewer, now),
    )


def way(session: Session, application: Application) -> Way:
    """The way through the workflow, past and possible."""
    definition = definition_of(session, application)
    events = session.exec(
        select(LedgerEvent)
        .where(
            LedgerEvent.subject_kind == "application",
            LedgerEvent.subject_id == application.id,
            LedgerEvent.target != "",
        )
        .order_by(col(LedgerEvent.seq))
    )
    steps = [
        Step(definition.states[event.target], event.at)
        for event in undo.live(events)
        if event.target in definition.states and event.target != event.source
    ]
    leaving = definition.leaving(application.state)
    return Way(
        steps=steps,
        moves=[(move, definition.state(move.target)) for move in leaving],
        picture=svg(
            definition,
            here=application.state,
            been={step.state.name for step in steps},
            possible={move.trigger for move in leaving},
        ),
    )


def answers(session: Session, application: Application) -> list[tuple[Section, dict[str, str]]]:
    """The form with what stands in each answer."""
    texts = {
        answer.question: answer.text
        for answer in session.exec(select(Answer).where(Answer.application_id == application.id))
    }
    return [(section, texts) for section in sections(session, application)]


def submissions(session: Session, application: Application) -> Sequence[Submission]:
    """What was submitted, the latest first."""
    return handed_in(session, application)[::-1]


def history(session: Session, application: Application) -> list[Happened]:
    """Every event of the application's chain in words, the latest first."""
    found = session.execute(
        select(LedgerEvent, Person)
        .join(Person, col(Person.id) == col(LedgerEvent.actor_id), isouter=True)
        .where(LedgerEvent.chain == f"application:{application.id}")
        .order_by(col(LedgerEvent.seq).desc())
    ).all()
    subjects = [application, *children_of(session, application)]
    known = {(kind_of(one), id_of(one)): definition_of(session, one) for one in subjects}
    about = {event.seq: known.get((event.subject_kind, event.subject_id)) for event, _person in found}
    titles = {event.seq: _title(event, about[event.seq]) for event, _person in found}
    return [_in_words(event, person, about[event.seq], titles) for event, person in found]


def fault(session: Session, application: Application) -> str | None:
    """What is wrong with the application's chain of the ledger, or None: computed anew each time."""
    return ledger.fault_in(session, chain_of(application))


def _in_words(
    event: LedgerEvent, person: Person | None, definition: Definition | None, titles: Mapping[int, str]
) -> Happened:
    undone = titles.get(event.data.get("undoes", 0), "") if event.action == undo.UNDONE else ""
    return Happened(
        at=event.at,
        title=Reason(_n("Undone: %(what)s"), what=undone) if undone else titles[event.seq],
        by=person.name if person else "",
        note=event.note or "",
        about="" if event.subject_kind == "application" else event.subject_kind,
        source=_label(definition, event.source),
        target=_label(definition, event.target),
    )


def _label(definition: Definition | None, name: str) -> str:
    """What the state is called; its bare name where what it was of was taken away again."""
    return definition.states[name].label if definition and name in definition.states else name


def title_of(session: Session, event: LedgerEvent) -> str:
    """What the event is called for people."""
    try:
        about = definition_of(session, get(session, event.subject_kind, event.subject_id))
    except NotFound:
        about = None
    return _title(event, about)


def _title(event: LedgerEvent, definition: Definition | None) -> str:
    if event.action == "created":
        return {"application": "Draft started", "review": "Reviewer assigned"}.get(
            event.subject_kind, f"{event.subject_kind.title()} asked for"
        )
    if event.action in OF_DEADLINES:
        return OF_DEADLINES[event.action]
    move = definition.moves.get(event.action) if definition else None
    return move.label if move else event.action.replace("_", " ").capitalize()
