"""The ledger: what happened, in chains that show any later change.

One chain per application (its reviews, reports and lesson included), per round, per person and per member. Ids are
hashed, names are not; a reason is hashed only as the digest of a random salt and the words, so that erasing the words
leaves the chain whole.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, bindparam, func, literal_column, tuple_, update
from sqlmodel import Session, col, select

from fund.base.permissions import Viewer
from schema.ledger import LedgerEvent, Seal, SealedHead
from schema.rows import Insert, table_of
from schema.statements import Prepared, among

START = "0" * 64
CLOCK_ROLE = "clock"
PAGE = 1000

HASHED = {
    "chain": "chain",
    "seq": "seq",
    "at": "at",
    "actor_id": "actor",
    "actor_role": "role",
    "subject_kind": "subject",
    "subject_id": "subject",
    "action": "action",
    "source": "source",
    "target": "target",
    "data": "data",
    "note_digest": "note",
    "previous": "previous",
}
"""What must never change of an event, with the names in the text that is hashed."""

CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
EVENTS = table_of(LedgerEvent)
WRITE = Insert(LedgerEvent, [column.name for column in EVENTS.c if column.name not in ("id", "seal_id")])
HEAD = Prepared(
    select(EVENTS.c.chain, EVENTS.c.seq, EVENTS.c.hash)
    .where(EVENTS.c.chain == bindparam("chain"))
    .order_by(EVENTS.c.seq.desc())
    .limit(literal_column("1"))
)
_LAST = (
    select(EVENTS.c.chain, func.max(EVENTS.c.seq).label("seq"))
    .where(among(EVENTS.c.chain, "chains"))
    .group_by(EVENTS.c.chain)
    .subquery()
)
HEADS = Prepared(
    select(EVENTS.c.chain, EVENTS.c.seq, EVENTS.c.hash).join(
        _LAST, and_(_LAST.c.chain == EVENTS.c.chain, _LAST.c.seq == EVENTS.c.seq)
    )
)


@dataclass(frozen=True, slots=True)
class Written:
    """An event that has just been written: the place in the ledger by which others refer to it."""

    chain: str
    seq: int
    action: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is to be written down. ``data`` holds ids, dates and numbers only, never a name or an address.

    ``actor`` is None for the clock; ``note`` is free text and can be erased later.
    """

    chain: str
    actor: Viewer | None
    role: str
    subject_kind: str
    subject_id: int
    action: str
    source: str = ""
    target: str = ""
    data: Mapping[str, Any] | None = None
    note: str | None = None


def append(session: Session, *, now: datetime, **entry: Any) -> Written:
    """Add one event, described as an ``Entry``, to the end of its chain. See ``append_all``."""
    return append_all(session, [Entry(**entry)], now)[0]


def append_all(session: Session, entries: Sequence[Entry], now: datetime) -> list[Written]:
    """Add the events to the ends of their chains and answer where they stand, in the same order.

    Two appends to one chain at once: the second one's unit of work fails as a Conflict (UNIQUE chain and number),
    so callers lock the chain's subject first.
    """
    heads = _heads(session, {entry.chain for entry in entries})
    written = []
    for entry in entries:
        seq, previous = heads.get(entry.chain, (0, START))
        row = _row(entry, seq + 1, previous, now)
        heads[entry.chain] = seq + 1, row["hash"]
        written.append(row)
    WRITE.write(session, written)
    return [Written(row["chain"], row["seq"], row["action"], row["target"]) for row in written]


def _heads(session: Session, chains: set[str]) -> dict[str, tuple[int, str]]:
    """Number and hash of the last event of each chain that has one."""
    found = HEAD.rows(session, chain=next(iter(chains))) if len(chains) == 1 else []
    if len(chains) > 1:
        found = HEADS.rows(session, chains=sorted(chains))
    return {chain: (seq, hash_) for chain, seq, hash_ in found}


def _row(entry: Entry, seq: int, previous: str, now: datetime) -> dict[str, Any]:
    salt = secrets.token_hex(16) if entry.note else None
    row = {
        "chain": entry.chain,
        "seq": seq,
        "at": now,
        "actor_id": entry.actor.person_id if entry.actor else None,
        "actor_role": entry.role,
        "subject_kind": entry.subject_kind,
        "subject_id": entry.subject_id,
        "action": entry.action,
        "source": entry.source,
        "target": entry.target,
        "data": dict(entry.data or {}),
        "note": entry.note or None,
        "note_salt": salt,
        "note_digest": _digest_note(salt, entry.note) if salt and entry.note else "",
        "previous": previous,
    }
    return row | {"hash": _hash(row)}


def digest(event: LedgerEvent) -> str:
    """SHA-256 over the canonical JSON of everything in the event that must never change, and of the hash before."""
    return _hash({name: getattr(event, name) for name in HASHED})


def _hash(row: Mapping[str, Any]) -> str:
    content = {short: row[name] for name, short in HASHED.items()}
    content["at"] = row["at"].astimezone(UTC).isoformat(timespec="microseconds")
    content["subject"] = [row["subject_kind"], row["subject_id"]]
    return hashlib.sha256(CANONICAL(content).encode()).hexdigest()


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


def fault_in(session: Session, chain: str) -> str | None:
    """The first fault of one chain in a sentence, or None: each hash is recomputed, and no number is missing.

    That its end was cut off is seen by ``verify``, which knows the seals.
    """
    previous: LedgerEvent | None = None
    for event in session.exec(
        select(LedgerEvent).where(LedgerEvent.chain == chain).order_by(col(LedgerEvent.seq))
    ):
        if fault := _fault(event, previous):
            return fault
        previous = event
    return None


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
