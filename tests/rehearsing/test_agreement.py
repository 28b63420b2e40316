"""What is rehearsed is what then happens, mail by mail."""

from datetime import date, timedelta

import pytest
from sqlmodel import col, select

from fund.rehearsing.scenario import Manner, Scenario
from fund.rounds import running
from schema.people import DeclinedMail, Person
from schema.rounds import Round
from tests.rehearsing.support import VISITED, Fund, everything, lived, planned_fund, rehearsed, told
from tests.support import world as worlds

LATE = Scenario(Manner.LATE, late=9)
KINDS = ("reminder", "overdue", "escalation")
OTHERS = [
    pytest.param(Scenario(Manner.IN_TIME), "application", id="in-time"),
    pytest.param(Scenario(Manner.NOBODY), "application", id="nobody"),
    pytest.param(Scenario(Manner.IN_TIME, lead=1), "concept", id="concept-in-time"),
    pytest.param(Scenario(Manner.LATE, late=4), "concept", id="concept-late"),
]


def test_a_planned_round_happens_as_it_was_rehearsed(sqlite_db, clock, mailbox, tmp_path):
    fund = planned_fund(sqlite_db, clock.now(), project_months=3)
    before = everything(sqlite_db)
    rehearsal = rehearsed(fund, LATE, clock.now(), applications=1)
    assert everything(sqlite_db) == before
    assert mailbox.messages == []
    assert told(rehearsal) == lived(fund, mailbox, tmp_path, LATE, clock.now(), 1)
    templates = {mail.template for mail in rehearsal.mails}
    assert templates >= {
        "receipt",
        "overdue",
        "escalation",
        "offer",
        "project_started",
        "lesson_published",
        "completed",
    }
    assert rehearsal.troubles == []


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "workflow"), OTHERS)
def test_so_does_every_scenario_of_every_workflow(db, clock, mailbox, tmp_path, scenario, workflow):
    fund = planned_fund(db, clock.now(), workflow=workflow)
    before = everything(db)
    rehearsal = rehearsed(fund, scenario, clock.now(), applications=3)
    assert everything(db) == before
    assert told(rehearsal) == lived(fund, mailbox, tmp_path, scenario, clock.now(), 3)
    assert rehearsal.mails


@pytest.mark.parametrize("manner", [Manner.NOBODY, pytest.param(Manner.IN_TIME, marks=pytest.mark.slow)])
def test_a_round_under_way_goes_on_as_it_was_rehearsed(db, clock, mailbox, tmp_path, manner):
    scenario = Scenario(manner)
    world = worlds.world(db, clock.now())
    with db.write() as session:
        worlds.draft(session, world, clock.now(), title="Begun")
        worlds.submit(session, world, worlds.draft(session, world, clock.now(), title="Sent"), clock.now())
        worlds.to_active(session, world, clock.now())
        runs = [world.second_manager.person_id or 0]
        running.choose(session, world.manager, world.round_slug, runs, edition=None, now=clock.now())
    fund = Fund(db, world.manager, world.round_id, world.round_slug)
    clock.advance(timedelta(hours=3))
    before = everything(db)
    rehearsal = rehearsed(fund, scenario, clock.now())
    assert everything(db) == before
    assert (rehearsal.applications, rehearsal.total, rehearsal.invented) == (3, 3, 0)
    assert told(rehearsal) == lived(fund, mailbox, tmp_path, scenario, clock.now(), 0)
    assert {mail.about for mail in rehearsal.mails} >= {"Begun", "Sent", "Safe streets"}
    owed = {mail.recipient for mail in rehearsal.mails if mail.template in KINDS}
    assert (world.second_manager.email in owed, world.manager.email in owed) == (True, False)


@pytest.mark.slow
def test_a_year_of_many_proposals_of_which_a_third_is_funded(db, clock, mailbox, tmp_path):
    """How long 300 take is told by ``python -m bench.year``."""
    scenario, count = Scenario(Manner.IN_TIME), 24
    fund = planned_fund(
        db, clock.now(), members=9, reviewers=4, pot_minor=count // 3 * 20_000_00, project_months=4
    )
    rehearsal = rehearsed(fund, scenario, clock.now(), applications=count)
    assert told(rehearsal) == lived(fund, mailbox, tmp_path, scenario, clock.now(), count)
    offered = {mail.about for mail in rehearsal.mails if mail.template == "offer"}
    declined = {mail.about for mail in rehearsal.mails if mail.template == "declined"}
    assert (len(offered), len(declined)) == (count // 3, count - count // 3)
    assert rehearsal.troubles == []


@pytest.mark.slow
def test_so_does_a_workflow_of_the_funds_own_with_what_people_and_the_round_chose(
    db, clock, mailbox, tmp_path
):
    scenario = Scenario(Manner.LATE, late=2)
    fund = planned_fund(db, clock.now(), workflow_text=VISITED, closes_on=date(2021, 10, 25))
    with db.write() as session:
        for one in session.exec(select(Person).where(col(Person.name).in_(["Amina Bello", "Applicant 0"]))):
            one.digest = True
        session.add(DeclinedMail(person_id=fund.manager.person_id or 0, topic="progress"))
        round_ = session.get_one(Round, fund.round_id)
        round_.reminders = {"application.submission": [{"days": -5, "to": "applicant", "weekends": "before"}]}
        round_.holidays = [{"on": "2021-12-24", "name": "A holiday"}]
    rehearsal = rehearsed(fund, scenario, clock.now(), applications=3)
    assert told(rehearsal) == lived(fund, mailbox, tmp_path, scenario, clock.now(), 3)
    assert {"digest", "reminder", "offer"} <= {mail.template for mail in rehearsal.mails}
    assert "Visit the applicant" in " ".join(mail.subject for mail in rehearsal.mails)
    assert rehearsal.troubles == []
