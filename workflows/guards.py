"""Guards: named conditions of moves. Each reads plain facts and answers None, or why it is unmet.

A guard is registered by name; a definition that names an unknown one, or gives it the wrong argument, is refused
when it is loaded. The table of guards and of the facts they read stands in docs/workflows.md.
"""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NewType, TypeVar, cast, get_type_hints

from workflows.errors import FactMissing, GuardFailed, WorkflowError
from workflows.parts import GuardCall
from workflows.reasons import Reason, counted, listed

Facts = Mapping[str, Any]
"""What guards look at. Values may be computed when asked for: only guards of the actor's own moves ask."""

Function = TypeVar("Function", bound=Callable[..., str | None])

UNDER_WAY = ("assigned", "in_progress")
"""States of a review that is still to come in, where a fact was written by hand and tells no stage."""
COME_IN = ("submitted",)
"""States of a review that has come in."""

Place = NewType("Place", str)
"""Where a relative can stand: a state of it by name, or ``STAGE/*``, whatever is under way in that stage."""
PlacesByKind = Mapping[str, tuple[Place, ...]]
TYPES = (int, str, tuple[str, ...], tuple[Place, ...], Mapping[str, tuple[str, ...]], PlacesByKind)
"""What the argument of a guard may be annotated with."""
ALL = "/*"
"""What stands after a stage that is meant as a whole."""


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
RENAMED = {"not_conflicted": "no_conflict"}
"""Guards that definitions which are kept may still call by an old name."""
HANDED_ON: list[type[Exception]] = [WorkflowError]
"""What the facts may raise that is no fault of the guard that asked, such as a database that is gone: it is handed on
as it is. Whoever brings the facts adds to it."""


def registered(name: str) -> Guard:
    """The guard of that name; for a name that nobody registered one that always fails."""
    return REGISTRY.get(RENAMED.get(name, name)) or Guard(name, _absent, None, (), "")


def _absent(*_asked: Any) -> str | None:
    raise LookupError("nobody registered a guard of this name, or none with such an argument")


def guard(name: str, *, reads: Iterable[str] = (), names: str = "") -> Callable[[Function], Function]:
    """Register a function ``(facts)`` or ``(facts, argument)`` as a guard.

    The annotation of the argument says what a definition may give: ``int``, ``str``, ``tuple[str, ...]`` or
    ``Mapping[str, tuple[str, ...]]``, and with ``Place`` for ``str`` also stages, see ``stands_in``. Raises
    ValueError for a name that is taken by another function, and for any other annotation or none.
    """

    def register(function: Function) -> Function:
        taken = REGISTRY.get(name)
        if taken is not None and _place(taken.function) != _place(function):
            raise ValueError(f"a guard named {name!r} is registered already")
        REGISTRY[name] = Guard(name, function, _argument(function), tuple(reads), names)
        return function

    return register


def _place(function: Callable[..., Any]) -> tuple[str, str]:
    return function.__module__, function.__qualname__


def _argument(function: Callable[..., str | None]) -> Any:
    """The annotated type of the guard's second parameter, or None if it has none."""
    parameters = list(inspect.signature(function).parameters)
    if len(parameters) < 2:
        return None
    annotated = get_type_hints(function).get(parameters[1])
    if annotated not in TYPES:
        raise ValueError(
            f"what a file gives to the guard {function.__qualname__} has to be annotated as one of {TYPES}"
        )
    return annotated


def unmet(call: GuardCall, facts: Facts) -> str | None:
    """Why the guard is unmet given the facts, or None.

    Raises FactMissing for a fact that it reads and that was not given; GuardFailed where it breaks otherwise, or
    answers anything but None and a sentence.
    """
    asked = registered(call.name)
    try:
        answer: object = (
            asked.function(facts) if call.argument is None else asked.function(facts, call.argument)
        )
    except tuple(HANDED_ON):
        raise
    except Exception as error:
        fact = error.args[0] if isinstance(error, KeyError) and error.args else None
        if fact in asked.reads and fact not in facts:
            raise FactMissing(call.name, fact) from error
        raise GuardFailed(call.name, f"{type(error).__name__}: {error}") from error
    if answer is None:
        return None
    if not isinstance(answer, str) or not answer:
        raise GuardFailed(call.name, f"it answers {answer!r}, which is neither None nor a sentence")
    return Reason(call.otherwise) if call.otherwise else answer


def stands_in(standing: str, places: Collection[str]) -> bool:
    """Whether a relative stands in one of the places, given its ``State.standing``.

    A name alone, of an end or of a fact that was written by hand, is in no stage.

    >>> stands_in("review/screening", ["review/*"]), stands_in("review/screening", ["screening"])
    (True, True)
    >>> stands_in("declined", ["decision/*"]), stands_in("declined", ["declined"])
    (False, True)
    """
    stage, within, state = standing.rpartition("/")
    return state in places or (bool(within) and stage + ALL in places)


def exclusive(one: GuardCall, other: GuardCall) -> bool:
    """Whether the two can never be met together, as far as their names and arguments tell.

    Which states a stage of a relative has they do not tell.
    """
    return _excludes(one, other) or _excludes(other, one)


def _excludes(one: GuardCall, other: GuardCall) -> bool:
    """One direction of ``exclusive``."""
    match one.name, other.name:
        case ("parent_in", "parent_not_in"):
            return set(one.argument) <= set(other.argument)
        case ("parent_in", "parent_in") | ("round_in", "round_in"):
            return _apart(one.argument, other.argument)
    return any(_bars(other, kind, states) for kind, states in _needs(one).items())


def _apart(one: Collection[str], other: Collection[str]) -> bool:
    """Whether nothing stands in a place of each: a state may stand in any stage, and only in one."""
    either = {*one, *other}
    stages = sum(place.endswith(ALL) for place in either)
    return set(one).isdisjoint(other) and stages in (0, len(either))


def _needs(call: GuardCall) -> Mapping[str, tuple[str, ...]]:
    """By kind the places of which a child has to stand in one."""
    match call.name:
        case "child_in" | "children_all":
            return cast(PlacesByKind, call.argument)
        case "min_reviews" if call.argument > 0:
            return {"review": COME_IN}
    return {}


def _bars(call: GuardCall, kind: str, states: Collection[str]) -> bool:
    """Whether no child of a kind may stand in any of the places."""
    match call.name:
        case "child_not_in":
            return set(states) <= set(call.argument.get(kind, ()))
        case "children_all":
            return kind in call.argument and _apart(states, call.argument[kind])
        case "all_reviews_in":
            return kind == "review" and set(states) <= set(UNDER_WAY)
    return False


def _count(facts: Facts, kind: str, places: Collection[str]) -> int:
    """How many children of a kind stand in one of the places."""
    return sum(stands_in(standing, places) for standing in facts["children"].get(kind, ()))


def _reviews(facts: Facts) -> tuple[int, int]:
    """How many reviews are still to come in, under way in any state, and how many have."""
    standings = facts["children"].get("review", ())
    others = [standing for standing in standings if not stands_in(standing, COME_IN)]
    waiting = sum("/" in standing or standing in UNDER_WAY for standing in others)
    return waiting, len(standings) - len(others)


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
def round_in(facts: Facts, places: tuple[Place, ...]) -> str | None:
    """The round stands in one of the places."""
    return None if stands_in(facts["round"], places) else Reason("The round is not open for this now.")


@guard("round_ready", reads=["round_missing"])
def round_ready(facts: Facts) -> str | None:
    """The round has all that it needs before it opens: form, scorecard, pot, dates that lie ahead."""
    missing = tuple(facts["round_missing"])
    return Reason("First complete the round: %(names)s", names=listed(missing)) if missing else None


@guard("min_reviewers", reads=["children"], names="count")
def min_reviewers(facts: Facts, number: int) -> str | None:
    """At least so many reviewers have a review to give or given."""
    more = number - sum(_reviews(facts))
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
    waiting, _come_in = _reviews(facts)
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


@guard("no_conflict", reads=["conflict"])
def no_conflict(facts: Facts) -> str | None:
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
def child_in(facts: Facts, places: PlacesByKind) -> str | None:
    """For each kind named, at least one child stands in one of the places."""
    if all(_count(facts, kind, wanted) for kind, wanted in places.items()):
        return None
    return Reason("This waits for something that belongs to it to move on first.")


@guard("child_not_in", reads=["children"], names="children")
def child_not_in(facts: Facts, places: PlacesByKind) -> str | None:
    """No child of the kinds named stands in one of the places."""
    if not any(_count(facts, kind, unwanted) for kind, unwanted in places.items()):
        return None
    return Reason("Something that belongs to it is still under way.")


@guard("children_all", reads=["children"], names="children")
def children_all(facts: Facts, places: PlacesByKind) -> str | None:
    """For each kind named there is at least one child, and all stand in one of the places."""
    for kind, wanted in places.items():
        present = facts["children"].get(kind, ())
        if not present or not all(stands_in(standing, wanted) for standing in present):
            return Reason("Not everything that belongs to it is done.")
    return None


@guard("parent_in", reads=["parent"], names="parent")
def parent_in(facts: Facts, places: tuple[Place, ...]) -> str | None:
    """What this belongs to stands in one of the places."""
    if stands_in(facts["parent"], places):
        return None
    return Reason("The application does not stand where this is possible.")


@guard("parent_not_in", reads=["parent"], names="parent")
def parent_not_in(facts: Facts, places: tuple[Place, ...]) -> str | None:
    """What this belongs to stands in none of the places."""
    if not stands_in(facts["parent"], places):
        return None
    return Reason("This is not possible while the application stands as it does.")
