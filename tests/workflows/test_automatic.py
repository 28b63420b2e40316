"""The checker on automatic moves: those that never happen, never rest, or race one another."""

import pytest

from tests.workflows.drafts import FINISH, PLANNED, RESTS, VISIT, WAITS, definition, found, move, state
from workflows import check, shipped
from workflows.graph import endless


def test_deadline_that_passes_where_it_is_not_open() -> None:
    other = (
        state("other", deadlines='["later"]') + move("go", "planned", "other") + move("end", "other", "done")
    )
    later = VISIT.replace("deadlines.visit", "deadlines.later")
    assert found(finish=FINISH + 'automatic = { deadline = "later" }\n', more=other + later) == [
        "error: move finish: never happens in planned: deadline later is not open there"
    ]


def test_automatic_move_without_guards_happens_at_once() -> None:
    assert found(finish=FINISH + 'automatic = "facts"\n') == [
        "error: move finish: happens at once: it is automatic on facts and has no guards"
    ]


def test_automatic_moves_that_never_come_to_rest() -> None:
    more = state("other") + move("there", "planned", "other", WAITS) + move("back", "other", "planned", WAITS)
    more += move("stop", "other", "done")
    (finding,) = found(more=more)
    assert finding in (
        "error: move there: automatic moves without end: the same facts may allow there, back again and again",
        "error: move back: automatic moves without end: the same facts may allow back, there again and again",
    )


def test_automatic_moves_that_exclude_each_other_come_to_rest() -> None:
    more = state("other") + move("there", "planned", "other", WAITS) + move("back", "other", "planned", RESTS)
    assert found(more=more + move("stop", "other", "done")) == []


def test_automatic_move_to_where_it_is_never_rests() -> None:
    more = move("again", "planned", "planned", WAITS)
    assert found(more=more) == [
        "error: move again: automatic moves without end: the same facts may allow again again and again"
    ]


def test_race_of_automatic_moves() -> None:
    more = state("other") + move("one", "planned", "done", WAITS) + move("end", "other", "done")
    expected = "warning: move two: may be due together with one in planned, which then goes first"
    assert found(more=more + move("two", "planned", "other", WAITS)) == [expected]
    assert found(more=more + move("two", "planned", "other", RESTS)) == []
    same = move("go", "planned", "other") + move("two", "planned", "done", WAITS)
    assert found(more=more + same) == []


def test_race_on_the_same_deadline() -> None:
    passes = 'automatic = { deadline = "visit" }'
    more = state("other") + move("end", "other", "done") + move("one", "planned", "done", passes)
    assert found(more=more + move("two", "planned", "other", passes)) == [
        "warning: move two: may be due together with one in planned, which then goes first"
    ]


LATER = VISIT.replace("deadlines.visit", "deadlines.later").replace("Visit the", "See the")


def racing(later: str, *, first: str = 'automatic = { deadline = "visit" }', **changes: str) -> list[str]:
    """What is found where one move waits for ``visit``, or as given, and another for ``later``, in one state."""
    two = '["visit", "later"]'
    planned = PLANNED.replace('["visit"]', two)
    more = state("other", deadlines=changes.get("kept", two)) + move("end", "other", "done") + later
    more += move("one", "planned", "done", first)
    more += move("two", "planned", "other", 'automatic = { deadline = "later" }\n' + changes.get("two", ""))
    said = found(planned=planned, more=more, visit=changes.get("visit", VISIT))
    return [one for one in said if "same moment" in one]


CHANCE = (
    "warning: move two: may be due at the same moment as one in planned: chance decides which one happens"
)
CLOSING = 'due = { field = "round.closes_on" }'


@pytest.mark.parametrize(
    ("visit", "later"),
    [
        ("due = { days = 14 }", "due = { days = 14 }"),
        ("due = { days = 14 }", "due = { days = 10 }\ngrace_days = 4"),
        ("due = { days = 14 }", "due = { working_days = 10 }"),
        ("due = { days = 14 }", CLOSING),
        (CLOSING, CLOSING),
        (CLOSING, 'due = { field = "round.decision_on" }'),
    ],
)
def test_race_of_deadlines_that_may_pass_together(visit: str, later: str) -> None:
    days = "due = { days = 14 }"
    assert racing(LATER.replace(days, later), visit=VISIT.replace(days, visit)) == [CHANCE]


@pytest.mark.parametrize(
    ("visit", "later"),
    [("due = { days = 14 }", "due = { days = 15 }"), (CLOSING, CLOSING + "\ngrace_minutes = 60")],
)
def test_deadlines_of_other_length_counted_from_one_day_do_not_race(visit: str, later: str) -> None:
    days = "due = { days = 14 }"
    assert racing(LATER.replace(days, later), visit=VISIT.replace(days, visit)) == []


def test_deadlines_that_begin_at_other_times_may_race_whatever_their_length() -> None:
    longer = LATER.replace("14", "15")
    assert racing(longer, kept='["later"]') == [CHANCE]
    again = move("more", "planned", "planned", 'by = ["manager"]\nmoves = ["later"]')
    assert racing(longer + again) == [CHANCE]


def test_race_of_a_deadline_with_facts() -> None:
    assert racing(LATER, first=WAITS) == [CHANCE]
    rests = 'guards = [{ child_not_in = { report = ["due"] } }]'
    assert racing(LATER, first=WAITS, two=rests) == [], "their guards exclude each other"
    in_time = WAITS.replace("[{", '[{ deadline_open = "later" }, {')
    assert racing(LATER, first=in_time) == [], "one waits for the other's deadline to be open still"


def test_too_many_automatic_moves_to_follow_is_said() -> None:
    names = [f"s{number}" for number in range(16)]
    more = "".join(state(name) for name in names) + move("enter", "planned", "s0") + move("end", "s0", "done")
    for one in names:
        for other in names:
            if one < other:
                more += move(f"{one}_{other}", one, other, WAITS)
    findings = check(definition(more=more))
    assert "too many automatic moves follow one another to tell if they end" in [f.message for f in findings]


def test_shipped_mirrors_are_followed_to_their_ends() -> None:
    assert endless(shipped("application")) is None
