"""The file of one application: answers, reviews, award, reports, deadlines, mail and history, for who reads all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from fund.applying.submitted import submissions as handed_in
from fund.base import access, eras, ledger, moves, trail, undo
from fund.base.audience import left_to
from fund.base.definitions import definition_of
from fund.base.errors import NotFound
from fund.base.facts import sections
from fund.base.permissions import Viewer
from fund.base.subjects import chain_of, children_of, id_of, kind_of
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
from workflows.parts import CLOCK

WIDE = 1120
"""Pixels in which the picture stands on a wide screen."""

NAMED = {
    "deadline_passed": _n("A deadline passed"),
    "deadline_moved": _n("A deadline was given another day"),
    "deadline_waived": _n("A deadline was waived"),
    eras.CHANGED: _n("Put onto another version of the workflow"),
}


@dataclass(frozen=True)
class Dossier:
    """What stands at the head of every page of the file."""

    application: Application
    round: Round
    member: Member
    definition: Definition
    left: str
    """Who runs the round, for a manager who does not."""

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

    def report_of(self, deadline: Deadline) -> str | None:
        """Of which report the deadline is: interim or final; None where it is of something else."""
        if deadline.subject_kind != "report":
            return None
        return next((one.kind for one, _state in self.reports if one.id == deadline.subject_id), None)


@dataclass(frozen=True)
class Way:
    """The way that the application came, the moves that lead on, and both as a picture (an SVG)."""

    steps: list[trail.Step]
    possible: list[tuple[Move, State]]
    """The moves that somebody can make now: for the viewer's own there is a button on the first page."""
    waiting: list[tuple[Move, State, Sequence[str]]]
    """The others that lead on, each with all that it waits for."""
    wide: str
    narrow: str
    """The picture for a page with room for several columns, and for one without."""


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


def of(session: Session, viewer: Viewer, application: Application) -> Dossier:
    """The head of the file."""
    return Dossier(
        application=application,
        round=session.get_one(Round, application.round_id),
        member=session.get_one(Member, application.member_id),
        definition=definition_of(session, application),
        left=left_to(session, application, viewer),
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


def way(session: Session, application: Application, now: datetime) -> Way:
    """The way through the workflow, past and possible."""
    definition = definition_of(session, application)
    steps = trail.steps(session, application)
    options = [(one.move, _waits_for(definition, one)) for one in moves.everybodys(session, application, now)]
    wide, narrow = (
        svg(
            definition,
            here=application.state,
            been={step.name for step in steps},
            taken={(step.left, step.trigger) for step in steps},
            possible={move.trigger for move, why in options if not why},
            within=width,
        )
        for width in (WIDE, 0)
    )
    return Way(
        steps=steps,
        possible=[(move, definition.state(move.target)) for move, why in options if not why],
        waiting=[(move, definition.state(move.target), why) for move, why in options if why],
        wide=wide,
        narrow=narrow,
    )


def _waits_for(definition: Definition, option: Option) -> Sequence[str]:
    """Why the move is not made now; for one that is made by a deadline alone, that this is still to pass."""
    deadline = definition.deadlines.get(option.move.automatic or "")
    if option.reasons or option.move.roles != {CLOCK} or deadline is None:
        return option.reasons
    return (Reason(_n("It is made by itself when this has passed: %(what)s"), what=Reason(deadline.label)),)


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
    read = _readings(session, application, [event for event, _person in found])
    titles = {event.seq: _title(event, read.get(event.seq)) for event, _person in found}
    return [_in_words(event, person, read.get(event.seq), titles) for event, person in found]


def _readings(
    session: Session, application: Application, events: Sequence[LedgerEvent]
) -> dict[int, eras.Reading]:
    """How each event is to be read; those of things that were taken away again are left out."""
    found: dict[int, eras.Reading] = {}
    for one in [application, *children_of(session, application)]:
        about = (kind_of(one), id_of(one))
        mine = [event for event in events if (event.subject_kind, event.subject_id) == about]
        found |= eras.readings(session, one, mine)
    return found


def fault(session: Session, application: Application) -> str | None:
    """What is wrong with the application's chain of the ledger, or None: computed anew each time."""
    return ledger.fault_in(session, chain_of(application))


def _in_words(
    event: LedgerEvent, person: Person | None, read: eras.Reading | None, titles: Mapping[int, str]
) -> Happened:
    undone = titles.get(event.data.get("undoes", 0), "") if event.action == undo.UNDONE else ""
    source, target = (read.source(event), read.target(event)) if read else (None, None)
    return Happened(
        at=event.at,
        title=Reason(_n("Undone: %(what)s"), what=undone) if undone else titles[event.seq],
        by=person.name if person else "",
        note=event.note or "",
        about="" if event.subject_kind == "application" else event.subject_kind,
        source=source.label if source else event.source,
        target=target.label if target else event.target,
    )


def title_of(session: Session, event: LedgerEvent) -> str:
    """What the event is called for people."""
    try:
        read = eras.reading(session, event)
    except NotFound:
        read = None
    return _title(event, read)


def _title(event: LedgerEvent, read: eras.Reading | None) -> str:
    """What the event is called; by its bare name where what it was of was taken away again."""
    if event.action == "created":
        return {"application": "Draft started", "review": "Reviewer assigned"}.get(
            event.subject_kind, f"{event.subject_kind.title()} asked for"
        )
    if event.action in NAMED:
        return NAMED[event.action]
    move = read.before.moves.get(event.action) if read else None
    return move.label if move else event.action.replace("_", " ").capitalize()
