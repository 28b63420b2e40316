"""Taking back the last move of a subject: whether, by whom, until when, what it means, and doing it.

Nothing is ever deleted from the ledger: an event ``undone`` names the one that it takes back, and leads from its target
to its source. What followed a move by itself is taken back with it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session, col, select

from fund.base import announcing, holding, ledger, moves, states, takeback
from fund.base.access import may_read, refusal
from fund.base.audience import actor_of, left_to
from fund.base.deadlines import Ending, end_all
from fund.base.definitions import definition_of
from fund.base.eras import CHANGED
from fund.base.errors import Conflict, Forbidden, MoveRefused, NotFound
from fund.base.facts import holds_money, over_budget
from fund.base.following import Change
from fund.base.permissions import Viewer
from fund.base.subjects import Subject, chain_of, get, id_of, kind_of, lock
from fund.base.takeback import Gone
from schema.applications import Application
from schema.deadlines import OWED, Deadline, DeadlineStatus
from schema.ledger import LedgerEvent
from schema.people import Role
from schema.reviews import Review
from schema.rounds import Round
from schema.wording import gettext_noop as _n
from workflows import Actor, Move, Reason, State

UNDONE = "undone"
CREATED = "created"
HARMLESS = frozenset({"deadline_passed"})
"""Events on which nothing is built: a move before them can still be taken back."""


@dataclass(frozen=True)
class Offer:
    """The move that can be taken back, or why it cannot, and all that this means."""

    kind: str
    key: int
    """What it is a move of."""
    event: int
    """Its number in the ledger chain of the subject."""
    version: int
    """The subject's version that was looked at."""
    move: Move
    source: State
    """Where the subject goes back to."""
    made_at: datetime
    until: datetime
    """The last moment at which it can be taken back, in UTC."""
    reasons: tuple[str, ...]
    """Why it cannot be taken back now; empty where it can."""
    followed: tuple[str, ...]
    """Labels of the moves that followed by themselves and are taken back with it."""
    reopened: tuple[Deadline, ...]
    """Deadlines that are owed again, with the day that they had."""
    called_off: tuple[Deadline, ...]
    """Deadlines that are owed no more."""
    unsent: int
    """Mails that do not go out any more."""
    gone: tuple[Gone, ...]
    """Mails that went out already; their readers are told. Only a manager sees what they said, and to whom."""

    @property
    def allowed(self) -> bool:
        """Whether it can be taken back now."""
        return not self.reasons


def live(events: Iterable[LedgerEvent]) -> list[LedgerEvent]:
    """The events, of whatever chains, in their order, without those that were undone and those that undid them."""
    found = list(events)
    gone = {(event.chain, event.data.get("undoes")) for event in found if event.action == UNDONE}
    return [event for event in found if event.action != UNDONE and (event.chain, event.seq) not in gone]


def led_here(session: Session, subject: Subject) -> LedgerEvent | None:
    """The event by which the subject came to where it stands; what was undone is passed over.

    A version of the workflow that gave it another place led nowhere: what led to the place before did.
    """
    here, state = live(_events(session, subject)), subject.state
    for event in reversed([event for event in here if _is_of(event, subject)]):
        if event.target == state and event.action != CHANGED:
            return event
        if event.target == state:
            state = event.source
    return None


def offer(session: Session, subject: Subject, viewer: Viewer, now: datetime) -> Offer | None:
    """The subject's last move, if it is of a kind that can be undone and hers, or if the viewer manages the fund.

    ``reasons`` say why it cannot be undone now. Whoever acts for the member that applies undoes only her own moves.
    """
    chain = live(_events(session, subject))
    group = _last(chain, subject)
    if not group:
        return None
    move = definition_of(session, subject).moves.get(group[0].action)
    if move is None or move.undo is None or not _hers(session, subject, group[0], move, viewer):
        return None
    until = group[0].at + move.undo
    why: list[str] = [] if now <= until else [Reason(_n("The time in which it could be undone is over."))]
    why += _obstacles(session, chain, group)
    found = _offer(session, subject, group, move, until, tuple(why))
    if Role.MANAGER in actor_of(session, subject, viewer).roles:
        return found
    return replace(found, gone=tuple(replace(one, subject="", name="") for one in found.gone))


def wanted(session: Session, kind: str, key: int, viewer: Viewer, now: datetime) -> tuple[Subject, Offer]:
    """The subject of that kind and key with what the viewer can undo of it.

    Whoever made the last move gets it even where she reads no more, as a reviewer who declined. Raises NotFound where
    there is nothing of hers to undo, Forbidden for a manager who reads it and does not run its round.
    """
    subject = get(session, kind, key)
    found = offer(session, subject, viewer, now)
    if found is None:
        said = left_to(session, subject, viewer) if may_read(session, subject, viewer) else ""
        raise Forbidden(said) if said else NotFound
    return subject, found


def undone(session: Session, kind: str, key: int, event: int, viewer: Viewer) -> Subject | None:
    """The subject, if the viewer herself has undone that move of it already: whoever presses twice is told no other."""
    subject = get(session, kind, key)
    hers = [one for one in _events(session, subject) if one.action == UNDONE and _is_of(one, subject)]
    done = any(one.data["undoes"] == event and one.actor_id == viewer.person_id for one in hers)
    return subject if done else None


def undo(
    session: Session, subject: Subject, viewer: Viewer, *, event: int, version: int, now: datetime
) -> ledger.Written:
    """Take back the move whose event has that number, with all that belonged to it; answers the event that says so.

    ``version`` is the subject's that was seen. State, deadlines and messages are as before, in the caller's unit of
    work; whoever was told already is told that it was taken back. Raises Conflict where somebody was faster, Forbidden
    where it is not hers, MoveRefused with the reasons otherwise.
    """
    lock(session, subject)
    if subject.version != version:
        raise Conflict
    found = offer(session, subject, viewer, now)
    if found is None:
        raise refusal(session, subject, viewer, _n("There is nothing here that you can undo."))
    if found.event != event:
        raise Conflict
    if not found.allowed:
        raise MoveRefused(found.reasons)
    group = _last(live(_events(session, subject)), subject)
    actor = actor_of(session, subject, viewer)
    entries = [_take_back(session, one, found, actor, viewer, now) for one in reversed(group)]
    written = ledger.append_all(session, entries, now)
    announcing.moved(session, entries, written, now)
    takeback.mails(session, subject, group, written[-1], found.move, viewer, now)
    moves.settle(session, [subject], now)
    return written[-1]


def _events(session: Session, subject: Subject) -> Sequence[LedgerEvent]:
    query = select(LedgerEvent).where(LedgerEvent.chain == chain_of(subject)).order_by(col(LedgerEvent.seq))
    return session.exec(query).all()


def _last(chain: Sequence[LedgerEvent], subject: Subject) -> list[LedgerEvent]:
    """The subject's last move with what followed it by itself; nothing where somebody else's move led to it."""
    own = [place for place, event in enumerate(chain) if _is_of(event, subject) and event.source]
    if not own:
        return []
    first = own[-1]
    while _follows(chain, first):
        first -= 1
    if not _is_of(chain[first], subject) or chain[first].actor_id is None:
        return []
    last = first + 1
    while last < len(chain) and _follows(chain, last):
        last += 1
    return list(chain[first:last])


def _follows(chain: Sequence[LedgerEvent], place: int) -> bool:
    """Whether the event happened by itself because of the one before it."""
    event = chain[place]
    by_itself = event.actor_role == ledger.CLOCK_ROLE and event.action not in HARMLESS
    return place > 0 and by_itself and event.at == chain[place - 1].at


def _is_of(event: LedgerEvent, subject: Subject) -> bool:
    return (event.subject_kind, event.subject_id) == (kind_of(subject), id_of(subject))


def _hers(session: Session, subject: Subject, event: LedgerEvent, move: Move, viewer: Viewer) -> bool:
    roles = actor_of(session, subject, viewer).roles
    if Role.MANAGER in roles and may_read(session, subject, viewer):
        return True
    return event.actor_id == viewer.person_id and bool(roles & move.roles)


def _obstacles(session: Session, chain: Sequence[LedgerEvent], group: Sequence[LedgerEvent]) -> list[str]:
    """Why the moves cannot be taken back, each a sentence."""
    why: list[str] = []
    after = chain[chain.index(group[-1]) + 1 :]
    if any(_builds_on(later, one) for later in after for one in group):
        why.append(Reason(_n("Something happened since then that builds on it.")))
    for event in group:
        subject = get(session, event.subject_kind, event.subject_id)
        definition = definition_of(session, subject)
        move = definition.moves.get(event.action)
        if move is not None and move.records:
            why.append(Reason(_n("It left something on record, which stands.")))
        if event.data.get("edit", _edits(subject)) != _edits(subject):
            why.append(Reason(_n("Its text was changed since then.")))
        if event.action == CREATED and _is_touched(subject):
            why.append(Reason(_n("What it asked for was begun already.")))
        if event.action != CREATED and event.source not in definition.states:
            why.append(Reason(_n("The state before it exists no more.")))
        elif isinstance(subject, Application):
            why += _overdrawn(session, subject, definition.state(event.source))
    return why


def _is_touched(child: Subject) -> bool:
    return child.version > 1 or _edits(child) > 0


def _edits(subject: Subject) -> int:
    """How often its text was saved; rounds have none."""
    return 0 if isinstance(subject, Round) else subject.edit_version


def _overdrawn(session: Session, application: Application, back: State) -> list[str]:
    """That the money was promised to others meanwhile, if it was."""
    here = definition_of(session, application).state(application.state)
    over = over_budget(session, application) if holds_money(back) and not holds_money(here) else ""
    said = _n(
        "Its money was promised to others meanwhile: the award is %(over)s more than the round has left."
    )
    return [Reason(said, over=over)] if over else []


def _builds_on(later: LedgerEvent, event: LedgerEvent) -> bool:
    """Whether the later event may not have happened without the other. Two reviews do not build on each other."""
    if later.action in HARMLESS:
        return False
    same = (later.subject_kind, later.subject_id) == (event.subject_kind, event.subject_id)
    whole = {"application", "round"}
    return same or later.subject_kind in whole or event.subject_kind in whole


def _offer(
    session: Session,
    subject: Subject,
    group: Sequence[LedgerEvent],
    move: Move,
    until: datetime,
    why: tuple[str, ...],
) -> Offer:
    changes = [_change(event) for event in group]
    opened = {key for change in changes for key in change.opened}
    closed = {key for change in changes for key in change.closed} - opened
    unsent, gone = takeback.told(session, subject, group, opened)
    return Offer(
        kind=kind_of(subject),
        key=id_of(subject),
        event=group[0].seq,
        version=subject.version,
        move=move,
        source=definition_of(session, subject).state(group[0].source),
        made_at=group[0].at,
        until=until,
        reasons=why,
        followed=tuple(_label(session, event) for event in group[1:] if event.action != CREATED),
        reopened=_deadlines(session, closed),
        called_off=tuple(one for one in _deadlines(session, opened) if one.status in OWED),
        unsent=unsent,
        gone=gone,
    )


def _change(event: LedgerEvent) -> Change:
    return Change.of_data(event.data.get("deadlines", {}))


def _label(session: Session, event: LedgerEvent) -> str:
    subject = get(session, event.subject_kind, event.subject_id)
    return definition_of(session, subject).move(event.action).label


def _deadlines(session: Session, keys: Iterable[int]) -> tuple[Deadline, ...]:
    found = select(Deadline).where(col(Deadline.id).in_(sorted(keys))).order_by(col(Deadline.due_at))
    return tuple(session.exec(found))


def _take_back(
    session: Session, event: LedgerEvent, found: Offer, actor: Actor, viewer: Viewer, now: datetime
) -> ledger.Entry:
    """Write back what one event changed, and answer the event that says so."""
    subject = get(session, event.subject_kind, event.subject_id)
    if event.action == CREATED:
        _unmake(session, subject, found.move, now)
    else:
        session.refresh(subject)
        states.write(session, subject, state=event.source, since=datetime.fromisoformat(event.data["since"]))
        _put_back(session, _change(event), found.move, now)
    return ledger.Entry(
        chain=event.chain,
        actor=viewer,
        role=min(actor.roles & found.move.roles, default=Role.MANAGER.value),
        subject_kind=event.subject_kind,
        subject_id=event.subject_id,
        action=UNDONE,
        source=event.target,
        target=event.source,
        data={"version": subject.version, "undoes": event.seq},
    )


def _put_back(session: Session, change: Change, move: Move, now: datetime) -> None:
    """Call off what was opened, then let everything else be as it was."""
    _call_off(session, change.opened, move, now)
    for deadline in _deadlines(session, change.closed):
        holding.put(session, deadline, deadline.due_on, deadline.held_at, move.label, now)
    for deadline in _deadlines(session, change.held):
        holding.put(session, deadline, deadline.due_on, None, move.label, now)
    for deadline in _deadlines(session, change.moved):
        day, held_at = change.moved[deadline.id or 0]
        holding.put(session, deadline, day, held_at, move.label, now)


def _call_off(session: Session, keys: Iterable[int], move: Move, now: datetime) -> None:
    owed = [one for one in _deadlines(session, keys) if one.status in OWED]
    end_all(session, [Ending(one.id or 0, DeadlineStatus.CANCELLED, move.label) for one in owed], now)


def _unmake(session: Session, child: Subject, move: Move, now: datetime) -> None:
    """Take away what a move asked for and nobody has touched. What the ledger and the outbox say of it stays."""
    assert not isinstance(child, Application | Review)
    of_child = select(Deadline.id).where(
        Deadline.subject_kind == kind_of(child), Deadline.subject_id == id_of(child)
    )
    _call_off(session, [key for key in session.exec(of_child) if key is not None], move, now)
    session.delete(child)
    session.flush()
