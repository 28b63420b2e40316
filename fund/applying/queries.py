"""What there is to see of proposals for those who write them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from fund.base import access, deadlines, moves, undo
from fund.base.audience import left_to
from fund.base.definitions import definition_by_id, definition_of
from fund.base.errors import Forbidden, Invalid, MoveRefused, NotFound
from fund.base.facts import Gap, gaps, sections
from fund.base.moved import Moved, last_moves
from fund.base.permissions import Viewer
from fund.base.subjects import path_of, round_of
from fund.web.i18n import gettext as _
from schema.applications import Answer, Application
from schema.deadlines import Deadline, DeadlineStatus
from schema.ledger import LedgerEvent
from schema.people import Member, Person
from schema.reviews import Review
from schema.rounds import Question, Round, Section
from schema.values import Money
from workflows import Ask, Move, Option, State

PROJECT = "the-project"
"""Names the page of title, theme and amount, where others go by the key of a section."""
OWN_PAGES = {"submission": "check", "signature": "offer"}
"""Moves that record these are made on a page of their own: where the answers are checked, where the offer stands."""


def own_page(move: Move) -> str:
    """The page of the proposal on which the move is made, or nothing."""
    return next((page for record, page in OWN_PAGES.items() if record in move.records), "")


class References:
    """All references that are taken, without reading them all."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __contains__(self, reference: object) -> bool:
        found = select(Application.id).where(Application.reference == reference)
        return self._session.exec(found).first() is not None


def own(session: Session, viewer: Viewer, reference: str) -> Application:
    """The application, for somebody of the member that applies. Raises NotFound for everybody else."""
    application = access.application(session, viewer, reference)
    if application.member_id not in viewer.member_ids:
        raise NotFound
    return application


def members(session: Session, viewer: Viewer) -> Sequence[Member]:
    """The members that the viewer acts for, by name."""
    return session.exec(
        select(Member).where(col(Member.id).in_(viewer.member_ids)).order_by(Member.name)
    ).all()


def drafts(
    session: Session, viewer: Viewer, round_id: int, member_id: int | None = None
) -> list[Application]:
    """What the viewer herself has begun in the round and can still change, the newest first."""
    found = session.exec(
        select(Application)
        .where(
            Application.round_id == round_id,
            Application.author_id == viewer.person_id,
            col(Application.member_id).in_([member_id] if member_id is not None else viewer.member_ids),
        )
        .order_by(col(Application.id).desc())
    )
    return [one for one in found if access.may_edit(session, one, viewer)]


def answers(session: Session, application: Application) -> dict[str, str]:
    """What stands in answer to each question, by its key. Questions never answered are left out."""
    rows = session.exec(select(Answer).where(Answer.application_id == application.id))
    return {row.question: row.text for row in rows}


@dataclass(frozen=True)
class Part:
    """One page of the form with its answers. ``missing``: required answers that are not there yet."""

    section: Section
    answers: Mapping[str, str]
    missing: int

    @property
    def asks(self) -> bool:
        """Whether any of its answers is required."""
        return any(question.required for question in self.section.questions)

    @property
    def begun(self) -> bool:
        """Whether anything is answered."""
        return any(self.answers.get(question.key) for question in self.section.questions)


@dataclass(frozen=True)
class Writing:
    """A proposal as it is being written. ``submit``: the move by which it is handed in, if it is the viewer's."""

    application: Application
    round: Round
    member: Member
    state: State
    deadline: Deadline | None
    moved: Mapping[int, Moved]
    """How it was given another day, if it was."""
    parts: Sequence[Part]
    gaps: Sequence[Gap]
    submit: Option | None
    saved_by: str
    """Who saved an answer last, or nothing."""
    saved_at: datetime | None
    word: str
    """What the fund wrote on sending it back, if it did."""

    @property
    def ceiling(self) -> Money:
        """The most that it may ask for."""
        return Money(self.round.ceiling_minor, self.round.currency)

    def part(self, key: str) -> Part:
        """The page of that key. Raises NotFound."""
        for part in self.parts:
            if part.section.key == key:
                return part
        raise NotFound

    def after(self, key: str) -> str:
        """Key of the page that follows ``key``; nothing after the last."""
        keys = [PROJECT, *(part.section.key for part in self.parts), ""]
        return keys[keys.index(key) + 1]

    def page_of(self, field: str) -> str:
        """Key of the page on which a column or a question is asked."""
        for part in self.parts:
            if any(question.key == field for question in part.section.questions):
                return part.section.key
        return PROJECT


def writing(session: Session, viewer: Viewer, reference: str, now: datetime) -> Writing:
    """The proposal, for somebody who may change it now. Raises NotFound, and Forbidden where it cannot be changed."""
    application = own(session, viewer, reference)
    access.require_edit(session, application, viewer)
    round_ = round_of(session, application)
    missing = gaps(session, application)
    deadline = _next_owed(session, application)
    by, at = _last_saved(session, application)
    return Writing(
        application=application,
        round=round_,
        member=session.get_one(Member, application.member_id),
        state=definition_of(session, application).state(application.state),
        deadline=deadline,
        moved=last_moves(session, viewer, [deadline]),
        parts=parts(session, application, missing),
        gaps=missing,
        submit=_submit(moves.options(session, application, viewer, now)),
        saved_by=by,
        saved_at=at,
        word=word(session, application),
    )


def _next_owed(session: Session, application: Application) -> Deadline | None:
    """What the applicant owes next for the proposal itself."""
    owed = deadlines.open_of(session, application)
    return next((one for one in owed if one.owner_role == "applicant"), None)


def word(session: Session, application: Application) -> str:
    """What the fund wrote to the applicant with the move that brought the proposal to where it stands, or nothing."""
    event = undo.led_here(session, application)
    move = definition_of(session, application).moves.get(event.action) if event else None
    if event is None or move is None or event.actor_role == "applicant":
        return ""
    return told(event, move)


def told(event: LedgerEvent, move: Move) -> str:
    """What was written with the move, if the applicant wrote it herself or was sent it by mail; nothing otherwise."""
    shown = event.actor_role == "applicant" or any(notice.to == "applicant" for notice in move.notices)
    return (event.note or "") if shown else ""


def parts(session: Session, application: Application, missing: Iterable[Gap] = ()) -> list[Part]:
    """The pages of the form that are asked by now, with the answers given."""
    lacking, given = {gap.key for gap in missing}, answers(session, application)
    return [
        Part(section, given, _lacking(section.questions, lacking))
        for section in sections(session, application)
    ]


def _lacking(questions: Iterable[Question], lacking: set[str]) -> int:
    return sum(question.key in lacking for question in questions)


def _last_saved(session: Session, application: Application) -> tuple[str, datetime | None]:
    last = session.exec(
        select(Person.name, Answer.updated_at)
        .join(Person, col(Person.id) == col(Answer.updated_by_id))
        .where(Answer.application_id == application.id)
        .order_by(col(Answer.updated_at).desc())
        .limit(1)
    ).first()
    return last or ("", None)


def _submit(options: Iterable[Option]) -> Option | None:
    return next((option for option in options if own_page(option.move) == "check"), None)


@dataclass(frozen=True)
class Mine:
    """One line of the viewer's proposals. ``deadline``: what she owes next for it."""

    application: Application
    round: Round
    member: Member
    state: State
    editable: bool
    deadline: Deadline | None


def mine(session: Session, viewer: Viewer) -> list[Mine]:
    """Every proposal of the viewer's members, the newest first. The same number of queries for any number."""
    rows = session.exec(
        select(Application, Round, Member)
        .join(Round, col(Round.id) == col(Application.round_id))
        .join(Member, col(Member.id) == col(Application.member_id))
        .where(col(Application.member_id).in_(viewer.member_ids))
        .order_by(col(Application.id).desc())
    ).all()
    nearest: dict[int | None, Deadline] = {}
    for deadline in _owed(session, viewer):
        nearest.setdefault(deadline.application_id, deadline)
    lines = []
    for application, round_, member in rows:
        state = definition_by_id(session, application.workflow_id).state(application.state)
        due = nearest.get(application.id)
        lines.append(Mine(application, round_, member, state, "applicant" in state.edit, due))
    return lines


def _owed(session: Session, viewer: Viewer) -> Sequence[Deadline]:
    return session.exec(
        select(Deadline)
        .join(Application, col(Application.id) == col(Deadline.application_id))
        .where(
            col(Application.member_id).in_(viewer.member_ids),
            Deadline.owner_role == "applicant",
            Deadline.status == DeadlineStatus.OPEN,
        )
        .order_by(col(Deadline.due_at), col(Deadline.id))
    ).all()


def option(session: Session, viewer: Viewer, application: Application, trigger: str, now: datetime) -> Option:
    """The move, if it is the viewer's to make from here, allowed or with reasons.

    Raises NotFound for a move that is nobody's of hers or of the workflow, Forbidden for one of those who run the
    round, MoveRefused for one that is hers elsewhere.
    """
    for found in moves.options(session, application, viewer, now):
        if found.move.trigger == trigger:
            return found
    move = definition_of(session, application).moves.get(trigger)
    if move is None or not move.roles & access.roles_here(session, application, viewer):
        raise NotFound
    if said := left_to(session, application, viewer):
        raise Forbidden(said)
    raise MoveRefused([_("This is not possible any more, or not yet. Look at its status.")])


def asks(session: Session, viewer: Viewer, reference: str, trigger: str) -> tuple[tuple[Ask, ...], str]:
    """What the move asks for besides a reason (nothing if there is none such), and the currency of amounts.

    Raises NotFound.
    """
    return moves.asked(session, access.application(session, viewer, reference), trigger)


def elsewhere(session: Session, viewer: Viewer, reference: str) -> str:
    """The page of the application for a viewer who is not its applicant; nothing for one who is.

    Those who read everything have the pipeline's page, reviewers their review. Raises NotFound for all others.
    """
    application = access.application(session, viewer, reference)
    if application.member_id in viewer.member_ids:
        return ""
    if viewer.reads_everything:
        return f"/pipeline/{reference}"
    review = session.exec(
        select(Review).where(Review.application_id == application.id, Review.reviewer_id == viewer.person_id)
    ).one()
    return path_of(session, review)


@dataclass(frozen=True)
class Content:
    """A proposal as it stands, for whoever may read it. ``label``: how its state is called for the viewer."""

    application: Application
    round: Round
    member: Member
    label: str
    answers: Mapping[str, str]
    gaps: Sequence[Gap]


def content(session: Session, viewer: Viewer, reference: str) -> Content:
    """What stands in the proposal. Raises NotFound for those who may not read it."""
    application = access.application(session, viewer, reference)
    state = definition_of(session, application).state(application.state)
    own_words = application.member_id in viewer.member_ids
    return Content(
        application=application,
        round=round_of(session, application),
        member=session.get_one(Member, application.member_id),
        label=state.applicant_label if own_words else state.label,
        answers=answers(session, application),
        gaps=gaps(session, application),
    )


def options(
    session: Session, viewer: Viewer, reference: str, now: datetime
) -> tuple[Application, list[Option]]:
    """The application and the moves of it that are the viewer's. Raises NotFound."""
    application = access.application(session, viewer, reference)
    return application, moves.options(session, application, viewer, now)


def member_by_slug(session: Session, viewer: Viewer, slug: str | None) -> Member:
    """The viewer's member of that slug, or her only one where none is named. Raises Invalid (``member``)."""
    own_members = {member.slug: member for member in members(session, viewer)}
    if slug is None and len(own_members) == 1:
        return next(iter(own_members.values()))
    if slug not in own_members:
        known = ", ".join(own_members) or _("none")
        raise Invalid(
            {"member": _("Name the member that you propose for. You act for: %(known)s") % {"known": known}}
        )
    return own_members[slug]
