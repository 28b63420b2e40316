"""A digest on the pages about mail: what it stands for, where its parts went, and who is told nothing of it."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from fund.base.settings import Settings
from fund.worker import Worker
from schema.outbox import Message
from schema.people import DeclinedMail, Membership, Person
from tests.support.doors import Doors, shown
from tests.support.world import draft, move, submit, world


@pytest.fixture
def here(sqlite_db, clock):
    return world(sqlite_db, clock.now())


@pytest.fixture
def digest(here, clock, mailbox, tmp_path):
    """The id of a digest of two receipts' worth of news to the second manager, sent the morning after."""
    with here.db.write() as session:
        session.get_one(Person, here.second_manager.person_id).digest = True
        for _ in range(2):
            submit(session, here, draft(session, here, clock.now()), clock.now())
    settings = Settings(data_dir=tmp_path, smtp_host=mailbox.host, smtp_port=mailbox.port)
    worker = Worker(settings, here.db, clock)
    worker.sender.run_until_quiet()
    assert not mailbox.to(here.second_manager.email)
    clock.advance(timedelta(days=1))
    worker.sender.run_until_quiet()
    worker.stop()
    with here.db.read() as session:
        return session.exec(select(Message.id).where(Message.kind == "digest")).one()


def test_the_page_of_a_digest_leads_to_its_parts_and_back(here, clock, mailbox, digest):
    (mail,) = mailbox.to(here.second_manager.email)
    assert mail.subject.startswith("2 messages for you")
    browser = Doors(here.db, clock).browser(here.manager)
    page = browser.get(f"/mail/{digest}")
    assert "What it stands for" in shown(page.text)
    assert "chose to get one a day" in shown(page.text)
    with here.db.read() as session:
        parts = session.exec(select(Message).where(Message.digest_id == digest)).all()
    assert [part.status for part in parts] == ["sent", "sent"]
    for part in parts:
        assert f'href="/mail/{part.id}"' in page.text
        own = browser.get(f"/mail/{part.id}").text
        assert f'href="/mail/{digest}"' in own
        assert "It went out in a digest" in shown(own)


def test_a_digest_that_tells_of_her_own_proposal_is_kept_from_a_manager(here, clock, digest):
    browser = Doors(here.db, clock).browser(here.manager)
    assert browser.get(f"/mail/{digest}").status_code == 200
    with here.db.write() as session:
        session.add(Membership(person_id=here.manager.person_id, member_id=here.member_id, since=clock.now()))
    assert browser.get(f"/mail/{digest}").status_code == 404
    assert f"/mail/{digest}" not in browser.get("/mail").text


def test_what_she_declined_stands_on_record_with_the_reason(here, clock, mailbox, tmp_path):
    with here.db.write() as session:
        session.add(DeclinedMail(person_id=here.applicant.person_id, topic="progress"))
        made = draft(session, here, clock.now())
        submit(session, here, made, clock.now())
        move(session, made, "withdraw", here.applicant, clock.now(), reason="We merged it.")
    settings = Settings(data_dir=tmp_path, smtp_host=mailbox.host, smtp_port=mailbox.port)
    worker = Worker(settings, here.db, clock)
    worker.sender.run_until_quiet()
    worker.stop()
    with here.db.read() as session:
        mine = select(Message).where(Message.person_id == here.applicant.person_id)
        (declined,) = session.exec(mine.where(col(Message.template) == "withdrawn")).all()
    page = shown(
        Doors(here.db, clock).browser(here.manager).get(f"/people/{here.applicant.person_id}/mail").text
    )
    assert declined.status == "cancelled"
    assert "She chose not to get this" in page
