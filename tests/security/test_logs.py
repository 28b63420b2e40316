"""What is logged of an error: its place, and nothing by which somebody could act for somebody else."""

import logging

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from fund.people import choices, feeds, sign_in
from tests.support.doors import Doors
from tests.support.world import world

SECRET = "abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("path", "module", "name"),
    [
        (f"/calendar/{SECRET}/deadlines.ics", feeds, "holder"),
        (f"/unsubscribe/{SECRET}/digest", choices, "whose"),
        (f"/sign-in/{SECRET}", sign_in, "person_behind"),
    ],
)
def test_addresses_that_are_a_right_are_not_logged(sqlite_db, clock, monkeypatch, caplog, path, module, name):
    def broken(*_args, **_named):
        raise RuntimeError("no such luck")

    monkeypatch.setattr(module, name, broken)
    browser = Doors(world(sqlite_db, clock.now()).db, clock).browser()
    with caplog.at_level(logging.ERROR):
        assert browser.get(path).status_code == 500
    assert path.split("/")[1] in caplog.text
    assert SECRET not in caplog.text


def test_errors_of_the_database_tell_no_values(db):
    with (
        pytest.raises(OperationalError if db.dialect == "sqlite" else Exception) as caught,
        db.read() as session,
    ):
        session.execute(text("SELECT :value FROM nowhere"), {"value": SECRET})
    assert SECRET not in str(caught.value)
    assert "nowhere" in str(caught.value)
