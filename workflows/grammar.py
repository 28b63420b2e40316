"""The grammar of a definition file: every key, its shape and what it is for. The parser reads by it, and the
published JSON Schema is made from it (``python -m workflows schema > schema/json/workflow.schema.json``)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflows.guards import REGISTRY, Guard, Place
from workflows.lines import Path
from workflows.parts import (
    A_REASON,
    ACTING,
    FACTS_CHANGED,
    KEEP,
    PARTS,
    READING,
    RECORDS,
    REMINDED,
    WEEKENDS,
    GuardCall,
)
from workflows.reasons import Reason
from workflows.shapes import (
    Choice,
    Dotted,
    Flag,
    Many,
    Name,
    Problems,
    Shape,
    Somewhere,
    Text,
    Whole,
    nearest,
    shown,
)
from workflows.tables import Either, Entry, Keyed, Named, OneKey, Table, Words

ASKED = ("text", "tick", "date", "amount")
"""Kinds of what a move may ask for besides a reason."""
ARGUMENTS: tuple[tuple[Any, Shape], ...] = (
    (int, Whole(0, 1_000_000)),
    (str, Name()),
    (tuple[str, ...], Many(Name(), least=1)),
    (Mapping[str, tuple[str, ...]], Named(Many(Name(), least=1), least=1)),
    (tuple[Place, ...], Many(Somewhere(), least=1)),
    (Mapping[str, tuple[Place, ...]], Named(Many(Somewhere(), least=1), least=1)),
)
"""What a guard's argument may be annotated with, and the shape that a definition gives it in."""


def _argument(guard: Guard) -> Shape | None:
    """The shape of a guard's argument, or None if it takes none."""
    return next((shape for annotation, shape in ARGUMENTS if guard.argument == annotation), None)


@dataclass(frozen=True)
class GuardShape:
    """A guard: its name, or a table of its name with its argument, and perhaps ``otherwise``."""

    def read(self, value: object, path: Path, problems: Problems) -> GuardCall:
        """The call of a registered guard with an argument of the right shape."""
        table = {value: None} if isinstance(value, str) else dict(value) if isinstance(value, dict) else {}
        otherwise = Text().read(table.pop("otherwise"), path, problems) if "otherwise" in table else ""
        name = next(iter(table), "")
        if len(table) != 1 or name not in REGISTRY:
            problems.append(
                (
                    path,
                    Reason(
                        "unknown guard %(value)s%(hint)s",
                        value=shown(name if len(table) == 1 else value),
                        hint=nearest(name, REGISTRY),
                    ),
                )
            )
            return GuardCall(name if isinstance(name, str) else "")
        return GuardCall(name, self._argument(name, table[name], path, problems), otherwise)

    def _argument(self, name: str, given: object, path: Path, problems: Problems) -> Any:
        """The argument as the guard wants it; ``name`` alone or ``{name = true}`` gives none."""
        shape = _argument(REGISTRY[name])
        if shape is None:
            if given not in (None, True):
                problems.append(
                    (
                        path,
                        Reason(
                            "guard %(name)s takes no argument, not %(value)s", name=name, value=shown(given)
                        ),
                    )
                )
            return None
        if given is None:
            problems.append((path, Reason("guard %(name)s needs an argument: {%(name)s = …}", name=name)))
            return None
        return shape.read(given, (*path, name), problems)

    def schema(self) -> dict[str, Any]:
        """One alternative for each guard that comes with this package, then any other by its name."""
        bare = [name for name, guard in REGISTRY.items() if guard.argument is None]
        tables = [
            {
                "type": "object",
                "properties": {name: (_argument(guard) or _True()).schema(), "otherwise": Text().schema()},
                "required": [name],
                "additionalProperties": False,
            }
            for name, guard in REGISTRY.items()
        ]
        return {"anyOf": [{"enum": bare}, *tables]}


@dataclass(frozen=True)
class _True:
    """The value ``true``, for a guard without argument that has an ``otherwise`` beside it."""

    def read(self, value: object, path: Path, problems: Problems) -> None:
        """Nothing: guards read it themselves."""

    def schema(self) -> dict[str, Any]:
        """The constant."""
        return {"const": True}


WHO = Choice(ACTING)
NOTICE = Table(
    {
        "to": Entry(WHO, "Who gets it: everyone in this role, relative to the thing.", required=True),
        "template": Entry(Name(), "Name of the mail's template.", required=True),
    }
)
ASK = Table(
    {
        "name": Entry(Name(), "Its name in forms and in the API.", required=True),
        "label": Entry(Text(), "What the field is called.", required=True),
        "kind": Entry(Choice(ASKED), "What is given: a line of text, a tick, a day, money.", required=True),
        "otherwise": Entry(Text(), "What is said where it is missing.", default=""),
    }
)
STAGE = Table({"label": Entry(Text(), "Name for everyone.", required=True)})
STATE = Table(
    {
        "stage": Entry(Name(), "The stage it belongs to.", required=True),
        "label": Entry(Text(), "Name for staff.", required=True),
        "applicant_label": Entry(Text(), "Name for the applicant; the staff's name without it."),
        "help": Entry(Text(), "For the applicant: what this means and what comes next.", default=""),
        "read": Entry(Many(Choice(READING)), "Who may read the content here. Nobody else may.", default=()),
        "edit": Entry(Many(WHO), "Who may change the content here. Nobody else may.", default=()),
        "comment": Entry(
            Many(WHO), "Who may comment here, and reads what is said here. Nobody else does.", default=()
        ),
        "hides": Entry(
            Keyed(READING, Many(Choice(PARTS), least=1)),
            "By role, parts that it may not see here although it reads the rest.",
            default={},
        ),
        "deadlines": Entry(Many(Name()), "Deadlines that live in this state.", default=()),
        "hold": Entry(
            Flag(),
            "Time stands still here: open deadlines of the state before, and of children, are kept and do not run.",
            default=False,
        ),
        "waits_for": Entry(Many(Name()), "Children whose own deadlines keep the time here.", default=()),
        "outcome": Entry(Name(), "For an end: what came of it. A state without it is no end."),
    }
)
MOVE = Table(
    {
        "label": Entry(Text(), "What the button says: a phrase that begins with a verb.", required=True),
        "from": Entry(Many(Name(), least=1), "The states it leads from.", required=True),
        "to": Entry(Name(), "The state it leads to.", required=True),
        "by": Entry(Many(WHO), "Who may make it. Nobody else may.", default=()),
        "guards": Entry(Many(GuardShape(), most=20), "Conditions that must all be met.", default=()),
        "reason": Entry(
            Choice(("none", "optional", "required")), "Whether a reason is asked.", default="none"
        ),
        "reason_label": Entry(Text(), "What the reason is for and who reads it.", default=A_REASON),
        "asks": Entry(Many(ASK, most=10), "What else is to be given with it; all is required.", default=()),
        "confirm": Entry(Text(), "A question to answer before it is done."),
        "records": Entry(Many(Choice(RECORDS)), "What it leaves on record besides its event.", default=()),
        "undo": Entry(
            OneKey({"minutes": Whole(1, 1440), "hours": Whole(1, 720), "days": Whole(1, 90)}),
            "How long it may be undone, by who made it or a manager, if nothing further happened. Never without it.",
        ),
        "revert": Entry(Flag(), "A declared way backwards: no progress, and no loop.", default=False),
        "meets": Entry(Many(Name()), "Deadlines that are met by it.", default=()),
        "cancels": Entry(
            Many(Name()), "Deadlines cancelled although the new state has them too.", default=()
        ),
        "moves": Entry(
            Many(Name()),
            "Open deadlines that the new state keeps, whose day is found anew from now.",
            default=(),
        ),
        "notices": Entry(Many(NOTICE, most=20), "Messages sent once it is made.", default=()),
        "starts": Entry(
            Many(
                Table(
                    {
                        "child": Entry(Name(), "Kind of child.", required=True),
                        "kind": Entry(Name(), "Which of its kind, such as final.", default=""),
                        "after": Entry(
                            Dotted(), "What holds the day from which its own is counted.", default=""
                        ),
                        "months": Entry(Whole(0, 120), "Months after that day it is due.", default=0),
                    }
                )
            ),
            "Children that come to life.",
            default=(),
        ),
        "automatic": Entry(
            Either(Choice((FACTS_CHANGED,)), OneKey({"deadline": Name()})),
            "Made by the clock: once its guards are met, or when a deadline passed with its grace.",
        ),
        "style": Entry(
            Choice(("secondary", "primary", "danger")), "How its button looks.", default="secondary"
        ),
    }
)
DEADLINE = Table(
    {
        "label": Entry(Text(), "What is owed, beginning with a verb.", required=True),
        "owner": Entry(WHO, "Who owes it.", required=True),
        "due": Entry(
            OneKey(
                {
                    "field": Dotted(),
                    "days": Whole(0, 3650),
                    "working_days": Whole(0, 2500),
                    "months": Whole(0, 120),
                }
            ),
            "How its day is found: a date kept elsewhere, or so much after the state was entered.",
            required=True,
        ),
        "grace_days": Entry(Whole(0, 365), "Days after the due day before it counts as passed.", default=0),
        "grace_minutes": Entry(Whole(0, 1440), "Minutes on top of that.", default=0),
        "reminders": Entry(
            Many(
                Either(
                    Whole(-730, 730),
                    Table(
                        {
                            "days": Entry(Whole(-730, 730), "Days after the due day.", required=True),
                            "to": Entry(
                                Choice(REMINDED),
                                "Who gets it: everybody in a role, the owner alone, or a colleague of the owner. "
                                "Everybody in the owner's role without it.",
                            ),
                            "weekends": Entry(
                                Choice(WEEKENDS), "For this one; as for the deadline without it."
                            ),
                        }
                    ),
                )
            ),
            "Days after the due day, negative before it, on which a reminder goes out.",
            default=(),
        ),
        "weekends": Entry(
            Choice(WEEKENDS),
            "What becomes of a reminder that falls on a day off: it stays, or goes to the working day before or after.",
            default=KEEP,
        ),
    }
)
DEFINITION = Table(
    {
        "name": Entry(Name(), "Name of the workflow.", required=True),
        "label": Entry(Text(), "What one such thing is called.", required=True),
        "version": Entry(Whole(1, 1_000_000), "Counts up with each change that is used.", required=True),
        "subject": Entry(Name(), "What is moved: application, review, report, lesson, round.", required=True),
        "initial": Entry(Name(), "The state that everything begins in.", required=True),
        "parent": Entry(Name(), "The workflow of what this belongs to."),
        "children": Entry(Many(Name()), "The workflows of what belongs to this.", default=()),
        "notices": Entry(Many(NOTICE, most=20), "Messages sent when one comes to life.", default=()),
        "include": Entry(Many(Name()), "Shipped parts that this file goes on with.", default=()),
        "languages": Entry(Many(Name()), "Languages that all words are translated into besides.", default=()),
        "translations": Entry(
            Named(Words()), "By language, texts by key, such as states.draft.label.", default={}
        ),
        "stages": Entry(Named(STAGE, least=1), "Stages in their order.", required=True, default={}),
        "states": Entry(Named(STATE, least=1), "States.", required=True, default={}),
        "moves": Entry(Named(MOVE), "Moves by trigger. Automatic ones are tried in this order.", default={}),
        "deadlines": Entry(Named(DEADLINE), "Deadlines by key.", default={}),
    }
)


def schema() -> dict[str, Any]:
    """The published JSON Schema of a definition file, for editors that know it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Workflow definition",
        "description": "A workflow as data: stages, states, moves, deadlines. Explained in docs/workflows.md.",
        **DEFINITION.schema(),
    }
