"""The checker: what is wrong or doubtful in a definition, beyond names that nothing goes by.

An error makes a workflow that strands somebody, or that can never do what it says. A warning is worth a look.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import combinations, islice
from typing import Any

from workflows.backwards import ways_back
from workflows.errors import DefinitionError, Finding, Level
from workflows.family import strangers
from workflows.graph import Edges, Tangled, can_end, compatible, edges, endless, reachable
from workflows.guards import exclusive
from workflows.include import placed
from workflows.parse import parse
from workflows.parts import (
    ANYONE,
    APPLICANT,
    CLOCK,
    COLLEAGUE,
    FACTS_CHANGED,
    MANAGER,
    OWNER,
    Content,
    DeadlineRule,
    Move,
    State,
)
from workflows.translation import untranslated

Findings = Iterator[Finding]
LARGE, SHOWN = 200, 8
"""From how many states on a loop is not followed round, and how many of its states a finding names."""
MOST_STRANGERS = 200
"""After so many states that other definitions do not have, the rest is not looked for."""


def check(
    content: Content,
    *,
    templates: Collection[str] | None = None,
    family: Mapping[str, Content] | None = None,
) -> list[Finding]:
    """What is wrong or doubtful in a definition, by line; nothing if all is well.

    ``templates`` are the mail templates that exist: others are errors. ``family`` holds the definitions that this
    one speaks of (parent, children, round) by name: states that they do not have are errors. Both are looked at
    only where given.
    """
    findings = [
        *_reach(content),
        *_waiting(content),
        *_moves(content),
        *_automatic(content),
        *_deadlines(content),
        *_words(content),
        *ways_back(content),
        *_let_out(content),
        *_translations(content),
        *_comments(content),
    ]
    if templates is not None:
        findings += _templates(content, templates)
    if family is not None:
        findings += islice(strangers(content, family), MOST_STRANGERS)
    return sorted(findings)


def check_text(
    text: str,
    *,
    templates: Collection[str] | None = None,
    family: Mapping[str, Content] | None = None,
) -> list[Finding]:
    """All findings of a text, also of one that is no definition. Raises nothing, whatever the text is."""
    try:
        content = parse(text)
    except DefinitionError as error:
        return list(error.findings)
    return list(placed(check(content, templates=templates, family=family), text))


def _state(state: State, message: str, level: Level = Level.ERROR) -> Finding:
    return Finding(state.line, f"state {state.name}", message, level)


def _move(move: Move, message: str, level: Level = Level.ERROR) -> Finding:
    return Finding(move.line, f"move {move.trigger}", message, level)


def _deadline(rule: DeadlineRule, message: str, level: Level = Level.ERROR) -> Finding:
    return Finding(rule.line, f"deadline {rule.key}", message, level)


def _reach(content: Content) -> Findings:
    """States that nothing leads to, and states from which there is no way to an end."""
    graph = edges(content)
    reached = reachable(graph, [content.initial])
    ending = can_end(content)
    for state in content.states.values():
        if state.name not in reached:
            yield _state(state, f"cannot be reached from {content.initial}")
        if state.name in ending:
            continue
        if graph[state.name]:
            yield _state(state, f"a loop without an exit: it only leads to {_around(graph, state.name)}")
        else:
            yield _state(state, "no way to an end: nothing leads out of it, and it declares no outcome")


def _around(graph: Edges, state: str) -> str:
    """The states that can be reached from one, in words; only the next ones where the graph is large."""
    names = reachable(graph, [state]) if len(graph) <= LARGE else graph[state]
    return f"{', '.join(sorted(names)[:SHOWN])}{', …' * (len(names) > SHOWN)}, and none of them is an end"


def _waiting(content: Content) -> Findings:
    """States in which nobody owes anything by a date."""
    for state in content.states.values():
        if state.final or state.deadlines or state.waits_for:
            continue
        if APPLICANT in state.read:
            yield _state(state, "the applicant waits here, and nobody owes anything by a date")
        else:
            yield _state(state, "nobody owes anything by a date here", Level.WARNING)
    started = {start.child for move in content.moves.values() for start in move.starts}
    for state in content.states.values():
        for child in state.waits_for:
            if child not in started:
                yield _state(state, f"waits for a {child}, and no move starts one", Level.WARNING)


def _moves(content: Content) -> Findings:
    """Moves that nobody can make, that can never be made, and that name deadlines in vain."""
    for move in content.moves.values():
        if not move.roles:
            yield _move(move, "nobody can make it: it has no roles (by) and is not automatic")
        for one, other in combinations(move.guards, 2):
            if exclusive(one, other):
                yield _move(move, f"can never be made: {one} and {other} are never met together")
        yield from _blind(content, move)
        yield from _vain(content, move)
        yield from _unasked(move)


def _blind(content: Content, move: Move) -> Findings:
    """Roles that can make a move in a state that they may not read."""
    for source in move.sources:
        read = content.states[source].read
        for role in sorted(move.roles - read - {CLOCK}):
            if ANYONE not in read:
                yield _move(move, f"the {role} can make it in {source} and may not read there", Level.WARNING)


def _vain(content: Content, move: Move) -> Findings:
    """Deadlines that a move meets or cancels although they are not open then."""
    living = {key for source in move.sources for key in content.states[source].deadlines}
    for key in move.meets:
        if key not in living:
            yield _move(move, f"meets {key}, which is not open in {', '.join(move.sources)}", Level.WARNING)
    for key in move.cancels:
        if key not in living:
            yield _move(move, f"cancels {key}, which is not open in {', '.join(move.sources)}", Level.WARNING)
    for key in move.moves:
        if key not in living:
            yield _move(move, f"moves {key}, which is not open in {', '.join(move.sources)}", Level.WARNING)
        elif key not in content.states[move.target].deadlines:
            yield _move(move, f"moves {key}, which {move.target} does not keep", Level.WARNING)
    for key, times in Counter([*move.meets, *move.cancels, *move.moves]).items():
        if times > 1:
            yield _move(move, f"does more than one thing with the deadline {key}")


def _unasked(move: Move) -> Findings:
    """What a move asks of nobody: it happens by itself alone, and the clock is not asked."""
    if move.roles != {CLOCK}:
        return
    if move.reason != "none":
        yield _move(move, "asks for a reason, and happens by itself alone", Level.WARNING)
    for ask in move.asks:
        yield _move(move, f"asks for {ask.name}, and happens by itself alone", Level.WARNING)


def _automatic(content: Content) -> Findings:
    """Automatic moves that never happen, that run in circles, or of which it is chance which one happens."""
    for move in content.moves.values():
        for source in move.sources:
            if move.automatic in (None, FACTS_CHANGED) or move.automatic in content.states[source].deadlines:
                continue
            yield _move(move, f"never happens in {source}: deadline {move.automatic} is not open there")
        if move.automatic == FACTS_CHANGED and not move.guards:
            yield _move(move, "happens at once: it is automatic on facts and has no guards")
    yield from _circles(content)
    yield from _races(content)


def _circles(content: Content) -> Findings:
    """Automatic moves that the same facts drive round and round."""
    try:
        circle = endless(content)
    except Tangled:
        yield Finding(0, "", "too many automatic moves follow one another to tell if they end", Level.WARNING)
        return
    if circle:
        names = ", ".join(move.trigger for move in circle)
        yield _move(
            circle[0], f"automatic moves without end: the same facts may allow {names} again and again"
        )


def _races(content: Content) -> Findings:
    """Pairs of automatic moves from one state that may be due together and lead to different states."""
    told: set[tuple[str, str]] = set()
    automatic = [move for move in content.moves.values() if move.automatic]
    for one, other in combinations(automatic, 2):
        shared = [source for source in one.sources if source in other.sources]
        if not shared or one.target == other.target or (one.trigger, other.trigger) in told:
            continue
        if one.automatic == other.automatic and compatible(one, other):
            told.add((one.trigger, other.trigger))
            yield _move(
                other,
                f"may be due together with {one.trigger} in {', '.join(shared)}, which then goes first",
                Level.WARNING,
            )


def _deadlines(content: Content) -> Findings:
    """Deadlines that never live, that nobody is reminded of, or that their owner can do nothing about."""
    used = {key for state in content.states.values() for key in state.deadlines}
    for rule in content.deadlines.values():
        if rule.key not in used:
            yield _deadline(rule, "no state opens it", Level.WARNING)
        if not rule.reminders:
            yield _deadline(rule, "nobody is reminded of it", Level.WARNING)
        elif all(reminder.to not in (rule.owner, OWNER) for reminder in rule.reminders):
            yield _deadline(rule, f"the {rule.owner}, who owes it, is not reminded of it", Level.WARNING)
        elif not _climbs(content, rule):
            yield _deadline(rule, "no manager is told when it is overdue", Level.WARNING)
        for (days, to), times in Counter((one.days, one.to) for one in rule.reminders).items():
            if times > 1:
                message = f"the {to} is reminded more than once {_from_it(days)}"
                yield _deadline(rule, message, Level.WARNING)
    able = {
        (source, role) for move in content.moves.values() for source in move.sources for role in move.roles
    }
    for state in content.states.values():
        for key in state.deadlines:
            owner = content.deadlines[key].owner
            if (state.name, owner) not in able:
                yield _state(state, f"the {owner} owes {key} here and can make no move", Level.WARNING)


def _from_it(days: int) -> str:
    """So many days from the due day, in words."""
    count = f"{abs(days)} day{'' if abs(days) == 1 else 's'}"
    return f"{count} {'before' if days < 0 else 'after'} it" if days else "on its day"


def _climbs(content: Content, rule: DeadlineRule) -> bool:
    """Whether a manager hears of what is overdue, or nothing is, because then it ends by itself."""
    if any(move.automatic == rule.key for move in content.moves.values()):
        return True
    there = {APPLICANT: {MANAGER}, MANAGER: {MANAGER, COLLEAGUE, OWNER}}.get(rule.owner, {MANAGER, COLLEAGUE})
    return any(reminder.days > 0 and reminder.to in there for reminder in rule.reminders)


def _words(content: Content) -> Findings:
    """Words that are missing, or that mean two things."""
    labels: dict[str, str] = {}
    for state in content.states.values():
        if APPLICANT in state.read and not state.help:
            yield _state(state, "has no help for the applicant", Level.WARNING)
        if (first := labels.setdefault(state.label, state.name)) != state.name:
            yield _state(state, f'has the same label as {first}: "{state.label}"', Level.WARNING)
    used = {state.stage for state in content.states.values()}
    for stage in content.stages.values():
        if stage.name not in used:
            yield Finding(stage.line, f"stage {stage.name}", "has no states", Level.WARNING)
    said: dict[tuple[str, str], str] = {}
    for move in content.moves.values():
        for source in move.sources:
            if (first := said.setdefault((source, move.label), move.trigger)) != move.trigger:
                yield _move(move, f'has the same label as {first} in {source}: "{move.label}"', Level.WARNING)


def _translations(content: Content) -> Findings:
    """Texts that lack their translation into a language that the file has."""
    for language, key in untranslated(content):
        table, _, rest = key.partition(".")
        parts: Mapping[str, Any] = getattr(content, table) if rest else {}
        name, _, text = rest.partition(".")
        where = f"{table.removesuffix('s')} {name}, {text}" if rest else table
        yield Finding(
            parts[name].line if rest else 0, where, f"not translated into {language}", Level.WARNING
        )


def _let_out(content: Content) -> Findings:
    """States that show somebody what a state that follows hides: then it was hidden in vain."""
    told: set[tuple[str, str, str]] = set()
    for move in content.moves.values():
        target = content.states[move.target]
        for source in (content.states[name] for name in move.sources if not (move.revert or target.final)):
            for role, part in ((role, part) for role, parts in target.hides.items() for part in parts):
                if source.shows(role, part) and (source.name, role, part) not in told:
                    told.add((source.name, role, part))
                    yield _state(source, f"shows the {role} the {part}, which {target.name} hides after it")


def _comments(content: Content) -> Findings:
    """Roles that may comment on what they cannot read."""
    for state in content.states.values():
        for role in sorted(state.comment - state.read if ANYONE not in state.read else ()):
            yield _state(state, f"lets the {role} comment on what it does not let her read")


def _templates(content: Content, templates: Collection[str]) -> Findings:
    """Notices whose template does not exist."""
    for notice in content.notices:
        if notice.template not in templates:
            yield Finding(0, "notices", f'there is no mail template "{notice.template}"')
    for move in content.moves.values():
        for notice in move.notices:
            if notice.template not in templates:
                yield _move(move, f'there is no mail template "{notice.template}"')
