"""How long things usually take: told by those that went before, and only by those that went on."""

from datetime import timedelta

from fund.base.history import Usual, usual_times
from tests.support.world import draft, move, submit, world


def screened(session, here, start, days):
    """An application that waited so many days after it was submitted until somebody began to screen it."""
    application = draft(session, here, start)
    submit(session, here, application, start)
    move(session, application, "start_screening", here.manager, start + timedelta(days=days))
    return application


def test_the_middle_and_four_of_five_of_those_that_went_on(db, clock):
    now = clock.now()
    here = world(db, now)
    with db.write() as session:
        for days in (1, 2, 3, 4, 10):
            screened(session, here, now, days)
        usual = usual_times(session)["submitted"]
    assert (usual.stays, usual.days, usual.most_days) == (5, 3, 5)
    assert usual.middle == timedelta(days=3)


def test_little_history_says_nothing(db, clock):
    here = world(db, clock.now())
    with db.write() as session:
        for days in (1, 2):
            screened(session, here, clock.now(), days)
        assert usual_times(session) == {}


def test_moves_backwards_do_not_count(sqlite_db, clock):
    now = clock.now()
    here = world(sqlite_db, now)
    with sqlite_db.write() as session:
        for days in (1, 2, 3):
            application = draft(session, here, now)
            submit(session, here, application, now)
            later = now + timedelta(days=days)
            move(session, application, "return_for_changes", here.manager, later, reason="More, please.")
        found = usual_times(session)
    assert "submitted" not in found
    assert found["draft"].days == Usual(timedelta(0), timedelta(0), 3).days == 1
