"""What the fund cannot carry out is found before anybody depends on it."""

import pytest

from fund.base.facts import facts_of
from fund.base.fit import FACTS, misfits
from fund.base.subjects import KINDS, get
from schema.applications import Application
from schema.rounds import Round
from tests.support.versions import later
from tests.support.world import to_lesson_due, world
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


def test_a_round_needs_its_open_state():
    definition = later("round", ("", "[states.open]", "[states.opened]"), ("", '"open"', '"opened"'))
    assert [one.message for one in misfits(definition)] == [
        'no state is called "open": no proposal could be written'
    ]


def test_the_table_of_facts_says_what_there_is(sqlite_db, clock):
    here = world(sqlite_db, clock.now())
    with sqlite_db.write() as session:
        to_lesson_due(session, here, clock.now())
        assert {Application, Round} <= set(KINDS.values())
        for kind in KINDS:
            assert frozenset(facts_of(session, get(session, kind, 1), clock.now())) == FACTS[kind]
