"""Who may make which move, and why not: denied by default, with reasons in words."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest

from tests.workflows.drafts import DONE, FINISH, PLANNED, definition
from workflows import Actor, Definition, NotAllowed, Refusal, shipped

APPLICANT = Actor(1, frozenset({"applicant"}))
REVIEWER = Actor(2, frozenset({"reviewer"}))
MANAGER = Actor(3, frozenset({"manager"}))
NOBODY = Actor(4, frozenset())
READY = {
    "missing_answers": (),
    "open_deadlines": frozenset({"submission"}),
    "round": "open",
    "children": {},
    "award_missing": (),
    "over_budget": "",
}


class Asked(Mapping[str, Any]):
    """Facts that remember what was asked."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.facts = facts
        self.asked: list[str] = []

    def __getitem__(self, name: str) -> Any:
        self.asked.append(name)
        return self.facts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.facts)

    def __len__(self) -> int:
        return len(self.facts)


def offered(definition: Definition, state: str, actor: Actor, facts: Mapping[str, Any]) -> dict[str, bool]:
    return {option.move.trigger: option.allowed for option in definition.available(state, actor, facts)}


def refused(
    definition: Definition, state: str, trigger: str, actor: Actor, facts: Mapping[str, Any]
) -> tuple[Refusal, tuple[str, ...]]:
    with pytest.raises(NotAllowed) as error:
        definition.fire(state, trigger, actor, facts)
    return error.value.why, error.value.reasons


def test_everyone_is_offered_the_own_moves_only() -> None:
    application = shipped("application")
    assert offered(application, "draft", APPLICANT, READY) == {"submit": True, "discard": True}
    assert offered(application, "draft", MANAGER, READY) == {}
    assert offered(application, "draft", NOBODY, READY) == {}
    assert offered(application, "screening", MANAGER, READY) == {
        "return_for_changes": True,
        "find_ineligible": True,
        "send_to_review": False,
    }
    assert offered(application, "screening", Actor(5, APPLICANT.roles | MANAGER.roles), READY) == {
        "return_for_changes": True,
        "find_ineligible": True,
        "withdraw": True,
        "send_to_review": False,
    }


def test_all_reasons_are_told_not_only_the_first() -> None:
    facts = READY | {"missing_answers": ("Budget",), "open_deadlines": frozenset(), "round": "closed"}
    (submit, _) = shipped("application").available("draft", APPLICANT, facts)
    assert submit.reasons == (
        "Answer one more question: Budget.",
        "The deadline for proposals has passed. Write to the fund if something kept you from submitting.",
        "The round is not open for proposals.",
    )
    assert refused(shipped("application"), "draft", "submit", APPLICANT, facts) == (
        Refusal.GUARD,
        submit.reasons,
    )


def test_fire_answers_the_whole_outcome() -> None:
    outcome = shipped("application").fire("draft", "submit", APPLICANT, READY, data={"declaration": True})
    assert (outcome.source.name, outcome.target.name) == ("draft", "submitted")
    assert outcome.target.deadlines == ("screening",)
    assert outcome.move.meets == ("submission",)
    assert [(notice.to, notice.template) for notice in outcome.move.notices] == [
        ("applicant", "receipt"),
        ("manager", "submitted_to_managers"),
    ]


@pytest.mark.parametrize(
    ("state", "trigger", "actor", "why", "reason"),
    [
        ("draft", "fly", APPLICANT, Refusal.UNKNOWN, "There is no such step."),
        ("draft", "submit", MANAGER, Refusal.ROLE, "This step is not yours to take."),
        ("draft", "submit", NOBODY, Refusal.ROLE, "This step is not yours to take."),
        ("offered", "submit", MANAGER, Refusal.ROLE, "This step is not yours to take."),
        ("draft", "close_draft", APPLICANT, Refusal.ROLE, "This step is not yours to take."),
        (
            "offered",
            "submit",
            APPLICANT,
            Refusal.STATE,
            "“Submit the proposal” is not possible now: it stands at “Offered”.",
        ),
        ("screening", "send_to_review", MANAGER, Refusal.GUARD, "Assign 2 more reviewers."),
        ("screening", "return_for_changes", MANAGER, Refusal.REASON, "Give a reason."),
    ],
)
def test_refusal_says_of_which_kind_it_is(
    state: str, trigger: str, actor: Actor, why: Refusal, reason: str
) -> None:
    assert refused(shipped("application"), state, trigger, actor, READY) == (why, (reason,))


@pytest.mark.parametrize("reason", [None, "", "  \n "])
def test_required_reason_must_say_something(reason: str | None) -> None:
    application = shipped("application")
    with pytest.raises(NotAllowed) as error:
        application.fire("screening", "return_for_changes", MANAGER, READY, reason=reason)
    assert error.value.why is Refusal.REASON
    done = application.fire("screening", "return_for_changes", MANAGER, READY, reason="Add a budget.")
    assert done.target.name == "returned"


def test_guards_are_looked_at_before_the_reason() -> None:
    assert (
        refused(shipped("application"), "deliberation", "back_to_review", MANAGER, READY)[0] is Refusal.GUARD
    )


def test_nobody_can_make_a_move_without_roles() -> None:
    visit = definition(finish=FINISH.replace('by = ["manager"]', ""))
    everyone = Actor(1, frozenset({"applicant", "reviewer", "manager", "clock", "auditor", "anyone"}))
    assert visit.available("planned", everyone, {}) == []
    assert refused(visit, "planned", "finish", everyone, {})[0] is Refusal.ROLE
    assert visit.automatic("planned", {}, frozenset({"visit"})) is None


def test_unknown_state_is_a_fault_of_the_caller() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        definition().available("nowhere", MANAGER, {})
    with pytest.raises(KeyError, match="nowhere"):
        definition().fire("nowhere", "finish", MANAGER, {})


def test_only_guards_of_own_moves_ask_for_facts() -> None:
    facts = Asked(READY)
    shipped("application").available("screening", APPLICANT, facts)
    assert facts.asked == []
    shipped("application").available("screening", MANAGER, facts)
    assert facts.asked == ["children"]


def test_refused_role_or_state_asks_for_no_facts() -> None:
    facts = Asked({})
    refused(shipped("application"), "draft", "submit", MANAGER, facts)
    refused(shipped("application"), "offered", "submit", APPLICANT, facts)
    assert facts.asked == []


def test_clock_makes_automatic_moves_and_only_these() -> None:
    application = shipped("application")
    assert offered(application, "draft", Actor.clock(), READY) == {"close_draft": True}
    assert application.fire("draft", "close_draft", Actor.clock(), READY).target.name == "not_submitted"
    assert refused(application, "draft", "submit", Actor.clock(), READY)[0] is Refusal.ROLE


def test_move_may_be_a_persons_and_the_clocks() -> None:
    round_ = shipped("round")
    facts = {"round_missing": (), "children": {}}
    assert round_.fire("open", "close", MANAGER, facts).target.name == "closed"
    assert round_.fire("open", "close", Actor.clock(), facts).target.name == "closed"
    assert refused(round_, "open", "close", APPLICANT, facts)[0] is Refusal.ROLE


def test_automatic_by_deadline_only_when_that_one_passed() -> None:
    application = shipped("application")
    assert application.automatic("offered", READY) is None
    assert application.automatic("offered", READY, frozenset({"other"})) is None
    move = application.automatic("offered", READY, ["offer"])
    assert move is not None
    assert move.trigger == "lapse_offer"


def test_automatic_by_facts_as_soon_as_guards_are_met() -> None:
    application = shipped("application")
    waiting = {"children": {"review": ("submitted", "in_progress")}}
    assert application.automatic("in_review", waiting) is None
    move = application.automatic("in_review", {"children": {"review": ("submitted", "submitted")}})
    assert move is not None
    assert move.trigger == "all_reviews_came_in"


def test_automatic_by_deadline_waits_for_its_guards_too() -> None:
    finish = FINISH + 'automatic = { deadline = "visit" }\nguards = ["form_complete"]\n'
    visit = definition(finish=finish)
    assert visit.automatic("planned", {"missing_answers": ("A",)}, {"visit"}) is None
    assert visit.automatic("planned", {"missing_answers": ()}, {"visit"}) == visit.moves["finish"]


def test_first_automatic_move_of_the_file_goes_first() -> None:
    first = FINISH.replace("finish", "first") + 'automatic = "facts"\nguards = [{ min_reviews = 0 }]\n'
    second = FINISH.replace("finish", "second") + 'automatic = "facts"\nguards = ["all_reviews_in"]\n'
    visit = definition(finish=first, more=second)
    move = visit.automatic("planned", {"children": {}})
    assert move is not None
    assert move.trigger == "first"


def test_end_may_have_a_way_out() -> None:
    application = shipped("application")
    assert application.state("offer_lapsed").final
    outcome = application.fire("offer_lapsed", "renew_offer", MANAGER, READY, reason="Post was late.")
    assert outcome.target.name == "offered"


def test_move_may_lead_back_to_where_it_began() -> None:
    again = FINISH.replace("finish", "again").replace('to = "done"', 'to = "planned"')
    outcome = definition(more=again).fire("planned", "again", MANAGER, {})
    assert (outcome.source.name, outcome.target.name) == ("planned", "planned")


def test_words_of_the_library_are_no_traps() -> None:
    odd = PLANNED.replace("planned", "state"), DONE.replace("done", "initial")
    finish = FINISH.replace("finish", "trigger").replace("planned", "state").replace('"done"', '"initial"')
    head = (
        definition().source.split("\n[stages")[0].replace('"planned"', '"state"')
        + '\n[stages.all]\nlabel = "All"\n'
    )
    visit = definition(head=head, planned=odd[0], done=odd[1], finish=finish)
    assert visit.fire("state", "trigger", MANAGER, {}).target.name == "initial"
    assert refused(visit, "state", "to_initial", MANAGER, {})[0] is Refusal.UNKNOWN


def test_one_machine_serves_many_threads() -> None:
    application = shipped("application")
    complete, missing = READY, READY | {"missing_answers": ("Budget",)}

    def attempt(number: int) -> bool:
        try:
            given = missing if number % 2 else complete
            application.fire("draft", "submit", APPLICANT, given, data={"declaration": True})
        except NotAllowed as refusal:
            return refusal.reasons == ("Answer one more question: Budget.",) and number % 2 == 1
        return number % 2 == 0

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(attempt, range(2000)))


# ------------------------------------------------------------------ what a move asks for

ASKING = (
    FINISH
    + """
reason = "required"
asks = [
    { name = "who", label = "Who went", kind = "text" },
    { name = "safe", label = "It was safe", kind = "tick", otherwise = "Confirm that it was safe." },
    { name = "day", label = "Day of the visit", kind = "date" },
    { name = "cost", label = "Cost", kind = "amount" },
]
"""
)
GIVEN: dict[str, Any] = {"who": "Amina", "safe": True, "day": "2021-09-21", "cost": 12_500}


def lacking(data: Mapping[str, Any], finish: str = ASKING) -> dict[str, str]:
    """What is missing of what the move asks for, by field."""
    with pytest.raises(NotAllowed) as error:
        definition(finish=finish).fire("planned", "finish", MANAGER, {}, reason="Done.", data=data)
    assert error.value.why is Refusal.FIELD
    assert error.value.reasons == tuple(error.value.fields.values())
    return error.value.fields


def test_all_that_is_asked_for_and_missing_is_told_by_field() -> None:
    assert lacking({}) == {
        "who": "Fill in “Who went” (at most 200 characters).",
        "safe": "Confirm that it was safe.",
        "day": "Give a day for “Day of the visit”.",
        "cost": "Give an amount for “Cost”.",
    }
    for given in (GIVEN, GIVEN | {"day": date(2021, 9, 21), "more": "is not minded"}):
        fired = definition(finish=ASKING).fire("planned", "finish", MANAGER, {}, reason="Done.", data=given)
        assert fired.target.name == "done"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("who", "  "),
        ("who", "x" * 201),
        ("who", 7),
        ("safe", "true"),
        ("safe", 1),
        ("day", "21 September"),
        ("day", 20210921),
        ("cost", "12"),
        ("cost", -1),
        ("cost", True),
        ("cost", 2**60),
    ],
)
def test_what_is_given_in_another_form_is_missing(field: str, value: object) -> None:
    assert list(lacking(GIVEN | {field: value})) == [field]


def test_reason_is_asked_for_before_the_fields() -> None:
    assert refused(definition(finish=ASKING), "planned", "finish", MANAGER, {})[0] is Refusal.REASON


def test_clock_is_asked_for_nothing() -> None:
    finish = ASKING + 'automatic = { deadline = "visit" }\n'
    outcome = definition(finish=finish).fire("planned", "finish", Actor.clock(), {})
    assert outcome.target.name == "done"
    assert list(lacking({}, finish)) == list(GIVEN)


def test_state_shows_parts_to_whom_it_says() -> None:
    hides = 'hides = { applicant = ["feedback"] }\n'
    planned = definition(planned=PLANNED + hides).state("planned")
    shown = {role for role in ("applicant", "manager", "reviewer") if planned.shows(role, "feedback")}
    assert shown == {"manager"}
    assert planned.shows("applicant", "offer")
    public = PLANNED.replace('"applicant", "manager"', '"anyone"')
    assert definition(planned=public).state("planned").shows("reviewer", "feedback")
