"""What is copied for a rehearsal: all of the round, nothing of another, and whatever both stand on."""

from dataclasses import replace

import pytest
from sqlmodel import Session, SQLModel, select

from fund.rehearsing.copying import LEFT_OUT, scratch
from schema.applications import Application
from tests.rehearsing.support import everything
from tests.support import world as worlds
from tests.support.world import World
from tests.support.world import world as make_world

OF_A_ROUND = (
    "answer",
    "application",
    "award",
    "deadline",
    "lesson",
    "report",
    "review",
    "score",
    "submission",
)


@pytest.fixture
def here(db, clock) -> World:
    """Two rounds, each with a project whose lesson is published and a proposal that is being reviewed."""
    world = make_world(db, clock.now())
    with db.write() as session:
        other = worlds.open_round(session, world.manager, clock.now(), slug="other")
        filled(session, world, clock.now())
        filled(session, replace(world, round_id=other.id or 0), clock.now())
    return world


def filled(session: Session, world: World, now) -> None:
    worlds.to_published(session, world, now)
    application = worlds.draft(session, world, now)
    worlds.submit(session, world, application, now)
    worlds.assign(session, world, application, world.reviewers[0], now)


def test_all_of_the_round_comes_and_nothing_of_the_other(here):
    before = everything(here.db)
    with scratch(here.db, here.round_id) as copy:
        found = everything(copy.database)
        with copy.database.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    assert everything(here.db) == before
    assert {name: 2 * len(found[name]) for name in OF_A_ROUND} == {
        name: len(before[name]) for name in OF_A_ROUND
    }
    assert all(found[name] for name in OF_A_ROUND)
    for name in ("member", "membership", "person", "person_role", "workflow"):
        assert found[name] == before[name]


def test_every_row_is_as_it_was(here):
    before = everything(here.db)
    with scratch(here.db, here.round_id) as copy:
        found = everything(copy.database)
    strangers = {
        name: [row for row in rows if row not in before[name]]
        for name, rows in found.items()
        if name != "ledger_event"  # which is not sealed here
    }
    assert {name: rows for name, rows in strangers.items() if rows} == {}
    assert {name for name in LEFT_OUT if found.get(name)} == set()
    assert SQLModel.metadata.tables.keys() >= LEFT_OUT


def test_of_many_proposals_the_first_come_with_all_that_is_theirs(here):
    with scratch(here.db, here.round_id, most=1) as copy:
        found = {name: len(rows) for name, rows in everything(copy.database).items()}
        with copy.database.read() as session:
            states = session.exec(select(Application.state)).all()
    assert states == ["lesson_published"]
    assert {name: found[name] for name in ("round", "lesson", "report", "review", "award")} == {
        "round": 1,
        "lesson": 1,
        "report": 2,
        "review": 2,
        "award": 1,
    }
