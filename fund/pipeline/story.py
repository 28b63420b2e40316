"""What became of one deadline: opened, moved, held, passed, met or waived; when, by whom and why, from the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlmodel import Session, col, select

from fund.base import access, extending, undo
from fund.base.audience import left_to
from fund.base.definitions import definition_of
from fund.base.errors import NotFound
from fund.base.following import Change
from fund.base.permissions import Viewer
from fund.base.subjects import Subject, application_of, chain_of, get, path_of, round_of
from fund.pipeline import dossier
from fund.web.i18n import gettext as _
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent
from schema.people import Member, Person
from schema.reports import Report


@dataclass(frozen=True)
class Step:
    """One thing that happened to a deadline. ``day`` is the local day from then on, ``was`` the one before."""

    at: datetime
    kind: str
    """opened, moved, held, went_on, passed, undone, met, waived or cancelled."""
    because: str = ""
    """The label of the move that did it, if one did."""
    by: str = ""
    note: str = ""
    day: date | None = None
    was: date | None = None


@dataclass(frozen=True)
class Story:
    """A deadline with what it is about. Of a draft that the viewer does not read yet no title is told."""

    deadline: Deadline
    title: str
    member: str
    back: str
    """The page that it is listed on."""
    fixed: Sequence[str]
    """Why it cannot be given another day now; empty where it can."""
    needed: Sequence[str]
    """Why it cannot be waived now; empty where it can."""
    steps: Sequence[Step]
    staff: bool
    """Whether it is told as to those who look after it, with everybody's name, and not as to whoever owes it."""
    left: str = ""
    """Who runs the round, for a manager who does not."""
    report: str | None = None
    """Of which report it is: interim or final."""


def of(session: Session, viewer: Viewer, key: int) -> Story:
    """The deadline of that key for whoever reads everything, and without what is only for staff for whoever owes it.

    Raises NotFound, and Forbidden for staff who act for the member that applies where it is not theirs to meet.
    """
    deadline = session.get(Deadline, key)
    if deadline is None:
        raise NotFound
    subject = get(session, deadline.subject_kind, deadline.subject_id)
    if access.owes(session, subject, viewer, deadline):
        return _owned(session, viewer, deadline, subject)
    if not viewer.reads_everything:
        raise NotFound
    application, round_ = application_of(session, subject), round_of(session, subject)
    title, member, back = round_.title, "", f"/rounds/{round_.slug}/manage"
    left = left_to(session, subject, viewer)
    if application is not None:
        access.require_apart(application, viewer)
        readable = access.may_read(session, application, viewer)
        title = application.title if readable else ""
        member = session.get_one(Member, application.member_id).known_as
        if readable:
            back = f"/pipeline/{application.reference}"
        elif viewer.is_manager and not left:
            back = f"/rounds/{round_.slug}/days"
    return Story(
        deadline,
        title,
        member,
        back,
        extending.fixed(session, deadline, subject),
        extending.needed(session, deadline, subject),
        _steps(session, deadline, subject),
        staff=True,
        left=left,
        report=_which(subject),
    )


def _owned(session: Session, viewer: Viewer, deadline: Deadline, subject: Subject) -> Story:
    """As whoever owes it reads it: why a day was moved was told to her, what staff wrote elsewhere was not."""
    application = application_of(session, subject)
    readable = application is not None and access.may_read(session, application, viewer)
    title = application.title if application and readable else ""
    steps = _steps(session, deadline, subject, told_to=deadline.owner_role)
    return Story(
        deadline, title, "", path_of(session, subject), (), (), steps, staff=False, report=_which(subject)
    )


def _which(subject: Subject) -> str | None:
    return subject.kind if isinstance(subject, Report) else None


def _steps(session: Session, deadline: Deadline, subject: Subject, told_to: str = "") -> list[Step]:
    """What happened, the first first; each with the day that held from then on. All of it, or as told to a role."""
    found = session.execute(
        select(LedgerEvent, Person)
        .join(Person, col(Person.id) == col(LedgerEvent.actor_id), isouter=True)
        .where(LedgerEvent.chain == chain_of(subject))
        .order_by(col(LedgerEvent.seq))
    ).all()
    known = {event.seq: event for event, _who in found}
    steps = []
    for event, person in found:
        if step := _step(session, deadline, event, known):
            whole = replace(step, by=person.name if person else "", note=event.note or "")
            steps.append(_told(whole, event, told_to) if told_to else whole)
    if not steps or steps[0].kind != "opened":
        steps.insert(0, Step(deadline.opened_at, "opened"))
    if deadline.closed_at and steps[-1].kind not in ("met", "waived", "cancelled"):
        because = "" if told_to else deadline.reason
        steps.append(Step(deadline.closed_at, deadline.status, because=because))
    return _with_days(steps, deadline.due_on)


def _told(step: Step, event: LedgerEvent, role: str) -> Step:
    """The step without the names of others than those in the role, and with words that were written for it only."""
    by = step.by if event.actor_role == role else _("The fund") if step.by else ""
    by_hand = event.action in (extending.MOVED, extending.WAIVED)
    return replace(step, because="", by=by, note=step.note if by_hand else "")


def _step(
    session: Session, deadline: Deadline, event: LedgerEvent, known: Mapping[int, LedgerEvent]
) -> Step | None:
    """What the event did to the deadline, if anything."""
    data, key = event.data, deadline.id or 0
    if event.action in (extending.MOVED, extending.WAIVED):
        if data["id"] != key:
            return None
        if event.action == extending.WAIVED:
            return Step(event.at, "waived")
        return Step(event.at, "moved", was=date.fromisoformat(data["before"]))
    if event.action == "deadline_passed":
        return Step(event.at, "passed") if _is_of(event, deadline) else None
    kind, was = _touched(session, event, deadline)
    if event.action == undo.CREATED and event.at == deadline.opened_at and _same(event, deadline):
        kind = "opened"
    if event.action == undo.UNDONE and data["undoes"] in known:
        event = known[data["undoes"]]
        kind = "undone" if _touched(session, event, deadline)[0] else ""
    return Step(event.at, kind, because=dossier.title_of(session, event), was=was) if kind else None


def _touched(session: Session, event: LedgerEvent, deadline: Deadline) -> tuple[str, date | None]:
    """What the event's move did to the deadline, and the day that it had before if that was moved."""
    change, key = Change.of_data(event.data.get("deadlines", {})), deadline.id or 0
    if key in change.closed:
        return ("met" if _meets(session, event, deadline.key) else "cancelled"), None
    if key in change.moved:
        day, held_at = change.moved[key]
        return ("went_on" if held_at else "moved"), day
    names = {"opened": change.opened, "held": change.held}
    return next((name for name, keys in names.items() if key in keys), ""), None


def _meets(session: Session, event: LedgerEvent, key: str) -> bool:
    move = definition_of(session, get(session, event.subject_kind, event.subject_id)).moves.get(event.action)
    return move is not None and key in move.meets


def _is_of(event: LedgerEvent, deadline: Deadline) -> bool:
    """Whether it passed then: another of the same name may have stood there before or after it."""
    lived = deadline.opened_at <= event.at and (deadline.closed_at is None or event.at <= deadline.closed_at)
    return lived and _same(event, deadline) and event.data["deadline"] == deadline.key


def _same(event: LedgerEvent, deadline: Deadline) -> bool:
    """Whether both are of the same thing."""
    return (event.subject_kind, event.subject_id) == (deadline.subject_kind, deadline.subject_id)


def _with_days(steps: Sequence[Step], last: date) -> list[Step]:
    """Each step with the day that held after it: what the next move found, or what holds now."""
    day, dated = last, []
    for step in reversed(steps):
        dated.append(replace(step, day=day))
        day = step.was or day
    return dated[::-1]
