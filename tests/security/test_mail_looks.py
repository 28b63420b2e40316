"""A look at how a mail comes out opens nothing that its reader has for herself alone."""

import pytest
from sqlmodel import select

from notifications import outbox
from schema.newsletters import Newsletter
from schema.outbox import Message
from schema.people import Person
from tests.support.doors import Doors
from tests.support.world import world

LETTER = [{"heading": "A round is open", "text": "Until May.", "path": "/rounds"}]


@pytest.fixture
def here(sqlite_db, clock):
    return world(sqlite_db, clock.now())


def test_the_key_that_ends_her_newsletters_is_in_her_own_mail_alone(here, clock):
    now = clock.now()
    with here.db.write() as session:
        letter = Newsletter(month="2021-09", subject="News", items=LETTER, created_at=now)
        session.add(letter)
        session.flush()
        outbox.queue(
            session, key="letter", kind="notice", template="newsletter", person_id=here.applicant.person_id,
            subject_kind="newsletter", subject_id=letter.id, path="/lessons", now=now,
        )  # fmt: skip
        message = session.exec(select(Message.id).where(Message.template == "newsletter")).one()
        key = session.get_one(Person, here.applicant.person_id).mail_key
    for viewer in (here.auditor, here.manager):
        browser = Doors(here.db, clock).browser(viewer)
        page = browser.get(f"/mail/templates/newsletter/look?example=message-{message}")
        assert key not in page.text
        assert page.status_code == 404
        assert f"message-{message}" not in browser.get("/mail/templates/newsletter").text
