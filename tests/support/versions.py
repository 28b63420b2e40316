"""Later versions of shipped definitions, made by changing words in their files."""

import re

from workflows import Definition, shipped

VERSION = 70
"""Later than whatever is shipped."""


def later(name: str = "application", *edits: tuple[str, str, str], version: int = VERSION) -> Definition:
    """The shipped definition as a later version. An edit is (table, old words in it, new words): ``("states.draft",
    'label = "Draft"', 'label = "Sketch"')``; the table "" is the whole file. The old words have to be there."""
    text = re.sub(r"(?m)^version = \d+$", f"version = {version}", shipped(name).source, count=1)
    for table, old, new in edits:
        text = edited(text, table, old, new)
    return Definition.parse(text)


def edited(text: str, table: str, old: str, new: str) -> str:
    """The text with words in one of its tables changed."""
    start = text.index(f"[{table}]\n") if table else 0
    end = text.find("\n[", start + 1) if table else len(text)
    end = len(text) if end < 0 else end
    part = text[start:end]
    assert old in part, f"{table} does not say {old}"
    return text[:start] + part.replace(old, new) + text[end:]


def sifting() -> Definition:
    """The application's workflow with the state screening called sifting."""
    shown = shipped("application")
    edits = [("", "[states.screening]", "[states.sifting]")]
    for move in shown.moves.values():
        if "screening" in (*move.sources, move.target):
            lines = re.search(rf"(?ms)^\[moves\.{move.trigger}\]\n.*?(?=^\[|\Z)", shown.source)
            assert lines
            for line in lines[0].split("\n"):
                if re.match(r"(from|to) = ", line) and '"screening"' in line:
                    edits.append((f"moves.{move.trigger}", line, line.replace('"screening"', '"sifting"')))
    return later("application", *edits)


def sifting_too() -> tuple[Definition, Definition]:
    """The workflow of a review that goes with it, and one of a round: that knows the stage, whatever stands in it."""
    return later("review", ("", '"screening"', '"sifting"')), later("round")


LOOK = """\
[deadlines.first_look]
label = "Have a first look"
owner = "manager"
due = { days = 3 }
reminders = [-1]

"""
FIRST_LOOK = (
    ("states.submitted", 'deadlines = ["screening"]', 'deadlines = ["first_look"]'),
    ("moves.return_for_changes", 'meets = ["screening"]', 'meets = ["screening", "first_look"]'),
    ("deadlines.screening", "due = { working_days = 10 }", "due = { days = 40 }"),
    ("deadlines.screening", "reminders = [-2, 1]", "reminders = [-5, 1]"),
    ("", "[deadlines.screening]", f"{LOOK}[deadlines.screening]"),
)
"""Edits of the application's workflow: a deadline of its own while submitted, another day for screening."""
