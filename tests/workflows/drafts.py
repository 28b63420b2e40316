"""Small definitions for tests: a file in pieces, so that a test says only what it is about."""

from workflows import Definition, check

HEAD = """\
name = "visit"
label = "Visit"
version = 1
subject = "visit"
initial = "planned"
parent = "round"
children = ["review", "report"]

[stages.all]
label = "All"
"""

PLANNED = """
[states.planned]
stage = "all"
label = "Planned"
help = "We come to see you."
read = ["applicant", "manager"]
deadlines = ["visit"]
"""

DONE = """
[states.done]
stage = "all"
label = "Done"
outcome = "done"
"""

FINISH = """
[moves.finish]
label = "Finish the visit"
from = ["planned"]
to = "done"
by = ["manager"]
"""

VISIT = """
[deadlines.visit]
label = "Visit the city"
owner = "manager"
due = { days = 14 }
reminders = [-2, 1]
"""

SOUND = HEAD + PLANNED + DONE + FINISH + VISIT


def sound(**changes: str) -> str:
    """The sound definition with pieces of it replaced: ``sound(planned="…", more="…")``."""
    pieces = {"head": HEAD, "planned": PLANNED, "done": DONE, "finish": FINISH, "visit": VISIT, "more": ""}
    return "".join((pieces | changes).values())


def definition(**changes: str) -> Definition:
    """The same, parsed."""
    return Definition.parse(sound(**changes))


def line_of(text: str, start: str) -> int:
    """The number of the line that begins with ``start``."""
    return next(number for number, line in enumerate(text.split("\n"), 1) if line.startswith(start))


def state(name: str, extra: str = "", deadlines: str = '["visit"]') -> str:
    """A state with an own label."""
    label = name.capitalize()
    head = f'\n[states.{name}]\nstage = "all"\nlabel = "{label}"\nread = ["manager"]\n'
    return f"{head}deadlines = {deadlines}\n{extra}\n"


def move(name: str, source: str, target: str, extra: str = 'by = ["manager"]') -> str:
    """A move between two states with an own label."""
    return (
        f'\n[moves.{name}]\nlabel = "{name.capitalize()} it"\nfrom = ["{source}"]\nto = "{target}"\n{extra}\n'
    )


def found(**changes: str) -> list[str]:
    """Level, place and message of every finding, without its line."""
    return [
        f"{finding.level}: {finding.where}: {finding.message}" for finding in check(definition(**changes))
    ]


WAITS = 'automatic = "facts"\nguards = [{ child_in = { report = ["due"] } }]'
RESTS = 'automatic = "facts"\nguards = [{ child_not_in = { report = ["due"] } }]'
"""What makes a move by itself: a report is due, or none is."""
