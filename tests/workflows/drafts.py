"""Small definitions for tests: a file in pieces, so that a test says only what it is about."""

from workflows import Definition

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
