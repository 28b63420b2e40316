"""Guards: when each is met, what it says otherwise, and how one is registered."""

from collections.abc import Iterator, Mapping
from gettext import NullTranslations
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.drafts import FINISH, definition
from workflows import (
    Actor,
    Definition,
    DefinitionError,
    FactMissing,
    Facts,
    GuardCall,
    GuardFailed,
    NotAllowed,
    Reason,
    Refusal,
    guard,
    shipped,
)
from workflows.guards import REGISTRY, exclusive, unmet


@pytest.fixture
def registry() -> Iterator[None]:
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


@pytest.mark.parametrize(
    ("name", "argument", "facts"),
    [
        ("form_complete", None, {"missing_answers": ()}),
        ("deadline_open", "submission", {"open_deadlines": frozenset({"submission"})}),
        ("round_in", ("open", "closed"), {"round": "closed"}),
        ("round_ready", None, {"round_missing": ()}),
        ("min_reviewers", 3, {"children": {"review": ("assigned", "in_progress", "submitted", "conflict")}}),
        ("min_reviewers", 0, {"children": {}}),
        ("min_reviews", 2, {"children": {"review": ("submitted", "submitted", "assigned")}}),
        (
            "all_reviews_in",
            None,
            {"children": {"review": ("submitted", "conflict", "declined", "cancelled")}},
        ),
        ("all_reviews_in", None, {"children": {}}),
        ("award_prepared", None, {"award_missing": ()}),
        ("budget_left", None, {"over_budget": ""}),
        ("scorecard_complete", None, {"missing_scores": ()}),
        ("no_conflict", None, {"conflict": ""}),
        ("report_complete", None, {"missing_report": ()}),
        ("lesson_complete", None, {"missing_lesson": ()}),
        ("publication_cleared", None, {"uncleared_fields": ()}),
        ("child_in", {"report": ("due",)}, {"children": {"report": ("accepted", "due")}}),
        ("child_not_in", {"report": ("due",)}, {"children": {"report": ("accepted",)}}),
        ("child_not_in", {"report": ("due",)}, {"children": {}}),
        ("children_all", {"report": ("accepted",)}, {"children": {"report": ("accepted", "accepted")}}),
        ("parent_in", ("open",), {"parent": "open"}),
        ("parent_not_in", ("open",), {"parent": "closed"}),
        ("parent_in", ("open",), {"parent": "call/open"}),
        ("parent_in", ("closed", "call/*"), {"parent": "call/open"}),
        ("parent_not_in", ("call/*",), {"parent": "decision/open"}),
        ("parent_not_in", ("call/*",), {"parent": "call"}),
        ("round_in", ("call/*",), {"round": "call/open"}),
        ("child_in", {"report": ("reporting/*",)}, {"children": {"report": ("accepted", "reporting/due")}}),
        ("child_not_in", {"report": ("reporting/*",)}, {"children": {"report": ("accepted", "other/due")}}),
        ("children_all", {"report": ("accepted", "r/*")}, {"children": {"report": ("accepted", "r/due")}}),
        ("min_reviewers", 2, {"children": {"review": ("review/looked_at", "submitted", "declined")}}),
        ("min_reviewers", 1, {"children": {"review": ("review/submitted",)}}),
        ("all_reviews_in", None, {"children": {"review": ("review/submitted", "submitted", "declined")}}),
    ],
)
def test_met(name: str, argument: Any, facts: Facts) -> None:
    assert unmet(GuardCall(name, argument), facts) is None


@pytest.mark.parametrize(
    ("name", "argument", "facts", "reason"),
    [
        ("form_complete", None, {"missing_answers": ("Budget",)}, "Answer one more question: Budget."),
        ("form_complete", None, {"missing_answers": ("A", "B")}, "Answer 2 more questions: A; B."),
        (
            "form_complete",
            None,
            {"missing_answers": ("A", "B", "C", "D", "E", "F")},
            "Answer 6 more questions: A; B; C; D; E; …",
        ),
        (
            "deadline_open",
            "submission",
            {"open_deadlines": frozenset({"other"})},
            "The deadline for this has passed. Write to the fund if you need more time.",
        ),
        ("round_in", ("open",), {"round": "closed"}, "The round is not open for this now."),
        ("round_ready", None, {"round_missing": ("Form",)}, "First complete the round: Form."),
        (
            "min_reviewers",
            2,
            {"children": {"review": ("conflict", "submitted")}},
            "Assign one more reviewer.",
        ),
        ("min_reviewers", 2, {"children": {}}, "Assign 2 more reviewers."),
        ("min_reviews", 2, {"children": {"review": ("submitted",)}}, "One more review has to come in."),
        ("min_reviews", 2, {"children": {"review": ("assigned",)}}, "2 more reviews have to come in."),
        ("all_reviews_in", None, {"children": {"review": ("assigned",)}}, "One review is still under way."),
        (
            "all_reviews_in",
            None,
            {"children": {"review": ("assigned", "submitted", "review/looked_at")}},
            "2 reviews are still under way.",
        ),
        (
            "award_prepared",
            None,
            {"award_missing": ("Amount", "Start")},
            "First prepare the award: Amount; Start.",
        ),
        (
            "budget_left",
            None,
            {"over_budget": "USD 100.00"},
            "The award is USD 100.00 more than the round has left. Lower the amount.",
        ),
        ("scorecard_complete", None, {"missing_scores": ("Need",)}, "Give a score and a reason for: Need."),
        (
            "no_conflict",
            None,
            {"conflict": "you belong to the member that applies"},
            "You cannot review this: you belong to the member that applies. Declare the conflict of interest.",
        ),
        ("report_complete", None, {"missing_report": ("Spent",)}, "Complete the report: Spent."),
        ("lesson_complete", None, {"missing_lesson": ("Title",)}, "Complete the lesson: Title."),
        (
            "publication_cleared",
            None,
            {"uncleared_fields": ("Place",)},
            "Clear for publication first: Place.",
        ),
        (
            "child_in",
            {"report": ("due",), "lesson": ("due",)},
            {"children": {"report": ("due",)}},
            "This waits for something that belongs to it to move on first.",
        ),
        (
            "child_not_in",
            {"report": ("due",)},
            {"children": {"report": ("accepted", "due")}},
            "Something that belongs to it is still under way.",
        ),
        (
            "children_all",
            {"report": ("accepted",)},
            {"children": {"report": ("accepted", "due")}},
            "Not everything that belongs to it is done.",
        ),
        (
            "children_all",
            {"report": ("accepted",)},
            {"children": {}},
            "Not everything that belongs to it is done.",
        ),
        (
            "parent_in",
            ("open",),
            {"parent": "closed"},
            "The application does not stand where this is possible.",
        ),
        (
            "parent_not_in",
            ("open",),
            {"parent": "open"},
            "This is not possible while the application stands as it does.",
        ),
    ],
)
def test_unmet(name: str, argument: Any, facts: Facts, reason: str) -> None:
    assert unmet(GuardCall(name, argument), facts) == reason


def test_every_guard_reads_only_what_it_says() -> None:
    for name, registered in REGISTRY.items():
        arguments = {
            "deadline": "x",
            "children": {"report": ("due",)},
            "count": 1,
            "parent": ("x",),
            "round": ("x",),
            "": None,
        }
        with pytest.raises(FactMissing) as missing:
            unmet(GuardCall(name, arguments[registered.names]), {})
        assert (missing.value.guard, missing.value.fact) == (name, registered.reads[0])
        assert len(registered.reads) == 1


def test_missing_fact_is_told_as_a_fault() -> None:
    with pytest.raises(FactMissing, match="guard round_in needs the fact 'round', which was not given"):
        unmet(GuardCall("round_in", ("open",)), {})


def test_own_sentence_replaces_the_guards() -> None:
    call = GuardCall("round_in", ("open",), "Wait for 100% of the round.")
    assert unmet(call, {"round": "closed"}) == "Wait for 100% of the round."
    assert unmet(call, {"round": "open"}) is None


class Spanish(NullTranslations):
    WORDS: Mapping[str, str] = {
        "Answer %(count)d more questions: %(names)s": "Responda %(count)d preguntas más: %(names)s",
        "Answer one more question: %(names)s": "Responda una pregunta más: %(names)s",
        "The award is %(amount)s more than the round has left. Lower the amount.": "Sobran %(amount)s.",
        "Give 100%.": "Dé el 100%.",
    }

    def gettext(self, message: str) -> str:
        return self.WORDS[message]

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.WORDS[msgid1 if n == 1 else msgid2]


@pytest.mark.parametrize(
    ("name", "facts", "spanish"),
    [
        ("form_complete", {"missing_answers": ("A", "B")}, "Responda 2 preguntas más: A; B."),
        ("form_complete", {"missing_answers": ("A",)}, "Responda una pregunta más: A."),
        ("budget_left", {"over_budget": "USD 5.00"}, "Sobran USD 5.00."),
    ],
)
def test_reason_can_be_said_in_another_language(name: str, facts: Facts, spanish: str) -> None:
    reason = unmet(GuardCall(name), facts)
    assert isinstance(reason, Reason)
    assert reason.translated(Spanish().gettext, Spanish().ngettext) == spanish


def test_reason_with_a_percent_sign_and_nothing_to_fill_in() -> None:
    assert Reason("Give 100%.") == "Give 100%."
    assert Reason("Give 100%.").translated(Spanish().gettext, Spanish().ngettext) == "Dé el 100%."


@pytest.mark.usefixtures("registry")
def test_own_guard_is_used_by_its_name() -> None:
    @guard("enough_partners", reads=["partners"])
    def enough_partners(facts: Facts, number: int) -> str | None:
        return None if len(facts["partners"]) >= number else "Name more partners."

    visit = definition(finish=FINISH + "guards = [{ enough_partners = 2 }]\n")
    manager = Actor(1, frozenset({"manager"}))
    (option,) = visit.available("planned", manager, {"partners": ("one",)})
    assert (option.allowed, option.reasons) == (False, ("Name more partners.",))
    assert visit.fire("planned", "finish", manager, {"partners": ("one", "two")}).target.name == "done"


@pytest.mark.usefixtures("registry")
def test_name_of_a_guard_is_taken_once() -> None:
    def other(facts: Facts) -> str | None:
        return "no"

    with pytest.raises(ValueError, match="a guard named 'form_complete' is registered already"):
        guard("form_complete")(other)
    guard("mine")(other)
    guard("mine")(other)
    with pytest.raises(ValueError, match="has to be annotated as one of"):
        guard("plain")(lambda _facts, number: None)


@pytest.mark.usefixtures("registry")
def test_guard_may_do_without_its_argument() -> None:
    @guard("maybe")
    def maybe(facts: Facts, number: int = 1) -> str | None:
        return None

    with pytest.raises(DefinitionError, match="needs an argument"):
        definition(finish=FINISH + 'guards = ["maybe"]\n')


STATES = st.lists(st.sampled_from(["a", "b", "c", "x/*", "y/*"]), min_size=1, unique=True).map(tuple)
BY_KIND = st.dictionaries(st.sampled_from(["report", "lesson"]), STATES, min_size=1)
OF_REVIEWS = st.fixed_dictionaries(
    {
        "review": st.lists(
            st.sampled_from(["assigned", "in_progress", "submitted", "conflict", "r/*"]), min_size=1
        ).map(tuple)
    }
)
STANDINGS = (*"abcd", "x/a", "x/b", "x/d", "y/a", "y/c")
"""The same name in two stages: there may be several workflows for one thing."""
CALLS = st.one_of(
    st.builds(GuardCall, st.sampled_from(["child_in", "child_not_in", "children_all"]), BY_KIND | OF_REVIEWS),
    st.builds(GuardCall, st.sampled_from(["min_reviews", "min_reviewers"]), st.integers(0, 2)),
    st.just(GuardCall("all_reviews_in")),
    st.builds(GuardCall, st.sampled_from(["parent_in", "parent_not_in", "round_in"]), STATES),
)
ALL_FACTS = [
    {"children": {"report": reports, "lesson": lessons, "review": reviews}, "parent": parent, "round": parent}
    for reports in [(), *product(STANDINGS), ("a", "x/b"), ("x/a", "y/a"), ("y/c", "d")]
    for lessons in [(), ("a",), ("b", "c"), ("x/b", "y/d")]
    for reviews in [
        (),
        ("assigned",),
        ("submitted", "submitted"),
        ("r/in_progress", "submitted"),
        ("r/submitted",),
        ("r/conflict",),
        ("conflict", "submitted"),
    ]
    for parent in STANDINGS
]


@given(CALLS, CALLS)
def test_guards_that_exclude_each_other_are_never_met_together(one: GuardCall, other: GuardCall) -> None:
    assert exclusive(one, other) == exclusive(other, one)
    if exclusive(one, other):
        assert not any(unmet(one, facts) is None and unmet(other, facts) is None for facts in ALL_FACTS)


def test_guards_exclude_each_other_where_it_can_be_told() -> None:
    assert exclusive(GuardCall("parent_in", ("a",)), GuardCall("parent_not_in", ("a", "b")))
    assert exclusive(GuardCall("round_in", ("a",)), GuardCall("round_in", ("b",)))
    assert not exclusive(GuardCall("parent_in", ("a", "c")), GuardCall("parent_not_in", ("a", "b")))
    assert not exclusive(GuardCall("form_complete"), GuardCall("report_complete"))
    assert exclusive(GuardCall("parent_in", ("x/*", "a")), GuardCall("parent_not_in", ("a", "x/*")))
    assert exclusive(GuardCall("parent_in", ("x/*",)), GuardCall("parent_in", ("y/*",)))
    assert not exclusive(GuardCall("parent_in", ("x/*",)), GuardCall("parent_in", ("a",))), "a may be of x"


REVIEWS_IN = GuardCall("all_reviews_in")


@pytest.mark.parametrize(
    ("one", "other", "never"),
    [
        (REVIEWS_IN, GuardCall("child_in", {"review": ("assigned",)}), True),
        (REVIEWS_IN, GuardCall("child_in", {"review": ("assigned", "submitted")}), False),
        (REVIEWS_IN, GuardCall("children_all", {"review": ("in_progress",)}), True),
        (REVIEWS_IN, GuardCall("min_reviewers", 2), False),
        (GuardCall("min_reviews", 1), GuardCall("child_not_in", {"review": ("submitted",)}), True),
        (GuardCall("min_reviews", 0), GuardCall("child_not_in", {"review": ("submitted",)}), False),
        (GuardCall("min_reviewers", 1), GuardCall("children_all", {"review": ("conflict",)}), False),
    ],
)
def test_guards_that_count_reviews_exclude_what_stands_otherwise(
    one: GuardCall, other: GuardCall, never: bool
) -> None:
    assert exclusive(one, other) is never


def test_guard_reads_as_a_person_would_write_it() -> None:
    assert str(GuardCall("form_complete")) == "form_complete"
    assert str(GuardCall("min_reviews", 2)) == "min_reviews(2)"
    assert str(GuardCall("child_in", {"report": ("due", "returned")})) == "child_in(report: due, returned)"
    assert str(GuardCall("parent_in", ("review/*",))) == "parent_in(review/*)"


@pytest.mark.parametrize("place", ["review/", "review/screening", "/*", "*", "Review/*", "review/**"])
def test_a_place_is_a_state_or_a_stage_with_a_star(place: str) -> None:
    with pytest.raises(DefinitionError, match='must be the name of a state, or a stage as in "review/\\*"'):
        definition(finish=FINISH + f'guards = [{{ parent_in = ["{place}"] }}]\n')


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda _facts: 1 / 0, "guard broken failed: ZeroDivisionError: division by zero"),
        (lambda facts: facts["others"], "guard broken failed: KeyError: 'others'"),
        (lambda _facts: False, "guard broken failed: it answers False, which is neither None nor a sentence"),
        (lambda _facts: "", "guard broken failed: it answers '', which is neither None nor a sentence"),
    ],
)
def test_a_guard_that_fails_closes_its_move_and_the_log_says_why(broken, said, caplog) -> None:
    guard("broken", reads=["partners"])(broken)
    visit = definition(finish=FINISH + 'guards = [{ broken = true, otherwise = "Wait." }]\n')
    manager = Actor(1, frozenset({"manager"}))
    (option,) = visit.available("planned", manager, {"partners": ()})
    assert not option.allowed
    assert [reason.partition(". ")[0] for reason in option.reasons] == [
        "Whether this is possible now could not be found out: “broken” failed"
    ]
    with pytest.raises(NotAllowed) as refused:
        visit.fire("planned", "finish", manager, {"partners": ()})
    assert (refused.value.why, refused.value.reasons) == (Refusal.GUARD, option.reasons)
    assert [record.getMessage() for record in caplog.records] == [said, said]


@pytest.mark.usefixtures("registry")
def test_what_happens_by_itself_is_not_passed_over_where_its_guard_fails() -> None:
    guard("broken")(lambda _facts: 1 / 0)
    visit = definition(
        finish=FINISH.replace('by = ["manager"]', 'automatic = "facts"') + 'guards = ["broken"]\n'
    )
    with pytest.raises(GuardFailed, match="guard broken failed"):
        visit.automatic("planned", {})


@pytest.mark.usefixtures("registry")
def test_what_the_facts_themselves_raise_is_handed_on(monkeypatch) -> None:
    class Gone(Exception):
        """A database that does not answer."""

    def gone(_facts: Facts) -> str | None:
        raise Gone

    monkeypatch.setattr("workflows.guards.HANDED_ON", [Gone])
    guard("gone")(gone)
    with pytest.raises(Gone):
        unmet(GuardCall("gone"), {})


@pytest.mark.usefixtures("registry")
def test_a_kept_definition_whose_guard_is_no_longer_there_is_read_with_its_moves_closed() -> None:
    @guard("quorum")
    def quorum(_facts: Facts, number: int) -> str | None:
        return None if number < 4 else "No."

    text = definition(finish=FINISH + "guards = [{ quorum = 3 }]\n").source
    text = text.replace("quorum", "majority")
    with pytest.raises(DefinitionError, match="unknown guard"):
        Definition.parse(text)
    kept = Definition.parse(text, closing=True)
    assert kept.source == text
    given = Definition.parse(text.replace("{ majority = 3 }", '{ quorum = "three" }'), closing=True)
    assert [str(call) for call in given.moves["finish"].guards] == ["quorum?"]
    (option,) = kept.available("planned", Actor(1, frozenset({"manager"})), {})
    assert [str(call) for call in option.move.guards] == ["majority"]
    assert "“majority” failed" in option.reasons[0]
    with pytest.raises(DefinitionError, match="unknown key"):
        Definition.parse(text + 'colour = "red"\n', closing=True)


def test_a_guard_that_got_another_name_is_still_known_to_what_is_kept() -> None:
    text = shipped("review").source.replace('"no_conflict"', '"not_conflicted"')
    with pytest.raises(DefinitionError, match="unknown guard 'not_conflicted'"):
        Definition.parse(text)
    kept = Definition.parse(text, closing=True)
    reviewer = Actor(7, frozenset({"reviewer"}))
    facts = {"parent": "review/in_review", "conflict": ""}
    allowed = {one.move.trigger: one.allowed for one in kept.available("assigned", reviewer, facts)}
    now = {one.move.trigger: one.allowed for one in shipped("review").available("assigned", reviewer, facts)}
    assert allowed == now
    assert allowed["start"]
