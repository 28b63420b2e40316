"""A round begins with workflows that go together, or not at all."""

import re

import pytest

from fund.base import binding, definitions, soundness
from fund.base.errors import Invalid
from fund.base.migrating import bound_to
from schema.rounds import Round
from schema.workflows import RoundWorkflow
from tests.support.versions import VERSION, later, sifting, sifting_too
from tests.support.world import world
from workflows import Definition, Reason, shipped

BOTH = later("review", ("", '"screening"', '"screening", "sifting"'))
"""The workflow of a review that goes by the old name and the new one."""
GOING_BY = ("review", "round")
"""Workflows that go by stages of an application."""


def together(*others: Definition) -> dict[str, Definition]:
    """What a round would be bound to: what is shipped, with some in its place."""
    names = ("application", "review", "report", "lesson", "round")
    return {name: shipped(name) for name in names} | {one.subject: one for one in others}


def left_behind(*others: Definition) -> set[tuple[str, str, str]]:
    """Who goes by what of whom that is no more, given these versions besides those that are shipped."""
    chosen = together(*others)
    everything = [*chosen.values(), *together().values(), shipped("concept")]
    return {(one.behind.subject, one.state, one.ahead.name) for one in binding.gaps(chosen, everything)}


def test_what_is_shipped_goes_together():
    assert left_behind() == set()
    assert left_behind(shipped("concept")) == set()


def test_a_state_with_another_name_takes_all_along_that_go_by_it():
    """The round goes by the stage alone, whatever its states are called."""
    review, _round = sifting_too()
    assert left_behind(sifting()) == {("review", "screening", "application")}
    assert left_behind(sifting(), review) == set()
    assert left_behind(sifting(), BOTH) == set()


def test_so_does_a_stage_with_another_name():
    stage = ("", "[stages.review]", "[stages.reading]"), ("", 'stage = "review"', 'stage = "reading"')
    new = later("application", *stage)
    assert left_behind(new) == {
        ("review", "review/*", "application"),
        ("round", "review/*", "application"),
    }
    knows = ("", '"review/*"', '"review/*", "reading/*"')
    assert left_behind(new, later("review", knows)) == {("round", "review/*", "application")}
    assert left_behind(new, later("review", knows), later("round", knows)) == set()
    follow = [later(name, ("", '"review/*"', '"reading/*"')) for name in GOING_BY]
    concept = together(shipped("concept"), *follow)
    found = binding.gaps(concept, [*concept.values(), *together().values(), new])
    assert {(one.behind.name, one.state, one.places) for one in found} == {
        (name, "reading/*", ("review/*",)) for name in GOING_BY
    }
    assert "goes by the stage reading (" in found[0].reason
    assert ", has review in its place" in found[0].reason


def test_a_state_that_goes_to_another_stage_that_was_there_is_nobodys_fault():
    """Whoever goes by the stages means what stands in them."""
    assert left_behind(later("application", ("states.deliberation", '"review"', '"decision"'))) == set()


def test_another_workflow_that_kept_the_old_name_is_not_left_behind_either():
    review, round_ = sifting_too()
    chosen = together(shipped("concept"), review, round_)
    everything = [*chosen.values(), *together().values(), sifting()]
    found = binding.gaps(chosen, everything)
    assert {(one.behind.name, one.state, one.places) for one in found} == {
        ("review", "sifting", ("screening",))
    }
    assert binding.gaps(together(shipped("concept"), BOTH), [*everything, BOTH]) == []


def test_where_it_cannot_be_told_what_took_the_place_any_of_the_new_states_will_do():
    text = sifting().source.replace('label = "Screening"', 'label = "Sifting"')
    moved = re.sub(r'(\[states\.sifting\]\nstage = )"\w+"', r'\1"decision"', text)
    new = Definition.parse(moved)
    assert ("review", "screening", "application") in left_behind(new)
    assert left_behind(new, *sifting_too()) == set()


@pytest.fixture
def gone_ahead(db, clock):
    """A fund that accepted the new name of a state, and nothing that goes with it."""
    here = world(db, clock.now())
    with db.write() as session:
        definitions.store(session, sifting(), clock.now())
    return here


def test_no_round_is_bound_to_what_does_not_go_together_and_it_is_said_why(gone_ahead, clock):
    with gone_ahead.db.write() as session:
        round_ = session.get_one(Round, gone_ahead.round_id)
        with pytest.raises(Invalid) as refused:
            binding.pin(session, round_, clock.now())
        assert bound_to(session, round_)["application"].version == shipped("application").version
    said = refused.value.fields["workflow"]
    version = shipped("review").version
    assert f"“review”, version {version}, goes by the state screening (submit), while " in said
    assert f"“application”, version {VERSION}, has sifting in its place" in said


def test_when_the_others_have_followed_it_is_bound_to_all(gone_ahead, clock):
    review, round_definition = sifting_too()
    with gone_ahead.db.write() as session:
        assert {one.behind.name for one in binding.open_gaps(session)} == {"review"}
        definitions.store(session, BOTH, clock.now())
        assert binding.open_gaps(session) == []
        round_ = session.get_one(Round, gone_ahead.round_id)
        round_.workflow_id = definitions.store(session, round_definition, clock.now())
        binding.pin(session, round_, clock.now())
        found = bound_to(session, round_)
    assert [found[name].version for name in ("application", "review", "round")] == [VERSION] * 3
    assert found["review"].digest == BOTH.digest != review.digest


def test_why_no_round_can_be_planned_is_said_in_the_readers_language_to_its_last_word():
    review, round_ = sifting_too()
    chosen = together(sifting(), round_)
    found = binding.gaps(chosen, [*chosen.values(), *together().values(), shipped("concept"), review])
    refusal = binding.unfit(found)
    assert isinstance(refusal, Reason)
    said = refusal.translated(lambda text: f"<{text}>", lambda one, _many, _count: f"<{one}>")
    assert said.startswith("<The newest workflows do not go together: <“review”, version ")
    assert said.endswith(" in its place>. Give the fund a version that does, then plan the round.>")


def test_a_round_that_is_bound_to_a_mixture_is_told_until_it_is_at_its_end(gone_ahead, clock, caplog):
    with gone_ahead.db.write() as session:
        round_ = session.get_one(Round, gone_ahead.round_id)
        assert binding.gaps_of(session, round_) == []
        pin = session.get_one(RoundWorkflow, (round_.id, "application"))
        pin.workflow_id = definitions.store(session, sifting(), clock.now())
    assert soundness.report(gone_ahead.db) == 0
    [told] = [(one.levelname, one.getMessage()) for one in caplog.records]
    assert told[0] == "WARNING"
    assert told[1].startswith(f"round {gone_ahead.round_slug}: “review”, version ")
    assert " goes by the state screening (" in told[1]
    assert f"fund workflow migrate {gone_ahead.round_slug} …" in caplog.records[0].getMessage()
    with gone_ahead.db.write() as session:
        round_ = session.get_one(Round, gone_ahead.round_id)
        round_.state = next(one.name for one in shipped("round").states.values() if one.final)
        assert binding.gaps_of(session, round_) == []
