"""What the checker says of automatic moves: that they never happen, run in circles, or race one another."""

from collections.abc import Iterator
from itertools import combinations

from workflows.errors import Finding, Level
from workflows.findings import of_move
from workflows.graph import Tangled, compatible, endless
from workflows.parts import FACTS_CHANGED, Content, DeadlineRule, Move
from workflows.reasons import Reason

Findings = Iterator[Finding]


def by_themselves(content: Content) -> Findings:
    """Automatic moves that never happen, that run in circles, or of which it is chance which one happens."""
    for move in content.moves.values():
        for source in move.sources:
            if move.automatic in (None, FACTS_CHANGED) or move.automatic in content.states[source].deadlines:
                continue
            yield of_move(
                move,
                Reason(
                    "never happens in %(source)s: deadline %(automatic)s is not open there",
                    source=source,
                    automatic=move.automatic,
                ),
            )
        if move.automatic == FACTS_CHANGED and not move.guards:
            yield of_move(move, Reason("happens at once: it is automatic on facts and has no guards"))
    yield from _circles(content)
    yield from _races(content)


def _circles(content: Content) -> Findings:
    """Automatic moves that the same facts drive round and round."""
    try:
        circle = endless(content)
    except Tangled:
        yield Finding(
            0, "", Reason("too many automatic moves follow one another to tell if they end"), Level.WARNING
        )
        return
    if circle:
        names = ", ".join(move.trigger for move in circle)
        yield of_move(
            circle[0],
            Reason(
                "automatic moves without end: the same facts may allow %(names)s again and again", names=names
            ),
        )


def _races(content: Content) -> Findings:
    """Pairs of automatic moves from one state that may be due together and lead to different states."""
    automatic = [move for move in content.moves.values() if move.automatic]
    for one, other in combinations(automatic, 2):
        shared = [source for source in one.sources if source in other.sources]
        if not shared or one.target == other.target or not compatible(one, other):
            continue
        if one.automatic == other.automatic:
            said = Reason(
                "may be due together with %(move)s in %(names)s, which then goes first",
                move=one.trigger,
                names=", ".join(shared),
            )
            yield of_move(other, said, Level.WARNING)
        elif racing := [source for source in shared if _together(content, source, one, other)]:
            said = Reason(
                "may be due at the same moment as %(move)s in %(names)s: chance decides which one happens",
                move=one.trigger,
                names=", ".join(racing),
            )
            yield of_move(other, said, Level.WARNING)


def _together(content: Content, source: str, one: Move, other: Move) -> bool:
    """Whether two moves that wait for different things in a state may be due in it at one moment."""
    if _before(one, other) or _before(other, one):
        return False
    keys = [str(move.automatic) for move in (one, other) if move.automatic != FACTS_CHANGED]
    if not set(keys) <= set(content.states[source].deadlines):
        return False  # one of them never happens here
    return len(keys) < 2 or _coincide(content, *(content.deadlines[key] for key in keys))


def _before(one: Move, other: Move) -> bool:
    """Whether a move only happens while the deadline is open whose passing makes the other."""
    return any(call.name == "deadline_open" and call.argument == other.automatic for call in one.guards)


def _coincide(content: Content, one: DeadlineRule, other: DeadlineRule) -> bool:
    """Whether two deadlines may pass at one moment.

    They never do if they are counted from the same day, in the same way, and are not equally long.
    """
    if one.due.kind != other.due.kind or one.due.field != other.due.field:
        return True
    if one.due.kind != "field" and not _counted_alike(content, one.key, other.key):
        return True
    return _length(one) == _length(other)


def _length(rule: DeadlineRule) -> tuple[int, ...]:
    """What is added to the day from which it is counted. Days and days of grace are the same, other units are not."""
    if rule.due.kind == "days":
        return (rule.due.count + rule.grace_days, rule.grace_minutes)
    return (rule.due.count, rule.grace_days, rule.grace_minutes)


def _counted_alike(content: Content, one: str, other: str) -> bool:
    """Whether two deadlines are always opened, and found anew, together."""
    return all(
        (one in state.deadlines) == (other in state.deadlines) for state in content.states.values()
    ) and all(
        (one in keys) == (other in keys)
        for move in content.moves.values()
        for keys in (move.cancels, move.moves)
    )
