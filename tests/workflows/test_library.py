"""The shipped definitions: without a finding, true to their golden paths, and just to the people in them."""

import json
import tomllib
from importlib import resources
from itertools import combinations_with_replacement
from pathlib import Path

import jsonschema
import pytest

from workflows import Actor, Definition, check, library, shipped
from workflows.grammar import schema
from workflows.guards import COME_IN, UNDER_WAY
from workflows.include import shipped_parts
from workflows.rehearse import GoldenPath, Strayed, read_paths, rehearse, shipped_paths

NAMES = ("application", "concept", "lesson", "membership", "report", "review", "round")
FAMILY = {name: shipped(name) for name in NAMES}
PATHS = [(name, path) for name in NAMES for path in shipped_paths(name)]
PUBLISHED = Path(__file__).parents[2] / "schema" / "json" / "workflow.schema.json"


def test_what_is_shipped() -> None:
    assert library() == NAMES
    assert [shipped(name).name for name in NAMES] == list(NAMES)
    assert all(shipped(name) is shipped(name) for name in NAMES)
    with pytest.raises(
        LookupError, match="no workflow called 'loan' is shipped; there are application, concept"
    ):
        shipped("loan")


@pytest.mark.parametrize("name", NAMES)
def test_checker_finds_nothing(name: str) -> None:
    assert check(shipped(name), family=FAMILY) == []


@pytest.mark.parametrize(("name", "path"), PATHS, ids=[f"{name}: {path.name}" for name, path in PATHS])
def test_golden_path(name: str, path: GoldenPath) -> None:
    rehearse(shipped(name), path)


def test_golden_paths_tell_every_move() -> None:
    told = {
        name: {t for path in shipped_paths(name) for t in rehearse(shipped(name), path)} for name in NAMES
    }
    for name in NAMES:
        if "the part " not in shipped(name).source:
            assert told[name] == set(shipped(name).moves), name
    assert told["application"] == set(shipped("application").moves)
    only_here = set(shipped("concept").moves) - set(shipped("application").moves)
    assert only_here | {"submit", "withdraw", "send_to_review", "offer", "decline"} <= told["concept"]


def test_both_ways_to_a_grant_go_on_alike() -> None:
    application, concept = shipped("application"), shipped("concept")
    part = tomllib.loads(shipped_parts()["funded"])
    assert len(part["states"]) > 10
    for table in ("states", "moves", "deadlines"):
        for name in part[table]:
            assert getattr(application, table)[name] == getattr(concept, table)[name]


@pytest.mark.parametrize("name", NAMES)
def test_published_schema_accepts_it(name: str) -> None:
    document = tomllib.loads(shipped(name).source)
    jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text())).validate(document)


def test_published_schema_is_the_grammar() -> None:
    assert json.loads(PUBLISHED.read_text()) == json.loads(json.dumps(schema()))
    jsonschema.Draft202012Validator.check_schema(schema())


def test_published_schema_refuses_an_unknown_key() -> None:
    document = tomllib.loads(shipped("review").source)
    document["states"]["assigned"]["colour"] = "red"
    assert not jsonschema.Draft202012Validator(schema()).is_valid(document)


def test_lifecycle_has_the_six_stages_in_order() -> None:
    stages = shipped("application").stages
    assert list(stages) == ["submission", "review", "decision", "award", "reporting", "sharing"]


def test_outcomes_are_declared_and_tell_ends_apart() -> None:
    for name in NAMES:
        outcomes = [state.outcome for state in shipped(name).states.values() if state.final]
        assert len(outcomes) == len(set(outcomes)) >= 1


def test_review_states_that_guards_count_are_those_of_the_review() -> None:
    states = FAMILY["review"].states
    assert [name for name, state in states.items() if not state.final] == list(UNDER_WAY)
    assert [name for name, state in states.items() if state.outcome == "submitted"] == list(COME_IN)


# ------------------------------------------------------------------ rights


def test_nobody_but_the_applicants_reads_what_was_never_submitted() -> None:
    application = shipped("application")
    for name in NEVER_SUBMITTED:
        assert application.state(name).read == {"applicant"}
    assert all("applicant" in state.read for state in application.states.values())


def test_reviewers_read_a_proposal_only_while_it_is_reviewed() -> None:
    states = shipped("application").states.values()
    assert [state.name for state in states if "reviewer" in state.read] == [
        "screening",
        "in_review",
        "deliberation",
    ]


def test_reviewers_lose_sight_after_a_conflict() -> None:
    states = shipped("review").states.values()
    assert [state.name for state in states if "reviewer" not in state.read] == [
        "conflict",
        "declined",
        "cancelled",
    ]


def test_applicants_never_read_reviews() -> None:
    assert not any("applicant" in state.read for state in shipped("review").states.values())


def test_only_round_pages_are_open_to_anyone() -> None:
    for name in NAMES:
        public = [state.name for state in shipped(name).states.values() if "anyone" in state.read]
        assert public == (["open", "closed", "decided", "archived"] if name == "round" else [])


def test_content_is_changed_only_where_it_is_written() -> None:
    editable = {
        (name, state.name): set(state.edit)
        for name in NAMES
        for state in shipped(name).states.values()
        if state.edit
    }
    assert editable == {
        ("application", "draft"): {"applicant"},
        ("application", "returned"): {"applicant"},
        ("concept", "concept"): {"applicant"},
        ("concept", "invited"): {"applicant"},
        ("concept", "returned"): {"applicant"},
        ("membership", "draft"): {"applicant"},
        ("membership", "more_asked"): {"applicant"},
        ("review", "in_progress"): {"reviewer"},
        ("report", "due"): {"applicant"},
        ("report", "returned"): {"applicant"},
        ("lesson", "due"): {"applicant"},
        ("lesson", "under_review"): {"manager"},
        ("lesson", "returned"): {"applicant"},
        ("round", "planned"): {"manager"},
        ("round", "open"): {"manager"},
    }


def test_decisions_are_the_funds_and_answers_the_applicants() -> None:
    moves = shipped("application").moves
    assert {trigger for trigger, move in moves.items() if "applicant" in move.roles} == {
        "submit",
        "discard",
        "reopen_draft",
        "resubmit",
        "withdraw",
        "accept_offer",
        "decline_offer",
    }
    assert not any(len(move.roles) > 1 for move in moves.values())


def test_bad_news_always_comes_with_a_reason() -> None:
    bad = {
        "application": ["return_for_changes", "find_ineligible", "decline", "suspend", "terminate"],
        "concept": ["decline_concept", "return_for_changes", "find_ineligible", "decline"],
        "membership": ["ask_more", "decline"],
        "review": ["cancel", "reopen"],
        "report": ["return"],
        "lesson": ["return", "unpublish"],
    }
    for name, triggers in bad.items():
        for trigger in triggers:
            move = shipped(name).move(trigger)
            assert move.reason == "required", trigger
            assert move.reason_label != "Reason"
            assert move.notices, trigger


def test_danger_asks_before_it_is_done() -> None:
    for name in NAMES:
        for move in shipped(name).moves.values():
            assert move.style != "danger" or move.confirm or move.reason == "required", move.trigger


# ------------------------------------------------------------------ time


def test_drafts_close_when_the_round_does() -> None:
    submission, closing = shipped("application").deadline("submission"), shipped("round").deadline("closing")
    assert (submission.due, submission.grace_days, submission.grace_minutes) == (
        closing.due,
        closing.grace_days,
        closing.grace_minutes,
    )


def test_what_lapses_by_itself_was_reminded_of_before() -> None:
    for name in NAMES:
        definition = shipped(name)
        for move in definition.moves.values():
            if move.automatic in definition.deadlines:
                reminders = definition.deadline(move.automatic).reminders
                assert any(reminder.days < 0 for reminder in reminders), move.trigger


def test_a_manager_is_told_of_all_that_is_overdue_and_does_not_end_by_itself() -> None:
    for name in NAMES:
        definition = shipped(name)
        ends = {move.automatic for move in definition.moves.values()}
        for rule in definition.deadlines.values():
            told = [reminder.days for reminder in rule.reminders if reminder.to == "manager"]
            assert rule.key in ends or max(told, default=0) > 0, f"{name}.{rule.key}"


def test_no_storm_of_reminders() -> None:
    for name in NAMES:
        for rule in shipped(name).deadlines.values():
            owner, colleague, manager = (
                {rule.owner, "owner"},
                {rule.owner, "colleague"},
                {"manager", "colleague"},
            )
            for places in (owner, colleague, manager):
                assert sum(reminder.to in places for reminder in rule.reminders) <= 6, rule.key
            assert len({(reminder.days, reminder.to) for reminder in rule.reminders}) == len(rule.reminders)


def test_moves_that_only_mirror_send_nothing() -> None:
    for move in shipped("application").moves.values():
        if move.automatic == "facts" and move.trigger != "all_reviews_came_in":
            assert move.notices == (), move.trigger


# ------------------------------------------------------------------ the parent follows its children


def settled(definition: Definition, state: str, facts: dict[str, object]) -> str:
    """The state in which automatic moves come to rest, each step of which is the only one that is due."""
    seen = [state]
    while move := definition.automatic(state, facts):
        due = [
            option.move.trigger
            for option in definition.available(state, Actor.clock(), facts)
            if option.allowed and option.move.automatic == "facts"
        ]
        assert due == [move.trigger]
        state = definition.fire(state, move.trigger, Actor.clock(), facts).target.name
        assert state not in seen
        seen.append(state)
    return state


def mirrored(reports: tuple[str, ...]) -> str:
    if "under_review" in reports:
        return "report_under_review"
    if "returned" in reports:
        return "report_returned"
    return "active" if "due" in reports else "reports_accepted"


REPORTS = [
    reports
    for number in (1, 2, 3)
    for reports in combinations_with_replacement(("due", "under_review", "returned", "accepted"), number)
]


@pytest.mark.parametrize("start", ["active", "report_under_review", "report_returned"])
def test_application_stands_where_its_reports_put_it(start: str) -> None:
    for reports in REPORTS:
        facts: dict[str, object] = {"children": {"report": reports}}
        assert settled(shipped("application"), start, facts) == mirrored(reports), reports


@pytest.mark.parametrize("start", ["lesson_due", "lesson_under_review"])
@pytest.mark.parametrize(
    ("lesson", "state"),
    [
        ("under_review", "lesson_under_review"),
        ("returned", "lesson_due"),
        ("published", "lesson_published"),
    ],
)
def test_application_stands_where_its_lesson_puts_it(start: str, lesson: str, state: str) -> None:
    facts: dict[str, object] = {"children": {"lesson": (lesson,)}}
    assert settled(shipped("application"), start, facts) == state


NEVER_SUBMITTED = ("draft", "discarded", "not_submitted")
BEFORE_THE_DECISION = ("submission", "review")


@pytest.mark.parametrize("state", [s for s in shipped("application").states if s not in NEVER_SUBMITTED])
@pytest.mark.parametrize("review", UNDER_WAY)
def test_reviews_are_called_off_when_the_proposal_is_out_of_review(state: str, review: str) -> None:
    stands = shipped("application").state(state)
    move = shipped("review").automatic(review, {"parent": stands.standing})
    goes_on = stands.stage in BEFORE_THE_DECISION and not stands.final
    assert (move.trigger if move else None) == (None if goes_on else "call_off")


# ------------------------------------------------------------------ rehearsing


def test_story_that_goes_elsewhere_is_told_with_step_and_state() -> None:
    story = '[[paths]]\nname = "Wrong"\nfacts = { over_budget = "", award_missing = [] }\nstart = "deliberation"\n'
    for step, message in [
        ('{ by = "manager", does = "offer", to = "reserve" }', "leads to offered, not reserve"),
        ('{ by = "manager", does = "offer", refused = "role" }', "offer is not refused"),
        ('{ by = "manager", does = "decline", refused = "role" }', "Give a reason."),
        ('{ by = "manager", does = "decline", to = "declined" }', "Give a reason."),
        ('{ happens = "offer", to = "offered" }', "by itself happens None, not offer"),
    ]:
        (path,) = read_paths(f"{story}steps = [{step}]\n")
        with pytest.raises(Strayed) as strayed:
            rehearse(shipped("application"), path)
        assert str(strayed.value) == f"Wrong, step 1, in deliberation: {message}"


def test_story_in_which_something_unexpected_happens() -> None:
    (path,) = read_paths(
        '[[paths]]\nname = "Rest"\nstart = "offered"\nsteps = [{ passes = "offer", rests = true }]\n'
    )
    with pytest.raises(Strayed, match="by itself happens lapse_offer, not None"):
        rehearse(shipped("application"), path)


def test_every_shipped_file_has_its_paths_beside_it() -> None:
    files = {file.name for file in (resources.files("workflows") / "library").iterdir() if file.is_file()}
    assert files == {f"{name}{ending}" for name in NAMES for ending in (".toml", ".paths.toml")}
