"""An auditor reads who may do what, and who gave whom which rights; she changes none of it."""

import pytest

from fund.base.clock import FixedClock
from fund.base.database import Database
from fund.base.permissions import Viewer
from fund.people import service
from fund.people.fields import PersonDraft
from schema.people import Role
from tests.people.support import APPLICANT, NOW, make_manager, make_member, make_person
from tests.support.doors import Doors, shown

AUDITS = frozenset({Role.AUDITOR.value})


@pytest.fixture
def manager(sqlite_db: Database) -> Viewer:
    return make_manager(sqlite_db)


@pytest.fixture
def amina(sqlite_db: Database, manager: Viewer) -> Viewer:
    member = make_member(sqlite_db, manager)
    return make_person(sqlite_db, manager, members=frozenset({member.id or 0}))


def test_an_auditor_reads_and_changes_nothing(
    sqlite_db: Database, manager: Viewer, amina: Viewer, clock: FixedClock
) -> None:
    auditor = make_person(sqlite_db, manager, "aud@fund.example", "Aud", AUDITS)
    with sqlite_db.write() as session:
        changed = PersonDraft(APPLICANT, "Amina", frozenset({Role.REVIEWER.value}))
        service.change_person(session, manager, amina.person_id or 0, changed, NOW)
    doors = Doors(sqlite_db, clock)
    browser, program = doors.browser(auditor), doors.program(auditor)
    person = f"/people/{amina.person_id}"

    page = shown(browser.get(person).text)
    assert "Roles given: Reviewer" in page
    assert "No longer acts for" in page
    for path in ("/people", "/members", person):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert 'method="post" action="/people' not in answer.text
        assert "/new" not in answer.text
        assert program.get(f"/api/v1{path}").status_code == 200
    for path in ("/people/new", "/members/new", person, f"{person}/disable"):
        assert browser.post(path, data={"name": "Other"}).status_code == 403
    assert doors.browser(amina).get("/people").status_code == 403
