"""How long a state usually takes is shown where somebody waits: to the manager, and to the applicant."""

from datetime import timedelta

from tests.support.doors import Doors
from tests.support.world import draft, move, submit, world


def test_shown_in_the_pipeline_on_the_file_and_to_the_applicant(sqlite_db, clock):
    here = world(sqlite_db, clock.now())
    start = clock.now()
    with sqlite_db.write() as session:
        for days in (4, 6, 8):
            application = draft(session, here, start)
            submit(session, here, application, start)
            move(session, application, "start_screening", here.manager, start + timedelta(days=days))
        waiting = draft(session, here, start)
        submit(session, here, waiting, start)
        reference = waiting.reference
    doors = Doors(sqlite_db, clock)
    manager, applicant = doors.browser(here.manager), doors.browser(here.applicant)

    assert "6 days" in manager.get("/pipeline").text
    file = manager.get(f"/pipeline/{reference}").text
    assert "Half of those before stayed no longer than 6 days, four of five no longer than 7 days." in file
    assert "Most proposals go on from here within 7 days." in applicant.get(f"/applications/{reference}").text
