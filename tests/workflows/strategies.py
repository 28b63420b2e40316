"""Random definitions, actors and facts."""

from typing import Any

from hypothesis import strategies as st

from workflows import Actor, Definition

STATES = ["a", "b", "c", "d", "e", "f"]
ROLES = ["applicant", "reviewer", "manager"]
GUARDS = [
    '"form_complete"',
    '"all_reviews_in"',
    "{ min_reviews = 1 }",
    '{ round_in = ["open"], otherwise = "The round is shut." }',
    '{ deadline_open = "due" }',
    '{ child_in = { report = ["due"] } }',
    '{ child_not_in = { report = ["due", "returned"] } }',
    '{ children_all = { report = ["accepted"] } }',
    '{ parent_in = ["active"] }',
    '{ parent_not_in = ["active"] }',
]

ASKS = [
    '{ name = "who", label = "Who", kind = "text" }',
    '{ name = "safe", label = "Safe", kind = "tick", otherwise = "Confirm it." }',
    '{ name = "day", label = "Day", kind = "date" }',
    '{ name = "cost", label = "Cost", kind = "amount" }',
]
EXTRAS = ["", "", "revert = true", "undo = { hours = 1 }", 'moves = ["due"]']
GIVEN = {"who": "Amina", "safe": True, "day": "2021-09-21", "cost": 100}
"""All that a move may ask for."""

HEAD = """\
name = "random"
label = "Random"
version = 1
subject = "random"
initial = "a"
parent = "application"
children = ["review", "report"]
languages = ["es"]
[translations.es]
stages.one.label = "Uno"
states.a.label = "La primera"
[stages.one]
label = "One"
[stages.two]
label = "Two"
[deadlines.due]
label = "Do it"
owner = "manager"
due = { days = 1 }
"""


def _listed(words: list[str]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


@st.composite
def texts(draw: st.DrawFn) -> str:
    """The text of a definition that can be parsed, sound or not."""
    states = STATES[: draw(st.integers(1, len(STATES)))]
    pieces = [HEAD]
    for state in states:
        pieces.append(
            f'[states.{state}]\nlabel = "{state}"\nstage = "{draw(st.sampled_from(["one", "two"]))}"\n'
        )
        if draw(st.booleans()):
            pieces.append('deadlines = ["due"]\n')
        if draw(st.integers(0, 3)) == 0:
            pieces.append('outcome = "over"\n')
        if draw(st.integers(0, 3)) == 0:
            pieces.append("hold = true\n")
        readers = draw(st.lists(st.sampled_from([*ROLES, "auditor", "anyone"]), max_size=3, unique=True))
        pieces.append(f"read = {_listed(readers)}\n")
        if draw(st.integers(0, 2)) == 0:
            pieces.append(f'hides = {{ {draw(st.sampled_from(ROLES))} = ["offer"] }}\n')
    for number in range(draw(st.integers(0, 9))):
        pieces.append(draw(_moves(f"m{number}", states)))
    return "".join(pieces)


@st.composite
def _moves(draw: st.DrawFn, name: str, states: list[str]) -> str:
    sources = draw(st.lists(st.sampled_from(states), min_size=1, max_size=3, unique=True))
    roles = draw(st.lists(st.sampled_from(ROLES), max_size=2, unique=True))
    guards = draw(st.lists(st.sampled_from(GUARDS), max_size=3, unique=True))
    automatic = draw(st.sampled_from(["", "", 'automatic = "facts"\n', 'automatic = { deadline = "due" }\n']))
    return (
        f'[moves.{name}]\nlabel = "{name}"\nfrom = {_listed(sources)}\nto = "{draw(st.sampled_from(states))}"\n'
        f"by = {_listed(roles)}\nguards = [{', '.join(guards)}]\n{automatic}"
        f'reason = "{draw(st.sampled_from(["none", "optional", "required"]))}"\n'
        f"asks = [{', '.join(draw(st.lists(st.sampled_from(ASKS), max_size=2, unique=True)))}]\n"
        f"{draw(st.sampled_from(EXTRAS))}\n"
    )


definitions = texts().map(Definition.parse)

actors = st.one_of(
    st.just(Actor.clock()),
    st.builds(Actor, st.integers(1, 9), st.frozensets(st.sampled_from([*ROLES, "auditor", "anyone"]))),
)

gifts = st.fixed_dictionaries(
    {},
    optional={
        "who": st.sampled_from(["Amina", " ", 7]),
        "safe": st.sampled_from([True, False, "true"]),
        "day": st.sampled_from(["2021-09-21", "tomorrow"]),
        "cost": st.sampled_from([100, -1, "100"]),
    },
)
"""What is given with a move, in its right form or not."""

facts: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "missing_answers": st.sampled_from([(), ("Budget",)]),
        "open_deadlines": st.sampled_from([frozenset(), frozenset({"due"})]),
        "round": st.sampled_from(["open", "closed"]),
        "parent": st.sampled_from(["active", "suspended"]),
        "children": st.fixed_dictionaries(
            {
                "review": st.lists(st.sampled_from(["assigned", "submitted", "conflict"]), max_size=3).map(
                    tuple
                ),
                "report": st.lists(st.sampled_from(["due", "returned", "accepted"]), max_size=3).map(tuple),
            }
        ),
    }
)
