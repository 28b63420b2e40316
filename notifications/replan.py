"""What was planned against what is called for: the difference, and setting it right without touching what is right.

What went out, is going out or is being tried again stays as it is, whatever is called for now. The generation of a
deadline is left alone: nothing is moved here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlmodel import Session

from notifications import outbox
from notifications.outbox import MESSAGES
from notifications.plan import Offset, Owed, called_for, planned_rows
from notifications.wanted import echoes, forget_listeners
from schema.outbox import MessageStatus
from schema.wording import gettext_noop as _n

AT_ONCE = 500
"""So many deadlines, or reminders, are asked about with one question."""
NOT_CALLED_FOR = _n("No longer called for")
SAME = ("next_at", "expires_at", "template", "path")
"""Columns of a waiting reminder that are set right in place."""
WAITS = (MESSAGES.c.status == MessageStatus.PENDING.value, MESSAGES.c.attempts == 0)
CALLED_OFF = (MESSAGES.c.status == MessageStatus.CANCELLED.value,)


@dataclass(frozen=True, slots=True)
class Difference:
    """What is missing, what waits but is not as it should be, what was called off, and what is too much."""

    deadline_id: int
    missing: Sequence[dict[str, Any]] = ()
    changed: Sequence[dict[str, Any]] = ()
    """Rows as they should be; a reminder waits under the same key."""
    again: Sequence[dict[str, Any]] = ()
    """Rows as they should be; a reminder of the same key was called off before its moment came."""
    excess: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.missing) + len(self.changed) + len(self.again) + len(self.excess)


@dataclass(frozen=True, slots=True)
class Mended:
    """How many reminders were planned, changed and cancelled."""

    planned: int = 0
    changed: int = 0
    cancelled: int = 0


def differences(
    session: Session, wanted: Sequence[tuple[Owed, Sequence[Offset]]], now: datetime
) -> list[Difference]:
    """How the stored reminders of open deadlines differ from what they call for at ``now``."""
    found = []
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        stored = _stored(session, [deadline.id or 0 for deadline, _ in some])
        each = (_difference(deadline, offsets, stored[deadline.id or 0], now) for deadline, offsets in some)
        found += [one for one in each if one]
    return found


def _stored(session: Session, deadlines: Sequence[int]) -> dict[int, dict[str, Row[Any]]]:
    """The reminders of each deadline by their keys."""
    c = MESSAGES.c
    query = select(c.dedup_key, c.deadline_id, c.status, c.attempts, *(c[name] for name in SAME))
    found: dict[int, dict[str, Row[Any]]] = {key: {} for key in deadlines}
    for row in session.connection().execute(query.where(c.deadline_id.in_(deadlines), c.kind == "reminder")):
        found[row.deadline_id][row.dedup_key] = row
    return found


def _difference(
    deadline: Owed, offsets: Sequence[Offset], there: dict[str, Row[Any]], now: datetime
) -> Difference:
    missing, changed, again = [], [], []
    for row in planned_rows(deadline, offsets, now):
        old = there.get(row["dedup_key"])
        if old is None:
            missing.append(row)
        elif old.status == MessageStatus.CANCELLED:
            again.append(row)
        elif _waits(old) and any(getattr(old, name) != row[name] for name in SAME):
            changed.append(row)
    wanted = {one.key for one in called_for(deadline, offsets)}
    excess = [key for key, old in there.items() if _waits(old) and key not in wanted]
    return Difference(deadline.id or 0, missing, changed, again, excess)


def _waits(row: Row[Any]) -> bool:
    return row.status == MessageStatus.PENDING and not row.attempts


def mend(
    session: Session, found: Sequence[Difference], now: datetime, reason: str = NOT_CALLED_FOR
) -> Mended:
    """Set right what differs; ``reason`` stands beside what is called off. What began to go out stays as it is."""
    missing = [row for one in found for row in one.missing]
    outbox.queue_rows(session, missing)
    renewed = _renew(session, [row for one in found for row in one.again], CALLED_OFF)
    changed = _renew(session, [row for one in found for row in one.changed], WAITS)
    excess, cancelled = [key for one in found for key in one.excess], 0
    for start in range(0, len(excess), AT_ONCE):
        where = (MESSAGES.c.dedup_key.in_(excess[start : start + AT_ONCE]), *WAITS)
        cancelled += outbox.cancel(session, *where, reason=reason, now=now)
    return Mended(len(missing) + renewed, changed, cancelled)


def call_beside(session: Session, webhook_id: int, now: datetime) -> None:
    """Let a webhook hear of the reminders that wait already as of those that are planned from now on.

    Calls beside them that were called off come back.
    """
    session.flush()
    forget_listeners(session)
    columns = [MESSAGES.c[name] for name in outbox.WRITTEN]
    waiting = select(*columns).where(*WAITS, MESSAGES.c.kind == "reminder", MESSAGES.c.next_at > now)
    rows = [dict(row) for row in session.connection().execute(waiting).mappings()]
    calls = [row | {"created_at": now} for row in echoes(session, rows) if row["webhook_id"] == webhook_id]
    _write(session, calls, CALLED_OFF, (*SAME, "payload"))
    outbox.queue_rows(session, calls)


def _renew(session: Session, rows: Sequence[dict[str, Any]], where: tuple[Any, ...]) -> int:
    """Let reminders go out as the rows say, and the calls of webhooks beside them.

    Those that are not as in ``where`` any more are left out. Answers how many reminders it were.
    """
    _write(session, list(echoes(session, rows)), where, (*SAME, "payload"))
    return _write(session, rows, where, SAME)


def _write(
    session: Session, rows: Sequence[dict[str, Any]], where: tuple[Any, ...], names: tuple[str, ...]
) -> int:
    if not rows:
        return 0
    values: dict[str, Any] = {name: bindparam(f"new_{name}", type_=MESSAGES.c[name].type) for name in names}
    values |= {"status": MessageStatus.PENDING.value, "reason": "", "finished_at": None}
    statement = update(MESSAGES).where(MESSAGES.c.dedup_key == bindparam("key"), *where).values(values)
    given = [{"key": row["dedup_key"], **{f"new_{name}": row[name] for name in names}} for row in rows]
    return session.connection().execute(statement, given).rowcount
