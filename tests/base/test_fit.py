"""What the fund cannot carry out is found before anybody depends on it."""

import pytest

from fund.base.facts import KNOWN, SHARED, Unknown, fact, facts_of
from fund.base.fit import misfits
from fund.base.subjects import KINDS, get
from schema.applications import Application
from schema.rounds import Round
from tests.support.versions import later
from tests.support.world import draft, to_lesson_due, world
from workflows import library, shipped


@pytest.mark.parametrize("name", [name for name in library() if shipped(name).subject in KINDS])
def test_what_is_shipped_can_be_carried_out(name):
    assert misfits(shipped(name)) == []


@pytest.mark.parametrize(
    ("name", "edit", "said"),
    [
        (
            "review",
            ("", 'subject = "review"', 'subject = "parade"'),
            "error: subject: the fund moves nothing called parade",
        ),
        ("review", ("", "round.review_due_on", "round.nonsense"), "no day is kept as round.nonsense"),
        ("review", ("", "round.review_due_on", "round.title"), "no day is kept as round.title"),
        ("review", ("moves.submit", '"scorecard_complete"', '"form_complete"'), "asks for missing_answers"),
        (
            "report",
            ("", 'owner = "applicant"', 'owner = "reviewer"'),
            "there is no reviewer here to write to",
        ),
        (
            "application",
            ("moves.submit", 'to = "applicant", t', 'to = "reviewer", t'),
            "there is no reviewer here to write to",
        ),
        ("application", ("", 'child = "lesson"', 'child = "review"'), "the fund cannot start a review here"),
        (
            "application",
            ("", 'kind = "final" }', 'kind = "final", months = 2 }'),
            "months are counted for a report, after award.starts_on or after award.ends_on",
        ),
        (
            "application",
            ("", 'child = "lesson" }', 'child = "lesson", after = "award.ends_on" }'),
            "months are counted for a report",
        ),
        (
            "report",
            ("moves.hand_in", '["arrival"]', '["signature"]'),
            "no signature can be left on record here",
        ),
        (
            "lesson",
            ("moves.publish", 'records = ["publication"]\n', ""),
            "warning: no move leaves the publication",
        ),
    ],
)
def test_what_it_cannot_is_named(name, edit, said):
    assert said in "\n".join(map(str, misfits(later(name, edit))))


WIND_UP = """
[states.winding_up]
stage = "decision"
label = "Winding up"
read = ["manager"]

[moves.wind_up]
label = "Wind it up"
from = ["screening"]
to = "winding_up"
by = ["manager"]

[moves.wound_up]
label = "Finish winding up"
from = ["winding_up"]
to = "declined"
by = ["reviewer"]
"""


def wound_up(*edits):
    """What is found where a state can only be left by a reviewer's move, or by a move edited otherwise."""
    added = ("", "[deadlines.submission]", f"{WIND_UP}\n[deadlines.submission]")
    return [str(one).partition(": ")[2] for one in misfits(later("application", added, *edits))]


def test_a_move_by_people_that_there_are_not_is_nobodys_and_leads_nowhere():
    assert wound_up() == [
        "error: state winding_up: no way to an end: nothing leads out of it, and it declares no outcome",
        "error: move wound_up: nobody can make it: there is no reviewer here",
    ]


def test_a_move_that_others_can_make_besides_still_leads_on():
    both = ("moves.wound_up", '["reviewer"]', '["reviewer", "manager"]')
    assert wound_up(both) == ["warning: move wound_up: there is no reviewer here who could make it"]
    clock = ("moves.wound_up", 'by = ["reviewer"]', 'automatic = "facts"\nguards = ["all_reviews_in"]')
    assert wound_up(clock) == []


def test_a_round_needs_its_open_state():
    definition = later("round", ("", "[states.open]", "[states.opened]"), ("", '"open"', '"opened"'))
    assert [one.message for one in misfits(definition)] == [
        'no state is called "open": no proposal could be written'
    ]


def test_every_fact_that_a_workflow_may_ask_for_can_be_found(sqlite_db, clock):
    here = world(sqlite_db, clock.now())
    with sqlite_db.write() as session:
        to_lesson_due(session, here, clock.now())
        assert {Application, Round} <= set(KINDS.values())
        for kind in KINDS:
            found = dict(facts_of(session, get(session, kind, 1), clock.now()))
            assert found.keys() == KNOWN[kind].keys() >= {"round", "open_deadlines"}


@pytest.fixture
def _as_it_was(monkeypatch):
    """What a test registers is forgotten at its end."""
    for kind, found in KNOWN.items():
        monkeypatch.setitem(KNOWN, kind, dict(found))
    monkeypatch.setattr("fund.base.facts.SHARED", set(SHARED))


@pytest.mark.usefixtures("_as_it_was")
def test_a_fact_of_ones_own_is_known_for_its_kinds_found_once_and_its_name_is_taken(sqlite_db, clock):
    asked = []

    @fact("partners", "application", "review")
    def partners(_session, subject, now):
        asked.append((type(subject).__name__, now))
        return ("one",)

    here = world(sqlite_db, clock.now())
    with sqlite_db.write() as session:
        facts = facts_of(session, draft(session, here, clock.now()), clock.now())
        assert (facts["partners"], facts.get("partners"), facts.get("others", 0)) == (("one",), ("one",), 0)
        assert not facts.shared
        with pytest.raises(Unknown, match="the fund knows no fact 'others' of the subject application"):
            facts["others"]
    assert asked == [("Application", clock.now())]
    assert "partners" not in KNOWN["lesson"]
    with pytest.raises(ValueError, match="a fact named 'round' is registered for 'application' already"):
        fact("round")(lambda *_: "open")
    with pytest.raises(ValueError, match="there is no kind of thing called 'parade'"):
        fact("partners", "parade")(partners)
