"""A change of workflows as the command line speaks of it: where things go, and what becomes of each."""

from collections.abc import Iterator, Sequence

from sqlmodel import Session, select

from fund.base.errors import Invalid, NotFound
from fund.base.migrating import Adjustment, Fate, NoPlace, Places, Plan, Step, bound_to
from schema.rounds import Round
from workflows import Definition


def pair(text: str) -> tuple[str, str]:
    """``old=new`` as two names. Raises Invalid for anything else."""
    old, sign, new = text.partition("=")
    if not (old and sign and new):
        raise Invalid({"map": f"--map takes old=new, such as --map in_review=under_review, not “{text}”."})
    return old.strip(), new.strip()


def places(session: Session, slug: str, wanted: Sequence[Definition], pairs: Sequence[str]) -> Places:
    """Where things go, by kind. A bare name is meant for the one kind that is changed and has a state of that name."""
    found: dict[str, dict[str, str]] = {}
    for old, new in map(pair, pairs):
        kind, dot, state = old.partition(".")
        if not dot:
            kind, state = _kind_of(session, slug, wanted, old), old
        found.setdefault(kind, {})[state] = new
    return found


def _kind_of(session: Session, slug: str, wanted: Sequence[Definition], state: str) -> str:
    kinds = [definition.subject for definition in wanted]
    if len(kinds) == 1:
        return kinds[0]
    round_ = session.exec(select(Round).where(Round.slug == slug)).first()
    if round_ is None:
        raise NotFound(f"There is no round “{slug[:100]}”.")
    present = bound_to(session, round_)
    having = [kind for kind in kinds if kind in present and state in present[kind].states]
    if len(having) == 1:
        return having[0]
    choices = " or ".join(f"--map {kind}.{state}=…" for kind in having or kinds)
    raise Invalid({"map": f"Say which “{state}” is meant: {choices}."})


def without_place(left: NoPlace) -> str:
    """Who is left without a place, and what is missing."""
    missing = " ".join(f"--map {kind}.{state}=…" for kind, state in left.missing)
    return f"{left.message} Missing: {missing}"


def lines(made: Plan) -> Iterator[str]:
    """What becomes of each thing, in a line each; then what happens by itself."""
    for step in made.steps:
        yield "; ".join([f"{step.name}: {_states(step)}", *map(_deadline, step.deadlines)])
    for follow in made.follows:
        yield f"{follow.name}: then by itself: {follow.label}"


def _states(step: Step) -> str:
    if step.before.name == step.after.name:
        return f"{step.before.name} stays"
    return f"{step.before.name} -> {step.after.name}"


def _deadline(one: Adjustment) -> str:
    days = f"{one.day} -> {one.new_day}" if one.fate is Fate.MOVED else f"{one.new_day or one.day}"
    mail = (
        f", reminders: {one.called_off} called off, {one.planned} planned"
        if one.called_off or one.planned
        else ""
    )
    return f"deadline {one.key} {one.fate} ({days}{mail})"


def versions_of(made: Plan) -> str:
    """The versions that the plan changes to."""
    return ", ".join(f"{change.new.name}@{change.new.version}" for change in made.changes)
