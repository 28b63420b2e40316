"""What its reader chose: mail that she does not want is called off, and what comes on one day comes in one mail. So is
a newsletter of which nothing is true any more.

A digest is a message of its own; its parts are the messages that it stands for (``digest_id``). They wait as
``gathered``, are looked at once more when it goes out, and then end as it ends. Every function works in the
caller's transaction: what is gathered is gathered whole or not at all.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Row, and_, case, func, or_, select, text, update
from sqlmodel import Session

from notifications.dates import KEEP, MONDAY_TO_FRIDAY, first_morning, local_day
from notifications.kinds import AT_ONCE, DIGEST, MAY_WAIT, TOPIC_OF, may_share
from notifications.letters import letter
from notifications.outbox import MESSAGES, closed, ended, queue
from schema.deadlines import Deadline
from schema.outbox import TERMINAL, MessageStatus
from schema.people import DeclinedMail, Person
from schema.rows import table_of
from schema.statements import Prepared, among
from schema.wording import gettext_noop as _n

DEADLINES = table_of(Deadline)
DECLINED = table_of(DeclinedMail)
PERSONS = table_of(Person)

Found: TypeAlias = Row[*tuple[Any, ...]]
UNWANTED = _n("She chose not to get this")
NOTHING_LEFT = _n("Nothing of it was left to say")
IN_DIGEST = _n("It went out in a digest")
FAMILY = 7461903
"""The number under which PostgreSQL keeps the turns of those who gather apart from other locks."""
PART = (
    MESSAGES.c.id,
    MESSAGES.c.kind,
    MESSAGES.c.template,
    MESSAGES.c.person_id,
    MESSAGES.c.deadline_id,
    MESSAGES.c.offset_days,
    MESSAGES.c.attempts,
    MESSAGES.c.created_at,
    MESSAGES.c.expires_at,
)
Reminder: TypeAlias = Mapping[str, int | None]
"""The ``id`` of a deadline, the ``generation`` of it, the ``person`` who is reminded, and at which ``offset``."""
REMINDER = (
    MESSAGES.c.deadline_id,
    MESSAGES.c.deadline_generation,
    MESSAGES.c.person_id,
    MESSAGES.c.offset_days,
)
_DECLINED = Prepared(
    select(DECLINED.c.person_id, DECLINED.c.topic).where(among(DECLINED.c.person_id, "people"))
)
# Whoever is being disabled right now waits for our messages; to wait for her row as well would be a deadlock.
_READERS = Prepared(
    select(PERSONS.c.id, PERSONS.c.zone)
    .where(among(PERSONS.c.id, "people"), PERSONS.c.digest, PERSONS.c.disabled_at.is_(None))
    .order_by(PERSONS.c.id)
    .with_for_update(read=True, key_share=True, skip_locked=True)
)
_SHARES = or_(
    MESSAGES.c.kind == "reminder",
    and_(MESSAGES.c.kind == "notice", MESSAGES.c.template.in_(sorted(MAY_WAIT | AT_ONCE))),
)


def settle(session: Session, rows: Sequence[Found], lease: str, now: datetime) -> set[int]:
    """Do with messages that were just claimed under ``lease`` what their readers chose; answers which are not to go.

    ``rows`` have the columns of ``PART``. Two workers that do this at once make one digest of one person's mail.
    """
    unwanted = _unwanted(session, rows)
    _end(session, unwanted, MessageStatus.CANCELLED, UNWANTED, now)
    empty = _empty(session, rows) - unwanted
    _end(session, empty, MessageStatus.CANCELLED, NOTHING_LEFT, now)
    aside = unwanted | empty
    sharing = [
        row
        for row in rows
        if row.id not in aside and row.person_id and not row.attempts and may_share(row.kind, row.template)
    ]
    for person_id, zone in _readers(session, {row.person_id for row in sharing}):
        mine = [row for row in sharing if row.person_id == person_id]
        aside |= _gather(session, person_id, zone, mine, lease, now)
    return aside


def _unwanted(session: Session, rows: Sequence[Found]) -> set[int]:
    asked = [row for row in rows if row.kind == "notice" and row.person_id and row.template in TOPIC_OF]
    people = sorted({row.person_id for row in asked})
    declined = set(_DECLINED.rows(session, people=people)) if people else set()
    return {row.id for row in asked if (row.person_id, TOPIC_OF[row.template]) in declined}


def _empty(session: Session, rows: Sequence[Found]) -> set[int]:
    """Newsletters that would go out with their first words alone: all that they tell of changed since."""
    asked = [row.id for row in rows if row.template == "newsletter"]
    if not asked:
        return set()
    query = select(MESSAGES.c.id, MESSAGES.c.subject_id).where(MESSAGES.c.id.in_(asked))
    found = session.connection().execute(query).all()
    empty = {key for key in {row.subject_id for row in found} if not letter(session, key).items}
    return {row.id for row in found if row.subject_id in empty}


def _readers(session: Session, people: Iterable[int]) -> Sequence[Found]:
    """Who of them chose digests, with their zones, in one order for all workers."""
    ids = sorted(people)
    return _READERS.rows(session, people=ids) if ids else ()


def _gather(
    session: Session, person_id: int, zone: str, mine: Sequence[Found], lease: str, now: datetime
) -> set[int]:
    """Hold what waits for her morning, and put what is due into one digest where it is more than one."""
    _take_turn(session, person_id)
    held = [row for row in mine if not _is_time(row, zone, now)]
    _hold(session, held, zone, lease)
    due = [row for row in mine if _is_time(row, zone, now)]
    parts = _newest(due + [row for row in _others(session, person_id, now) if _is_time(row, zone, now)])
    if due and (digest_id := _digest_for(session, person_id, zone, parts, now)):
        moved = _waiting_as(MessageStatus.GATHERED) | {"digest_id": digest_id}
        _update(session, (MESSAGES.c.id.in_([row.id for row in parts]),), moved)
        return {row.id for row in held} | {row.id for row in parts}
    return {row.id for row in held}


def _is_time(row: Found, zone: str, now: datetime) -> bool:
    """A reminder falls on her morning by itself; a notice that may waits for the first one after it was written."""
    return row.kind == "reminder" or row.template in AT_ONCE or _morning(row, zone) <= now


def _morning(row: Found, zone: str) -> datetime:
    return first_morning(row.created_at, zone, KEEP, MONDAY_TO_FRIDAY)


def _hold(session: Session, rows: Sequence[Found], zone: str, lease: str) -> None:
    for row in rows:
        own = (MESSAGES.c.id == row.id, MESSAGES.c.lease == lease)
        again = _waiting_as(MessageStatus.PENDING) | {"next_at": _morning(row, zone)}
        _update(session, own, again)


def _others(session: Session, person_id: int, now: datetime) -> Sequence[Found]:
    """What else is due for her and claimed by nobody; what somebody is about to claim is left to them."""
    c = MESSAGES.c
    waiting = (
        c.person_id == person_id,
        text("message.status = 'pending'"),
        c.next_at <= now,
        c.attempts == 0,
        or_(c.expires_at.is_(None), c.expires_at > now),
        _SHARES,
        c.template.not_in(_declined_templates(session, person_id)),
    )
    query = select(*PART).where(*waiting).order_by(c.id).with_for_update(skip_locked=True)
    return session.connection().execute(query).all()


def _declined_templates(session: Session, person_id: int) -> list[str]:
    d = DECLINED.c
    topics = set(session.connection().execute(select(d.topic).where(d.person_id == person_id)).scalars())
    return sorted(template for template, topic in TOPIC_OF.items() if topic in topics)


def _newest(rows: Sequence[Found]) -> list[Found]:
    """Of several reminders of one deadline the latest; the others are superseded by it when they are claimed."""
    latest: dict[Any, Found] = {}
    for row in rows:
        place = row.deadline_id if row.kind == "reminder" else f"notice {row.id}"
        if place not in latest or row.offset_days > latest[place].offset_days:
            latest[place] = row
    return list(latest.values())


def _digest_for(
    session: Session, person_id: int, zone: str, parts: Sequence[Found], now: datetime
) -> int | None:
    """The digest for the parts: one that was not tried yet, else a new one if they are several, else none."""
    c = MESSAGES.c
    open_one = (
        select(c.id)
        .where(
            c.person_id == person_id, c.kind == DIGEST, c.status.in_(("pending", "claimed")), c.attempts == 0
        )
        .with_for_update(skip_locked=True)
    )
    found = session.connection().execute(open_one).scalars().first()
    if found is not None:
        _last_as_long_as(session, found, parts)
        return int(found)
    if len(parts) < 2:
        return None
    return _new(session, person_id, local_day(now, zone).isoformat(), parts, now)


def _last_as_long_as(session: Session, digest_id: int, parts: Sequence[Found]) -> None:
    """A digest is of use as long as any of its parts."""
    c, ends = MESSAGES.c, _ends(parts)
    longer = [c.id == digest_id, c.expires_at.is_not(None)]
    if ends is not None:
        longer.append(c.expires_at < ends)
    _update(session, longer, {"expires_at": ends})


def _new(session: Session, person_id: int, day: str, parts: Sequence[Found], now: datetime) -> int:
    c = MESSAGES.c
    stem = f"{DIGEST}:{person_id}:{day}:"
    earlier = select(func.count()).where(c.person_id == person_id, c.dedup_key.startswith(stem))
    key = f"{stem}{session.connection().execute(earlier).scalar_one() + 1}"
    queue(
        session,
        key=key,
        kind=DIGEST,
        template=DIGEST,
        person_id=person_id,
        path="/home",
        now=now,
        expires_at=_ends(parts),
    )
    return int(session.connection().execute(select(c.id).where(c.dedup_key == key)).scalar_one())


def _ends(parts: Sequence[Found]) -> datetime | None:
    ends = [row.expires_at for row in parts]
    return None if None in ends else max(ends)


def look_again(session: Session, digest_id: int, now: datetime) -> int:
    """Let every part that is not true any more end by itself, and mark the others as going out. How many those are."""
    c, d = MESSAGES.c, DEADLINES.c
    stands = and_(d.generation == c.deadline_generation, d.status == "open")
    query = (
        select(
            c.id,
            case((c.expires_at <= now, 1), else_=0).label("late"),
            case((or_(c.deadline_id.is_(None), stands), 1), else_=0).label("stands"),
        )
        .select_from(MESSAGES.outerjoin(DEADLINES, d.id == c.deadline_id))
        .where(c.digest_id == digest_id, c.status == MessageStatus.GATHERED.value)
        .with_for_update(of=MESSAGES)
    )
    rows = session.connection().execute(query).all()
    late = {row.id for row in rows if row.late}
    over = {row.id for row in rows if not row.stands} - late
    _end(session, late, MessageStatus.EXPIRED, "It could not go out before it was of no more use", now)
    _end(session, over, MessageStatus.CANCELLED, "The deadline was met, cancelled or moved", now)
    return _move_parts(session, [digest_id], (MessageStatus.GATHERED,), _waiting_as(MessageStatus.SENDING))


def follow(session: Session, digests: Sequence[int], status: str, reason: str, now: datetime) -> None:
    """Let the parts of digests become what became of these: wait on, or end with them."""
    if not digests:
        return
    values = _waiting_as(MessageStatus.GATHERED)
    if status in TERMINAL:
        values = ended(MessageStatus(status), reason or IN_DIGEST, now)
    _move_parts(session, digests, (MessageStatus.GATHERED, MessageStatus.SENDING), values)


def reminders_in(session: Session, digest_id: int) -> list[Reminder]:
    """The reminders in a digest that went out."""
    c = MESSAGES.c
    sent = (c.digest_id == digest_id, c.deadline_id.is_not(None), c.status == MessageStatus.SENT.value)
    return [reminder(row) for row in session.connection().execute(select(*REMINDER).where(*sent))]


def reminder(row: Any) -> Reminder:
    """What a message with these columns of ``REMINDER`` reminds of, and whom."""
    return {
        "id": row.deadline_id,
        "generation": row.deadline_generation,
        "person": row.person_id,
        "offset": row.offset_days,
    }


def _move_parts(
    session: Session, digests: Sequence[int], states: Sequence[MessageStatus], values: Mapping[str, Any]
) -> int:
    c = MESSAGES.c
    where = (c.digest_id.in_(digests), c.status.in_([state.value for state in states]))
    return _update(session, where, values)


def _end(session: Session, ids: set[int], status: MessageStatus, reason: str, now: datetime) -> None:
    if ids:
        _update(session, (MESSAGES.c.id.in_(ids),), closed(status, reason, now))


def _waiting_as(status: MessageStatus) -> dict[str, Any]:
    return {"status": status.value, "worker": None, "lease": None}


def _update(session: Session, where: Sequence[Any], values: Mapping[str, Any]) -> int:
    return session.connection().execute(update(MESSAGES).where(*where).values(**values)).rowcount


def _take_turn(session: Session, person_id: int) -> None:
    """Wait for a worker that gathers for the same person; on SQLite one writes at a time anyway."""
    if session.get_bind().dialect.name == "postgresql":
        turn = text("SELECT pg_advisory_xact_lock(:family, :person)")
        session.connection().execute(turn, {"family": FAMILY, "person": person_id})
