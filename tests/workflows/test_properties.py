"""What holds for every definition, actor and fact."""

from xml.etree import ElementTree

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.workflows.drafts import SOUND
from tests.workflows.strategies import actors, definitions, facts, texts
from workflows import (
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


def attempt(
    definition: Definition, state: str, trigger: str, actor: Actor, given_facts
) -> Outcome | NotAllowed:
    """What comes of trying a move with a reason."""
    try:
        return definition.fire(state, trigger, actor, given_facts, reason="Because.")
    except NotAllowed as refusal:
        return refusal


@given(definitions, actors, facts)
@settings(max_examples=100)
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
                    definition.fire(state, option.move.trigger, actor, given_facts)
                assert error.value.why is Refusal.REASON
            else:
                assert definition.fire(state, option.move.trigger, actor, given_facts).move is option.move


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
@settings(max_examples=100)
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
@settings(max_examples=100)
def test_automatic_moves_come_to_rest_unless_the_checker_objects(definition, given_facts) -> None:
    messages = [finding.message for finding in check(definition)]
    assume(not any("without end" in message or "happens at once" in message for message in messages))
    for state in definition.states:
        for _ in definition.states:
            move = definition.automatic(state, given_facts)
            if move is None:
                break
            state = definition.fire(
                state, move.trigger, Actor.clock(), given_facts, reason="By itself."
            ).target.name
        assert definition.automatic(state, given_facts) is None


SHIPPED = [shipped(name).source for name in library()]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A shipped definition with pieces cut out, doubled or replaced."""
    text = draw(st.sampled_from([SOUND, *SHIPPED]))
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
]


@st.composite
def disguised(draw: st.DrawFn) -> str:
    """The right tables and keys with any values at all."""
    lines = []
    for table in draw(
        st.lists(st.sampled_from(["states.a", "moves.b", "deadlines.c", "stages.d"]), unique=True)
    ):
        lines.append(f"[{table}]")
        for key in draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=6)):
            lines.append(f"{key} = {draw(VALUES)}")
    return draw(st.sampled_from(["", 'name = "x"\ninitial = "a"\n', "stages = 1\n"])) + "\n".join(lines)


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
@settings(max_examples=150)
def test_no_text_crashes_the_checker(text: str) -> None:
    findings = check_text(text)
    assert all(finding.line <= text.count("\n") + 1 for finding in findings)
    assert all(str(finding).count("\n") == 0 for finding in findings)
    parsed = parse(text)
    if isinstance(parsed, DefinitionError):
        assert list(parsed.findings) == findings != []
    else:
        assert check(parsed) == findings
        ElementTree.fromstring(svg(parsed, here=parsed.initial))
        assert mermaid(parsed).startswith("stateDiagram-v2\n")
