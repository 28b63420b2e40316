"""After a version that renames a state: history in the words of its time, the way and the usual times under the new."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from fund.applying import standing
from fund.base import migrating, trail, undo
from fund.base.eras import names_of_one
from fund.base.history import usual_times
from fund.pipeline import dossier
from schema.applications import Application
from schema.ledger import LedgerEvent
from schema.rounds import Round
from tests.support.versions import edited, sifting, sifting_too
from tests.support.world import assign, draft, move, submit, world
from workflows import Definition

SIFTING = Definition.parse(
    edited(
        edited(sifting().source, "states.sifting", 'label = "Screening"', 'label = "Sifting"'),
        "states.sifting",
        'applicant_label = "Being checked"',
        'applicant_label = "Being sifted"',
    )
)


@pytest.fixture
def here(db, clock):
    return world(db, clock.now())


def migrate(here, clock, *wanted, **places):
    with here.db.write() as session:
        round_ = session.get_one(Round, here.round_id)
        migrating.lock(session, round_)
        made = migrating.plan(session, round_, wanted, places, clock.now())
        migrating.carry_out(session, made, here.manager, "manager")


def screening(here, clock) -> int:
    """An application in screening, with reviewers."""
    with here.db.write() as session:
        application = draft(session, here, clock.now())
        submit(session, here, application, clock.now())
        move(session, application, "start_screening", here.manager, clock.now())
        for reviewer in here.reviewers[:2]:
            assign(session, here, application, reviewer, clock.now())
        return application.id or 0


def reviewed(here, clock, key: int) -> None:
    with here.db.write() as session:
        application = session.get_one(Application, key)
        move(session, application, "send_to_review", here.manager, clock.now())


def without_keys(here) -> None:
    """What a round's change said before it named the definitions by their keys."""
    with here.db.write() as session:
        told = session.exec(select(LedgerEvent).where(LedgerEvent.action == "workflows_changed"))
        for event in told:
            event.data = {name: value for name, value in event.data.items() if name != "keys"}


@pytest.mark.parametrize("old", [False, True], ids=["by-key", "by-version"])
def test_what_was_before_the_change_is_told_by_the_version_of_its_time(here, clock, old):
    began = clock.now()
    key = screening(here, clock)
    clock.advance(timedelta(days=2))
    migrate(here, clock, SIFTING, *sifting_too(), application={"screening": "sifting"})
    if old:
        without_keys(here)
    with here.db.read() as session:
        application = session.get_one(Application, key)
        steps = trail.steps(session, application)
        assert [(one.state.label, one.name, one.at, one.left, one.trigger) for one in steps[1:]] == [
            ("Submitted", "submitted", began, "draft", "submit"),
            ("Sifting", "sifting", began, "submitted", "start_screening"),
        ]
        led = undo.led_here(session, application)
        assert led is not None
        assert led.action == "start_screening"
    clock.advance(timedelta(days=1))
    reviewed(here, clock, key)
    with here.db.read() as session:
        application = session.get_one(Application, key)
        told = [
            (one.title, one.source, one.target)
            for one in dossier.history(session, application)
            if not one.about and one.source != one.target
        ]
        assert told[:4] == [
            ("Send to review", "Sifting", "In review"),
            ("Put onto another version of the workflow", "Screening", "Sifting"),
            ("Start screening", "Submitted", "Screening"),
            ("Submit the proposal", "Draft", "Submitted"),
        ]
        hers = standing.history(session, application)
        assert [one.title for one in hers] == [
            "Being reviewed",
            "Being checked",
            "Received by the fund",
            "Draft started",
        ]
        found = dossier.way(session, application, clock.now())
        assert found.wide.count('class="wf-taken"') == 3
        event = session.exec(
            select(LedgerEvent).where(
                col(LedgerEvent.action) == "start_screening", LedgerEvent.subject_id == key
            )
        ).one()
        assert dossier.title_of(session, event) == "Start screening"


def test_a_state_that_was_passed_before_it_was_renamed_is_on_the_way_under_its_new_name(here, clock):
    key = screening(here, clock)
    reviewed(here, clock, key)
    clock.advance(timedelta(days=1))
    migrate(here, clock, SIFTING, *sifting_too(), application={"screening": "sifting"})
    with here.db.read() as session:
        steps = trail.steps(session, session.get_one(Application, key))
    assert [(one.state.label, one.name, one.left) for one in steps[2:]] == [
        ("Screening", "sifting", "submitted"),
        ("In review", "in_review", "sifting"),
    ]


def test_nobody_has_to_say_what_a_state_is_called_in_which_nothing_stands(here, clock):
    key = screening(here, clock)
    clock.advance(timedelta(days=3))
    reviewed(here, clock, key)
    migrate(here, clock, SIFTING, *sifting_too())
    with here.db.read() as session:
        steps = trail.steps(session, session.get_one(Application, key))
        assert names_of_one(session, "application").keys() == {"screening", "sifting"}
    assert [(one.state.label, one.name, one.left) for one in steps[2:]] == [
        ("Screening", "sifting", "submitted"),
        ("In review", "in_review", "sifting"),
    ]


def test_usual_times_go_on_under_the_new_name(here, clock):
    keys = [screening(here, clock) for _ in range(4)]
    clock.advance(timedelta(days=3))
    reviewed(here, clock, keys[0])
    clock.advance(timedelta(days=1))
    migrate(here, clock, SIFTING, *sifting_too(), application={"screening": "sifting"})
    for key in keys[1:]:
        clock.advance(timedelta(days=1))
        reviewed(here, clock, key)
    with here.db.read() as session:
        usual = usual_times(session)
        assert names_of_one(session, "application").keys() == {"screening", "sifting"}
        assert names_of_one(session, "report") == {}
    assert usual["sifting"] == usual["screening"]
    assert (usual["sifting"].stays, usual["sifting"].middle) == (4, timedelta(days=5.5))


def test_a_state_that_took_in_another_is_not_the_same_state(here, clock):
    keys = [screening(here, clock) for _ in range(3)]
    clock.advance(timedelta(days=3))
    for key in keys:
        reviewed(here, clock, key)
    migrate(here, clock, SIFTING, *sifting_too(), application={"screening": "submitted"})
    with here.db.read() as session:
        assert names_of_one(session, "application") == {}
        assert "sifting" not in usual_times(session)
