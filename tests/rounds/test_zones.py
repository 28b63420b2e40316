"""The zone of a round beside the reader's own, on every page; a round that closes anywhere on Earth."""

from tests.rounds.support import opened
from tests.support.doors import shown
from tests.support.world import assign, draft, move, submit

IN_BRUSSELS = "21 October 2021, Brussels time (UTC+2); for you 21 October 2021, 17:00, Bogota time (UTC-5)"


def test_an_applicant_elsewhere_reads_her_own_time_wherever_the_deadline_stands(doors, world, clock):
    with world.db.write() as session:
        draft(session, world, clock.now())
    browser = doors.browser(world.applicant)
    assert IN_BRUSSELS in shown(browser.get("/home").text)
    assert f"Closes on {IN_BRUSSELS}" in shown(browser.get("/rounds").text)
    listed = shown(browser.get("/applications").text)
    assert "Brussels time (UTC+2); for you 21 October 2021, 17:00, Bogota time (UTC-5)" in listed
    assert f"Closes on {IN_BRUSSELS}" in listed
    page = shown(browser.get(f"/rounds/{world.round_slug}").text)
    assert "End of 21 October 2021, Brussels time (UTC+2); for you 21 October 2021, 17:00" in page
    assert "Decision by 20 December 2021, Brussels time (UTC+1); for you 20 December 2021, 18:00" in page
    stranger = shown(doors.browser().get("/rounds").text)
    assert "Closes on 21 October 2021, Brussels time (UTC+2) (in 30 days)" in stranger


def test_those_who_look_after_it_read_their_own_time_too(doors, world, clock):
    with world.db.write() as session:
        application = draft(session, world, clock.now())
        submit(session, world, application, clock.now())
        move(session, application, "start_screening", world.manager, clock.now())
        assign(session, world, application, world.reviewers[0], clock.now())
    base = f"/pipeline/{application.reference}"
    reviewers = shown(doors.browser(world.manager).get(f"{base}/reviewers").text)
    assert "due on 20 November 2021, Brussels time (UTC+1); for you 20 November 2021, 23:00, UTC" in reviewers
    assert "Brussels time (UTC+2); for you 5 October 2021, 22:00, UTC" in shown(
        doors.browser(world.manager).get("/pipeline").text
    )
    assert "Brussels time (UTC+1); for you" in shown(doors.browser(world.reviewers[0]).get("/reviews").text)


def test_a_round_can_close_anywhere_on_earth(doors, world, clock):
    page = doors.browser(world.manager).get("/rounds/new").text
    assert '<option value="Etc/GMT+12">Anywhere on Earth</option>' in page
    round_ = opened(world.db, world.manager, clock.now(), zone="Etc/GMT+12")
    text = shown(doors.browser(world.applicant).get(f"/rounds/{round_.slug}").text)
    assert (
        "End of 1 November 2021, Anywhere on Earth (UTC-12) For you: 2 November 2021, 07:00, Bogota" in text
    )
    whole = doors.browser().get(f"/api/v1/rounds/{round_.slug}").json()
    assert (whole["zone"], whole["zone_name"]) == ("Etc/GMT+12", "Anywhere on Earth (UTC-12)")
    assert whole["closes_at"] == "2021-11-02T12:00:00Z"
