"""The one function that changes a state, and all that commits together with it.

A move writes the new state (only if the version that was read is still there), a ledger event, the deadlines that end
and begin, and the messages about it; then whatever now follows by itself. All in the caller's unit of work: it
commits together or not at all.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from fund.base import announcing, children, effects, following, ledger, states
from fund.base.audience import actor_of, in_hand, left_to
from fund.base.definitions import definition_by_id, definition_of
from fund.base.errors import Conflict, Forbidden, Invalid, MoveRefused
from fund.base.facts import facts_of
from fund.base.following import Change
from fund.base.notices import News, told
from fund.base.permissions import Viewer
from fund.base.subjects import (
    Subject,
    application_of,
    chain_of,
    children_among,
    get,
    id_of,
    kind_of,
    lock_all,
    round_of,
)
from notifications.outbox import queue_rows
from schema.rounds import Round
from workflows import Actor, Ask, GuardFailed, NotAllowed, Option, Outcome, Refusal
from workflows.parts import ACTING, CLOCK

log = logging.getLogger(__name__)
MOST_FOLLOWING = 50
"""More automatic moves in a row than any sound definition makes; a loop is stopped instead of hanging."""


def options(session: Session, subject: Subject, viewer: Viewer, now: datetime) -> list[Option]:
    """Every move that is the viewer's to make here, each allowed or with all the reasons why not."""
    definition = definition_of(session, subject)
    return definition.available(
        subject.state, actor_of(session, subject, viewer), facts_of(session, subject, now)
    )


def everybodys(session: Session, subject: Subject, now: datetime) -> list[Option]:
    """The same for whoever may make a move here, and for those that are made by themselves."""
    definition = definition_of(session, subject)
    everybody = Actor(None, frozenset({*ACTING, CLOCK}))
    return definition.available(subject.state, everybody, facts_of(session, subject, now))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A move that somebody wants to make. ``version`` is the subject's version that she saw.

    ``data`` holds what some moves ask for besides a reason (``declaration``, ``signed_name``).
    """

    subject: Subject
    trigger: str
    version: int
    reason: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def fire(
    session: Session,
    subject: Subject,
    trigger: str,
    viewer: Viewer,
    *,
    version: int,
    now: datetime,
    reason: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> ledger.Written:
    """Make the move for the viewer, with everything that belongs to it, and answer its ledger event.

    Raises Conflict where the version is older, Forbidden where the move is not the viewer's, Invalid where a reason
    or a field is missing, MoveRefused with the workflow's reasons otherwise.
    """
    wish = Wish(subject=subject, trigger=trigger, version=version, reason=reason, data=data or {})
    return fire_all(session, [wish], viewer, now)[0]


def asked(session: Session, subject: Subject, trigger: str) -> tuple[tuple[Ask, ...], str]:
    """What the move asks for besides a reason (nothing if there is none such), and the currency of amounts in it."""
    move = definition_of(session, subject).moves.get(trigger)
    return (move.asks if move else (), round_of(session, subject).currency)


def fire_all(
    session: Session, wishes: Sequence[Wish], viewer: Viewer, now: datetime, *, locked: bool = False
) -> list[ledger.Written]:
    """Make moves of different subjects together, all or none, and answer their events in the same order.

    They are written together, except where a guard counts what the others take (the money that is left): such a move
    is asked about when those before it are written. Raises what ``fire`` raises for the first that cannot be made.
    ``locked`` says that the caller read and locked all of them, and what they belong to, as they are now.
    """
    if not locked:
        lock_all(session, [wish.subject for wish in wishes])
    in_hand(session, [wish.subject for wish in wishes])
    events: list[ledger.Written] = []
    waiting: list[_Step] = []
    for wish in wishes:
        step = _asked(session, wish, viewer, now)
        if step.shared and waiting:
            events += _write(session, waiting, now)
            waiting, step = [], _asked(session, wish, viewer, now)
        waiting.append(step)
    events += _write(session, waiting, now)
    settle(session, [wish.subject for wish in wishes], now)
    return events


def pass_deadline(session: Session, subject: Subject, key: str, now: datetime) -> ledger.Written | None:
    """Make the automatic move that waits for this deadline to pass, if there is one and its guards are met.

    The caller has locked the subject and knows that the deadline, grace included, lies behind ``now``. Raises
    GuardFailed where a guard cannot tell: the deadline is then to be passed again later, with the move.
    """
    step = _automatic(session, subject, now, frozenset({key}))
    if step is None:
        return None
    event = _write(session, [step], now)[0]
    settle(session, [subject], now)
    return event


def settle(session: Session, subjects: Sequence[Subject], now: datetime) -> None:
    """Make every automatic move that the facts now call for, in the applications and all that belongs to them.

    One whose guard fails is logged, and waits until something is moved there again.
    """
    for _ in range(MOST_FOLLOWING):
        if not any([_follow(session, one, now) for one in _may_follow(session, subjects)]):
            return
    raise RuntimeError("the automatic moves do not come to rest")


@dataclass(frozen=True, slots=True)
class _Step:
    """A move that the workflow allows, about to be written."""

    subject: Subject
    outcome: Outcome
    viewer: Viewer | None
    actor: Actor
    reason: str | None
    data: Mapping[str, Any]
    shared: bool = False
    """Whether a guard counted what other subjects take."""


def _asked(session: Session, wish: Wish, viewer: Viewer, now: datetime) -> _Step:
    subject = wish.subject
    if subject.version != wish.version:
        raise Conflict
    actor = actor_of(session, subject, viewer)
    facts = facts_of(session, subject, now)
    definition = definition_of(session, subject)
    try:
        outcome = definition.fire(
            subject.state, wish.trigger, actor, facts, reason=wish.reason, data=wish.data
        )
    except NotAllowed as refusal:
        if refusal.why == Refusal.ROLE and (said := left_to(session, subject, viewer)):
            raise Forbidden(said) from refusal
        raise _meaning(refusal) from refusal
    return _Step(subject, outcome, viewer, actor, wish.reason, wish.data, facts.shared)


def _automatic(session: Session, subject: Subject, now: datetime, passed: frozenset[str]) -> _Step | None:
    definition = definition_of(session, subject)
    facts = facts_of(session, subject, now)
    move = definition.automatic(subject.state, facts, passed)
    if move is None:
        return None
    clock = Actor.clock()
    outcome = definition.fire(subject.state, move.trigger, clock, facts)
    return _Step(subject, outcome, None, clock, None, {})


def _follow(session: Session, subject: Subject, now: datetime) -> bool:
    try:
        step = _automatic(session, subject, now, frozenset())
    except GuardFailed as failed:  # what somebody did goes through; this waits until something moves again
        log.error("%s %s stays where it is: %s", kind_of(subject), id_of(subject), failed, exc_info=failed)
        return False
    if step is not None:
        _write(session, [step], now)
    return step is not None


def _may_follow(session: Session, subjects: Sequence[Subject]) -> list[Subject]:
    """The subjects, their applications and all that belongs to these, as far as facts can move them from here."""
    applications = {one.id: one for one in (application_of(session, s) for s in subjects) if one is not None}
    found: list[Subject] = [*applications.values(), *(one for one in subjects if isinstance(one, Round))]
    found = [one for one in found if definition_of(session, one).follows_facts(one.state)]
    for child in children_among(session, [key for key in applications if key is not None]):
        if definition_by_id(session, child.workflow_id).follows_facts(child.state):
            found.append(get(session, child.kind, child.id))
    return found


def _write(session: Session, steps: Sequence[_Step], now: datetime) -> list[ledger.Written]:
    for step in steps:
        effects.write(session, step.subject, step.outcome.move.records, step.viewer, step.data, now)
    since = [step.subject.state_since for step in steps]
    states.write_all(
        session,
        [(one.subject, {"state": one.outcome.target.name, "state_since": now}) for one in steps],
    )
    audience = in_hand(session, [step.subject for step in steps])
    changes, reminders = following.follow(
        session, audience, [(step.subject, step.outcome) for step in steps], now
    )
    entries = list(map(_entry, steps, since, changes))
    events = ledger.append_all(session, entries, now)
    announcing.moved(session, entries, events, now)
    for step in steps:
        _start_children(session, step, now)
    queue_rows(session, [*reminders, *told(session, audience, map(_news, steps, events), now)])
    return events


def _start_children(session: Session, step: _Step, now: datetime) -> None:
    application = application_of(session, step.subject)
    for start in step.outcome.move.starts:
        assert application is not None
        children.start(session, application, start, now)


def _news(step: _Step, event: ledger.Written) -> News:
    move = step.outcome.move
    return News(step.subject, event, move.notices, (step.reason or "").strip(), move.label)


def _entry(step: _Step, since: datetime, change: Change) -> ledger.Entry:
    """The event with all that is needed to undo the move, see ``fund.base.undo``."""
    subject, outcome = step.subject, step.outcome
    done = change.as_data()
    return ledger.Entry(
        chain=chain_of(subject),
        actor=step.viewer,
        role=_role(step.actor, outcome),
        subject_kind=kind_of(subject),
        subject_id=id_of(subject),
        action=outcome.move.trigger,
        source=outcome.source.name,
        target=outcome.target.name,
        data=_for_undo(subject, since) | ({"deadlines": done} if done else {}) | _given(step),
        note=_note(step),
    )


def _given(step: _Step) -> dict[str, Any]:
    """What was ticked, and the days and amounts that were given. Words stand in the note, which can be forgotten."""
    asks = [ask for ask in step.outcome.move.asks if ask.kind != "text" and ask.name in step.data]
    return {"given": {ask.name: _plain(step.data[ask.name]) for ask in asks}} if asks else {}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _note(step: _Step) -> str | None:
    """The reason, and the words that the move asks for, except a name that stands under an agreement."""
    move = step.outcome.move
    asks = [ask for ask in move.asks if ask.kind == "text" and "signature" not in move.records]
    words = [f"{ask.label}: {step.data[ask.name].strip()}" for ask in asks if ask.name in step.data]
    return "\n".join(filter(None, [(step.reason or "").strip(), *words])) or None


def _for_undo(subject: Subject, since: datetime) -> dict[str, Any]:
    """Where the subject was before, and which text of it the move was made on."""
    edits = {} if isinstance(subject, Round) else {"edit": subject.edit_version}
    return {"version": subject.version, "since": since.isoformat()} | edits


def _role(actor: Actor, outcome: Outcome) -> str:
    """The role in which the actor made this move: where several would do, the first by name."""
    return min(actor.roles & outcome.move.roles)


def _meaning(refusal: NotAllowed) -> Forbidden | Invalid | MoveRefused:
    if refusal.why in (Refusal.ROLE, Refusal.UNKNOWN):
        return Forbidden(refusal.reasons[0])
    if refusal.why == Refusal.REASON:
        return Invalid({"reason": refusal.reasons[0]})
    if refusal.why == Refusal.FIELD:
        return Invalid(refusal.fields)
    return MoveRefused(refusal.reasons)
