"""What becomes of deadlines and their reminders when another version of the workflow takes over, and doing it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from fund.base import deadlines, policies
from fund.base.audience import Audience
from fund.base.deadlines import Ending
from fund.base.subjects import Subject, kind_of, round_of
from notifications.dates import end_of_local_day
from notifications.outbox import queue_rows
from notifications.plan import cancel_for_deadlines, planned_rows
from schema.deadlines import Deadline, DeadlineStatus
from workflows import DeadlineRule, Definition, Reminder, State


class Fate(StrEnum):
    """What becomes of a deadline. Changed: the same day, but another label, owner, grace or reminders."""

    KEPT = "kept"
    CHANGED = "changed"
    MOVED = "moved"
    OPENED = "opened"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Adjustment:
    """What becomes of one deadline: its local day before and after, and how many reminders come and go."""

    key: str
    label: str
    fate: Fate
    day: date | None
    """The day on which it is due now; None for one that is opened."""
    new_day: date | None
    """The day on which it is due then; None for one that is cancelled."""
    called_off: int = 0
    """Reminders that were to go out and do not."""
    planned: int = 0
    """Reminders that are to go out instead, or anew."""
    anew: bool = False
    """Whether its reminders are planned anew, so that none of those planned before goes out."""
    row: Deadline | None = None
    rule: DeadlineRule | None = None

    def still_open(self, now: datetime) -> bool:
        """Whether it is then open and, grace included, not passed at ``now``."""
        if self.new_day is None:
            return False
        kept = self.row is not None and self.day == self.new_day
        return not kept or self.row is None or self.row.grace_until > now


@dataclass(frozen=True)
class Passage:
    """One thing between two versions: the definition and the state that it leaves, and those that it comes to."""

    subject: Subject
    old: Definition
    before: State
    new: Definition
    after: State


class Desk:
    """Looks up for many things what becomes of their deadlines; reads, and writes nothing."""

    def __init__(
        self, session: Session, subjects: Iterable[Subject], waiting: Mapping[int, int], now: datetime
    ) -> None:
        """``waiting`` tells for each open deadline how many of its reminders are still to go out."""
        self._session, self._waiting, self._now = session, waiting, now
        self._audience = Audience(session, subjects)

    def adjustments(self, passage: Passage, rows: Sequence[Deadline]) -> list[Adjustment]:
        """What becomes of the thing's deadlines ``rows``, then what is opened, in the order of the file.

        Those that stand still stay so, whether the state holds them or what the thing belongs to does.
        """
        found = [self._of_open(passage, row) for row in rows]
        there = {row.key for row in rows} | set(passage.before.deadlines)
        for key in passage.after.deadlines:
            if key not in there:
                found.append(self._opened(passage.subject, passage.new.deadlines[key]))
        return found

    def _of_open(self, passage: Passage, row: Deadline) -> Adjustment:
        rule = passage.new.deadlines.get(row.key)
        waiting = self._waiting.get(row.id or 0, 0)
        if rule is None or not (row.key in passage.after.deadlines or passage.after.hold):
            return Adjustment(row.key, row.label, Fate.CANCELLED, row.due_on, None, waiting, row=row)
        old = passage.old.deadlines.get(row.key)
        day = self._day(passage.subject, row, old, rule)
        if old is not None and day == row.due_on and old == rule:
            return Adjustment(row.key, rule.label, Fate.KEPT, row.due_on, day, row=row)
        anew = old is None or day != row.due_on or self._reminds(passage, old) != self._reminds(passage, rule)
        fate = Fate.MOVED if day != row.due_on else Fate.CHANGED
        off, on = (waiting, self._replanned(passage.subject, row, rule, day)) if anew else (0, 0)
        return Adjustment(row.key, rule.label, fate, row.due_on, day, off, on, anew, row, rule)

    def _reminds(self, passage: Passage, rule: DeadlineRule) -> tuple[str, tuple[Reminder, ...]]:
        """Who owes it and who is reminded when, in the thing's round."""
        round_ = round_of(self._session, passage.subject)
        return rule.owner, policies.reminders_of(round_, kind_of(passage.subject), rule)

    def _opened(self, subject: Subject, rule: DeadlineRule) -> Adjustment:
        row = Deadline(id=0, **deadlines.row_of(self._session, subject, rule, self._now))
        planned = self._planned(subject, row, rule)
        return Adjustment(rule.key, rule.label, Fate.OPENED, None, row.due_on, planned=planned, rule=rule)

    def _replanned(self, subject: Subject, row: Deadline, rule: DeadlineRule, day: date) -> int:
        renewed = Deadline(**row.model_dump() | _values(row, rule, day, True, self._now))
        return self._planned(subject, renewed, rule)

    def _planned(self, subject: Subject, row: Deadline, rule: DeadlineRule) -> int:
        if row.status == DeadlineStatus.HELD:
            return 0
        offsets = policies.offsets_of(self._session, self._audience, subject, rule)
        return len(planned_rows(row, offsets, self._now))

    def _day(self, subject: Subject, row: Deadline, old: DeadlineRule | None, rule: DeadlineRule) -> date:
        """The day by the new rule, counted from when the deadline was opened. Where the rule has not changed, its day.

        Nobody is made late by a change of version: what still lies ahead is never put before today. A later day that
        somebody was granted stays hers.
        """
        if old is not None and old.due == rule.due:
            return row.due_on
        today = self._now.astimezone(ZoneInfo(row.zone)).date()
        counted = deadlines.due_on(self._session, subject, rule, row.opened_at)
        granted = row.due_on if row.generation > 1 else counted
        return max(counted, granted, min(today, row.due_on))


def _values(row: Deadline, rule: DeadlineRule, day: date, anew: bool, now: datetime) -> dict[str, object]:
    due_at = row.due_at if day == row.due_on else end_of_local_day(day, row.zone)
    until = due_at + timedelta(days=rule.grace_days, minutes=rule.grace_minutes)
    return {
        "label": rule.label,
        "owner_role": rule.owner,
        "due_on": day,
        "due_at": due_at,
        "grace_until": until,
        "passed_at": None if until > now else row.passed_at,
        "generation": row.generation + anew,
        "moved_at": now if anew else row.moved_at,
        "held_at": now if row.held_at and day != row.due_on else row.held_at,
    }


def adjust(
    session: Session, made: Sequence[tuple[Subject, Sequence[Adjustment]]], reason: str, now: datetime
) -> None:
    """Do to the deadlines what was planned; ``reason`` stands beside those that end and at reminders called off.

    A deadline whose reminders are planned anew counts up its generation, so that nothing planned before goes out.
    """
    audience = Audience(session, [subject for subject, _ in made])
    ending: list[Ending] = []
    opening: list[tuple[Subject, DeadlineRule]] = []
    planned: list[dict[str, Any]] = []
    for subject, adjustments in made:
        for one in adjustments:
            if one.fate is Fate.OPENED and one.rule:
                opening.append((subject, one.rule))
            elif one.fate is Fate.CANCELLED and one.row and one.row.id:
                ending.append(Ending(one.row.id, DeadlineStatus.CANCELLED, reason))
            elif one.fate is not Fate.KEPT and one.row and one.rule and one.new_day:
                _renew(one.row, one.rule, one.new_day, one.anew, now)
                if one.anew and one.row.status == DeadlineStatus.OPEN:
                    offsets = policies.offsets_of(session, audience, subject, one.rule)
                    planned += planned_rows(one.row, offsets, now)
    session.flush()
    anew = [one.row.id for _, each in made for one in each if one.anew and one.row and one.row.id]
    cancel_for_deadlines(session, [(key, f"planned anew: {reason}") for key in anew], now)
    deadlines.end_all(session, ending, now)
    planned += deadlines.open_all(session, audience, opening, now)[1]
    queue_rows(session, planned)


def _renew(row: Deadline, rule: DeadlineRule, day: date, anew: bool, now: datetime) -> None:
    for name, value in _values(row, rule, day, anew, now).items():
        setattr(row, name, value)
