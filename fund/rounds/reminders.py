"""Who is reminded of what in a round, and when: as its workflows say, until a manager says otherwise for the round."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fund.base.binding import bound_to
from fund.base.editions import edition_of
from fund.base.errors import Conflict, Forbidden, Invalid, NotFound
from fund.base.permissions import Viewer
from fund.base.policies import name_of, own_reminders
from fund.rounds import queries, replanning
from fund.rounds.record import note_change
from fund.rounds.replanning import Reach
from notifications.replan import mend
from schema.rounds import ReminderLine, Round
from schema.wording import gettext_noop as _n
from workflows import DeadlineRule, Definition, Reason, Reminder
from workflows.parts import COLLEAGUE, MANAGER, OWNER, WEEKENDS

CHANGED = "reminders_changed"
WHY = _n("The reminders of the round were changed")
"""Beside those that are called off by it."""
MOST = 10
"""So many reminders one deadline has at most."""
FARTHEST = 730
"""So many days before or after its day a reminder lies at most."""


@dataclass(frozen=True)
class Policy:
    """The reminders of one deadline in a round: those that count, and those of the definition."""

    kind: str
    rule: DeadlineRule
    reminders: tuple[Reminder, ...]
    own: bool
    """Whether the round has reminders of its own for it."""
    open: int
    """How many deadlines of that rule are open now."""

    @property
    def reachable(self) -> tuple[str, ...]:
        """Who can be reminded: those who owe it, a manager, and whoever else the definition names."""
        named = (one.to for one in self.rule.reminders)
        return tuple(dict.fromkeys((self.rule.owner, OWNER, COLLEAGUE, MANAGER, *named)))

    @property
    def edition(self) -> str:
        """A short name for what is shown of it: it changes when that does."""
        shown = [[one.days, one.to, one.weekends] for one in (*self.reminders, *self.rule.reminders)]
        return edition_of([self.own, shown])


@dataclass(frozen=True)
class Family:
    """The deadlines of one kind of thing in a round, in the order of its workflow's file."""

    definition: Definition
    policies: Sequence[Policy]


def families(session: Session, viewer: Viewer, slug: str) -> list[Family]:
    """All deadlines that there can be in the round, by what they are of. Raises NotFound, Forbidden."""
    if not viewer.reads_everything:
        raise Forbidden(_n("This is for the people who manage the fund."))
    round_ = queries.round_by_slug(session, viewer, slug)
    rows = replanning.open_in(session, round_)
    counted = [(one.subject_kind, one.key) for one in rows]
    return [
        Family(
            definition,
            [
                _policy(round_, kind, rule, counted.count((kind, rule.key)))
                for rule in definition.deadlines.values()
            ],
        )
        for kind, definition in bound_to(session, round_).items()
    ]


def policy(session: Session, viewer: Viewer, slug: str, kind: str, key: str) -> Policy:
    """The reminders of one deadline in the round. Raises NotFound, also for a deadline that there is not; Forbidden."""
    for family in families(session, viewer, slug):
        for one in family.policies:
            if (one.kind, one.rule.key) == (kind, key):
                return one
    raise NotFound


def reach(
    session: Session,
    viewer: Viewer,
    slug: str,
    name: tuple[str, str],
    lines: Sequence[ReminderLine] | None,
    now: datetime,
) -> Reach:
    """What ``change`` would do to planned reminders. Raises what it raises, but for Conflict; writes nothing."""
    round_ = queries.run_by(session, viewer, slug)
    found = policy(session, viewer, slug, *name)
    _require_right(found, lines)
    if not _differs(found, lines):
        return Reach()
    return replanning.reach_of(
        replanning.differing(session, round_, now, name, reminders=_stored(round_, found, lines))
    )


def change(
    session: Session,
    viewer: Viewer,
    slug: str,
    name: tuple[str, str],
    lines: Sequence[ReminderLine] | None,
    *,
    edition: str,
    now: datetime,
) -> Reach:
    """Let the round remind of the deadlines ``name`` (kind and key) by ``lines``; None goes back to the definition.

    The reminders of those that are open are planned anew at once. What went out stays, and what the change does not
    touch; lines that are the same change nothing. ``edition`` is that of the policy that was seen. Raises NotFound,
    Forbidden, Conflict where somebody was faster, and Invalid by line: ``days-0``, ``to-0``, ``weekends-0``.
    """
    round_ = queries.run_by(session, viewer, slug)
    replanning.lock_whole(session, round_)
    found = policy(session, viewer, slug, *name)
    _require_right(found, lines)
    if not _differs(found, lines):
        return Reach()
    if found.edition != edition:
        raise Conflict
    stored = _stored(round_, found, lines)
    differing = replanning.differing(session, round_, now, name, reminders=stored)
    before = round_.reminders.get(name_of(*name))
    round_.reminders = stored
    session.add(round_)
    session.flush()
    mend(session, differing, now, WHY)
    done = replanning.reach_of(differing)
    _record(session, viewer, round_, name, (before, stored.get(name_of(*name))), done, now)
    return done


def _policy(round_: Round, kind: str, rule: DeadlineRule, count: int) -> Policy:
    own = own_reminders(round_, kind, rule.key)
    return Policy(kind, rule, rule.reminders if own is None else own, own is not None, count)


def _differs(found: Policy, lines: Sequence[ReminderLine] | None) -> bool:
    if lines is None:
        return found.own
    return _reminders(lines) != found.reminders


def _reminders(lines: Sequence[ReminderLine]) -> tuple[Reminder, ...]:
    return tuple(Reminder(line.days, line.to, line.weekends) for line in lines)


def _stored(
    round_: Round, found: Policy, lines: Sequence[ReminderLine] | None
) -> dict[str, list[dict[str, Any]]]:
    """The round's own reminders with those lines; what the definition says anyway is not kept as the round's own."""
    name = name_of(found.kind, found.rule.key)
    others = {key: value for key, value in round_.reminders.items() if key != name}
    if lines is None or _reminders(lines) == found.rule.reminders:
        return others
    return others | {name: [line.model_dump() for line in lines]}


def _require_right(found: Policy, lines: Sequence[ReminderLine] | None) -> None:
    wrong = dict(_wrong(found, lines or ())) if lines is not None else {}
    if wrong:
        raise Invalid(wrong)


def _wrong(found: Policy, lines: Sequence[ReminderLine]) -> Iterator[tuple[str, str]]:
    """What is wrong with lines, by field; the first thing said of a field counts last."""
    told: set[tuple[int, str]] = set()
    for number, line in enumerate(lines):
        if not -FARTHEST <= line.days <= FARTHEST:
            yield f"days-{number}", Reason(_n("Enter %(most)s days or less"), most=FARTHEST)
        elif (line.days, line.to) in told:
            yield f"days-{number}", Reason(_n("They are reminded on this day already"))
        if line.to not in found.reachable:
            yield f"to-{number}", Reason(_n("Choose who is reminded"))
        if line.weekends not in WEEKENDS:
            yield f"weekends-{number}", Reason(_n("Choose what happens on a day off"))
        told.add((line.days, line.to))
    if not any(line.to in (found.rule.owner, OWNER) for line in lines):
        yield "days-0", Reason(_n("Keep at least one reminder to those who owe it"))
    if len(lines) > MOST:
        yield f"days-{MOST}", Reason(_n("Plan %(most)s reminders at most"), most=MOST)


def _record(
    session: Session,
    viewer: Viewer,
    round_: Round,
    name: tuple[str, str],
    lines: tuple[Any, Any],
    done: Reach,
    now: datetime,
) -> None:
    before, after = lines
    data = {"deadline": name_of(*name), "before": before, "after": after, "reminders": done.reminders}
    note_change(session, viewer, round_, CHANGED, data, now)
