"""The checker: what is wrong or doubtful in a definition, beyond names that nothing goes by.

An error makes a workflow that strands somebody, or that can never do what it says. A warning is worth a look.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import combinations, islice
from typing import Any

from workflows.automatic import by_themselves
from workflows.backwards import ways_back
from workflows.errors import DefinitionError, Finding, Level
from workflows.family import strangers
from workflows.findings import of_move, of_state
from workflows.guards import exclusive
from workflows.include import placed
from workflows.owing import deadlines, waiting
from workflows.parse import read
from workflows.parts import (
    ANYONE,
    APPLICANT,
    CLOCK,
    Content,
    Move,
)
from workflows.reach import reach
from workflows.reasons import Reason
from workflows.translation import untranslated

Findings = Iterator[Finding]
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
        *reach(content),
        *waiting(content),
        *_moves(content),
        *by_themselves(content),
        *deadlines(content),
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
        content, found = read(text)
    except DefinitionError as error:
        return list(error.findings)
    if content is not None:
        found += placed(check(content, templates=templates, family=family), text)
    return sorted(found)


def _moves(content: Content) -> Findings:
    """Moves that nobody can make, that can never be made, and that name deadlines in vain."""
    for move in content.moves.values():
        if not move.roles:
            yield of_move(move, Reason("nobody can make it: it has no roles (by) and is not automatic"))
        for one, other in combinations(move.guards, 2):
            if exclusive(one, other):
                yield of_move(
                    move,
                    Reason(
                        "can never be made: %(one)s and %(other)s are never met together",
                        one=one,
                        other=other,
                    ),
                )
        yield from _shut(content, move)
        yield from _blind(content, move)
        yield from _vain(content, move)
        yield from _unasked(move)


def _shut(content: Content, move: Move) -> Findings:
    """A deadline that the move wants open where it never is. A state that holds keeps those of the state before."""
    for key in (call.argument for call in move.guards if call.name == "deadline_open"):
        if move.automatic == key:
            yield of_move(
                move,
                Reason("never happens by itself: it waits for %(key)s to pass and wants it open", key=key),
            )
        for state in (content.states[source] for source in move.sources):
            if key not in state.deadlines and not state.hold:
                said = Reason(
                    "can never be made in %(source)s: deadline %(key)s is not open there",
                    source=state.name,
                    key=key,
                )
                yield of_move(move, said)


def _blind(content: Content, move: Move) -> Findings:
    """Roles that can make a move in a state that they may not read."""
    for source in move.sources:
        read = content.states[source].read
        for role in sorted(move.roles - read - {CLOCK}):
            if ANYONE not in read:
                yield of_move(
                    move,
                    Reason(
                        "the %(role)s can make it in %(source)s and may not read there",
                        role=role,
                        source=source,
                    ),
                    Level.WARNING,
                )


def _vain(content: Content, move: Move) -> Findings:
    """Deadlines that a move meets or cancels although they are not open then."""
    living = {key for source in move.sources for key in content.states[source].deadlines}
    where = ", ".join(move.sources)
    for key in move.meets:
        if key not in living:
            said = Reason("meets %(key)s, which is not open in %(where)s", key=key, where=where)
            yield of_move(move, said, Level.WARNING)
    for key in move.cancels:
        if key not in living:
            said = Reason("cancels %(key)s, which is not open in %(where)s", key=key, where=where)
            yield of_move(move, said, Level.WARNING)
    for key in move.moves:
        if key not in living:
            said = Reason("moves %(key)s, which is not open in %(where)s", key=key, where=where)
            yield of_move(move, said, Level.WARNING)
        elif key not in content.states[move.target].deadlines:
            said = Reason("moves %(key)s, which %(target)s does not keep", key=key, target=move.target)
            yield of_move(move, said, Level.WARNING)
    for key, times in Counter([*move.meets, *move.cancels, *move.moves]).items():
        if times > 1:
            yield of_move(move, Reason("does more than one thing with the deadline %(key)s", key=key))


def _unasked(move: Move) -> Findings:
    """What a move asks of nobody: it happens by itself alone, and the clock is not asked."""
    if move.roles != {CLOCK}:
        return
    if move.reason != "none":
        yield of_move(move, Reason("asks for a reason, and happens by itself alone"), Level.WARNING)
    for ask in move.asks:
        yield of_move(
            move, Reason("asks for %(ask)s, and happens by itself alone", ask=ask.name), Level.WARNING
        )


def _words(content: Content) -> Findings:
    """Words that are missing, or that mean two things."""
    labels: dict[str, str] = {}
    for state in content.states.values():
        if APPLICANT in state.read and not state.help:
            yield of_state(state, Reason("has no help for the applicant"), Level.WARNING)
        if (first := labels.setdefault(state.label, state.name)) != state.name:
            yield of_state(
                state,
                Reason('has the same label as %(first)s: "%(label)s"', first=first, label=state.label),
                Level.WARNING,
            )
    used = {state.stage for state in content.states.values()}
    for stage in content.stages.values():
        if stage.name not in used:
            yield Finding(stage.line, f"stage {stage.name}", Reason("has no states"), Level.WARNING)
    said: dict[tuple[str, str], str] = {}
    for move in content.moves.values():
        for source in move.sources:
            if (first := said.setdefault((source, move.label), move.trigger)) != move.trigger:
                yield of_move(
                    move,
                    Reason(
                        'has the same label as %(first)s in %(source)s: "%(label)s"',
                        first=first,
                        source=source,
                        label=move.label,
                    ),
                    Level.WARNING,
                )


def _translations(content: Content) -> Findings:
    """Texts that lack their translation into a language that the file has."""
    for language, key in untranslated(content):
        table, _, rest = key.partition(".")
        parts: Mapping[str, Any] = getattr(content, table) if rest else {}
        name, _, text = rest.partition(".")
        where = f"{table.removesuffix('s')} {name}, {text}" if rest else table
        yield Finding(
            parts[name].line if rest else 0,
            where,
            Reason("not translated into %(language)s", language=language),
            Level.WARNING,
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
                    yield of_state(
                        source,
                        Reason(
                            "shows the %(role)s the %(part)s, which %(target)s hides after it",
                            role=role,
                            part=part,
                            target=target.name,
                        ),
                    )


def _comments(content: Content) -> Findings:
    """Roles that may comment on what they cannot read."""
    for state in content.states.values():
        for role in sorted(state.comment - state.read if ANYONE not in state.read else ()):
            yield of_state(
                state, Reason("lets the %(role)s comment on what it does not let her read", role=role)
            )


def _templates(content: Content, templates: Collection[str]) -> Findings:
    """Notices whose template does not exist."""
    for notice in content.notices:
        if notice.template not in templates:
            yield Finding(
                0, "notices", Reason('there is no mail template "%(template)s"', template=notice.template)
            )
    for move in content.moves.values():
        for notice in move.notices:
            if notice.template not in templates:
                yield of_move(
                    move, Reason('there is no mail template "%(template)s"', template=notice.template)
                )
