"""A deadline gets another day or is waived: by a manager, for a reason, and told to those who owe it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from fund.base import access, holding, ledger
from fund.base.audience import Audience
from fund.base.deadlines import close
from fund.base.definitions import definition_of
from fund.base.errors import Conflict, Invalid, MoveRefused, NotFound
from fund.base.links import link_for
from fund.base.permissions import Viewer
from fund.base.subjects import Subject, application_of, chain_of, get, id_of, kind_of, lock
from notifications.outbox import message_row, queue_rows
from notifications.plan import Recipient
from schema.deadlines import Deadline, DeadlineStatus
from schema.people import Person, Role
from schema.rounds import Round
from schema.wording import gettext_noop as _n
from workflows import Reason

MOVED, WAIVED = "deadline_moved", "deadline_waived"
"""What stands in the ledger, and the mails that tell of it."""
BY_HAND = _n("a manager gave another day")
"""Beside the reminders that this calls off. The reason itself stands in the ledger and the mail only."""
LONGEST_REASON = 2000
LAST_YEAR = 2100


@dataclass(frozen=True, slots=True)
class Shift:
    """An open deadline that is to end on another local day."""

    deadline: Deadline
    subject: Subject
    day: date


def wanted(session: Session, viewer: Viewer, key: int) -> tuple[Deadline, Subject]:
    """The deadline of that key and what it is of, for a manager who does not act for the applicant.

    Also of a draft, whose text she does not read yet. Raises NotFound, and Forbidden for everybody else.
    """
    access.require_manager(viewer)
    deadline = session.get(Deadline, key)
    if deadline is None:
        raise NotFound
    subject = get(session, deadline.subject_kind, deadline.subject_id)
    access.require_manager_of(session, subject, viewer)
    return deadline, subject


def fixed(session: Session, deadline: Deadline, subject: Subject) -> list[str]:
    """Why the deadline cannot be given another day now, each a sentence; empty where it can."""
    if deadline.status == DeadlineStatus.HELD:
        return [Reason(_n("Time stands still for this. Its day moves by itself when it goes on."))]
    if deadline.status != DeadlineStatus.OPEN:
        return [Reason(_n("This deadline is over already."))]
    due = definition_of(session, subject).deadline(deadline.key).due
    if isinstance(subject, Round) and due.kind == "field":
        return [Reason(_n("This day belongs to the whole round. Change the days of the round."))]
    return []


def needed(session: Session, deadline: Deadline, subject: Subject) -> list[str]:
    """Why the deadline cannot be waived now, each a sentence; empty where it can."""
    found = fixed(session, deadline, subject)
    definition = definition_of(session, subject)
    for move in definition.leaving(subject.state):
        waits = any((call.name, call.argument) == ("deadline_open", deadline.key) for call in move.guards)
        if waits or move.automatic == deadline.key:
            said = _n("This needs the deadline: “%(what)s”. Give a later day instead.")
            found.append(Reason(said, what=move.label))
    return found


def told(
    session: Session, deadline: Deadline, subject: Subject, viewer: Viewer, audience: Audience | None = None
) -> list[Recipient]:
    """Who is written to when the deadline is moved or waived: all who owe it, without the viewer herself."""
    owing = (audience or Audience(session)).people_in(deadline.owner_role, subject)
    return [one for one in owing if one.person_id != viewer.person_id]


def names(session: Session, people: Sequence[Recipient]) -> list[str]:
    """The names of people, in their order."""
    keys = [one.person_id for one in people]
    found = {row.id: row.name for row in session.exec(select(Person).where(col(Person.id).in_(keys)))}
    return [found[key] for key in keys]


def wrong(day: date | None, reason: str, zone: str, now: datetime) -> dict[str, str]:
    """What is missing or wrong about a new day and its reason, by field; the day counts in ``zone``."""
    return wrong_day(day, zone, now) | wrong_reason(reason)


def wrong_day(day: date | None, zone: str, now: datetime) -> dict[str, str]:
    """What is wrong with a new last day, under ``day``."""
    if day is None:
        return {"day": Reason(_n("Enter the new day"))}
    if day < now.astimezone(ZoneInfo(zone)).date():
        return {"day": Reason(_n("Choose today or a later day"))}
    return {"day": Reason(_n("Check the year"))} if day.year > LAST_YEAR else {}


def wrong_reason(reason: str) -> dict[str, str]:
    """What is wrong with the reason, under ``reason``."""
    if not reason.strip():
        return {"reason": Reason(_n("Give the reason. Those who are told read it."))}
    if len(reason) > LONGEST_REASON:
        return {"reason": Reason(_n("Shorten this to %(limit)s characters"), limit=LONGEST_REASON)}
    return {}


def move(
    session: Session,
    viewer: Viewer,
    key: int,
    day: date | None,
    reason: str,
    *,
    generation: int,
    now: datetime,
) -> Deadline:
    """Let an open deadline end with another local day, earlier or later, and tell those who owe it.

    ``generation`` is the deadline's that was seen. A day that is the same changes nothing. Raises what ``wanted``
    raises, MoveRefused where it cannot be moved, Conflict where somebody was faster, Invalid for day and reason.
    """
    deadline, subject = _locked(session, viewer, key)
    if deadline.status == DeadlineStatus.OPEN and deadline.due_on == day:
        return deadline
    _refuse(fixed(session, deadline, subject))
    if deadline.generation != generation:
        raise Conflict
    if found := wrong(day, reason, deadline.zone, now):
        raise Invalid(found)
    assert day is not None
    carry_out(session, [Shift(deadline, subject, day)], viewer, reason.strip(), now)
    return deadline


def waive(
    session: Session, viewer: Viewer, key: int, reason: str, *, generation: int, now: datetime
) -> Deadline:
    """End an open deadline unmet, with all its reminders, and tell those who owed it. Waived twice, it is done once.

    Only the day goes: what was owed can still be done, and what waits for it goes on waiting.

    Raises what ``move`` raises; MoveRefused also where something happens only because of the deadline.
    """
    deadline, subject = _locked(session, viewer, key)
    if deadline.status == DeadlineStatus.WAIVED:
        return deadline
    _refuse(needed(session, deadline, subject))
    if deadline.generation != generation:
        raise Conflict
    if found := wrong_reason(reason):
        raise Invalid(found)
    said = reason.strip()
    close(session, deadline, DeadlineStatus.WAIVED, _n("a manager waived the deadline"), now)
    ledger.append_all(session, [_entry(WAIVED, deadline, subject, viewer, said)], now)
    mails = _mails(session, WAIVED, deadline, subject, told(session, deadline, subject, viewer), now)
    queue_rows(session, [row | {"payload": _payload(deadline, deadline.due_on, said)} for row in mails])
    session.refresh(deadline)
    return deadline


def carry_out(
    session: Session,
    shifts: Sequence[Shift],
    viewer: Viewer,
    reason: str,
    now: datetime,
    *,
    about: Round | None = None,
) -> None:
    """Move open deadlines, whose subjects the caller has locked, plan their reminders anew, and tell who owes them.

    One event for each in its chain. Where the days of a whole round move (``about``), managers get one mail about the
    round for each kind of deadline, not one for each application.
    """
    audience, entries, rows = Audience(session, [one.subject for one in shifts]), [], []
    managers_know: set[str] = set()
    for shift in shifts:
        deadline, before = shift.deadline, shift.deadline.due_on
        holding.put(session, deadline, shift.day, deadline.held_at, BY_HAND, now)
        entries.append(_entry(MOVED, deadline, shift.subject, viewer, reason, before))
        whole = about if deadline.owner_role == Role.MANAGER else None
        if whole and deadline.key in managers_know:
            continue
        managers_know |= {deadline.key} if whole else set()
        target = whole or shift.subject
        people = told(session, deadline, target, viewer, audience)
        mails = _mails(session, MOVED, deadline, target, people, now)
        rows += [row | {"payload": _payload(deadline, before, reason)} for row in mails]
    ledger.append_all(session, entries, now)
    queue_rows(session, rows)


def _locked(session: Session, viewer: Viewer, key: int) -> tuple[Deadline, Subject]:
    deadline, subject = wanted(session, viewer, key)
    lock(session, subject)
    session.refresh(deadline, with_for_update=True)
    return deadline, subject


def _refuse(reasons: Sequence[str]) -> None:
    if reasons:
        raise MoveRefused(reasons)


def _entry(
    action: str, deadline: Deadline, subject: Subject, viewer: Viewer, reason: str, before: date | None = None
) -> ledger.Entry:
    moved = {"before": before.isoformat()} if before else {}
    return ledger.Entry(
        chain=chain_of(subject),
        actor=viewer,
        role=Role.MANAGER,
        subject_kind=deadline.subject_kind,
        subject_id=deadline.subject_id,
        action=action,
        data={"deadline": deadline.key, "id": deadline.id, "due_on": deadline.due_on.isoformat()} | moved,
        note=reason,
    )


def _payload(deadline: Deadline, before: date, reason: str) -> dict[str, Any]:
    return {"reason": reason, "what": deadline.label, "before": before.isoformat()}


def _mails(
    session: Session,
    template: str,
    deadline: Deadline,
    subject: Subject,
    people: Sequence[Recipient],
    now: datetime,
) -> Iterator[dict[str, Any]]:
    """One mail to each. That of a new day goes out only as long as the deadline stands as it says."""
    application = application_of(session, subject)
    stands = (
        {"deadline_id": deadline.id, "deadline_generation": deadline.generation} if template == MOVED else {}
    )
    for person in people:
        yield message_row(
            key=f"{template}:{deadline.id}:{deadline.generation}:{person.person_id}",
            kind="notice",
            template=template,
            person_id=person.person_id,
            subject_kind=kind_of(subject),
            subject_id=id_of(subject),
            application_id=application.id if application else None,
            path=link_for(session, subject, deadline.owner_role, deadline.key),
            now=now,
            next_at=now,
            **stands,
        )
