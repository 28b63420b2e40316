"""What can go wrong, and what a checker finds.

WorkflowError
├── DefinitionError     a definition file cannot be used; .findings name line and state or move
├── NotAllowed          a move is refused; .reasons say why, .why tells the kind of refusal
├── FactMissing         a guard asked for a fact that the caller does not provide: a fault in the caller
└── GuardFailed         a guard broke, or answered what is no sentence: a fault in the guard
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from workflows.reasons import Reason


class Level(StrEnum):
    """An error makes a definition unusable; a warning is worth a look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong or doubtful in a definition file."""

    line: int
    """Line of the file, from 1; 0 where it concerns the file as a whole."""
    where: str
    """Such as ``state draft`` or ``move submit``; empty for the file as a whole."""
    message: str
    level: Level = Level.ERROR

    def __str__(self) -> str:
        """One line: ``line 12: error: state draft: …``, without the line where it concerns the whole file."""
        line = f"line {self.line}: " if self.line else ""
        return f"{line}{self.level}: {self.where + ': ' if self.where else ''}{self.message}"


class WorkflowError(Exception):
    """Anything that this package refuses."""


class DefinitionError(WorkflowError):
    """A definition file cannot be used. ``findings`` are sorted by line and never empty."""

    def __init__(self, findings: Iterable[Finding], file: str = "") -> None:
        """``file`` is named in front of each finding, where it is known."""
        self.findings = tuple(sorted(findings))
        self.file = file
        prefix = f"{file}: " if file else ""
        super().__init__("\n".join(f"{prefix}{finding}" for finding in self.findings))


class Refusal(StrEnum):
    """The kinds of refusal, so that a door can choose its answer without reading the sentence."""

    UNKNOWN = "unknown"
    ROLE = "role"
    STATE = "state"
    GUARD = "guard"
    REASON = "reason"
    FIELD = "field"


class NotAllowed(WorkflowError):
    """A move is refused. ``reasons`` are sentences that a person can act on, never empty."""

    def __init__(
        self, why: Refusal, reasons: Iterable[str] = (), *, fields: Mapping[str, str] | None = None
    ) -> None:
        """``why`` is the kind of refusal: no such move, not this actor's, not from here, guard, reason missing, or
        ``fields`` missing (by name, each with its sentence)."""
        self.why = why
        self.fields = dict(fields or {})
        self.reasons = (*reasons, *self.fields.values())
        super().__init__(" ".join(self.reasons))


class FactMissing(WorkflowError):
    """A guard asked for a fact that was not given. Raised, not refused: silence would hide the fault."""

    def __init__(self, guard: str, fact: str) -> None:
        """``guard`` is the guard's name, ``fact`` the key that the facts do not hold."""
        self.guard = guard
        self.fact = fact
        super().__init__(f"guard {guard} needs the fact {fact!r}, which was not given")


class GuardFailed(WorkflowError):
    """A guard could not tell whether it is met. Whoever asks for moves hears it as a refusal, and the log says more."""

    def __init__(self, guard: str, what: str) -> None:
        """``guard`` is the guard's name, ``what`` went wrong in it."""
        self.guard = guard
        super().__init__(f"guard {guard} failed: {what}")

    @property
    def reason(self) -> Reason:
        """What a person is told."""
        return Reason(
            "Whether this is possible now could not be found out: “%(guard)s” failed. Try again later, or tell whoever"
            " looks after this system.",
            guard=self.guard,
        )
