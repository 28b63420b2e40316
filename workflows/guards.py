"""Guards: named conditions of moves. Each reads plain facts and answers None, or why it is unmet.

A guard is registered by name; a definition that names an unknown one, or gives it the wrong argument, is refused
when it is loaded. The table of guards and of the facts they read stands in docs/workflows.md.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast, get_type_hints

from workflows.errors import FactMissing
from workflows.parts import GuardCall
from workflows.reasons import Reason, counted, listed

Facts = Mapping[str, Any]
"""What guards look at. Values may be computed when asked for: only guards of the actor's own moves ask."""

Function = TypeVar("Function", bound=Callable[..., str | None])

UNDER_WAY = ("assigned", "in_progress")
"""States of a review that is still to come in."""
COME_IN = ("submitted",)
"""States of a review that has come in."""

StatesByKind = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Guard:
    """A registered guard: its function, the type of its argument (None for none) and what it reads."""

    name: str
    function: Callable[..., str | None]
    argument: Any
    reads: tuple[str, ...]
    names: str
    """What its argument names, for the checker: deadline, children, parent, round, or nothing."""


REGISTRY: dict[str, Guard] = {}


def guard(name: str, *, reads: Iterable[str] = (), names: str = "") -> Callable[[Function], Function]:
    """Register a function ``(facts)`` or ``(facts, argument)`` as a guard.

    The annotation of the argument says what a definition may give: ``int``, ``str``, ``tuple[str, ...]`` or
    ``Mapping[str, tuple[str, ...]]``. Raises ValueError for a name that is taken by another function.
    """

    def register(function: Function) -> Function:
        taken = REGISTRY.get(name)
        if taken is not None and taken.function.__qualname__ != function.__qualname__:
            raise ValueError(f"a guard named {name!r} is registered already")
        REGISTRY[name] = Guard(name, function, _argument(function), tuple(reads), names)
        return function

    return register


def _argument(function: Callable[..., str | None]) -> Any:
    """The annotated type of the guard's second parameter, or None if it has none."""
    parameters = list(inspect.signature(function).parameters)
    return get_type_hints(function)[parameters[1]] if len(parameters) > 1 else None


def unmet(call: GuardCall, facts: Facts) -> str | None:
    """Why the guard is unmet given the facts, or None. Raises FactMissing for a fact that was not given."""
    registered = REGISTRY[call.name]
    try:
        answer = (
            registered.function(facts) if call.argument is None else registered.function(facts, call.argument)
        )
    except KeyError as missing:
        raise FactMissing(call.name, str(missing.args[0])) from missing
    return Reason(call.otherwise) if answer is not None and call.otherwise else answer


def exclusive(one: GuardCall, other: GuardCall) -> bool:
    """Whether the two can never be met together, as far as their names and arguments tell."""
    return _excludes(one, other) or _excludes(other, one)


def _excludes(one: GuardCall, other: GuardCall) -> bool:
    """One direction of ``exclusive``."""
    match one.name, other.name:
        case ("parent_in", "parent_not_in"):
            return set(one.argument) <= set(other.argument)
        case ("parent_in", "parent_in") | ("round_in", "round_in"):
            return not set(one.argument) & set(other.argument)
    return any(_bars(other, kind, states) for kind, states in _needs(one).items())


def _needs(call: GuardCall) -> StatesByKind:
    """By kind the states of which a child has to stand in one."""
    match call.name:
        case "child_in" | "children_all":
            return cast(StatesByKind, call.argument)
        case "min_reviews" if call.argument > 0:
            return {"review": COME_IN}
        case "min_reviewers" if call.argument > 0:
            return {"review": UNDER_WAY + COME_IN}
    return {}


def _bars(call: GuardCall, kind: str, states: Iterable[str]) -> bool:
    """Whether no child of a kind may stand in any of the states."""
    match call.name:
        case "child_not_in":
            return set(states) <= set(call.argument.get(kind, ()))
        case "children_all":
            return kind in call.argument and set(states).isdisjoint(call.argument[kind])
        case "all_reviews_in":
            return kind == "review" and set(states) <= set(UNDER_WAY)
    return False


def _count(facts: Facts, kind: str, states: Iterable[str]) -> int:
    """How many children of a kind stand in one of the states."""
    return sum(state in states for state in facts["children"].get(kind, ()))


@guard("form_complete", reads=["missing_answers"])
def form_complete(facts: Facts) -> str | None:
    """Every required question of the round's form is answered."""
    missing = tuple(facts["missing_answers"])
    if not missing:
        return None
    return counted(
        "Answer one more question: %(names)s",
        "Answer %(count)d more questions: %(names)s",
        len(missing),
        names=listed(missing),
    )


@guard("deadline_open", reads=["open_deadlines"], names="deadline")
def deadline_open(facts: Facts, key: str) -> str | None:
    """The deadline is open and has not passed, its grace included."""
    if key in facts["open_deadlines"]:
        return None
    return Reason("The deadline for this has passed. Write to the fund if you need more time.")


@guard("round_in", reads=["round"], names="round")
def round_in(facts: Facts, states: tuple[str, ...]) -> str | None:
    """The round stands in one of the states."""
    return None if facts["round"] in states else Reason("The round is not open for this now.")


@guard("round_ready", reads=["round_missing"])
def round_ready(facts: Facts) -> str | None:
    """The round has all that it needs before it opens: form, scorecard, pot, dates that lie ahead."""
    missing = tuple(facts["round_missing"])
    return Reason("First complete the round: %(names)s", names=listed(missing)) if missing else None


@guard("min_reviewers", reads=["children"], names="count")
def min_reviewers(facts: Facts, number: int) -> str | None:
    """At least so many reviewers have a review to give or given."""
    more = number - _count(facts, "review", UNDER_WAY + COME_IN)
    if more <= 0:
        return None
    return counted("Assign one more reviewer.", "Assign %(count)d more reviewers.", more)


@guard("min_reviews", reads=["children"], names="count")
def min_reviews(facts: Facts, number: int) -> str | None:
    """At least so many reviews have come in."""
    more = number - _count(facts, "review", COME_IN)
    if more <= 0:
        return None
    return counted("One more review has to come in.", "%(count)d more reviews have to come in.", more)


@guard("all_reviews_in", reads=["children"])
def all_reviews_in(facts: Facts) -> str | None:
    """No review is still to come in."""
    waiting = _count(facts, "review", UNDER_WAY)
    if not waiting:
        return None
    return counted("One review is still under way.", "%(count)d reviews are still under way.", waiting)


@guard("award_prepared", reads=["award_missing"])
def award_prepared(facts: Facts) -> str | None:
    """The terms of the award are set: amount, start and end."""
    missing = tuple(facts["award_missing"])
    return Reason("First prepare the award: %(names)s", names=listed(missing)) if missing else None


@guard("budget_left", reads=["over_budget"])
def budget_left(facts: Facts) -> str | None:
    """The award fits in what the round's pot still holds. The fact is the amount by which it does not, or ''."""
    over = facts["over_budget"]
    if not over:
        return None
    return Reason("The award is %(amount)s more than the round has left. Lower the amount.", amount=over)


@guard("scorecard_complete", reads=["missing_scores"])
def scorecard_complete(facts: Facts) -> str | None:
    """Every criterion has a score and a reason."""
    missing = tuple(facts["missing_scores"])
    return Reason("Give a score and a reason for: %(names)s", names=listed(missing)) if missing else None


@guard("not_conflicted", reads=["conflict"])
def not_conflicted(facts: Facts) -> str | None:
    """The reviewer has no known conflict of interest. The fact is the conflict in words, or ''."""
    conflict = facts["conflict"]
    if not conflict:
        return None
    return Reason(
        "You cannot review this: %(conflict)s. Declare the conflict of interest.", conflict=conflict
    )


@guard("report_complete", reads=["missing_report"])
def report_complete(facts: Facts) -> str | None:
    """Every part of the report is filled in."""
    missing = tuple(facts["missing_report"])
    return Reason("Complete the report: %(names)s", names=listed(missing)) if missing else None


@guard("lesson_complete", reads=["missing_lesson"])
def lesson_complete(facts: Facts) -> str | None:
    """Every part of the lesson is filled in."""
    missing = tuple(facts["missing_lesson"])
    return Reason("Complete the lesson: %(names)s", names=listed(missing)) if missing else None


@guard("publication_cleared", reads=["uncleared_fields"])
def publication_cleared(facts: Facts) -> str | None:
    """Each field that would be published was looked at and cleared, or is left out."""
    missing = tuple(facts["uncleared_fields"])
    return Reason("Clear for publication first: %(names)s", names=listed(missing)) if missing else None


@guard("child_in", reads=["children"], names="children")
def child_in(facts: Facts, states: StatesByKind) -> str | None:
    """For each kind named, at least one child stands in one of the states."""
    if all(_count(facts, kind, wanted) for kind, wanted in states.items()):
        return None
    return Reason("This waits for something that belongs to it to move on first.")


@guard("child_not_in", reads=["children"], names="children")
def child_not_in(facts: Facts, states: StatesByKind) -> str | None:
    """No child of the kinds named stands in one of the states."""
    if not any(_count(facts, kind, unwanted) for kind, unwanted in states.items()):
        return None
    return Reason("Something that belongs to it is still under way.")


@guard("children_all", reads=["children"], names="children")
def children_all(facts: Facts, states: StatesByKind) -> str | None:
    """For each kind named there is at least one child, and all stand in one of the states."""
    for kind, wanted in states.items():
        present = facts["children"].get(kind, ())
        if not present or any(state not in wanted for state in present):
            return Reason("Not everything that belongs to it is done.")
    return None


@guard("parent_in", reads=["parent"], names="parent")
def parent_in(facts: Facts, states: tuple[str, ...]) -> str | None:
    """What this belongs to stands in one of the states."""
    return (
        None
        if facts["parent"] in states
        else Reason("The application does not stand where this is possible.")
    )


@guard("parent_not_in", reads=["parent"], names="parent")
def parent_not_in(facts: Facts, states: tuple[str, ...]) -> str | None:
    """What this belongs to stands in none of the states."""
    if facts["parent"] not in states:
        return None
    return Reason("This is not possible while the application stands as it does.")
