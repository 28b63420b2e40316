"""The ledger: what happened, in chains that show any later change.

One chain per application (its reviews, reports and lesson included), per round, per person and per member. Ids are
hashed, names are not; a reason is hashed only as the digest of a random salt and the words, so that erasing the words
leaves the chain whole.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, tuple_, update
from sqlmodel import Session, col, select

from fund.base.permissions import Viewer
from schema.ledger import LedgerEvent, Seal, SealedHead

START = "0" * 64
CLOCK_ROLE = "clock"
PAGE = 1000


def append(
    session: Session,
    *,
    chain: str,
    actor: Viewer | None,
    role: str,
    subject_kind: str,
    subject_id: int,
    action: str,
    now: datetime,
    source: str = "",
    target: str = "",
    data: Mapping[str, Any] | None = None,
    note: str | None = None,
) -> LedgerEvent:
    """Add one event to the end of ``chain`` and flush it.

    ``actor`` is None for the clock. ``data`` holds ids, dates and numbers only, never a name or an address;
    ``note`` is free text and can be erased later. Two appends to one chain at once: the second one's unit of work
    fails as a Conflict (UNIQUE chain and number), so callers lock the chain's subject first.
    """
    head = session.exec(
        select(LedgerEvent.seq, LedgerEvent.hash)
        .where(LedgerEvent.chain == chain)
        .order_by(col(LedgerEvent.seq).desc())
        .limit(1)
    ).first()
    salt = secrets.token_hex(16) if note else None
    event = LedgerEvent(
        chain=chain,
        seq=head[0] + 1 if head else 1,
        at=now,
        actor_id=actor.person_id if actor else None,
        actor_role=role,
        subject_kind=subject_kind,
        subject_id=subject_id,
        action=action,
        source=source,
        target=target,
        data=dict(data or {}),
        note=note or None,
        note_salt=salt,
        note_digest=_digest_note(salt, note) if note else "",
        previous=head[1] if head else START,
        hash="",
    )
    event.hash = digest(event)
    session.add(event)
    session.flush()
    return event


def digest(event: LedgerEvent) -> str:
    """SHA-256 over the canonical JSON of everything in the event that must never change, and of the hash before."""
    content = {
        "chain": event.chain,
        "seq": event.seq,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": event.actor_id,
        "role": event.actor_role,
        "subject": [event.subject_kind, event.subject_id],
        "action": event.action,
        "source": event.source,
        "target": event.target,
        "data": event.data,
        "note": event.note_digest,
        "previous": event.previous,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def erase_note(event: LedgerEvent) -> None:
    """Forget the words of an event, and the salt that would let them be guessed. The chain still verifies."""
    event.note = event.note_salt = None


@dataclass(frozen=True)
class Verdict:
    """What ``verify`` found. ``broken`` names the first broken event or seal in a sentence, or is None."""

    events: int
    chains: int
    seals: int
    head: str
    broken: str | None


def verify(session: Session) -> Verdict:
    """Walk every chain and every seal and recompute each hash. Reads row by row, whatever the size."""
    events = chains = 0
    broken: str | None = None
    previous: LedgerEvent | None = None
    for event in _in_order(session):
        events += 1
        starts = previous is None or previous.chain != event.chain
        chains += starts
        broken = broken or _fault(event, None if starts else previous)
        previous = event
        if broken:
            break
    seals = session.exec(select(func.count()).select_from(Seal)).one()
    return Verdict(events, chains, seals, _latest_seal(session), broken or _broken_seal(session))


def seal_daily(session: Session, now: datetime) -> Seal | None:
    """Seal once on each day (UTC), however often it is asked; None if that was done or nothing happened."""
    today = now.astimezone(UTC).date()
    done = session.exec(select(Seal.id).where(Seal.day == today).limit(1)).first()
    return None if done else seal(session, now)


def seal(session: Session, now: datetime) -> Seal | None:
    """Seal the heads of all chains that grew since the last seal; None if none did."""
    heads = session.exec(
        select(LedgerEvent.chain, func.max(LedgerEvent.seq))
        .where(col(LedgerEvent.seal_id).is_(None))
        .group_by(LedgerEvent.chain)
        .order_by(LedgerEvent.chain)
    ).all()
    if not heads:
        return None
    rows = [(chain, seq, _hash_at(session, chain, seq) or "") for chain, seq in heads]
    last = _latest_seal(session)
    sealed = Seal(day=now.astimezone(UTC).date(), at=now, previous=last, hash=_digest_seal(last, rows))
    session.add(sealed)
    session.flush()
    assert sealed.id is not None
    session.add_all(SealedHead(seal_id=sealed.id, chain=c, seq=n, hash=h) for c, n, h in rows)
    for chain, seq, _ in rows:
        unsealed = (
            col(LedgerEvent.chain) == chain,
            col(LedgerEvent.seq) <= seq,
            col(LedgerEvent.seal_id).is_(None),
        )
        session.execute(update(LedgerEvent).where(*unsealed).values(seal_id=sealed.id))
    return sealed


def _in_order(session: Session) -> Iterator[LedgerEvent]:
    """Every event by chain and number, in pages, so that a ledger of any size fits in memory."""
    after = ("", 0)
    while True:
        page = session.exec(
            select(LedgerEvent)
            .where(tuple_(col(LedgerEvent.chain), col(LedgerEvent.seq)) > after)
            .order_by(LedgerEvent.chain, col(LedgerEvent.seq))
            .limit(PAGE)
        ).all()
        if not page:
            return
        yield from page
        after = (page[-1].chain, page[-1].seq)
        session.expunge_all()


def _fault(event: LedgerEvent, previous: LedgerEvent | None) -> str | None:
    where = f"event {event.seq} of {event.chain}"
    if event.seq != (previous.seq + 1 if previous else 1):
        return f"{where}: an event before it is missing"
    if event.previous != (previous.hash if previous else START):
        return f"{where}: it does not follow from the event before it"
    if event.hash != digest(event):
        return f"{where}: it was changed after it was written"
    if event.note is not None and event.note_digest != _digest_note(event.note_salt, event.note):
        return f"{where}: its note was changed after it was written"
    return None


def _broken_seal(session: Session) -> str | None:
    previous = START
    for sealed in session.exec(select(Seal).order_by(col(Seal.id))):
        heads = session.exec(
            select(SealedHead).where(SealedHead.seal_id == sealed.id).order_by(SealedHead.chain)
        ).all()
        rows = [(head.chain, head.seq, head.hash) for head in heads]
        if sealed.previous != previous or sealed.hash != _digest_seal(previous, rows):
            return f"the seal of {sealed.day}: it was changed after it was written, or the seal before it is missing"
        for chain, seq, expected in rows:
            if _hash_at(session, chain, seq) != expected:
                return f"event {seq} of {chain}: the seal of {sealed.day} holds it, the ledger does not"
        previous = sealed.hash
    return None


def _latest_seal(session: Session) -> str:
    last = session.exec(select(Seal.hash).order_by(col(Seal.id).desc()).limit(1)).first()
    return last or START


def _hash_at(session: Session, chain: str, seq: int) -> str | None:
    return session.exec(
        select(LedgerEvent.hash).where(LedgerEvent.chain == chain, LedgerEvent.seq == seq)
    ).first()


def _digest_note(salt: str | None, note: str) -> str:
    return hashlib.sha256(f"{salt}\n{note}".encode()).hexdigest()


def _digest_seal(previous: str, rows: list[tuple[str, int, str]]) -> str:
    text = json.dumps([previous, rows], separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
