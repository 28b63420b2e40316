"""Whoever acts for the member that applies learns nothing of what the fund thinks of it, whatever else she is."""

import pytest
from sqlmodel import select

from fund.base.audience import Audience
from fund.pipeline import owed
from schema.outbox import Message
from schema.reviews import Review
from tests.support.doors import Doors
from tests.support.world import award, person, to_deliberation, world

FILE = ("", "/proposal", "/mail", "/history", "/award")
"""Tabs of the file of an application, below /pipeline/{reference}."""
CALLS = ("/deadlines", "/history", "/mail")
SECRETS = ("Reviewer A", "Reviewer B", "11,111", "1111111")
"""Who reviewed it, and how much may be offered."""


@pytest.fixture
def here(sqlite_db, clock):
    return world(sqlite_db, clock.now())


@pytest.fixture
def deliberated(here, clock):
    """Reference of a proposal with two reviews and terms that nobody has offered yet."""
    with here.db.write() as session:
        application = to_deliberation(session, here, clock.now(), "Our own")
        award(session, here, application, clock.now(), 11_111_11)
        return application.reference


@pytest.fixture(params=["manager", "auditor"])
def torn(request, here, clock):
    """Somebody of the fund who acts for the member too."""
    with here.db.write() as session:
        return person(session, "Nadia Torn", clock.now(), roles=[request.param], members=[here.member_id])


def test_her_own_file_stays_closed_to_her(here, clock, torn, deliberated):
    browser = Doors(here.db, clock).browser(torn)
    paths = [f"/pipeline/{deliberated}{tab}" for tab in FILE]
    paths += [f"/api/v1/applications/{deliberated}{call}" for call in CALLS]
    answers = {path: browser.get(path) for path in paths}
    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(paths, 403)
    assert browser.get(f"/applications/{deliberated}").status_code == 200


def test_the_lists_leave_it_out(here, clock, torn, deliberated):
    browser = Doors(here.db, clock).browser(torn)
    for path in ("/pipeline", "/pipeline?words=Our+own", "/mail", "/home", "/api/v1/pipeline"):
        text = browser.get(path).text
        assert not [secret for secret in (*SECRETS, deliberated) if secret in text], path
    with here.db.read() as session:
        about = session.exec(select(Message).where(Message.subject_kind == "review")).all()
        assert about
        assert {browser.get(f"/mail/{message.id}").status_code for message in about} == {404}
        asked = [one for one in owed.by(session, torn, clock.now()) if one.deadline.owner_role == "manager"]
        assert [one.title for one in asked if one.member] == []


def test_reviews_of_her_own_do_not_exist_for_her(here, clock, torn, deliberated):
    browser = Doors(here.db, clock).browser(torn)
    with here.db.read() as session:
        keys = session.exec(select(Review.id)).all()
    assert {browser.get(f"/reviews/{key}").status_code for key in keys} == {404}
    assert {browser.get(f"/api/v1/reviews/{key}").status_code for key in keys} == {404}


def test_no_mail_to_managers_goes_to_her(here, clock, torn, deliberated):
    with here.db.read() as session:
        review = session.exec(select(Review)).first()
        told = {someone.person_id for someone in Audience(session).people_in("manager", review)}
    assert told == {here.manager.person_id, here.second_manager.person_id}
