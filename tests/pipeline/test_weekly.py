"""The weekly overview: in the manager's Monday morning, once, and only where there is something to tell."""

import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from html import unescape

import pytest
from sqlmodel import col, select

from fund.base.settings import Settings
from fund.pipeline import weekly
from fund.pipeline.queries import Filter
from fund.pipeline.wanted import wanted
from fund.web.mails import mail_settings
from fund.worker import Worker
from notifications.compose import Composer
from schema.applications import Application
from schema.deadlines import Deadline
from schema.newsletters import Newsletter
from schema.outbox import Message
from schema.people import Person
from schema.rounds import Round
from tests.support.doors import Doors, shown
from tests.support.world import draft, submit, world

MONDAY = datetime(2021, 9, 27, 8, 0, tzinfo=UTC)
"""As of when it counts, an hour before it goes out."""


@pytest.fixture
def here(db, clock):
    made = world(db, clock.now())
    with db.write() as session:
        for person in session.exec(select(Person)):
            person.zone = "UTC"
    return made


def queue(here, now):
    with here.db.write() as session:
        return weekly.queue_due(session, now)


def overviews(here):
    with here.db.read() as session:
        found = select(Message).where(Message.template == "weekly_overview").order_by(col(Message.id))
        return list(session.exec(found))


def submitted(here, now):
    with here.db.write() as session:
        application = draft(session, here, now)
        submit(session, here, application, now)
        return application.id


def test_on_monday_morning_once_with_what_there_is_to_tell(here, clock):
    submitted(here, clock.now())
    submitted(here, clock.now())
    with here.db.write() as session:
        open_ = select(Deadline).where(Deadline.status == "open", col(Deadline.application_id).is_not(None))
        late, soon, *_ = session.exec(open_.order_by(col(Deadline.id))).all()
        late.grace_until, late.due_at = MONDAY - timedelta(days=1), MONDAY - timedelta(days=1)
        soon.due_at = soon.grace_until = MONDAY + timedelta(days=3)
    assert queue(here, MONDAY - timedelta(minutes=1)) == 0
    sent = queue(here, MONDAY + timedelta(minutes=40))
    assert sent == len(overviews(here)) >= 1
    assert queue(here, MONDAY + timedelta(hours=5)) == 0
    counts = overviews(here)[0].payload["counts"]
    assert (counts["overdue"], counts["moved"], counts["stuck"]) == (1, 2, 0)
    assert counts["due"] >= 1
    assert {row.next_at for row in overviews(here)} == {MONDAY + timedelta(hours=1)}
    assert overviews(here)[0].dedup_key == f"weekly:{here.manager.person_id}:2021-W39"
    assert queue(here, MONDAY + timedelta(days=7)) == sent


def test_every_number_leads_to_what_was_counted(here, clock, tmp_path):
    for _ in range(3):
        submitted(here, clock.now())
    with here.db.write() as session:
        draft(session, here, clock.now(), title="A draft that nobody lists")
        proposals = session.exec(select(Application).order_by(col(Application.id))).all()
        for deadline in session.exec(select(Deadline)):
            deadline.due_at = deadline.grace_until = MONDAY + timedelta(days=8)
            if deadline.application_id in (proposals[0].id, proposals[3].id):
                deadline.due_at = deadline.grace_until = MONDAY + timedelta(days=7)
            if deadline.subject_kind == "round":
                deadline.due_at = deadline.grace_until = MONDAY + timedelta(days=2)
            if deadline.application_id == proposals[1].id:
                deadline.due_at = deadline.grace_until = MONDAY
            if deadline.application_id == proposals[2].id:
                deadline.due_at = deadline.grace_until = MONDAY - timedelta(days=7)
        session.get_one(Round, here.round_id).state_since = MONDAY - timedelta(days=3)
        for days, proposal in zip((0, 6, 7, 1), proposals, strict=True):
            proposal.state_since = MONDAY - timedelta(days=days)
    queue(here, MONDAY + timedelta(hours=1))
    message = next(one for one in overviews(here) if one.person_id == here.manager.person_id)
    with here.db.read() as session:
        mail = Composer(mail_settings(Settings(data_dir=tmp_path))).compose(session, message.id or 0, MONDAY)
    parts = message_from_bytes(mail.data, policy=policy.default)
    text = "".join(unescape(parts.get_body((kind,)).get_content()) for kind in ("plain", "html"))
    rounds = {name: count for name, count in message.payload["counts"].items() if "rounds" in name}
    assert rounds == {"rounds_overdue": 0, "rounds_still": 0, "rounds_due": 1, "rounds_moved": 1}
    assert text.count("1 round has something due this week") == 2
    links = set(re.findall(r"http://[^/]+(/pipeline\?told=(\w+)[^\s\"]+)", text))
    assert sorted(told for _link, told in links) == ["due", "moved", "overdue", "still"]
    assert text.count("1 proposal is still overdue with something from an earlier week") == 2
    clock.move_to(MONDAY + timedelta(days=3))
    browser = Doors(here.db, clock).browser(here.manager)
    for link, told in links:
        count = message.payload["counts"][told]
        assert count == {"overdue": 1, "still": 1, "due": 1, "moved": 2}[told]
        page = shown(browser.get(link).text)
        assert f"{count} application{'s' * (count > 1)}: " in page
        assert ("1 round: something due between" in page) == (told == "due")
        assert ("1 round: moved on between" in page) == (told == "moved")
        assert (" 20 September 2021 or before" if told == "still" else " 27 September 2021") in page


@pytest.mark.parametrize(
    "week", ["", "soon", "2021-09-27", "0001-01-01T00:00:00Z", "9999-12-31T23:59:00-23:59"]
)
def test_a_week_that_is_none_is_passed_over(week):
    assert wanted(told="due", week=week) == wanted(told="other", week="2021-09-27T09:00:00Z") == Filter()


def test_nothing_to_tell_is_not_told(here):
    with here.db.write() as session:
        for deadline in session.exec(select(Deadline)):
            deadline.status = "met"
        session.get_one(Round, here.round_id).state_since = MONDAY - timedelta(days=8)
    assert queue(here, MONDAY) == 0


def test_it_comes_in_her_own_morning(here, clock):
    submitted(here, clock.now())
    with here.db.write() as session:
        session.get_one(Person, here.manager.person_id).zone = "America/Bogota"
    queue(here, datetime(2021, 9, 27, 12, 59, tzinfo=UTC))
    assert here.manager.person_id not in {row.person_id for row in overviews(here)}
    queue(here, datetime(2021, 9, 27, 13, 0, tzinfo=UTC))
    assert here.manager.person_id in {row.person_id for row in overviews(here)}
    assert queue(here, MONDAY + timedelta(days=3)) == 0


def test_who_chose_digests_has_it_in_that_of_monday_morning(sqlite_db, clock, mailbox, tmp_path):
    """Its numbers, each with its link; whoever did not choose digests gets it by itself."""
    here = world(sqlite_db, clock.now())
    clock.move_to(MONDAY - timedelta(hours=10))
    with here.db.write() as session:
        session.get_one(Person, here.manager.person_id).digest = True
    submitted(here, clock.now())
    worker = Worker(
        Settings(data_dir=tmp_path, smtp_host=mailbox.host, smtp_port=mailbox.port), here.db, clock
    )
    for minutes in (20, 60, 80):
        clock.move_to(MONDAY + timedelta(minutes=minutes))
        worker.letters()
        worker.sender.run_until_quiet()
        if minutes == 20:
            assert mailbox.to(here.manager.email) == []
    worker.stop()
    (mail,) = mailbox.to(here.manager.email)
    assert mail.subject.startswith("2 messages for you")
    assert "Weekly overview of" in mail.text
    assert "1 proposal moved on in the last week" in mail.text
    link = "/pipeline?told=moved&week=2021-09-27T08:00:00Z"
    assert link in mail.text
    assert link in unescape(mail.html)
    alone = [one.subject for one in mailbox.to(here.second_manager.email)]
    assert sum("Weekly overview" in subject for subject in alone) == 1


def test_the_worker_writes_overviews_and_the_draft_of_the_newsletter_once(here, clock, tmp_path):
    submitted(here, clock.now())
    clock.move_to(MONDAY + timedelta(minutes=30))
    worker = Worker(Settings(data_dir=tmp_path), here.db, clock)
    for _ in range(2):
        worker.letters()
    worker.stop()
    assert here.manager.person_id in [row.person_id for row in overviews(here)]
    assert len(overviews(here)) == len({row.person_id for row in overviews(here)})
    with here.db.read() as session:
        assert session.exec(select(Newsletter.month)).all() == ["2021-09"]
