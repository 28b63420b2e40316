"""What a rehearsal tells: scenarios, invented proposals, what nobody could do, and what it leaves alone."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlmodel import SQLModel, col, select

from fund.base.errors import Invalid, NotFound
from fund.base.settings import Settings
from fund.rehearsing import telling
from fund.rehearsing.copying import LEFT_OUT, scratch
from fund.rehearsing.queries import HORIZON, rehearse
from fund.rehearsing.scenario import Manner, Scenario
from schema.applications import Application
from schema.ledger import LedgerEvent
from schema.mails import MailTemplate
from schema.outbox import Message
from schema.people import Membership, PersonRole
from tests.rehearsing.support import everything, planned_fund, rehearsed
from tests.support import world as worlds
from tests.support.world import world

IN_TIME, NOBODY = Scenario(Manner.IN_TIME), Scenario(Manner.NOBODY)
SOON = date(2021, 11, 15)


def test_a_round_without_proposals_gets_invented_ones_and_says_so(fund, clock):
    found = rehearsed(fund, NOBODY, clock.now(), until=SOON)
    assert (found.invented, found.total, found.applications) == (5, 0, 0)
    assert {mail.about for mail in found.mails} == {
        "Peace Incentive Fund 2022",
        *(f"Invented proposal {number}" for number in range(1, 6)),
    }
    lapsed = [mail for mail in found.mails if mail.template == "not_submitted"]
    assert len(lapsed) == 5
    assert found.busiest is not None
    assert sum(count for _name, count in found.people) == len(found.mails)
    assert [month for month, _mails in found.months] == [
        date(2021, 9, 1),
        date(2021, 10, 1),
        date(2021, 11, 1),
    ]


def test_without_reviewers_it_is_said_what_cannot_be_done(fund, clock):
    with fund.db.write() as session:
        for role in session.exec(select(PersonRole).where(PersonRole.role == "reviewer")):
            session.delete(role)
    found = rehearsed(fund, IN_TIME, clock.now(), applications=1, until=date(2021, 12, 1))
    stuck = [(one.about, one.deadline) for one in found.troubles]
    assert ("Invented proposal 1", "Screen the proposal") in stuck
    assert any("reviewer" in one.reason for one in found.troubles)
    assert {mail.template for mail in found.mails} >= {"overdue"}


def test_without_anybody_to_propose_that_is_said(fund, clock):
    with fund.db.write() as session:
        for membership in session.exec(select(Membership)):
            session.delete(membership)
    found = rehearsed(fund, IN_TIME, clock.now(), until=SOON)
    assert "Nobody can propose in this round." in {one.reason for one in found.troubles}


@pytest.mark.slow
def test_where_the_pot_is_empty_proposals_go_on_the_reserve_list(sqlite_db, clock):
    fund = planned_fund(sqlite_db, clock.now(), pot_minor=20_000_00)
    found = rehearsed(fund, IN_TIME, clock.now(), applications=2)
    about = {(mail.about, mail.template) for mail in found.mails}
    assert ("Invented proposal 1", "offer") in about
    assert {("Invented proposal 2", "reserve"), ("Invented proposal 2", "declined")} <= about


def test_only_the_round_and_no_secret_is_copied(db, clock):
    here = world(db, clock.now())
    with db.write() as session:
        for _ in range(3):
            application = worlds.draft(session, here, clock.now())
            worlds.submit(session, here, application, clock.now())
        other = worlds.open_round(session, here.manager, clock.now())
        worlds.draft(session, replace(here, round_id=other.id), clock.now(), title="Of the other round")
    before = everything(db)
    with scratch(db, here.round_id, most=2) as copy:
        found = everything(copy.database)
        with copy.database.read() as session:
            titles = session.exec(select(Application.title)).all()
            about = set(session.exec(select(Message.application_id).where(col(Message.application_id) > 0)))
            chains = session.exec(select(LedgerEvent.chain, LedgerEvent.seq)).all()
    assert titles == ["Safe streets"] * 2
    assert len(about) == 2
    assert sorted(chain for chain, _seq in chains) == [
        "application:1",
        "application:2",
        f"round:{here.round_id}",
    ]
    assert all(seq > 1 for _chain, seq in chains)
    assert [name for name in LEFT_OUT if found.get(name)] == []
    assert found["person"] == before["person"]
    assert everything(db) == before


def test_no_table_with_a_secret_is_copied():
    secret = re.compile("(token|code|secret|handle)(_hash)?$|_key$|^key$")
    # No key to a door, or needed to write mail.
    known = {"deadline.key", "member.country_code", "message.dedup_key", "person.mail_key"}
    columns = [column for table in SQLModel.metadata.sorted_tables for column in table.columns]
    found = {str(column) for column in columns if secret.search(column.name)}
    assert {name for name in found if name.partition(".")[0] not in LEFT_OUT} - known == set()


def test_a_copy_is_gone_afterwards(fund):
    with scratch(fund.db, fund.round_id) as copy:
        folder = copy.folder
        assert (folder / "rehearsal.sqlite3").exists()
    assert not folder.exists()


def test_mail_about_ones_own_member_is_left_to_others(fund, clock):
    found = rehearsed(fund, NOBODY, clock.now(), applications=2, until=SOON)
    own = next(mail.member_id for mail in found.mails if mail.about == "Invented proposal 1")
    left = found.apart_from({own})
    assert {mail.about for mail in found.mails} - {mail.about for mail in left.mails} == {
        "Invented proposal 1"
    }


def test_it_can_be_read_as_json_and_as_a_sheet(fund, clock):
    found = rehearsed(fund, NOBODY, clock.now(), applications=1, until=SOON)
    formula = replace(found.mails[0], subject="=1+1")
    found = replace(found, mails=[formula, *found.mails[1:]])
    (read,) = json.loads(telling.as_json([found]))
    assert [mail["subject"] for mail in read["mails"]] == [mail.subject for mail in found.mails]
    sheet = list(csv.DictReader(io.StringIO(telling.as_csv([found]))))
    assert [row["at"] for row in sheet] == [mail.at.isoformat() for mail in found.mails]
    assert sheet[0]["subject"] == "'=1+1"
    said = list(telling.lines(found))
    assert len(said) == len(found.mails) + len(found.troubles) + 2
    assert said[-1].startswith(f"  {len(found.mails)} mails to ")
    *_, last = telling.lines(replace(found, mails=found.mails[:1]))
    assert last.startswith("  1 mail to 1 person, most on 2021-")
    assert last.endswith(" (1); 0 proposals, 1 invented one.")


def test_a_round_that_is_not_there(fund, clock):
    with pytest.raises(NotFound, match="“no-such-round”"):
        rehearsed(replace(fund, slug="no-such-round"), NOBODY, clock.now())


def test_where_many_take_part_the_first_are_enough_for_a_page(sqlite_db, clock):
    here = world(sqlite_db, clock.now())
    with sqlite_db.write() as session:
        for number in range(3):
            worlds.draft(session, here, clock.now(), title=f"Proposal {number}")
    found = rehearse(sqlite_db, Settings(), here.round_slug, NOBODY, clock.now(), most=2)
    assert (found.applications, found.total) == (2, 3)
    assert {mail.about for mail in found.mails} & {f"Proposal {number}" for number in range(3)} == {
        "Proposal 0",
        "Proposal 1",
    }


@pytest.mark.parametrize(("text", "works"), [("{{ title }} {{ link }}", True), ("No link.", False)])
def test_words_that_a_manager_wrote_are_rehearsed(fund, clock, text, works):
    words = MailTemplate(
        template="not_submitted",
        language="en",
        subject="Too late: {{ title }}",
        text=text,
        html=f"<p>{text}</p>",
        saved_at=clock.now(),
        saved_by_id=fund.manager.person_id or 0,
    )
    with fund.db.write() as session:
        session.add(words)
    found = rehearsed(fund, NOBODY, clock.now(), applications=1, until=SOON)
    (lapsed,) = [mail.subject for mail in found.mails if mail.template == "not_submitted"]
    assert lapsed.startswith("Too late: " if works else "Not submitted in time: ")
    assert [one.deadline for one in found.troubles] == ([] if works else ["Not submitted"])


def test_it_ends_with_the_day_that_was_named(fund, clock):
    found = rehearsed(fund, NOBODY, clock.now(), until=date(2021, 10, 2))
    assert all(mail.at < found.until for mail in found.mails)
    assert found.until - clock.now() < timedelta(days=13)


@pytest.mark.parametrize("last", [date(9999, 12, 31), date(2021, 9, 21)])
def test_any_day_from_today_on_can_be_the_last(fund, clock, last):
    found = rehearsed(fund, NOBODY, clock.now(), applications=0, until=last)
    assert clock.now() < found.until <= clock.now() + HORIZON


@pytest.mark.parametrize("last", [date(1, 1, 1), date(2021, 9, 20)])
def test_no_day_before_can(fund, clock, last):
    with pytest.raises(Invalid):
        rehearsed(fund, NOBODY, clock.now(), until=last)


@pytest.mark.slow
def test_time_that_stands_still_goes_on_when_it_is_decided_so(sqlite_db, clock):
    here = world(sqlite_db, clock.now())
    with sqlite_db.write() as session:
        project = worlds.to_active(session, here, clock.now())
        worlds.move(session, project, "suspend", here.manager, clock.now(), reason="A flood.")
    found = rehearse(sqlite_db, Settings(), here.round_slug, IN_TIME, clock.now())
    told = [mail.template for mail in found.mails]
    assert told.index("resumed") < told.index("report_received") < told.index("completed")
    assert found.troubles == []
