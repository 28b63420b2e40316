"""What a manager does about a mail that did not arrive: send it again, correct the address, give it up.

What the mail server took and another sent back later is such a mail from the moment a manager says so.

Each use case works in the caller's transaction, and writes one event into the chain of the message (``message:7``).
Whoever acts says how many such events she saw: of two who decide at once one wins, and the other is told.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import tuple_
from sqlmodel import Session, col, func, select

from fund.base import ledger
from fund.base.errors import Conflict, Forbidden, Invalid, MoveRefused, NotFound
from fund.base.permissions import Viewer
from fund.people import service as people
from fund.pipeline.dossier import title_of
from fund.pipeline.outbox import Entry, one
from fund.web.i18n import gettext as _
from fund.web.i18n import lazy, ngettext
from notifications import outbox
from notifications.kinds import DIGEST
from notifications.outcomes import MAX_ATTEMPTS
from schema.deadlines import Deadline, DeadlineStatus
from schema.ledger import LedgerEvent
from schema.outbox import Message, MessageStatus
from schema.people import Person, Role
from schema.wording import gettext_noop as _n

LONGEST_REASON = 500
CAME_BACK = _n("It came back.")
BECAUSE = {
    "deadline_moved": lazy("A manager gave “%(what)s” another day."),
    "deadline_waived": lazy("A manager waived the deadline of “%(what)s”."),
    "newsletter": lazy("The newsletter was released, and this person gets it."),
    "weekly_overview": lazy("It is the overview that managers get on Monday morning."),
    "commented": lazy("Somebody wrote a comment on a proposal that this person takes part in."),
}
"""Why there are mails that no step of a workflow causes, by their template."""
WHY_HER = {
    "colleague": lazy("A colleague of this person looks after it; it is said so that she can do it too."),
    "escalation": lazy("Somebody else owes it; it is said to this person so that she can help."),
}
"""Why a reminder goes to somebody who does not owe it herself, by its template."""
ACTIONS = {
    "mail_came_back": lazy("It came back"),
    "mail_sent_again": lazy("Sent again"),
    "mail_corrected": lazy("The address was corrected, and it was sent again"),
    "mail_given_up": lazy("Given up"),
}


@dataclass(frozen=True)
class Mending:
    """What can be decided about a message: that it came back, or, if it is stuck, what becomes of it.

    ``against`` says why it cannot be sent again.
    """

    seen: int
    against: tuple[str, ...]


@dataclass(frozen=True)
class Act:
    """What a manager did about a message."""

    at: datetime
    title: str
    by: str
    note: str


def offers(session: Session, entries: Collection[Entry], now: datetime) -> dict[int, Mending]:
    """What can be decided about each message, by its key; nothing about most. Two queries, however many there are."""
    open_ = {entry.message.id or 0: entry for entry in entries if _is_stuck(entry) or may_come_back(entry)}
    seen = _seen(session, open_)
    wanted = {entry.message.deadline_id for entry in open_.values() if _is_stuck(entry)}
    deadlines = {row.id: row for row in session.exec(select(Deadline).where(col(Deadline.id).in_(wanted)))}
    return {
        key: Mending(
            seen.get(key, 0),
            tuple(_against(entry.message, entry.person, deadlines.get(entry.message.deadline_id), now))
            if _is_stuck(entry)
            else (),
        )
        for key, entry in open_.items()
    }


def may_come_back(entry: Entry) -> bool:
    """Whether it is a mail that was taken, and not a part of a digest: with that it comes back."""
    return entry.message.status == MessageStatus.SENT and not (entry.is_call or entry.message.digest_id)


def acts(session: Session, message: Message) -> list[Act]:
    """What managers did about it, the latest first."""
    found = session.execute(
        select(LedgerEvent, Person)
        .join(Person, col(Person.id) == col(LedgerEvent.actor_id), isouter=True)
        .where(LedgerEvent.chain == _chain(message.id or 0))
        .order_by(col(LedgerEvent.seq).desc())
    ).all()
    return [
        Act(event.at, str(ACTIONS[event.action]), actor.name if actor else "", event.note or "")
        for event, actor in found
    ]


def came_back(session: Session, viewer: Viewer, message_id: int, said: str, seen: int, now: datetime) -> None:
    """It was sent and came back, as ``said`` (may be empty): from now on somebody has to decide on it.

    Raises Forbidden, NotFound, Conflict, and Invalid (field ``said``) for what is too long.
    """
    entry = _decidable(session, viewer, message_id, seen)
    if not may_come_back(entry):
        raise Conflict
    words = " ".join(said.split())
    if len(words) > LONGEST_REASON:
        raise Invalid({"said": _("Shorten this to %(limit)s characters") % {"limit": LONGEST_REASON}})
    if not outbox.came_back(session, message_id, f"came back: {words}" if words else CAME_BACK, now):
        raise Conflict
    _record(session, viewer, entry, "mail_came_back", MessageStatus.DEAD, now, words or None)


def send_again(session: Session, viewer: Viewer, message_id: int, seen: int, now: datetime) -> None:
    """Let it go out again, with the Message-ID that it had and a new budget of tries.

    Raises Forbidden for others than managers, NotFound, Conflict where somebody else decided already, and MoveRefused
    where it would not be true any more.
    """
    _again(session, viewer, _stuck(session, viewer, message_id, seen), "mail_sent_again", now)


def _again(session: Session, viewer: Viewer, entry: Entry, action: str, now: datetime) -> None:
    message_id = entry.message.id or 0
    against = offers(session, [entry], now)[message_id].against
    if against:
        raise MoveRefused(against)
    if not outbox.send_again(session, message_id, now):
        raise Conflict
    _record(session, viewer, entry, action, MessageStatus.PENDING, now)


def correct_address(
    session: Session, viewer: Viewer, message_id: int, email: str, seen: int, now: datetime
) -> None:
    """Correct the person's address, as on her own page, and send it again.

    Raises what ``send_again`` does, and Invalid (field ``email``) for what is no address or another's.
    """
    entry = _stuck(session, viewer, message_id, seen)
    if entry.person is None or entry.person.id is None or entry.is_call:
        raise MoveRefused([_("It was written to nobody who is known here.")])
    people.change_address(session, viewer, entry.person.id, email, now)
    _again(session, viewer, entry, "mail_corrected", now)


def give_up(session: Session, viewer: Viewer, message_id: int, reason: str, seen: int, now: datetime) -> None:
    """Call it off for good; it stays on record with the reason and who decided.

    Raises Forbidden, NotFound, Conflict, and Invalid (field ``reason``) without a reason.
    """
    entry = _stuck(session, viewer, message_id, seen)
    words = " ".join(reason.split())
    if not words:
        raise Invalid({"reason": _("Say why it is given up")})
    if len(words) > LONGEST_REASON:
        raise Invalid({"reason": _("Shorten this to %(limit)s characters") % {"limit": LONGEST_REASON}})
    if not outbox.give_up(session, message_id, f"given up: {words}", now):
        raise Conflict
    _record(session, viewer, entry, "mail_given_up", MessageStatus.CANCELLED, now, words)


def because(session: Session, entries: Collection[Entry]) -> dict[int, str]:
    """Why there is each mail at all, for people, by its key."""
    events = _events(session, entries)
    return {entry.message.id or 0: _because(session, entry, events) for entry in entries}


def why_so(entry: Entry, now: datetime) -> str:
    """Why it ended as it did, or waits, for people."""
    if entry.why:
        return entry.why
    if entry.message.status == MessageStatus.SENT:
        return _("It arrived.") if entry.is_call else _("The mail server took it.")
    if entry.message.status == MessageStatus.PENDING and entry.message.next_at > now:
        return _("Its moment has not come yet.")
    return _("It waits for its digest.") if entry.message.digest_id else _("It is its turn.")


def what_next(entry: Entry, now: datetime) -> str:
    """What comes next for it, for people; empty where nothing does."""
    message = entry.message
    if entry.is_call:
        return _next_of_call(message, now)
    if message.status in outbox.STUCK:
        return _("Nothing by itself. Send it again, correct the address, or give it up.")
    if message.status in (MessageStatus.CLAIMED, MessageStatus.SENDING):
        return _("It is being handed to the mail server.")
    if message.status == MessageStatus.GATHERED:
        return _("It goes out with the digest that it is part of, unless it is settled before.")
    if message.status != MessageStatus.PENDING:
        return ""
    if message.attempts:
        told = _("Tries so far: %(count)s of %(most)s. The next one comes by itself.")
        return told % {"count": message.attempts, "most": MAX_ATTEMPTS}
    if message.next_at <= now:
        return _("It goes out as soon as the mail server takes it.")
    return _("It goes out at its moment, unless it is settled before.")


def _next_of_call(message: Message, now: datetime) -> str:
    if message.status in outbox.STUCK:
        return _("Nothing by itself. Send it again, or give it up.")
    if message.status in (MessageStatus.CLAIMED, MessageStatus.SENDING):
        return _("The webhook is being called.")
    if message.status != MessageStatus.PENDING:
        return ""
    if message.attempts:
        told = _("Tries so far: %(count)s of %(most)s. The next one comes by itself.")
        return told % {"count": message.attempts, "most": MAX_ATTEMPTS}
    return _("The webhook is called as soon as it answers.") if message.next_at <= now else ""


def _events(session: Session, entries: Collection[Entry]) -> dict[tuple[str, int], LedgerEvent]:
    """The events that the notices tell of: their chain and number stand in the key of the notice."""
    places = {place for entry in entries if (place := _place(entry.message))}
    which = tuple_(col(LedgerEvent.chain), col(LedgerEvent.seq)).in_(places)
    return {(event.chain, event.seq): event for event in session.exec(select(LedgerEvent).where(which))}


def _place(message: Message) -> tuple[str, int] | None:
    origin, kind, key, seq, *_rest = (*message.dedup_key.split(":"), "", "", "", "")
    return (f"{kind}:{key}", int(seq)) if origin == "move" and seq.isdecimal() else None


def _because(session: Session, entry: Entry, events: Mapping[tuple[str, int], LedgerEvent]) -> str:
    place, days = _place(entry.message), entry.message.offset_days
    if entry.is_call and not days:
        return _("A program wants to hear of it.")
    if entry.message.kind == "sign_in":
        return _("Somebody asked to sign in with this address.")
    if entry.message.kind == DIGEST:
        return _("Several emails came together on one morning, and the person chose to get one a day.")
    if place is not None and place in events:
        return _("This happened: “%(what)s”") % {"what": _(title_of(session, events[place]))}
    if not days and entry.message.template in BECAUSE:
        return str(BECAUSE[entry.message.template]) % {"what": _(_what(entry))}
    if not entry.deadline or days is None:
        return _("The fund tells the person of something that happened.")
    said = _("A reminder, on the day on which “%(what)s” is due.")
    if days < 0:
        said = ngettext(
            "A reminder, %(days)s day before “%(what)s” is due.",
            "A reminder, %(days)s days before “%(what)s” is due.",
            -days,
        )
    if days > 0:
        said = ngettext(
            "A reminder, %(days)s day after “%(what)s” was due.",
            "A reminder, %(days)s days after “%(what)s” was due.",
            days,
        )
    why_her = WHY_HER.get(entry.message.template, "")
    return " ".join(filter(None, (said % {"what": _(entry.deadline), "days": abs(days)}, str(why_her))))


def _what(entry: Entry) -> str:
    """What is owed that the mail tells of: that of a deadline that is over stands in the mail alone."""
    return entry.deadline or str(entry.message.payload.get("what", ""))


def _against(
    message: Message, person: Person | None, deadline: Deadline | None, now: datetime
) -> Iterator[str]:
    if message.kind == "sign_in":
        yield _("A link to sign in is not sent twice. The person asks for a new one.")
    if person is not None and person.disabled_at is not None:
        yield _("This person can no longer sign in. Give them access again first.")
    if deadline is not None:
        yield from _past(message, deadline)
    if message.expires_at is not None and message.expires_at <= now:
        yield _("It would come too late to be of use.")


def _past(message: Message, deadline: Deadline) -> Iterator[str]:
    if deadline.status == DeadlineStatus.MET:
        yield _("What it reminds of is done.")
    elif deadline.status == DeadlineStatus.HELD:
        yield _("Time stands still for what it reminds of.")
    elif deadline.status != DeadlineStatus.OPEN:
        yield _("What it reminds of has no day any more.")
    elif deadline.generation != message.deadline_generation:
        yield _("The day was moved. New reminders are planned.")


def _is_stuck(entry: Entry) -> bool:
    return entry.message.status in outbox.STUCK


def _stuck(session: Session, viewer: Viewer, message_id: int, seen: int) -> Entry:
    entry = _decidable(session, viewer, message_id, seen)
    if not _is_stuck(entry):
        raise Conflict
    return entry


def _decidable(session: Session, viewer: Viewer, message_id: int, seen: int) -> Entry:
    if not viewer.is_manager:
        raise Forbidden(_("Only the people who manage the fund can change this."))
    entry = one(session, viewer, message_id)
    if entry is None:
        raise NotFound
    if _seen(session, [message_id]).get(message_id, 0) != seen:
        raise Conflict
    return entry


def _seen(session: Session, keys: Collection[int]) -> Mapping[int, int]:
    chains = {_chain(key): key for key in keys}
    found = session.exec(
        select(LedgerEvent.chain, func.count())
        .where(col(LedgerEvent.chain).in_(chains))
        .group_by(LedgerEvent.chain)
    )
    return {chains[chain]: count for chain, count in found}


def _chain(message_id: int) -> str:
    return f"message:{message_id}"


def _record(
    session: Session,
    viewer: Viewer,
    entry: Entry,
    action: str,
    target: MessageStatus,
    now: datetime,
    note: str | None = None,
) -> None:
    key = entry.message.id or 0
    ledger.append(
        session, chain=_chain(key), actor=viewer, role=Role.MANAGER.value, subject_kind="message", subject_id=key,
        action=action, source=entry.message.status, target=target.value, now=now, note=note,
    )  # fmt: skip
