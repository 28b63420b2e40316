"""Webhooks as managers keep them, in the browser and by the API, and what the fund tells them."""

import re
from datetime import date, timedelta

import pytest
from sqlmodel import col, select

from fund.base import extending, undo
from fund.base.clock import FixedClock, SystemClock
from fund.base.settings import Settings
from fund.governing import webhooks
from fund.rehearsing.scenario import Manner, Scenario
from fund.worker import Worker
from notifications.wanted import EVENTS
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent
from schema.outbox import Message
from schema.webhooks import Webhook
from tests.notifications.test_poster import is_signed
from tests.rehearsing.support import planned_fund, rehearsed
from tests.support.doors import Doors, shown
from tests.support.processes import fund
from tests.support.receiver import Receiver
from tests.support.world import draft, move, submit, world

REMINDERS = select(Message.dedup_key).where(Message.kind == "reminder", Message.status == "pending")
URL = "https://hooks.example.org/fund?key=s3cret"
TYPED = {"name": "Chat of the office", "url": URL, "events": ["application.moved", "reminder.due"]}


@pytest.fixture
def receiver():
    with Receiver() as found:
        yield found


def the(session) -> Webhook:
    return session.exec(select(Webhook)).one()


def calls(session) -> list[Message]:
    return list(session.exec(select(Message).where(Message.kind == "webhook").order_by(col(Message.id))))


def tries(session) -> list[Message]:
    """The calls that a manager tried it with."""
    return [call for call in calls(session) if call.template == "webhook.test"]


def actions(session) -> list[str]:
    chain = select(LedgerEvent.action).where(col(LedgerEvent.chain).startswith("webhook:"))
    return list(session.exec(chain.order_by(col(LedgerEvent.seq))))


def test_a_manager_registers_one_and_sees_its_secret_once(here, doors):
    browser = doors.browser(here.manager)
    assert "No program is called yet." in shown(browser.get("/webhooks").text)
    answer = browser.post("/webhooks", data=TYPED)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    (secret,) = re.findall(r"whsec_[A-Za-z0-9+/=]+", answer.text)
    with here.db.read() as session:
        hook = the(session)
        assert (hook.secret, hook.events, hook.with_people) == (
            secret,
            "application.moved reminder.due",
            False,
        )
        event = session.exec(select(LedgerEvent).where(LedgerEvent.chain == f"webhook:{hook.id}")).one()
        assert (event.action, event.actor_id) == ("created", here.manager.person_id)
        assert "hooks.example.org" not in str(event.model_dump())
    for path in ("/webhooks", f"/webhooks/{hook.id}"):
        page = browser.get(path).text
        assert "Chat of the office" in page
        assert secret not in page


def test_what_is_wrong_is_said_and_nothing_typed_is_lost(here, doors):
    answer = doors.browser(here.manager).post(
        "/webhooks", data={"name": " ", "url": "http://hooks.example.org/", "events": []}
    )
    assert answer.status_code == 422
    page = shown(answer.text)
    for said in (
        "Give it a name, by which you know it again",
        "Enter the whole address, such as https://hooks.example.org/fund",
        "Choose at least one thing that it is to hear of",
    ):
        assert said in page
    assert 'value="http://hooks.example.org/"' in answer.text


def test_this_machine_is_called_only_where_a_setting_allows_it(here, clock):
    typed = TYPED | {"url": "http://127.0.0.1:9/"}
    assert Doors(here.db, clock).browser(here.manager).post("/webhooks", data=typed).status_code == 422
    open_doors = Doors(here.db, clock, webhook_private=True)
    assert open_doors.browser(here.manager).post("/webhooks", data=typed).status_code == 200


def test_it_is_changed_given_another_secret_turned_off_and_on_and_all_is_on_record(here, doors, clock):
    browser = doors.browser(here.manager)
    browser.post("/webhooks", data=TYPED)
    changed = TYPED | {"name": "Text messages", "events": ["reminder.due"], "with_people": "yes"}
    assert browser.post("/webhooks/1", data=changed | {"edition": 1}).status_code == 303
    assert browser.post("/webhooks/1", data=changed | {"edition": 1}).status_code == 409
    assert "whsec_" in browser.post("/webhooks/1/secret", data={"edition": 2}).text
    with here.db.read() as session:
        rolled = the(session)
        assert (rolled.name, rolled.with_people) == ("Text messages", True)
        assert rolled.former_secret
        assert rolled.former_until == clock.now() + webhooks.BOTH_VALID
    assert "whsec_" in browser.post("/webhooks/1/secret", data={"edition": 3, "at_once": "yes"}).text
    browser.post("/webhooks/1/test", data={"edition": 4})
    browser.post("/webhooks/1/turn-off", data={"edition": 5})
    assert browser.post("/webhooks/1/test", data={"edition": 6}).status_code == 409
    browser.post("/webhooks/1/turn-on", data={"edition": 6})
    with here.db.read() as session:
        assert (the(session).former_secret, the(session).disabled_at) == (None, None)
        assert actions(session) == [
            "created", "changed", "secret_changed", "secret_changed", "tested", "turned_off", "turned_on",
        ]  # fmt: skip
        assert [call.status for call in tries(session)] == ["cancelled"]


def test_reminders_that_are_planned_already_are_heard_of_as_long_as_they_are_wanted(here, doors, clock):
    with here.db.write() as session:
        draft(session, here, clock.now())
    browser = doors.browser(here.manager)
    browser.post("/webhooks", data=TYPED)

    def heard() -> dict[str, set[str]]:
        """The keys of the calls by status, and of the reminders that wait."""
        with here.db.read() as session:
            found = {"waits": set(session.exec(REMINDERS))}
            for call in calls(session):
                found.setdefault(call.status, set()).add(call.dedup_key.removeprefix("hook:1:"))
        return found

    everything = heard()["waits"]
    assert heard() == {"waits": everything, "pending": everything}
    assert len(everything) >= 8
    edition = 1
    for path, typed, status in (
        ("", TYPED | {"events": ["deadline.moved"]}, "cancelled"),
        ("", TYPED, "pending"),
        ("/turn-off", {}, "cancelled"),
        ("/turn-on", {}, "pending"),
    ):
        browser.post(f"/webhooks/1{path}", data=typed | {"edition": str(edition)})
        assert heard() == {"waits": everything, status: everything}, (path, typed)
        edition += 1
    with here.db.read() as session:
        first = calls(session)[0]
        beside = session.exec(select(Message).where(Message.dedup_key == first.dedup_key[7:])).one()
    assert (first.next_at, first.deadline_id, first.reason) == (beside.next_at, beside.deadline_id, "")
    assert (first.person_id, first.payload["at"]) == (beside.person_id, beside.next_at.isoformat())


def test_only_managers_change_them_and_auditors_look(here, doors):
    doors.browser(here.manager).post("/webhooks", data=TYPED)
    auditor = doors.browser(here.auditor)
    page = auditor.get("/webhooks/1")
    assert (page.status_code, "Give it another secret" in page.text) == (200, False)
    assert URL not in auditor.get("/webhooks").text + page.text
    for viewer in (here.auditor, here.applicant, here.reviewers[0], None):
        browser = doors.browser(viewer)
        for path in ("", "/1", "/1/secret", "/1/test", "/1/turn-off", "/1/turn-on"):
            assert browser.post(f"/webhooks{path}", data=TYPED | {"edition": 1}).status_code in (
                303,
                401,
                403,
            )
    with here.db.read() as session:
        assert actions(session) == ["created"]


def test_the_api_does_the_same(here, doors):
    program = doors.program(here.manager)
    made = program.post("/api/v1/webhooks", json=TYPED)
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    found = program.get("/api/v1/webhooks").json()
    assert found == [{name: value for name, value in made.json().items() if name != "secret"}]
    assert (found[0]["url"], found[0]["edition"]) == (URL, 1)
    changed = program.put("/api/v1/webhooks/1", json=TYPED | {"with_people": True, "edition": 1})
    assert changed.json()["with_people"] is True
    assert program.put("/api/v1/webhooks/1", json=TYPED | {"edition": 1}).status_code == 409
    waiting = program.post("/api/v1/webhooks/1/test", json={"edition": 2}).json()["waiting"]
    assert waiting == changed.json()["waiting"] + 1
    rolled = program.post("/api/v1/webhooks/1/secret", json={"edition": 3}).json()
    assert rolled["secret"] != made.json()["secret"]
    assert rolled["former_secret_until"]
    assert program.post("/api/v1/webhooks/1/turn-off", json={"edition": 4}).json()["enabled"] is False
    assert program.post("/api/v1/webhooks/1/turn-on", json={"edition": 5}).json()["enabled"] is True
    wrong = program.post("/api/v1/webhooks", json=TYPED | {"events": ["application.deleted"]})
    assert (wrong.status_code, list(wrong.json()["errors"])) == (422, ["events"])
    assert doors.program(here.auditor).post("/api/v1/webhooks", json=TYPED).status_code == 403
    assert doors.program(here.auditor).get("/api/v1/webhooks").json()[0]["url"] == "https://hooks.example.org"


def test_a_call_stands_in_the_list_of_mail_and_can_be_made_again(here, doors, receiver, tmp_path, clock):
    worker = Worker(Settings(data_dir=tmp_path, webhook_private=True), here.db, clock)
    with here.db.write() as session:
        wish = webhooks.Wish("Chat", receiver.url, list(EVENTS))
        key, _secret = webhooks.add(session, here.manager, wish, clock.now(), private=True)
        webhooks.test(session, here.manager, key, 1, clock.now())
    receiver.answers(404)
    assert worker.poster.sweep() == 1
    browser = doors.browser(here.manager)
    assert "A test call" in shown(browser.get("/mail/problems").text)
    assert "A test call" in shown(browser.get(f"/webhooks/{key}").text)
    assert "webhook.test" not in shown(browser.get(f"/webhooks/{key}").text)
    heard = shown(doors.browser(here.auditor).get(f"/webhooks/{key}").text)
    assert "A deadline got another day" in heard
    assert "deadline.moved" not in heard
    with here.db.read() as session:
        (call,) = tries(session)
    page = shown(browser.get(f"/mail/{call.id}").text)
    for said in (
        "Webhook “Chat”",
        "A program wants to hear of it.",
        "The receiver refused it for good",
        "404",
    ):
        assert said in page
    assert "Correct the address" not in page
    assert browser.post(f"/mail/{call.id}/send-again", data={"seen": 0}).status_code == 303
    assert worker.poster.sweep() == 1
    assert len({call.headers["webhook-id"] for call in receiver.calls}) == 1
    assert "Arrived" in shown(browser.get(f"/webhooks/{key}").text)
    worker.stop()


def test_what_happens_to_a_proposal_is_told_as_it_happens(db, clock, receiver, tmp_path):
    here = world(db, clock.now())
    worker = Worker(Settings(data_dir=tmp_path, webhook_private=True), db, clock)
    with db.write() as session:
        wish = webhooks.Wish("Chat", receiver.url, [name for name in EVENTS if name != "reminder.due"])
        _key, secret = webhooks.add(session, here.manager, wish, clock.now(), private=True)
    with db.write() as session:
        application = draft(session, here, clock.now())
        submit(session, here, application, clock.now())
        move(session, application, "start_screening", here.manager, clock.now())
    with db.write() as session:
        back = undo.offer(session, application, here.manager, clock.now())
        undo.undo(session, application, here.manager, version=back.version, event=back.event, now=clock.now())
        owed = session.exec(
            select(Deadline).where(Deadline.status == "open", Deadline.application_id == application.id)
        )
        deadline = owed.first()
    assert worker.sweep() == 0 or receiver.calls == []
    assert receiver.calls == []
    worker.poster.sweep()
    assert all(is_signed(call, secret) for call in receiver.calls)
    told = [call.json for call in receiver.calls]
    moves = [one["data"] for one in told if one["type"] == "application.moved"]
    assert [(one["move"], one["from"], one["to"]) for one in moves] == [
        ("submit", "draft", "submitted"),
        ("start_screening", "submitted", "screening"),
        ("undone", "screening", "submitted"),
    ]
    about = {"id": application.id, "reference": application.reference, "round_id": here.round_id}
    assert all(one["application"] == about for one in moves)
    assert moves[0]["by"] == {"id": here.applicant.person_id}
    opened = [one["data"]["deadline"]["key"] for one in told if one["type"] == "deadline.opened"]
    assert "submission" in opened
    assert not re.search("Amina|Lucía|@", str(told))
    clock.move_to(deadline.grace_until)
    receiver.calls.clear()
    worker.sweep()
    worker.poster.sweep()
    passed = [one.json["data"]["deadline"] for one in receiver.calls if one.json["type"] == "deadline.passed"]
    assert deadline.id in [one["id"] for one in passed]
    worker.stop()


def test_a_deadline_with_another_day_is_told(here, clock):
    with here.db.write() as session:
        webhooks.add(session, here.manager, webhooks.Wish("Chat", URL, ["deadline.moved"]), clock.now())
        draft(session, here, clock.now())
        deadline = session.exec(select(Deadline).where(Deadline.key == "submission")).one()
        day = deadline.due_on.replace(year=deadline.due_on.year + 1)
        extending.move(
            session, here.manager, deadline.id, day, "Flood", generation=deadline.generation, now=clock.now()
        )
    with here.db.read() as session:
        (call,) = calls(session)
        assert call.template == "deadline.moved"
        assert call.payload["data"]["deadline"]["due_on"] == day.isoformat()
        assert "Flood" not in str(call.payload)


def test_a_rehearsal_calls_nobody_and_its_mails_are_the_same(sqlite_db, clock, receiver):
    planned = planned_fund(sqlite_db, clock.now())
    until = date(2021, 11, 15)
    before = rehearsed(planned, Scenario(Manner.NOBODY), clock.now(), until=until)
    with planned.db.write() as session:
        wish = webhooks.Wish("Chat", receiver.url, list(EVENTS))
        key, _secret = webhooks.add(session, planned.manager, wish, clock.now(), private=True)
        webhooks.test(session, planned.manager, key, 1, clock.now())
    after = rehearsed(planned, Scenario(Manner.NOBODY), clock.now(), until=until)
    told = [(mail.template, mail.day, mail.about) for mail in before.mails]
    assert [(mail.template, mail.day, mail.about) for mail in after.mails] == told
    assert receiver.calls == []
    with planned.db.read() as session:
        assert [call.status for call in tries(session)] == ["pending"]


def test_whoever_undoes_a_move_is_told_of_mails_only(here, clock):
    with here.db.write() as session:
        webhooks.add(session, here.manager, webhooks.Wish("Chat", URL, list(EVENTS)), clock.now())
        application = draft(session, here, clock.now())
        submit(session, here, application, clock.now())
        move(session, application, "start_screening", here.manager, clock.now())
        opened = {message.deadline_id for message in calls(session)} - {None}
        assert opened
        offer = undo.offer(session, application, here.manager, clock.now())
        mails = session.exec(
            select(Message.id).where(
                col(Message.webhook_id).is_(None),
                col(Message.deadline_id).in_([one.id for one in offer.called_off]),
            )
        ).all()
        notices = col(Message.dedup_key).startswith(f"move:application:{application.id}:{offer.event}:")
        assert offer.unsent == len(mails) + len(session.exec(select(Message.id).where(notices)).all())


@pytest.mark.slow
@pytest.mark.chaos
def test_a_worker_killed_in_the_middle_of_a_call_makes_it_again_under_the_same_id(
    sqlite_db, tmp_path, receiver
):
    clock = FixedClock(SystemClock().now())
    here = world(sqlite_db, clock.now())
    with here.db.write() as session:
        wish = webhooks.Wish("Chat", receiver.url, ["application.moved"])
        key, secret = webhooks.add(session, here.manager, wish, clock.now(), private=True)
        webhooks.test(session, here.manager, key, 1, clock.now())
    receiver.stalls()
    own = {"data_dir": tmp_path, "webhook_private": 1, "unknown_outcome": "park", "smtp_port": 1}
    with fund("worker", database_url=sqlite_db.url, sweep_seconds=1, **own) as running:
        first = receiver.wait_for_a_call()
        running.process.kill()
        running.process.wait()
    survivor = Worker(Settings(**own), sqlite_db, clock)
    survivor.sweep()
    with here.db.read() as session:
        (call,) = calls(session)
        assert (call.status, call.attempts) == ("pending", 1)
        assert call.reason == "The worker stopped while it was handing the mail over"
    clock.advance(timedelta(minutes=2))
    assert survivor.poster.sweep() == 1
    again = receiver.wait_for_a_call()
    assert again.headers["webhook-id"] == first.headers["webhook-id"]
    assert is_signed(again, secret)
    survivor.stop()
