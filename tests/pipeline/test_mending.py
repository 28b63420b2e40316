"""Mail that did not arrive: what a manager sees, what she can do about it, and who is told that he came too late."""

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlmodel import col, select

from fund.applying import comments
from fund.base import extending, ledger
from fund.base.settings import Settings
from fund.people import service as people
from fund.worker import Worker
from notifications import outbox
from schema.deadlines import Deadline
from schema.ledger import LedgerEvent
from schema.outbox import DeliveryAttempt, Message
from tests.security.test_double_click import twice
from tests.support.doors import Doors, hidden, shown
from tests.support.world import draft, person, submit, world


@pytest.fixture
def here(db, clock):
    return world(db, clock.now())


@pytest.fixture
def lost(here, clock, mailbox, tmp_path):
    """A reminder to Lucía that the mail server refused for good, and the worker that tried."""
    with here.db.write() as session:
        draft(session, here, clock.now())
    with here.db.read() as session:
        first = select(Message).where(
            Message.person_id == here.applicant.person_id, Message.kind == "reminder"
        )
        message = session.exec(first.order_by(col(Message.next_at))).first()
    clock.move_to(message.next_at)
    mailbox.refuse(here.applicant.email)
    settings = Settings(data_dir=tmp_path, smtp_host=mailbox.host, smtp_port=mailbox.port)
    worker = Worker(settings, here.db, clock)
    worker.sweep()
    yield message.id, worker
    worker.stop()


def stored(here, message_id) -> Message:
    with here.db.read() as session:
        return session.exec(select(Message).where(Message.id == message_id)).one()


def change(here, table, **values) -> None:
    with here.db.write() as session:
        for row in session.exec(select(table)):
            for name, value in values.items():
                setattr(row, name, value)


def test_the_address_is_corrected_and_the_mail_goes_out(here, clock, mailbox, lost):
    key, worker = lost
    browser = Doors(here.db, clock).browser(here.manager)
    before = stored(here, key)
    listed = browser.get("/mail/problems")
    said = shown(listed.text)
    assert "550 5.1.1 No such mailbox" in said
    assert "To decide (1)" in said
    form = {"email": "nobody", "seen": hidden(listed.text, "seen")}
    wrong = browser.post(f"/mail/{key}/correct-address", data=form)
    assert (wrong.status_code, "Enter an email address like" in wrong.text) == (422, True)
    form["email"] = "Lucia@New.Example"
    assert browser.post(f"/mail/{key}/correct-address", data=form).status_code == 303
    worker.sweep()
    (mail,) = mailbox.to("lucia@new.example")
    after = stored(here, key)
    assert (after.status, after.attempts, after.mail_id) == ("sent", 1, before.mail_id)
    assert mail.mail_id == f"<{before.mail_id}>"
    page = shown(browser.get(f"/mail/{key}").text)
    assert "The address was corrected, and it was sent again" in page
    assert here.manager.name in page
    assert page.index(f"· to {here.applicant.email}") < page.index("· to lucia@new.example")
    assert "Nothing more." in page
    assert "A reminder, 14 days before “Submit the proposal” is due." in page
    assert "The email address was changed." in browser.get(f"/people/{here.applicant.person_id}").text
    assert "No mail waits for a decision." in browser.get("/mail/problems").text
    with here.db.read() as session:
        assert len(session.exec(select(DeliveryAttempt).where(DeliveryAttempt.message_id == key)).all()) == 2
        assert not ledger.verify(session).broken
        event = session.exec(select(LedgerEvent).where(LedgerEvent.chain == f"message:{key}")).one()
        assert (event.action, event.source, event.target) == ("mail_corrected", "dead", "pending")


def test_what_nobody_knows_of_goes_again_under_its_first_message_id(here, clock, mailbox, tmp_path):
    with here.db.write() as session:
        submit(session, here, draft(session, here, clock.now()), clock.now())
    mailbox.drop("DOT", keep=True, times=1)
    parked = Settings(
        data_dir=tmp_path, smtp_host=mailbox.host, smtp_port=mailbox.port, unknown_outcome="park"
    )
    worker = Worker(parked, here.db, clock)
    worker.sweep()
    program = Doors(here.db, clock).program(here.manager)
    (unsure,) = program.get("/api/v1/mail/problems").json()["items"]
    assert (unsure["status"], unsure["against"]) == ("uncertain", [])
    assert program.post(f"/api/v1/mail/{unsure['id']}/send-again", json={"seen": 0}).status_code == 200
    worker.sweep()
    worker.stop()
    assert stored(here, unsure["id"]).status == "sent"
    first, *_others, last = [mail.mail_id for mail in mailbox.messages]
    assert first == last == f"<{stored(here, unsure['id']).mail_id}>"


def test_given_up_it_stays_on_record_with_the_reason_and_who(here, clock, lost):
    key, worker = lost
    browser = Doors(here.db, clock).browser(here.manager)
    form = {"seen": "0", "reason": " "}
    assert "Say why it is given up" in browser.post(f"/mail/{key}/give-up", data=form).text
    form["reason"] = "She left the city"
    assert browser.post(f"/mail/{key}/give-up", data=form).status_code == 303
    worker.sweep()
    assert (stored(here, key).status, stored(here, key).attempts) == ("cancelled", 1)
    page = shown(browser.get(f"/mail/{key}").text)
    for words in ("Given up: “She left the city”", here.manager.name, "550 5.1.1 No such mailbox"):
        assert words in page
    with here.db.read() as session:
        event = session.exec(select(LedgerEvent).where(LedgerEvent.chain == f"message:{key}")).one()
        assert (event.action, event.source, event.target) == ("mail_given_up", "dead", "cancelled")
        assert (event.actor_id, event.note) == (here.manager.person_id, "She left the city")


@pytest.fixture
def taken(here, clock, mailbox, tmp_path):
    """The receipt to Lucía, which the mail server took, and the worker that sent it."""
    with here.db.write() as session:
        submit(session, here, draft(session, here, clock.now()), clock.now())
    worker = Worker(
        Settings(data_dir=tmp_path, smtp_host=mailbox.host, smtp_port=mailbox.port), here.db, clock
    )
    worker.sweep()
    with here.db.read() as session:
        receipt = select(Message).where(Message.address == here.applicant.email, Message.status == "sent")
        key = session.exec(receipt).one().id
    yield key, worker
    worker.stop()


def test_what_came_back_is_decided_on_like_all_that_is_stuck(here, clock, mailbox, taken):
    key, worker = taken
    browser = Doors(here.db, clock).browser(here.manager)
    form = {"seen": hidden(browser.get(f"/mail/{key}").text, "seen"), "said": "x" * 501}
    assert "Shorten this to 500 characters" in browser.post(f"/mail/{key}/came-back", data=form).text
    form["said"] = "550 Mailbox full"
    assert browser.post(f"/mail/{key}/came-back", data=form).status_code == 303
    assert browser.post(f"/mail/{key}/came-back", data=form).status_code == 409
    listed = browser.get("/mail/problems").text
    assert "It came back: “550 Mailbox full”" in shown(listed)
    for way_out in ("send-again", "correct-address", "give-up"):
        assert f"/mail/{key}/{way_out}" in listed
    with here.db.read() as session:
        event = session.exec(select(LedgerEvent).where(LedgerEvent.chain == f"message:{key}")).one()
        assert (event.action, event.source, event.target) == ("mail_came_back", "sent", "dead")
        tries = session.exec(select(DeliveryAttempt.outcome).where(DeliveryAttempt.message_id == key)).all()
        assert tries == ["sent"]
    corrected = {"email": "lucia@new.example", "seen": hidden(listed, "seen")}
    assert browser.post(f"/mail/{key}/correct-address", data=corrected).status_code == 303
    worker.sweep()
    assert stored(here, key).status == "sent"
    assert [mail.mail_id for mail in mailbox.to("lucia@new.example")] == [f"<{stored(here, key).mail_id}>"]


def test_only_a_manager_says_that_a_mail_came_back_and_only_of_one_that_was_sent(here, clock, taken):
    key, _worker = taken
    doors = Doors(here.db, clock)
    assert f"/mail/{key}/came-back" not in doors.browser(here.auditor).get(f"/mail/{key}").text
    assert (
        doors.program(here.auditor).post(f"/api/v1/mail/{key}/came-back", json={"seen": 0}).status_code == 403
    )
    with here.db.read() as session:
        waiting = session.exec(select(Message.id).where(Message.status == "pending")).first()
    program = doors.program(here.manager)
    assert program.post(f"/api/v1/mail/{waiting}/came-back", json={"seen": 0}).status_code == 409
    said = program.post(f"/api/v1/mail/{key}/came-back", json={"seen": 0})
    assert (said.status_code, said.json()["status"], said.json()["why"]) == (200, "dead", "It came back.")


def test_what_is_not_true_any_more_is_not_sent_again(here, clock, lost):
    key, _worker = lost
    program = Doors(here.db, clock).program(here.manager)

    def against() -> list[str]:
        answer = program.post(f"/api/v1/mail/{key}/send-again", json={"seen": 0})
        assert (answer.status_code, stored(here, key).status) == (409, "dead")
        (listed,) = program.get("/api/v1/mail/problems").json()["items"]
        assert listed["against"] == answer.json()["reasons"]
        return listed["against"]

    change(here, Deadline, generation=7)
    assert against() == ["The day was moved. New reminders are planned."]
    change(here, Deadline, status="met")
    assert against() == ["What it reminds of is done."]
    change(here, Deadline, status="open", generation=1)
    with here.db.write() as session:
        people.disable(session, here.manager, here.applicant.person_id, clock.now())
    assert against() == ["This person can no longer sign in. Give them access again first."]
    page = Doors(here.db, clock).browser(here.manager).get(f"/mail/{key}").text
    assert "It cannot be sent again:" in page
    assert f"/mail/{key}/send-again" not in page


def test_of_two_managers_at_once_one_wins(here, clock, lost):
    key, worker = lost
    path = f"/api/v1/mail/{key}"
    assert twice(here, clock, here.manager, f"{path}/send-again", {"seen": 0}) == [200, 409]
    assert stored(here, key).status == "pending"
    clock.advance(timedelta(minutes=1))
    worker.sweep()
    assert stored(here, key).status == "dead"
    program = Doors(here.db, clock).program(here.second_manager)
    stale = program.post(f"{path}/give-up", json={"seen": 0, "reason": "No use"})
    assert stale.status_code == 409
    fresh = program.post(f"{path}/give-up", json={"seen": 1, "reason": "No use"})
    assert (fresh.status_code, fresh.json()["status"]) == (200, "cancelled")


def test_a_mail_says_why_it_waits_or_was_called_off(here, clock, lost):
    key, _worker = lost
    browser = Doors(here.db, clock).browser(here.manager)
    assert browser.post(f"/mail/{key}/send-again", data={"seen": "0"}).status_code == 303
    assert "Why it waits It is its turn." in shown(browser.get(f"/mail/{key}").text)
    with here.db.read() as session:
        later = select(Message.id).where(Message.kind == "reminder", col(Message.next_at) > clock.now())
        waiting = session.exec(later).first()
    assert "Why it waits Its moment has not come yet." in shown(browser.get(f"/mail/{waiting}").text)
    change(here, Message, status="cancelled", reason="waived: a manager waived the deadline")
    assert "A manager waived the deadline." in shown(browser.get(f"/mail/{waiting}").text)
    change(here, Message, status="expired", reason="")
    page = browser.get("/mail/problems").text
    assert 'href="/mail?status=expired">' in page
    assert "mails never went out: they would have come too late" in page


def test_only_managers_decide_and_nobody_about_the_own_member(here, clock, lost):
    key, _worker = lost
    doors = Doors(here.db, clock)
    auditor = doors.browser(here.auditor)
    assert "No such mailbox" in auditor.get("/mail/problems").text
    assert f"/mail/{key}/send-again" not in auditor.get("/mail/problems").text
    assert auditor.post(f"/mail/{key}/send-again", data={"seen": "0"}).status_code == 403
    assert doors.browser(here.applicant).get("/mail/problems").status_code == 403
    with here.db.write() as session:
        partial = person(session, "Own Member", clock.now(), roles=["manager"], members=[here.member_id])
    own = doors.browser(partial)
    assert "No such mailbox" not in own.get("/mail/problems").text
    assert own.post(f"/mail/{key}/send-again", data={"seen": "0"}).status_code == 404


def test_a_persons_mail_says_what_comes_what_went_and_what_did_not(here, clock, lost):
    key, _worker = lost
    doors = Doors(here.db, clock)
    page = shown(doors.browser(here.manager).get(f"/people/{here.applicant.person_id}/mail").text)
    coming, rest = page.split("What went", 1)
    assert "What comes next" in coming
    assert "Planned" in coming
    assert "No such mailbox" in rest.split("What did not go, and why", 1)[1]
    found = doors.program(here.auditor).get(f"/api/v1/people/{here.applicant.person_id}/mail").json()
    stuck = next(mail for mail in found if mail["id"] == key)
    assert (stuck["status"], stuck["seen"], stuck["against"]) == ("dead", 0, [])
    assert stuck["next"].startswith("Nothing by itself.")
    assert stuck["because"] == "A reminder, 14 days before “Submit the proposal” is due."
    assert {mail["next"] for mail in found if mail["status"] == "pending"} == {
        "It goes out at its moment, unless it is settled before."
    }
    assert doors.browser(here.manager).get("/people/99999/mail").status_code == 404


def test_a_notice_names_the_step_that_it_tells_of(here, clock):
    with here.db.write() as session:
        submit(session, here, draft(session, here, clock.now()), clock.now())
    program = Doors(here.db, clock).program(here.manager)
    found = program.get(f"/api/v1/people/{here.manager.person_id}/mail").json()
    assert "This happened: “Submit the proposal”" in {mail["because"] for mail in found}


def test_however_much_comes_what_went_and_what_did_not_stand_beside_it(here, clock, lost):
    path, doors = f"/people/{here.applicant.person_id}/mail", Doors(here.db, clock)
    whom = {"kind": "notice", "person_id": here.applicant.person_id, "now": clock.now()}
    with here.db.write() as session:
        for number in range(60):
            at = clock.now() + timedelta(days=100, minutes=number)
            outbox.queue(session, key=f"more:{number}", template=f"mail_{number:02}", at=at, **whom)
    browser, program = doors.browser(here.manager), doors.program(here.auditor)
    first, second = (browser.get(path, params=which).text for which in ({}, {"part": "next", "page": 2}))
    more = int(re.search(r"(\d+) more", shown(first)).group(1))
    assert "No such mailbox" in shown(first)
    assert ("Mail 59" in first, "Mail 59" in second, "No such mailbox" in shown(second)) == (
        False,
        True,
        False,
    )
    assert second.count('href="/mail/') == more == len(program.get(f"/api/v1{path}?page=2").json())


def test_a_mail_that_waits_is_shown_as_it_will_read_unless_it_is_about_a_draft(here, clock):
    with here.db.write() as session:
        submit(session, here, draft(session, here, clock.now()), clock.now())
        draft(session, here, clock.now(), title="Not yet yours")
    with here.db.read() as session:
        waiting = select(Message.id).where(Message.status == "pending").order_by(Message.next_at)
        to_screen, to_submit = (
            session.exec(
                waiting.where(Message.person_id == who.person_id, Message.template == "reminder")
            ).first()
            for who in (here.manager, here.applicant)
        )
    browser = Doors(here.db, clock).browser(here.auditor)
    found = re.search(r'href="(/mail/templates/[^"]*)"', browser.get(f"/mail/{to_screen}").text)
    assert "2 days left: Screen the proposal – Safe streets" in shown(
        browser.get(unescape(found.group(1))).text
    )
    assert "/mail/templates/" not in browser.get(f"/mail/{to_submit}").text


def test_mail_that_no_step_causes_says_what_did(here, clock):
    now = clock.now()
    with here.db.write() as session:
        application = draft(session, here, now)
        deadline = session.exec(select(Deadline).where(Deadline.application_id == application.id)).one()
        day = deadline.due_on + timedelta(days=3)
        extending.move(session, here.manager, deadline.id, day, "Late.", generation=1, now=now)
        submit(session, here, application, now)
        comments.say(session, here.second_manager, application.reference, "Who knows them?", now)
        whom = {"kind": "notice", "person_id": here.manager.person_id, "now": now}
        outbox.queue(session, key="weekly:1:2021-W38", template="weekly_overview", **whom)
        outbox.queue(session, key="newsletter:1:1", template="newsletter", **whom)
        waived = {"what": "Send the report", "reason": "It burnt."}
        outbox.queue(session, key="deadline_waived:1:1:1", template="deadline_waived", payload=waived, **whom)
    program = Doors(here.db, clock).program(here.auditor)
    found = [
        mail["because"]
        for viewer in (here.manager, here.applicant)
        for mail in program.get(f"/api/v1/people/{viewer.person_id}/mail").json()
    ]
    assert {
        "A manager gave “Submit the proposal” another day.",
        "A manager waived the deadline of “Send the report”.",
        "The newsletter was released, and this person gets it.",
        "It is the overview that managers get on Monday morning.",
        "Somebody wrote a comment on a proposal that this person takes part in.",
    } <= set(found)
    assert "The fund tells the person of something that happened." not in found


def test_words_newsletters_and_webhooks_are_found_beside_the_mail(here, clock):
    for viewer in (here.manager, here.auditor):
        browser = Doors(here.db, clock).browser(viewer)
        assert 'href="/mail"' in browser.get("/home").text
        page = browser.get("/mail").text
        for path in ("/mail/templates", "/newsletters", "/webhooks"):
            assert f'href="{path}"' in page
            assert browser.get(path).status_code == 200
