"""Workflows as data: definitions that can be read, checked, drawn and asked who may do what, and why not.

Pure: no database, web, mail or clock. Explained in docs/workflows.md.
"""

from workflows.check import check
from workflows.definition import Definition, Option, library, load, shipped
from workflows.errors import (
    DefinitionError,
    FactMissing,
    Finding,
    GuardFailed,
    Level,
    NotAllowed,
    Refusal,
    WorkflowError,
)
from workflows.guards import Facts, guard
from workflows.machine import Actor, Outcome
from workflows.parts import (
    CLOCK,
    PARTS,
    Ask,
    DeadlineRule,
    Due,
    GuardCall,
    Move,
    Notice,
    Reminder,
    Stage,
    Start,
    State,
)
from workflows.reasons import Reason, counted

__all__ = [
    "CLOCK",
    "PARTS",
    "Actor",
    "Ask",
    "DeadlineRule",
    "Definition",
    "DefinitionError",
    "Due",
    "FactMissing",
    "Facts",
    "Finding",
    "GuardCall",
    "GuardFailed",
    "Level",
    "Move",
    "NotAllowed",
    "Notice",
    "Option",
    "Outcome",
    "Reason",
    "Refusal",
    "Reminder",
    "Stage",
    "Start",
    "State",
    "WorkflowError",
    "check",
    "counted",
    "guard",
    "library",
    "load",
    "shipped",
]
