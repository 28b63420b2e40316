"""A state is added as docs/workflows.md tells: one file, a mail, and nothing else. Then the fund lives by it."""

import re
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import icalendar
import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from fund.base import access, definitions
from fund.base.errors import MoveRefused
from fund.worker import mail_settings
from notifications import alive
from notifications.compose import TEMPLATES, Composer
from notifications.sender import Sender
from notifications.smtp import Server, Transport
from schema.deadlines import Deadline
from schema.rounds import Round
from tests.support.doors import Doors, shown
from tests.support.versions import edited, later
from tests.support.world import World, assign, move, review_in, to_deliberation, world
from workflows import Definition, library, shipped
from workflows.check import check_text

DOCS = Path(__file__).parents[2] / "docs" / "workflows.md"
ADDITION = DOCS.read_text("utf-8").split("## To add a state")[1].split("```toml\n")[1].split("```")[0]
TEXT = edited(later().source, "moves.withdraw", '"reserve"', '"reserve", "site_visit"') + ADDITION


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """The fund's mails and that of the visit, copied from a neighbour."""
    folder = tmp_path / "templates"
    shutil.copytree(TEMPLATES, folder)
    shutil.copytree(folder / "reserve", folder / "site_visit")
    (folder / "site_visit" / "subject.txt").write_text(
        "{% trans %}We come to see you: {{ title }}{% endtrans %}\n"
    )
    return folder


@pytest.fixture
def fund(sqlite_db, clock) -> World:
    """A world whose round goes by the new version."""
    with sqlite_db.write() as session:
        definitions.store(session, Definition.parse(TEXT), clock.now())
    return world(sqlite_db, clock.now())


@pytest.fixture
def sender(fund, clock, mailbox, templates, tmp_path) -> Iterator[Sender]:
    """What sends the mail of that fund, written with its own templates."""
    settings = Doors(fund.db, clock).settings
    transport = Transport(Server(mailbox.host, mailbox.port))
    sender = Sender(
        fund.db,
        transport,
        Composer(mail_settings(settings), templates=templates),
        clock,
        alive.presence(fund.db, tmp_path),
    )
    yield sender
    sender.stop()


def test_the_checker_asks_for_the_mail_and_for_nothing_else(templates):
    family = {name: shipped(name) for name in library()}
    there = {path.name for path in TEMPLATES.iterdir()}
    line = TEXT.split("\n").index("[moves.visit]") + 1
    assert [str(finding) for finding in check_text(TEXT, templates=there, family=family)] == [
        f'line {line}: error: move visit: there is no mail template "site_visit"'
    ]
    assert check_text(TEXT, templates={*there, "site_visit"}, family=family) == []
    family |= {"application": Definition.parse(TEXT)}
    for other in ("review", "round"):
        assert check_text(shipped(other).source, templates=there, family=family) == []


def go_and_visit(manager: TestClient, reference: str) -> None:
    """Press the button in the file of the application."""
    page = manager.get(f"/pipeline/{reference}").text
    assert "Visit the applicant" in shown(page)
    version = re.search(
        r'name="trigger" value="visit">\s*<input type="hidden" name="version" value="(\d+)"', page
    )
    assert version, "the button stands in the page"
    made = manager.post(f"/applications/{reference}/moves", data={"trigger": "visit", "version": version[1]})
    assert made.status_code == 303


def test_a_visit_is_in_the_browser_the_picture_the_mail_and_the_calendar(fund, clock, mailbox, sender):
    with fund.db.write() as session:
        reference = to_deliberation(session, fund, clock.now()).reference
    sender.run_until_quiet()
    mailbox.clear()
    doors = Doors(fund.db, clock)
    manager, applicant = doors.browser(fund.manager), doors.browser(fund.applicant)
    go_and_visit(manager, reference)

    assert "We come to see you" in shown(applicant.get(f"/applications/{reference}").text)
    assert "The next step is the fund's, by 5 October 2021" in shown(
        applicant.get(f"/applications/{reference}").text
    )
    way = (
        applicant.get(f"/applications/{reference}")
        .text.split('<ol class="timeline way">')[1]
        .split("</ol>")[0]
    )
    assert re.findall(r'<li aria-current="step">\s*<p class="timeline-title">(\w+)', way) == ["Review"]
    assert (
        "We come to see you · 21 September 2021 · where it stands now What can follow: Being decided"
        in shown(way)
    )
    assert "What the reviewers wrote for you" not in applicant.get(f"/applications/{reference}").text
    picture = manager.get(f"/pipeline/{reference}/workflow").text
    assert re.search(r'wf-here[^"]*"><title>Site visit</title>', picture)
    assert "Visit the applicant in 14 days" in shown(manager.get(f"/pipeline/{reference}").text)
    assert "Visit the applicant" in shown(manager.get("/home").text), "it is among what the manager owes"
    assert "Site visit" in shown(manager.get("/pipeline").text)

    sender.run_until_quiet()
    assert {(mail.recipient, mail.subject) for mail in mailbox.messages} == {
        (fund.applicant.email, "We come to see you: Safe streets"),
        (fund.colleague.email, "We come to see you: Safe streets"),
    }
    mailbox.clear()
    clock.advance(timedelta(days=7, hours=6))
    sender.run_until_quiet()
    reminders = [mail for mail in mailbox.messages if "Visit the applicant" in mail.subject]
    assert {mail.recipient for mail in reminders} == {fund.manager.email, fund.second_manager.email}
    assert {mail.subject for mail in reminders} == {"7 days left: Visit the applicant – Safe streets"}
    file = next(
        part for part in reminders[0].parsed.iter_attachments() if part.get_filename() == "deadline.ics"
    )
    (event,) = icalendar.Calendar.from_ical(file.get_payload(decode=True)).walk("VEVENT")
    with fund.db.read() as session:
        due = session.exec(select(Deadline).where(Deadline.key == "site_visit")).one()
        assert event["SUMMARY"] == "Visit the applicant: Safe streets"
        assert event["DTEND"].dt == due.due_at
        assert due.due_on == date(2021, 10, 5)

    with fund.db.write() as session:
        application = access.application(session, fund.manager, reference)
        move(session, application, "back_from_visit", fund.manager, clock.now())
        assert application.state == "deliberation"
    mailbox.clear()
    clock.advance(timedelta(days=9))
    sender.run_until_quiet()
    assert [mail.subject for mail in mailbox.messages if "Visit" in mail.subject] == [], "the visit was made"


def test_meanwhile_managers_comment_and_the_applicant_can_withdraw(fund, clock):
    with fund.db.write() as session:
        application = to_deliberation(session, fund, clock.now())
        move(session, application, "visit", fund.manager, clock.now())
        reference = application.reference
    doors = Doors(fund.db, clock)
    manager, applicant = doors.browser(fund.manager), doors.browser(fund.applicant)
    said = manager.post(f"/applications/{reference}/comments", data={"text": "They expect us on Monday."})
    assert said.status_code == 303
    assert "Withdraw the proposal" in shown(applicant.get(f"/applications/{reference}").text)


def test_meanwhile_reviews_go_on_and_the_round_waits(fund, clock):
    """The workflows of both go by the stage, and were not touched."""
    with fund.db.write() as session:
        application = to_deliberation(session, fund, clock.now())
        move(session, application, "visit", fund.manager, clock.now())
        review = assign(session, fund, application, fund.reviewers[2], clock.now())
        assert (application.state, review.state) == ("site_visit", "assigned"), "it is not called off"
        review_in(session, review, fund.reviewers[2], clock.now())
        assert review.state == "submitted"
        round_ = session.get_one(Round, fund.round_id)
        move(session, round_, "close", fund.manager, clock.now())
        with pytest.raises(MoveRefused, match="Some proposals are not decided yet"):
            move(session, round_, "decide", fund.manager, clock.now())
        move(session, application, "back_from_visit", fund.manager, clock.now())
        move(session, application, "decline", fund.manager, clock.now(), reason="Not this time.")
        move(session, round_, "decide", fund.manager, clock.now())
        assert round_.state == "decided"
