"""The one function that changes a state, and all that commits together with it.

A move writes the new state (only if the version that was read is still there), a ledger event, the deadlines that end
and begin, and the messages about it; then whatever now follows by itself. All in the caller's unit of work: it
commits together or not at all.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fund.base import children, deadlines, effects, ledger, states
from fund.base.audience import actor_of
from fund.base.definitions import definition_of
from fund.base.errors import Conflict, Forbidden, Invalid, MoveRefused
from fund.base.facts import facts_of
from fund.base.notices import notify
from fund.base.permissions import Viewer
from fund.base.subjects import Subject, application_of, chain_of, children_of, id_of, kind_of, lock
from schema.ledger import LedgerEvent
from workflows import Actor, NotAllowed, Option, Outcome, Refusal

MOST_FOLLOWING = 50
"""More automatic moves in a row than any sound definition makes; a loop is stopped instead of hanging."""


def options(session: Session, subject: Subject, viewer: Viewer, now: datetime) -> list[Option]:
    """Every move that is the viewer's to make here, each allowed or with all the reasons why not."""
    definition = definition_of(session, subject)
    return definition.available(
        subject.state, actor_of(session, subject, viewer), facts_of(session, subject, now)
    )


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
) -> LedgerEvent:
    """Make the move for the viewer, with everything that belongs to it, and answer its ledger event.

    ``version`` is the subject's version that the viewer saw. ``data`` holds what some moves ask for besides a reason
    (``declaration``, ``signed_name``). Raises Conflict where the version is older, Forbidden where the move is not
    the viewer's, Invalid where a reason or a field is missing, MoveRefused with the workflow's reasons otherwise.
    """
    lock(session, subject)
    if subject.version != version:
        raise Conflict
    actor = actor_of(session, subject, viewer)
    facts = facts_of(session, subject, now)
    try:
        outcome = definition_of(session, subject).fire(
            subject.state, trigger, actor, facts, reason=reason, data=data or {}
        )
    except NotAllowed as refusal:
        raise _meaning(refusal) from refusal
    event = _carry_out(session, subject, outcome, viewer, actor, now, reason, data or {})
    settle(session, subject, now)
    return event


def pass_deadline(session: Session, subject: Subject, key: str, now: datetime) -> LedgerEvent | None:
    """Make the automatic move that waits for this deadline to pass, if there is one and its guards are met.

    The caller has locked the subject and knows that the deadline, grace included, lies behind ``now``.
    """
    event = _automatic(session, subject, now, frozenset({key}))
    if event is not None:
        settle(session, subject, now)
    return event


def settle(session: Session, subject: Subject, now: datetime) -> None:
    """Make every automatic move that the facts now call for, in the application and all that belongs to it."""
    application = application_of(session, subject)
    for _ in range(MOST_FOLLOWING):
        circle: list[Subject] = (
            [subject] if application is None else [application, *children_of(session, application)]
        )
        if not any([_automatic(session, one, now, frozenset()) for one in circle]):
            return
    raise RuntimeError(f"the automatic moves of {kind_of(subject)} {subject.id} do not come to rest")


def _automatic(
    session: Session, subject: Subject, now: datetime, passed: frozenset[str]
) -> LedgerEvent | None:
    definition = definition_of(session, subject)
    facts = facts_of(session, subject, now)
    move = definition.automatic(subject.state, facts, passed)
    if move is None:
        return None
    clock = Actor.clock()
    outcome = definition.fire(subject.state, move.trigger, clock, facts)
    return _carry_out(session, subject, outcome, None, clock, now, None, {})


def _carry_out(
    session: Session,
    subject: Subject,
    outcome: Outcome,
    viewer: Viewer | None,
    actor: Actor,
    now: datetime,
    reason: str | None,
    data: Mapping[str, Any],
) -> LedgerEvent:
    effects.write(session, subject, outcome.move.trigger, viewer, data, now)
    states.write(session, subject, state=outcome.target.name, since=now)
    event = ledger.append(
        session,
        chain=chain_of(subject),
        actor=viewer,
        role=_role(actor, outcome),
        subject_kind=kind_of(subject),
        subject_id=id_of(subject),
        action=outcome.move.trigger,
        now=now,
        source=outcome.source.name,
        target=outcome.target.name,
        data={"version": subject.version},
        note=(reason or "").strip() or None,
    )
    deadlines.follow(session, subject, definition_of(session, subject), outcome, now)
    application = application_of(session, subject)
    for start in outcome.move.starts:
        assert application is not None
        children.start(session, application, start, now)
    notify(session, subject, outcome.move.notices, event, now, reason)
    return event


def _role(actor: Actor, outcome: Outcome) -> str:
    """The role in which the actor made this move: where several would do, the first by name."""
    return min(actor.roles & outcome.move.roles)


def _meaning(refusal: NotAllowed) -> Forbidden | Invalid | MoveRefused:
    if refusal.why in (Refusal.ROLE, Refusal.UNKNOWN):
        return Forbidden(" ".join(refusal.reasons))
    if refusal.why == Refusal.REASON:
        return Invalid({"reason": " ".join(refusal.reasons)})
    if refusal.why == Refusal.FIELD:
        return Invalid(refusal.fields)
    return MoveRefused(refusal.reasons)
