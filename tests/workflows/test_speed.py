"""Asking is cheap: what pages and bulk actions do for every row must not be felt. Processor time, and the best of
several runs, so that a busy neighbour fails nothing."""

import tomllib
from collections.abc import Callable
from time import process_time

from tests.workflows.drafts import HEAD
from workflows import Actor, Definition, check
from workflows.definition import _parsed
from workflows.draw import svg


def best(work: Callable[[], object], runs: int) -> float:
    """The shortest of several runs, in milliseconds."""
    times = []
    for _ in range(runs):
        start = process_time()
        work()
        times.append(process_time() - start)
    return min(times) * 1000


def large(states: int) -> str:
    """A definition of so many states, three moves out of each."""
    pieces = [HEAD.replace('"planned"', '"s0"')]
    for number in range(states):
        pieces.append(
            f'[states.s{number}]\nstage = "all"\nlabel = "State {number}"\nhelp = "It goes on."\n'
            f'read = ["applicant", "manager"]\ndeadlines = ["d{number}"]\n'
            f'[deadlines.d{number}]\nlabel = "Move on {number}"\nowner = "manager"\n'
            "due = { days = 9 }\nreminders = [-7, 1]\n"
        )
        for step in (1, 2, 7):
            pieces.append(
                f'[moves.m{number}_{step}]\nlabel = "Move {step}"\nfrom = ["s{number}"]\n'
                f'to = "s{(number + step) % states}"\n'
                'by = ["manager"]\nguards = ["form_complete", { min_reviews = 1 }]\n'
                f'meets = ["d{number}"]\nnotices = [{{ to = "applicant", template = "moved" }}]\n'
            )
    pieces.append('[states.end]\nstage = "all"\nlabel = "End"\noutcome = "end"\n')
    pieces.append('[moves.finish]\nlabel = "Finish"\nfrom = ["s0"]\nto = "end"\nby = ["manager"]\n')
    return "\n".join(pieces)


def test_available_for_twenty_moves() -> None:
    moves = "".join(
        f'[moves.m{number}]\nlabel = "Move {number}"\nfrom = ["planned"]\nto = "planned"\nby = ["manager"]\n'
        'guards = ["form_complete", { min_reviews = 2 }, { child_not_in = { report = ["due"] } }]\n'
        for number in range(20)
    )
    visit = Definition.parse(HEAD + '[states.planned]\nstage = "all"\nlabel = "Planned"\n' + moves)
    manager = Actor(1, frozenset({"manager"}))
    facts = {"missing_answers": (), "children": {"review": ("submitted", "assigned"), "report": ("due",)}}
    options = visit.available("planned", manager, facts)
    assert [len(option.reasons) for option in options] == [2] * 20
    assert (
        best(lambda: visit.available("planned", manager, facts), 50) < 0.4
    )  # unmet guards write their sentences
    facts = {"missing_answers": (), "children": {"review": ("submitted", "submitted"), "report": ()}}
    assert best(lambda: visit.available("planned", manager, facts), 50) < 0.2


def test_fire() -> None:
    visit = Definition.parse(large(3))
    manager = Actor(1, frozenset({"manager"}))
    facts = {"missing_answers": (), "children": {"review": ("submitted",)}}
    assert best(lambda: visit.fire("s0", "m0_1", manager, facts), 50) < 0.1


def test_loading_and_checking_a_hundred_states_costs_little_more_than_reading_toml() -> None:
    text = large(100)

    def load() -> None:
        _parsed.cache_clear()
        assert check(Definition.parse(text)) == []

    assert best(load, 5) < 4 * best(lambda: tomllib.loads(text), 5)


def test_loading_again_costs_nothing() -> None:
    text = large(100)
    Definition.parse(text)
    assert best(lambda: Definition.parse(text), 20) < 0.1


def test_drawing_a_hundred_states() -> None:
    definition = Definition.parse(large(100))
    assert best(lambda: svg(definition), 3) < 250
