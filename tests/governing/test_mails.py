"""The words of mails, changed in the browser and by programs: tried, saved, compared, taken back, and sent."""

import re
from datetime import timedelta
from functools import partial
from time import thread_time

import pytest
from sqlmodel import col, select

from fund.base import ledger
from fund.base.errors import Conflict, Forbidden
from fund.governing import mail_queries, mail_service
from fund.web.i18n import catalogue
from notifications import outbox
from notifications.compose import Composer
from notifications.wording import Words
from schema.ledger import LedgerEvent
from schema.mails import MailTemplate
from schema.outbox import Message
from schema.people import Membership, Person
from tests.notifications.world import SETTINGS, Post
from tests.support.doors import hidden, shown
from tests.support.watching import at_once
from tests.support.world import draft, submit, world

RECEIPT = "/mail/templates/receipt"
TEXT = """{% extends "_base/body.txt" %}
{% block says %}
We have “{{ title }}”.
{% endblock %}
{% block link_label %}See it{% endblock %}"""
HTML = TEXT.replace("txt", "html").replace("We have “{{ title }}”.", "<p>We have “{{ title }}”.</p>")
WORDS = {"subject": "It is here: {{ title }}", "text": TEXT, "html": HTML}


@pytest.fixture
def sent(here, clock):
    """A proposal that was handed in: its receipt waits to go out."""
    with here.db.write() as session:
        application = draft(session, here, clock.now())
        submit(session, here, application, clock.now())
        return application.reference


def receipts(here) -> list[Message]:
    with here.db.read() as session:
        found = select(Message).where(Message.template == "receipt").order_by(col(Message.id))
        return list(session.exec(found))


def save(browser, follow: bool = True, **fields: str):
    """Save words as the page asks for it."""
    seen = hidden(browser.get(RECEIPT).text, "seen")
    answer = browser.post(RECEIPT, data={"language": "en", "seen": seen} | WORDS | fields)
    assert not follow or answer.status_code == 303, shown(answer.text)
    return answer


def test_every_mail_is_listed_with_who_gets_it_and_when(here, doors):
    page = shown(doors.browser(here.manager).get("/mail/templates").text)
    assert "Receipt applicant: Submit" in page
    assert "Sign in who wants to sign in: when somebody asks for it" in page
    assert "Digest who chose one email a day" in page
    assert "Put together by itself" in page
    with here.db.read() as session:
        for mail in mail_queries.listed(session):
            assert mail.uses, f"who gets {mail.template}, and when?"


def test_a_manager_tries_words_on_a_real_message_and_saves_them(here, doors, clock, sent):
    browser = doors.browser(here.manager)
    page = browser.get(RECEIPT)
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert f"{sent} · Safe streets · Lucía Prado" in page.text
    key = re.search(r'<option value="(message-\d+)"', page.text)[1]
    tried = browser.post(f"{RECEIPT}/look", data={"language": "en", "example": key} | WORDS)
    assert "sandbox" in tried.headers["content-security-policy"]
    assert "It is here: Safe streets" in tried.text
    assert "We have “Safe streets”." in tried.text
    assert 'sandbox="" srcdoc="&lt;!doctype html&gt;' in tried.text
    assert "mended" not in tried.text
    assert "Thank you" not in tried.text
    with here.db.read() as session:
        assert session.exec(select(MailTemplate)).all() == []
    save(browser, note="Shorter.")
    page = shown(browser.get(RECEIPT).text)
    assert "Changed" in page
    assert "Amina Bello Shorter." in page
    look = browser.get(f"{RECEIPT}/look")
    assert "It is here: Safe routes to school" in look.text, "an invented message"


def test_only_where_words_are_written_a_script_runs(here, doors, sent):
    save(doors.browser(here.manager))
    paths = (RECEIPT, f"{RECEIPT}/versions/1", f"{RECEIPT}/look", "/mail/templates/digest")
    for viewer in (here.manager, here.auditor):
        for path in paths:
            page = doors.browser(viewer).get(path)
            runs = viewer == here.manager and path == RECEIPT
            assert ("script-src 'self'" in page.headers["content-security-policy"]) == runs, path
            assert ("<script" in page.text) == runs, path
            assert "unsafe-inline" not in page.headers["content-security-policy"] or path.endswith("look")


def test_the_mail_goes_out_with_them_from_the_next_on_in_every_process(
    here, doors, clock, sent, mailbox, tmp_path
):
    with (
        Post(here.db, mailbox.port, clock, tmp_path) as one,
        Post(here.db, mailbox.port, clock, tmp_path / "b") as two,
    ):
        one.run_until_quiet()
        save(doors.browser(here.manager))
        _queue(here, clock, "second")
        one.run_until_quiet()
        _queue(here, clock, "third")
        two.run_until_quiet()
        doors.browser(here.manager).post(f"{RECEIPT}/reset", data={"language": "en", "seen": "1"})
        _queue(here, clock, "fourth")
        two.run_until_quiet()
    subjects = [mail.subject for mail in mailbox.to(here.applicant.email)]
    assert subjects[-4:] == [
        "Received: Safe streets",
        *["It is here: Safe streets"] * 2,
        "Received: Safe streets",
    ]


def _queue(here, clock, key):
    one = receipts(here)[0]
    with here.db.write() as session:
        outbox.queue(
            session, key=key, kind="notice", template="receipt", now=clock.now(), person_id=here.applicant.person_id,
            subject_kind="application", subject_id=one.subject_id, application_id=one.application_id, path=one.path,
        )  # fmt: skip


def test_what_cannot_be_used_after_all_goes_out_as_shipped_and_a_manager_sees_it(
    here, doors, clock, sent, mailbox, tmp_path
):
    """As words would that an older version of the product took."""
    with here.db.write() as session:
        session.add(
            MailTemplate(template="receipt", language="en", subject="{{ gone }}", text=TEXT, html=HTML,
                         saved_at=clock.now(), saved_by_id=here.manager.person_id)
        )  # fmt: skip
    with Post(here.db, mailbox.port, clock, tmp_path) as sender:
        sender.run_until_quiet()
    assert {one.status for one in receipts(here)} == {"sent"}
    assert {one.rendered_subject for one in receipts(here)} == {"Received: Safe streets"}
    browser = doors.browser(here.manager)
    assert "UndefinedError: 'gone' is undefined" in shown(browser.get("/mail/problems").text)
    assert "Could not be used" in shown(browser.get("/mail/templates").text)
    assert "It went out with the words that come with the product." in shown(browser.get(RECEIPT).text)
    save(browser)
    assert "UndefinedError" not in browser.get("/mail/problems").text


@pytest.mark.parametrize("words", [("{{ title", TEXT, HTML), ("Hello", "Hello", "<p>Hello</p>")])
def test_stored_words_that_cannot_even_be_read_stop_no_mail(here, clock, sent, words):
    composer = Composer(SETTINGS, catalogue)
    with here.db.write() as session:
        session.add(MailTemplate(template="receipt", language="en", subject=words[0], text=words[1], html=words[2],
                                 saved_at=clock.now(), saved_by_id=here.manager.person_id))  # fmt: skip
    with here.db.read() as session:
        mail = composer.compose(session, receipts(here)[0].id, clock.now())
    assert mail.subject == "Received: Safe streets"
    assert mail.failure.version_id == 1


def test_wrong_words_are_refused_and_nothing_typed_is_lost(here, doors, sent):
    browser = doors.browser(here.manager)
    answer = save(browser, follow=False, subject="Hello {{ nmae }}", html=HTML + "<script>")
    assert answer.status_code == 422
    page = shown(answer.text)
    assert "Line 1: “nmae” is not known. See the list of what a mail can tell. " in page
    assert "Hello {{ nmae }}</textarea>" in answer.text
    hostile = WORDS | {"html": HTML.replace("<p>", "<script>alert(1)</script><p>")}
    tried = browser.post(f"{RECEIPT}/look", data={"language": "en"} | hostile)
    assert "“&lt;script&gt;” may not stand in a mail" in tried.text
    assert "srcdoc" not in tried.text
    assert "<script" not in tried.text
    outside = browser.post(f"{RECEIPT}/look", data={"language": "en", **WORDS, "text": TEXT + " More."})
    assert (
        "Line 5: This stands outside of the blocks, so nobody would read it: write it between" in outside.text
    )


@pytest.mark.parametrize("words", ["{{ 'x' * 10**11 }}", "{{ 9**9**9 }}", "{% for a in link %}-{% endfor %}"])
def test_words_that_may_not_be_written_are_not_tried_out(here, doors, words):
    """A line of sums would keep the whole fund waiting while somebody types it."""
    tried = doors.browser(here.manager).post(
        f"{RECEIPT}/look", data={"language": "en", **WORDS, "subject": words}
    )
    assert "cannot be used in a mail" in shown(tried.text)
    assert "Subject line" not in shown(tried.text)


def test_versions_are_compared_and_taken_again(here, doors, clock, sent):
    browser = doors.browser(here.manager)
    save(browser, note="First.")
    clock.advance(timedelta(hours=1))
    save(browser, subject="Thank you: {{ title }}", note="Second.")
    page = browser.get(f"{RECEIPT}/versions/2")
    assert "- It is here: {{ title }} + Thank you: {{ title }}" in shown(page.text)
    assert "As before." in page.text
    assert "Holds now" in page.text
    first = browser.get(f"{RECEIPT}/versions/1")
    assert "It is here: Safe routes" in browser.get(f"{RECEIPT}/look?version=1").text
    seen = hidden(first.text, "seen")
    assert browser.post(f"{RECEIPT}/versions/1/restore", data={"seen": seen}).status_code == 303
    assert browser.post(f"{RECEIPT}/reset", data={"language": "en", "seen": "3"}).status_code == 303
    assert browser.post(f"{RECEIPT}/versions/2/restore", data={"seen": "4"}).status_code == 303
    page = shown(browser.get(RECEIPT).text)
    assert "Back to the version of 2021-09-21" in page
    assert "Back to the words that come with the product." in page
    with here.db.read() as session:
        events = session.exec(select(LedgerEvent).where(LedgerEvent.chain == "mail_template:receipt")).all()
        assert [event.action for event in events] == [
            "mail_words_saved", "mail_words_saved", "mail_words_saved", "mail_words_reset", "mail_words_saved",
        ]  # fmt: skip
        assert ledger.fault_in(session, "mail_template:receipt") is None


def test_two_who_save_at_once_are_told(db, clock):
    here = world(db, clock.now())
    composer, words = Composer(SETTINGS), Words(**WORDS)

    def save(viewer, seen=0):
        now = clock.now()
        return mail_service.save(db, viewer, composer, "receipt", "en", words, "", seen=seen, now=now)

    done = at_once([partial(save, here.manager), partial(save, here.second_manager)])
    assert sorted(type(one).__name__ for one in done) == ["Conflict", "MailTemplate"]
    with pytest.raises(Conflict):
        save(here.second_manager)
    assert save(here.manager, seen=1).id == 1, "the same words again are no version"


def test_nobody_who_writes_waits_while_words_are_tried(sqlite_db, clock):
    here = world(sqlite_db, clock.now())

    class Busy(Composer):
        """Somebody else writes whenever a mail is tried."""

        def told(self, *of):
            with sqlite_db.write() as session:
                session.get_one(Person, here.manager.person_id).name += "."
            return super().told(*of)

    words, now = Words(**WORDS), clock.now()
    mail_service.save(sqlite_db, here.manager, Busy(SETTINGS), "receipt", "en", words, "", seen=0, now=now)
    with sqlite_db.read() as session:
        assert session.get_one(Person, here.manager.person_id).name.endswith("..")
        assert session.exec(select(MailTemplate.template)).all() == ["receipt"]


def test_a_proposal_is_told_of_as_if_there_were_a_mail_and_what_is_over_goes_from_the_calendar(db, clock):
    here, composer = world(db, clock.now()), Composer(SETTINGS, catalogue)
    with db.write() as session:
        application = draft(session, here, clock.now())
        submit(session, here, application, clock.now())
        key = f"proposal-{application.id}"
    with db.read() as session:
        truth = mail_queries.example(session, here.manager, "offer", key, clock.now())
        assert composer.say(truth, clock.now()).subject == "We offer you a grant: Safe streets"
        receipt = session.exec(
            select(Message).where(Message.template == "receipt").order_by(col(Message.id))
        ).first()
        (over,) = composer.look_up(session, receipt.id).over
        assert over.label == "Submit the proposal"
        told = session.exec(select(Message).where(Message.template == "submitted_to_managers")).first()
        assert not composer.look_up(session, told.id).over
    with db.write() as session:
        outbox.queue(session, key="back", kind="notice", template="taken_back", now=clock.now(), subject_kind="round",
                     person_id=here.manager.person_id, subject_id=here.round_id)  # fmt: skip
        back = session.exec(select(Message).where(Message.template == "taken_back")).one()
        found = composer.look_up(session, back.id)
        assert (found.deadline, [one.label for one in found.over]) == (None, ["Open the round"])


def test_languages_without_changed_words_are_named():
    row = MailTemplate(template="offer", language="es", subject="s", text="t", html="h")
    assert mail_queries.Listed("offer", [], {"es": row}).lacking == ["en"]
    assert mail_queries.Listed("offer", [], {}).lacking == []


def test_a_digest_names_a_mail_by_its_changed_subject_line(here, doors, clock, sent):
    save(doors.browser(here.manager))
    with here.db.write() as session:
        one = receipts(here)[0]
        outbox.queue(session, key="digest", kind="digest", template="digest", now=clock.now(),
                     person_id=here.applicant.person_id, path="/home")  # fmt: skip
        whole = session.exec(select(Message).where(Message.template == "digest")).one()
        part = session.get_one(Message, one.id)
        part.digest_id, part.status = whole.id, "gathered"
        session.flush()
        mail = Composer(SETTINGS, catalogue).compose(session, whole.id, clock.now())
    assert "* It is here: Safe streets" in mail.text


def test_a_conflict_shows_what_was_typed(here, doors, sent):
    browser = doors.browser(here.manager)
    save(browser)
    answer = browser.post(RECEIPT, data={"language": "en", "seen": "0"} | WORDS | {"subject": "Mine"})
    assert answer.status_code == 409
    assert "Somebody saved other words of this mail since you began." in answer.text
    assert "Mine</textarea>" in answer.text


def test_managers_only_and_auditors_read(here, doors, sent):
    for viewer in (here.applicant, here.reviewers[0]):
        browser = doors.browser(viewer)
        for path in ("/mail/templates", RECEIPT, f"{RECEIPT}/look"):
            assert browser.get(path).status_code == 403
        assert browser.post(RECEIPT, data=WORDS).status_code == 403
    auditor = doors.browser(here.auditor)
    page = auditor.get(RECEIPT)
    assert page.status_code == 200
    assert "Check and save" not in page.text
    for path in (RECEIPT, f"{RECEIPT}/look", f"{RECEIPT}/reset"):
        assert auditor.post(path, data=WORDS | {"language": "en", "seen": "0"}).status_code == 403
    with pytest.raises(Forbidden), here.db.write() as session:
        mail_service.reset(session, here.auditor, "receipt", "en", "", seen=0, now=here_now(doors))


def here_now(doors):
    return doors.clock.now()


def test_nobody_looks_at_mails_of_her_own_member_or_at_a_way_to_sign_in(here, doors, clock, sent):
    key = receipts(here)[0].id
    with here.db.write() as session:
        session.add(Membership(person_id=here.manager.person_id, member_id=here.member_id, since=clock.now()))
        outbox.queue(session, key="in", kind="sign_in", template="sign_in", now=clock.now(), address="a@example.org",
                     path="/sign-in/secret", payload={"code": "654321"})  # fmt: skip
    browser = doors.browser(here.manager)
    assert sent not in browser.get(RECEIPT).text
    assert browser.get(f"{RECEIPT}/look?example=message-{key}").status_code == 404
    with here.db.read() as session:
        door = session.exec(select(Message.id).where(Message.template == "sign_in")).one()
    page = browser.get("/mail/templates/sign_in")
    assert "message-" not in page.text
    assert browser.get(f"/mail/templates/sign_in/look?example=message-{door}").status_code == 404
    assert "123456" in browser.get("/mail/templates/sign_in/look").text


def test_where_no_mail_of_the_kind_went_out_a_proposal_is_taken(here, doors, sent):
    browser = doors.browser(here.manager)
    page = browser.get("/mail/templates/offer").text
    key = re.search(r'<option value="(proposal-\d+)"', page)[1]
    look = browser.get(f"/mail/templates/offer/look?example={key}").text
    assert "We offer you a grant: Safe streets" in look
    assert "Hello Amina Bello," in look
    for wrong in ("proposal-999999", "message-1", "nonsense", "proposal-x", "message-99999999999"):
        assert browser.get(f"/mail/templates/offer/look?example={wrong}").status_code == 404
    assert browser.get("/mail/templates/nothing").status_code == 404
    assert browser.get("/mail/templates/offer/versions/1").status_code == 404


def test_what_is_put_together_by_itself_is_not_changed(here, doors):
    browser = doors.browser(here.manager)
    assert "Check and save" not in browser.get("/mail/templates/digest").text
    answer = browser.post("/mail/templates/digest", data=WORDS | {"language": "en", "seen": "0"})
    assert answer.status_code == 409


def test_programs_read_check_save_and_take_back(here, doors, sent):
    program = doors.program(here.manager)
    names = {one["name"]: one for one in program.get("/api/v1/mail/templates").json()}
    assert names["receipt"]["uses"][0] == {"to": "applicant", "when": "Submit the proposal"}
    assert (names["digest"]["editable"], names["receipt"]["changed"]) == (False, [])
    path = "/api/v1/mail/templates/receipt/en"
    assert program.get(path).json()["subject"] == "Received: {{ title }}"
    wrong = WORDS | {"seen": 0, "subject": "{{ nix }}"}
    (flaw,) = program.post(f"{path}/check", json=wrong).json()
    assert (flaw["part"], flaw["line"], flaw["warning"]) == ("subject", 1, False)
    refused = program.put(path, json=wrong)
    assert refused.status_code == 422
    assert "“nix” is not known" in refused.json()["errors"]["subject"]
    saved = program.put(path, json=WORDS | {"seen": 0, "note": "Why not."}).json()
    assert (saved["subject"], saved["seen"], saved["changed"]) == (WORDS["subject"], 1, ["en"])
    assert saved["versions"][0]["note"] == "Why not."
    assert program.put(path, json=WORDS | {"seen": 0, "subject": "x"}).status_code == 409
    assert program.post(f"{path}/reset", json={"seen": 1}).json()["changed"] == []
    assert program.get("/api/v1/mail/templates/receipt/xx").status_code == 404
    assert program.put("/api/v1/mail/templates/receipt/xx", json=WORDS | {"seen": 0}).status_code == 422
    assert doors.program(here.auditor).get(path).status_code == 200
    assert doors.program(here.auditor).put(path, json=WORDS | {"seen": 2}).status_code == 403
    assert doors.program(here.applicant).get(path).status_code == 403


def test_versions_of_many_short_lines_are_compared_at_once() -> None:
    """Whoever looks at a version would wait for minutes where every line is held against every other."""
    before, after = (
        Words("s", "\n".join(f"{number * 7 + more:05}" for number in range(1500)), "h") for more in (0, 1)
    )
    began = thread_time()
    found = mail_queries.differences(before, after)["text"]
    assert thread_time() - began < 5
    assert [sign for sign, _line in found].count("+") == 1500
    assert mail_queries.differences(Words("a", "b\nc", ""), Words("a", "c\nd", ""))["text"] == [
        ("-", "b"),
        ("", "c"),
        ("+", "d"),
    ]


def test_a_planned_mail_is_looked_at_as_on_the_day_on_which_it_goes_out(here, doors, clock):
    with here.db.write() as session:
        draft(session, here, clock.now())
    browser = doors.browser(here.manager)
    page = browser.get("/mail/templates/reminder").text
    nearest = re.findall(r'<option value="(message-\d+)"', page)[0]
    with here.db.read() as session:
        planned = session.get_one(Message, int(nearest.partition("-")[2]))
        truth = mail_queries.example(session, here.manager, "reminder", nearest, clock.now())
        assert truth.deadline is not None
        left = (truth.deadline.due_at - planned.next_at).days
    word = "day" if left == 1 else "days"
    assert f"{left} {word} left:" in browser.get(f"/mail/templates/reminder/look?example={nearest}").text
    assert "days overdue:" in browser.get("/mail/templates/overdue/look").text
