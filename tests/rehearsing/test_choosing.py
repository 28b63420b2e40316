"""Which way forward the owner of a deadline takes: read from the workflow, whatever it is."""

import pytest

from fund.rehearsing.choosing import forward, instead, lapses, takes_money
from tests.rehearsing.support import VISITED
from workflows import Definition, library, shipped

WAYS = {
    ("application", "draft", "submission"): "submit",
    ("application", "submitted", "screening"): "start_screening",
    ("application", "screening", "screening"): "send_to_review",
    ("application", "returned", "resubmission"): "resubmit",
    ("application", "deliberation", "decision"): "offer",
    ("application", "offered", "offer"): "accept_offer",
    ("application", "suspended", "suspension_review"): "resume",
    ("application", "lesson_published", "close_file"): "complete",
    ("concept", "concept_received", "concept_screening"): "invite",
    ("concept", "invited", "proposal"): "submit",
    ("review", "assigned", "review"): "start",
    ("review", "in_progress", "review"): "submit",
    ("report", "returned", "report_changes"): "hand_in_again",
    ("lesson", "under_review", "lesson_check"): "publish",
    ("round", "planned", "opening"): "open",
    ("round", "decided", "archiving"): "archive",
}


@pytest.mark.parametrize(("where", "trigger"), WAYS.items(), ids=[".".join(way) for way in WAYS])
def test_the_way_forward(where, trigger):
    name, state, key = where
    definition = shipped(name)
    move = forward(definition, state, definition.deadline(key))
    assert move is not None
    assert move.trigger == trigger


@pytest.mark.parametrize("name", library())
def test_nobody_goes_back_or_does_harm_of_her_own_accord(name):
    definition = shipped(name)
    for state in definition.states.values():
        for key in state.deadlines:
            move = forward(definition, state.name, definition.deadline(key))
            assert move is None or (not move.revert and move.style != "danger" and move.target != state.name)


def test_closing_a_round_is_left_to_the_clock():
    definition = shipped("round")
    assert forward(definition, "open", definition.deadline("closing")) is None
    assert lapses(definition, "closing")


def test_where_the_pot_is_empty_the_reserve_list_comes_before_a_refusal():
    definition = shipped("application")
    decision, reserve = definition.deadline("decision"), definition.deadline("reserve_decision")
    offer = forward(definition, "deliberation", decision)
    assert offer is not None
    assert takes_money(offer)
    assert [instead(definition, "deliberation", decision), instead(definition, "reserve", reserve)] == [
        definition.move("put_on_reserve"),
        definition.move("decline"),
    ]


def test_a_state_of_ones_own_is_reached_and_left_by_the_moves_that_meet_its_deadlines():
    own = Definition.parse(VISITED)
    ways = [
        forward(own, "deliberation", own.deadline("decision")),
        forward(own, "site_visit", own.deadline("site_visit")),
    ]
    assert [move and move.trigger for move in ways] == ["visit", "offer"]


def test_what_lapses_is_known_from_the_workflow():
    assert [key for key in shipped("concept").deadlines if lapses(shipped("concept"), key)] == [
        "concept_note",
        "proposal",
        "offer",
    ]
