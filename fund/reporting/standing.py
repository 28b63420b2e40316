"""Where a report or a lesson stands for whoever looks: state, deadlines, steps, and the last word about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, select

from fund.base import access, deadlines, moves, undo
from fund.base.audience import actor_of, left_to
from fund.base.definitions import definition_of
from fund.base.errors import NotFound
from fund.base.moved import Moved, last_moves
from fund.base.permissions import Viewer
from fund.base.subjects import Subject, id_of, kind_of
from fund.web.i18n import gettext as _
from schema.deadlines import Deadline, DeadlineStatus
from schema.ledger import LedgerEvent
from workflows import Move, Option, State


@dataclass(frozen=True)
class Standing:
    """One subject as one viewer finds it."""

    state: State
    is_applicant: bool
    is_manager: bool
    """Whether she manages it here: never true of her own member's."""
    left: str
    """Who runs the round, for a manager who does not."""
    editable: bool
    options: Sequence[Option]
    """The moves that are hers, each allowed or with the reasons why not."""
    undoable: undo.Offer | None
    """The last move, if it is hers to undo."""
    deadlines: Sequence[Deadline]
    """What is open, the nearest first, then what was waived; for the applicant only what is hers to do."""
    moved: Mapping[int, Moved]
    """Which of these a manager gave another day, by their keys."""
    answer_by: date | None
    """For the applicant: the day by which the fund is to answer, while she waits for it."""
    word: LedgerEvent | None
    """The step that led here, if something was written with it (``note``), such as why a report came back."""

    @property
    def label(self) -> str:
        """The state's name: the applicant's own words for her, the staff's for others."""
        return self.state.applicant_label if self.is_applicant else self.state.label

    @property
    def tone(self) -> str:
        """How the state is dressed: good at the end, warn where it came back, busy while somebody is reading."""
        if self.state.final:
            return "neutral" if self.state.outcome == "cancelled" else "good"
        if "applicant" in self.state.edit:
            return "warn" if self.word else "neutral"
        return "busy"

    def option(self, trigger: str) -> Option | None:
        """The viewer's move of that name from here, or None."""
        return next((option for option in self.options if option.move.trigger == trigger), None)

    @property
    def forward(self) -> Option | None:
        """The viewer's next step: the first that the definition calls primary."""
        return next((option for option in self.options if option.move.style == "primary"), None)


def standing(session: Session, subject: Subject, viewer: Viewer, now: datetime) -> Standing:
    """How the subject stands for the viewer, who is known to be allowed to read it."""
    roles = actor_of(session, subject, viewer).roles
    is_applicant = "applicant" in roles
    due = [*deadlines.open_of(session, subject, held=True), *_waived(session, subject, viewer)]
    of_fund = [one for one in due if one.owner_role != "applicant"] if is_applicant else []
    shown = [one for one in due if one not in of_fund]
    return Standing(
        state=definition_of(session, subject).state(subject.state),
        is_applicant=is_applicant,
        is_manager="manager" in roles,
        left=left_to(session, subject, viewer),
        editable=access.may_edit(session, subject, viewer),
        options=moves.options(session, subject, viewer, now),
        undoable=undo.offer(session, subject, viewer, now),
        deadlines=shown,
        moved=last_moves(session, viewer, shown),
        answer_by=next((one.due_on for one in of_fund if one.status == DeadlineStatus.OPEN), None),
        word=_word(session, subject, is_applicant),
    )


def move_named(session: Session, subject: Subject, viewer: Viewer, trigger: str) -> Move:
    """The move of that name. Raises NotFound where there is none, Forbidden where it is not the viewer's to make."""
    move = definition_of(session, subject).moves.get(trigger)
    if move is None:
        raise NotFound
    if not move.roles & actor_of(session, subject, viewer).roles:
        raise access.refusal(session, subject, viewer, _("This step is not yours to take."))
    return move


def _waived(session: Session, subject: Subject, viewer: Viewer) -> list[Deadline]:
    """The deadlines of the subject's state that a manager waived, as far as the viewer may read what became of them."""
    all_of_it = select(Deadline).where(
        Deadline.subject_kind == kind_of(subject), Deadline.subject_id == id_of(subject)
    )
    state = definition_of(session, subject).state(subject.state)
    waived = deadlines.waived_among(state, session.exec(all_of_it))
    return [one for one in waived if access.reads_history(session, subject, viewer, one)]


def _word(session: Session, subject: Subject, is_applicant: bool) -> LedgerEvent | None:
    """The step that led here, if it left a note that the viewer may read: applicants, what was sent to them."""
    last = undo.led_here(session, subject)
    if last is None or not last.note:
        return None
    move = definition_of(session, subject).moves.get(last.action)
    told = last.actor_role == "applicant" or any(n.to == "applicant" for n in (move.notices if move else ()))
    return last if told or not is_applicant else None
