"""The parts of a definition: stages, states, moves, deadlines. Plain values, as the file declares them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

APPLICANT = "applicant"
REVIEWER = "reviewer"
MANAGER = "manager"
CLOCK = "clock"
"""The role that automatic moves are made in. Nobody signs in with it and no file may grant it."""

ANYONE = "anyone"
"""In ``State.read``: everybody, signed in or not."""

ACTING = (APPLICANT, REVIEWER, MANAGER)
"""Who can make moves, edit, owe a deadline and get mail. Relative: the applicant of *this* application."""
READING = (*ACTING, "facilitator", "auditor", ANYONE)
"""Who can be let in to read."""

PARTS = ("feedback", "offer")
"""Parts of a thing that a state can hide from somebody who reads the rest: what reviewers wrote for the applicant, and
the award with its terms."""

OWNER = "owner"
"""In ``Reminder.to``: the one person who owes it: who began the proposal, not all who may act for her member."""
COLLEAGUE = "colleague"
"""In ``Reminder.to``: the others who may act in her place; a manager where there is nobody else."""
REMINDED = (OWNER, COLLEAGUE, *ACTING)
"""Who can be reminded. A role stands for everybody in it."""
KEEP, BEFORE, AFTER = WEEKENDS = ("keep", "before", "after")
"""What becomes of a reminder whose morning falls on a day off: it stays, or goes to the working day before or after."""

RECORDS = ("submission", "signature", "arrival", "publication")
"""What a move can leave on record besides its event: the text word for word as it was handed in, who signed and when,
the moment at which something came in, and that at which it went out to the public."""

A_REASON = "Reason"
"""What a reason is for where the file does not say. Whoever shows it translates it."""

FACTS_CHANGED = "facts"
"""The value of ``Move.automatic`` for a move that happens as soon as its guards are met."""


@dataclass(frozen=True)
class Stage:
    """A step of a grant's life, such as review, that groups states."""

    name: str
    label: str
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class State:
    """Where a thing can stand. ``outcome`` is declared for the states that are an end, and only for these."""

    name: str
    stage: str
    label: str
    applicant_label: str
    help: str
    """For the applicant: what this means and what comes next."""
    read: frozenset[str]
    """Roles that may read the content here."""
    edit: frozenset[str]
    """Roles that may change the content here."""
    comment: frozenset[str]
    """Roles that may comment here, and read what is said here."""
    hides: Mapping[str, tuple[str, ...]] = field(hash=False)
    """By role, parts that it may not see although it reads the rest. Ask ``shows``."""
    hold: bool
    """Whether time stands still here: deadlines of the state before, and of the children, are kept and do not run."""
    deadlines: tuple[str, ...]
    """Keys of the deadlines that live in this state: opened on entering unless open already."""
    waits_for: tuple[str, ...]
    """Kinds of children whose own deadlines keep the time here."""
    outcome: str | None
    line: int = field(default=0, compare=False)

    @property
    def final(self) -> bool:
        """Whether this is an end. A declared move may still lead out, such as renewing a lapsed offer."""
        return self.outcome is not None

    @property
    def standing(self) -> str:
        """Its name with its stage before it, ``review/screening``; that of an end alone: it is in no stage any more."""
        return self.name if self.final else f"{self.stage}/{self.name}"

    def shows(self, role: str, part: str) -> bool:
        """Whether somebody in this role sees this part (one of ``PARTS``) here. Who may not read sees none."""
        return (role in self.read or ANYONE in self.read) and part not in self.hides.get(role, ())


@dataclass(frozen=True)
class GuardCall:
    """A guard by name with its argument. ``otherwise`` replaces the guard's own sentence when it is unmet."""

    name: str
    argument: Any = None
    otherwise: str = ""

    def __str__(self) -> str:
        """As a person would write it: ``min_reviews(2)``."""
        return self.name if self.argument is None else f"{self.name}({_shown(self.argument)})"


def _shown(argument: Any) -> str:
    """A guard's argument in words."""
    if isinstance(argument, Mapping):
        return "; ".join(f"{kind}: {_shown(states)}" for kind, states in argument.items())
    return ", ".join(argument) if isinstance(argument, tuple) else str(argument)


@dataclass(frozen=True)
class Notice:
    """A message to everyone in a role, written from a template."""

    to: str
    template: str


@dataclass(frozen=True)
class Start:
    """A child that a move brings to life, such as the final report."""

    child: str
    kind: str = ""
    after: str = ""
    """What holds the day that its own is counted from, such as ``award.ends_on``; empty where the file says none."""
    months: int = 0
    """How many months after that day it is due."""


@dataclass(frozen=True)
class Ask:
    """Something besides a reason that a person gives with a move, such as a typed name or a ticked box."""

    name: str
    label: str
    kind: str
    """``text``, ``tick``, ``date`` or ``amount``."""
    otherwise: str = ""
    """What is said where it is missing; without it a sentence made from the label."""


@dataclass(frozen=True)
class Move:
    """A way from states to a state, with the right to take it beside it."""

    trigger: str
    label: str
    sources: tuple[str, ...]
    target: str
    roles: frozenset[str]
    """Who may make it; holds ``clock`` if it is automatic. Nobody may if it is empty."""
    guards: tuple[GuardCall, ...]
    reason: str
    """``required``, ``optional`` or ``none``."""
    reason_label: str
    """What the reason is for and who reads it."""
    asks: tuple[Ask, ...]
    """What a person gives besides; all of it is required."""
    confirm: str | None
    """The question that a person answers before it is done, if any."""
    records: tuple[str, ...]
    """What it leaves on record, of ``RECORDS``."""
    undo: timedelta | None
    """How long it may be undone, by who made it or by a manager, as long as nothing further happened; None is never."""
    revert: bool
    """Whether it is a declared way backwards: no progress, and no loop."""
    meets: tuple[str, ...]
    """Deadlines that count as met by this move; others that end with the state are cancelled."""
    cancels: tuple[str, ...]
    """Deadlines cancelled although the new state would keep them open."""
    moves: tuple[str, ...]
    """Open deadlines that the new state keeps, whose day is found anew from the day of this move."""
    notices: tuple[Notice, ...]
    starts: tuple[Start, ...]
    automatic: str | None
    """None, ``facts``, or the key of the deadline whose passing makes the move."""
    style: str
    """``primary``, ``secondary`` or ``danger``."""
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Due:
    """How a deadline's day is found."""

    kind: str
    """``field``, ``days``, ``working_days`` or ``months``."""
    field: str = ""
    """For kind field: what holds the day, such as ``round.closes_on``."""
    count: int = 0
    """For the others: how many after the day on which the state was entered."""


@dataclass(frozen=True)
class Reminder:
    """A mail ``days`` after the due day (before it where negative), to one of ``REMINDED``."""

    days: int
    to: str
    weekends: str = KEEP
    """One of ``WEEKENDS``."""


@dataclass(frozen=True)
class DeadlineRule:
    """What somebody owes by a day."""

    key: str
    label: str
    owner: str
    due: Due
    grace_days: int
    grace_minutes: int
    """Being late counts from the due moment plus both graces."""
    reminders: tuple[Reminder, ...]
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Content:
    """All that a definition file says."""

    name: str
    label: str
    version: int
    subject: str
    initial: str
    parent: str | None
    """Name of the definition that this one's things belong to, such as a review to an application."""
    children: tuple[str, ...]
    """Names of the definitions whose things belong to this one's."""
    notices: tuple[Notice, ...]
    """Messages sent when a thing comes to life."""
    include: tuple[str, ...]
    """Shipped parts that the file goes on with, while they are not in its text yet."""
    languages: tuple[str, ...]
    """Languages besides that of the file that all its words are translated into."""
    translations: Mapping[str, Mapping[str, str]]
    """By language, the words by their keys, such as ``states.draft.label``."""
    stages: Mapping[str, Stage]
    states: Mapping[str, State]
    moves: Mapping[str, Move]
    deadlines: Mapping[str, DeadlineRule]
