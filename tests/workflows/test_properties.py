"""What holds for every definition, actor and fact."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import workflows
from tests.workflows.drafts import SOUND
from tests.workflows.strategies import GIVEN, actors, definitions, facts, gifts, texts
from workflows import (
    PARTS,
    Actor,
    Definition,
    DefinitionError,
    NotAllowed,
    Outcome,
    Refusal,
    check,
    library,
    shipped,
)
from workflows.check import check_text
from workflows.draw import mermaid, svg
from workflows.include import shipped_parts


def attempt(
    definition: Definition, state: str, trigger: str, actor: Actor, given_facts
) -> Outcome | NotAllowed:
    """What comes of trying a move with all that it may ask for."""
    try:
        return definition.fire(state, trigger, actor, given_facts, reason="Because.", data=GIVEN)
    except NotAllowed as refusal:
        return refusal


@given(definitions, actors, facts)
def test_what_available_allows_fire_does_and_nothing_else(definition, actor, given_facts) -> None:
    for state in definition.states:
        options = {option.move.trigger: option for option in definition.available(state, actor, given_facts)}
        for trigger, move in definition.moves.items():
            came = attempt(definition, state, trigger, actor, given_facts)
            option = options.get(trigger)
            if option is None:
                assert isinstance(came, NotAllowed)
                assert came.why == (Refusal.STATE if move.roles & actor.roles else Refusal.ROLE)
                assert len(came.reasons) == 1
            elif option.allowed:
                assert option.reasons == ()
                assert came == Outcome(definition.state(state), definition.state(move.target), move)
            else:
                assert isinstance(came, NotAllowed)
                assert (came.why, came.reasons) == (Refusal.GUARD, option.reasons)
                assert option.reasons


@given(definitions, actors, facts)
def test_required_reason_is_all_that_stands_between_available_and_fire(
    definition, actor, given_facts
) -> None:
    for state in definition.states:
        for option in definition.available(state, actor, given_facts):
            if not option.allowed:
                continue
            if option.move.reason == "required" and actor != Actor.clock():
                with pytest.raises(NotAllowed) as error:
                    definition.fire(state, option.move.trigger, actor, given_facts, data=GIVEN)
                assert error.value.why is Refusal.REASON
            else:
                fired = definition.fire(state, option.move.trigger, actor, given_facts, data=GIVEN)
                assert fired.move is option.move


@given(definitions, actors, facts, gifts)
def test_what_is_not_given_in_its_form_is_all_that_is_asked_for_again(
    definition, actor, given_facts, gift
) -> None:
    fits = {name for name, value in gift.items() if value == GIVEN[name] and type(value) is type(GIVEN[name])}
    for state in definition.states:
        for option in definition.available(state, actor, given_facts):
            wanted = {ask.name for ask in option.move.asks} - fits
            if not option.allowed or not wanted or actor == Actor.clock():
                continue
            with pytest.raises(NotAllowed) as error:
                definition.fire(state, option.move.trigger, actor, given_facts, reason="So.", data=gift)
            assert (error.value.why, set(error.value.fields)) == (Refusal.FIELD, wanted)


@given(definitions, actors, facts)
def test_another_language_allows_the_same(definition, actor, given_facts) -> None:
    spanish = definition.said("es")
    assert spanish.state("a").label == "La primera"
    for state in definition.states:
        one, other = (each.available(state, actor, given_facts) for each in (definition, spanish))
        assert [(o.move.trigger, o.allowed) for o in one] == [(o.move.trigger, o.allowed) for o in other]


@given(definitions)
def test_nobody_sees_a_part_of_what_she_may_not_read(definition) -> None:
    for state in definition.states.values():
        for role in ("applicant", "reviewer", "manager", "auditor", "facilitator"):
            reads = role in state.read or "anyone" in state.read
            hidden = {part for part in PARTS if not state.shows(role, part)}
            assert hidden == (set(state.hides.get(role, ())) if reads else set(PARTS))


@given(definitions)
def test_what_holds_can_be_left_unless_the_checker_objects(definition) -> None:
    for_good = {f.where for f in check(definition) if f.message.startswith("holds for good")}
    for state in definition.states.values():
        ways = [definition.state(move.target) for move in definition.leaving(state.name) if move.roles]
        stuck = state.hold and all(target.hold or target.final for target in ways)
        assert (f"state {state.name}" in for_good) == stuck


@given(definitions, facts)
def test_what_is_due_by_itself_the_clock_may_do(definition, given_facts) -> None:
    for state in definition.states:
        for passed in (frozenset(), frozenset({"due"})):
            move = definition.automatic(state, given_facts, passed)
            allowed = [
                option.move
                for option in definition.available(state, Actor.clock(), given_facts)
                if option.allowed and (option.move.automatic == "facts" or option.move.automatic in passed)
            ]
            assert ([move] if move else []) == allowed[:1]


def walks(definition: Definition, state: str, most: int) -> set[str]:
    """States that can be walked to in at most so many moves: brute force, move by move."""
    found, edge = {state}, {state}
    for _ in range(most):
        edge = {
            move.target
            for here in edge
            for move in definition.moves.values()
            if here in move.sources and move.roles
        }
        found |= edge
    return found


@given(definitions)
def test_checker_agrees_with_walking_everywhere(definition) -> None:
    walked = {state: walks(definition, state, len(definition.states)) for state in definition.states}
    ends = {state.name for state in definition.states.values() if state.final}
    told = check(definition)
    stranded = {
        finding.where.removeprefix("state ")
        for finding in told
        if "no way to an end" in finding.message or "a loop without an exit" in finding.message
    }
    orphans = {
        finding.where.removeprefix("state ") for finding in told if "cannot be reached" in finding.message
    }
    assert stranded == {state for state in definition.states if not walked[state] & ends}
    assert orphans == set(definition.states) - walked[definition.initial]


@given(definitions, facts)
def test_automatic_moves_come_to_rest_unless_the_checker_objects(definition, given_facts) -> None:
    messages = [finding.message for finding in check(definition)]
    assume(not any("without end" in message or "happens at once" in message for message in messages))
    for state in definition.states:
        for _ in definition.states:
            move = definition.automatic(state, given_facts)
            if move is None:
                break
            state = definition.fire(state, move.trigger, Actor.clock(), given_facts).target.name
        assert definition.automatic(state, given_facts) is None


@given(texts())
def test_unknown_keys_hide_nothing_else(text: str) -> None:
    told = [(one.where, one.message, one.level) for one in check_text(text)]
    more = check_text("colour = 3\n" + text.replace("[states.a]\n", '[states.a]\ncolour = "red"\n'))
    unknown = [one.where for one in more if one.message.startswith("unknown key")]
    rest = [(one.where, one.message, one.level) for one in more if not one.message.startswith("unknown key")]
    assert unknown == ["colour", "state a, colour"]
    assert sorted(rest) == sorted(told)


SHIPPED = [shipped(name).source for name in library()]
FILES = [path.read_text() for path in (Path(workflows.__file__).parent / "library").rglob("*.toml")]
"""As they stand in the repository: parts, and files that ask for them."""


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A shipped definition with pieces cut out, doubled or replaced."""
    text = draw(st.sampled_from([SOUND, *SHIPPED, *FILES]))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 60)))
        filler = draw(
            st.one_of(
                st.text(max_size=20), st.sampled_from(['"', "[", "]]", "{", "= ", "\n", text[start:end] * 2])
            )
        )
        text = text[:start] + filler + text[end:]
    return text


VALUES = st.recursive(
    st.one_of(
        st.sampled_from(
            ["1", "-1", "true", "1.5", "nan", "2020-01-01", '""', '"draft"', '"manager"', '"x y"', "0xfff"]
        ),
        st.text("ab\"'\\", max_size=5).map(repr),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(
            st.sampled_from(["field", "days", "deadline", "to", "otherwise", "min_reviews"]),
            inner,
            max_size=3,
        ).map(lambda table: "{" + ", ".join(f"{key} = {value}" for key, value in table.items()) + "}"),
    ),
    max_leaves=6,
)
KEYS = [
    "label",
    "stage",
    "read",
    "deadlines",
    "outcome",
    "from",
    "to",
    "by",
    "guards",
    "automatic",
    "notices",
    "starts",
    "due",
    "owner",
    "reminders",
    "undo",
    "revert",
    "asks",
    "moves",
    "records",
    "hold",
    "hides",
]


@st.composite
def disguised(draw: st.DrawFn) -> str:
    """The right tables and keys with any values at all."""
    lines = []
    for table in draw(
        st.lists(
            st.sampled_from(["states.a", "moves.b", "deadlines.c", "stages.d", "translations.es"]),
            unique=True,
        )
    ):
        lines.append(f"[{table}]")
        for key in draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=6)):
            lines.append(f"{key} = {draw(VALUES)}")
    heads = ["", 'name = "x"\ninitial = "a"\n', "stages = 1\n", 'include = ["funded"]\n', "include = 1\n"]
    return draw(st.sampled_from(heads)) + "\n".join(lines)


def parse(text: str) -> Definition | DefinitionError:
    """What comes of reading a text."""
    try:
        return Definition.parse(text)
    except DefinitionError as error:
        return error


@given(st.one_of(st.text(), damaged(), disguised(), texts()))
@example("\ufeff")
@example("a = 1\r\n[states]\x00")
@example('[states."\\ud800"]')
@example("states = []")
@example("\ud800")
@example("x = 0x" + "f" * 9000)
@example("[moves.b]\nguards = " + "[" * 300 + "]" * 300)
@example("a." * 5000 + "b = 1")
def test_no_text_crashes_the_checker(text: str) -> None:
    findings = check_text(text)
    longest = max(text.count("\n"), *(part.count("\n") for part in shipped_parts().values())) + 1
    assert all(finding.line <= longest for finding in findings)
    assert all(str(finding).count("\n") == 0 for finding in findings)
    parsed = parse(text)
    if isinstance(parsed, DefinitionError):
        assert parsed.findings
        assert set(parsed.findings) <= set(findings)
    else:
        assert check(parsed) == findings
        ElementTree.fromstring(svg(parsed, here=parsed.initial))
        assert mermaid(parsed).startswith("stateDiagram-v2\n")
