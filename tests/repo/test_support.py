"""The servers that the other tests lean on do what they say."""

import asyncio
import smtplib
from datetime import timedelta
from email.message import EmailMessage

import aiosmtplib
import pytest
from sqlalchemy import inspect, text

from tests.support.live import free_socket, served
from tests.support.smtp import Mailbox


def mail(*recipients: str, subject: str = "Hello") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "fund@example.org"
    message["To"] = ", ".join(recipients)
    message["Subject"] = subject
    message["Message-ID"] = "<1@example.org>"
    message.set_content("Good morning\n")
    return message


def hand_in(mailbox: Mailbox, message: EmailMessage) -> dict[str, tuple[int, bytes]]:
    with smtplib.SMTP(mailbox.host, mailbox.port, timeout=10) as client:
        return client.send_message(message)


def test_a_mail_is_kept_once_for_each_recipient(mailbox: Mailbox) -> None:
    hand_in(mailbox, mail("ana@example.org", "ben@example.org"))
    [first, second] = mailbox.wait_for(2)
    assert (first.recipient, second.recipient) == ("ana@example.org", "ben@example.org")
    assert (first.sender, first.subject, first.mail_id) == ("fund@example.org", "Hello", "<1@example.org>")
    assert (first.text, first.html, first.header("X-None")) == ("Good morning\n", "", None)


def test_one_recipient_is_refused_and_the_other_served(mailbox: Mailbox) -> None:
    mailbox.refuse("gone@example.org", code=550, text="5.1.1 gone")
    refused = hand_in(mailbox, mail("gone@example.org", "ana@example.org"))
    assert refused == {"gone@example.org": (550, b"5.1.1 gone")}
    assert [m.recipient for m in mailbox.messages] == ["ana@example.org"]


def test_greylisting_takes_the_second_attempt(mailbox: Mailbox) -> None:
    mailbox.greylist("ana@example.org")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        hand_in(mailbox, mail("ana@example.org"))
    assert hand_in(mailbox, mail("ana@example.org")) == {}
    assert len(mailbox.to("ana@example.org")) == 1


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT"])
def test_any_step_can_be_refused(mailbox: Mailbox, step: str) -> None:
    mailbox.refuse(step=step, code=452, text="4.3.1 full")  # type: ignore[arg-type]
    with pytest.raises(smtplib.SMTPException):
        hand_in(mailbox, mail("ana@example.org"))
    assert mailbox.messages == []


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT"])
def test_the_line_breaks_at_any_step_and_works_again(mailbox: Mailbox, step: str) -> None:
    mailbox.drop(step, times=1)  # type: ignore[arg-type]
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        hand_in(mailbox, mail("ana@example.org"))
    assert mailbox.messages == []
    assert hand_in(mailbox, mail("ana@example.org")) == {}


def test_a_line_that_breaks_after_the_dot_may_have_delivered(mailbox: Mailbox) -> None:
    mailbox.drop("DOT", keep=True, times=1)
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        hand_in(mailbox, mail("ana@example.org"))
    assert [m.recipient for m in mailbox.wait_for(1)] == ["ana@example.org"]


@pytest.mark.parametrize("step", ["CONNECT", "RCPT", "DOT"])
def test_silence_lasts_until_it_is_released(mailbox: Mailbox, step: str) -> None:
    mailbox.stall(step)  # type: ignore[arg-type]

    async def send() -> tuple[int, str]:
        async with aiosmtplib.SMTP(hostname=mailbox.host, port=mailbox.port, timeout=10) as client:
            _, reply = await client.send_message(mail("ana@example.org"))
        return len(mailbox.messages), reply

    async def both() -> tuple[int, str]:
        sending = asyncio.create_task(send())
        await asyncio.to_thread(mailbox.wait_until_tried, step)  # type: ignore[arg-type]
        assert mailbox.messages == []
        await asyncio.to_thread(mailbox.behave)
        return await sending

    count, reply = asyncio.run(both())
    assert count == 1
    assert "Taken" in reply


def test_a_server_that_went_down_refuses_and_comes_back(mailbox: Mailbox) -> None:
    mailbox.down()
    with pytest.raises(ConnectionRefusedError):
        hand_in(mailbox, mail("ana@example.org"))
    mailbox.up()
    assert hand_in(mailbox, mail("ana@example.org")) == {}


def test_going_down_breaks_the_lines_that_are_open(mailbox: Mailbox) -> None:
    with smtplib.SMTP(mailbox.host, mailbox.port, timeout=10) as client:
        client.ehlo()
        mailbox.down()
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            client.mail("fund@example.org")


def test_every_test_gets_its_own_empty_database_with_all_tables(db) -> None:
    with db.write() as session:
        tables = set(inspect(session.connection()).get_table_names())
        assert {"application", "deadline", "message", "person"} <= tables
        assert session.scalar(text("SELECT count(*) FROM person")) == 0
        session.execute(text("CREATE TABLE only_here (id INTEGER)"))


@pytest.mark.parametrize("round_number", [1, 2])
def test_what_another_test_wrote_is_not_there(db, round_number: int) -> None:
    with db.write() as session:
        assert "only_here" not in inspect(session.connection()).get_table_names()
        session.execute(text("CREATE TABLE only_here (id INTEGER)"))


def test_a_database_can_be_asked_for_by_kind(sqlite_url: str, postgres_url: str) -> None:
    assert sqlite_url.startswith("sqlite:///")
    assert postgres_url.startswith("postgresql+psycopg://")


def test_the_clock_stands_until_it_is_moved(clock) -> None:
    before = clock.now()
    assert before.isoformat() == "2021-09-21T08:00:00+00:00"
    clock.advance(timedelta(days=1))
    assert clock.now() - before == timedelta(days=1)


async def tiny_application(scope, receive, send) -> None:
    """Answers one page at /, with a script error at /broken, and a missing picture at /bare."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    bodies = {"/": "<h1>Here</h1>", "/broken": "<script>nothing()</script>", "/bare": "<img src=/none.png>"}
    body = bodies.get(scope["path"])
    headers = [(b"content-type", b"text/html")]
    await send({"type": "http.response.start", "status": 200 if body else 404, "headers": headers})
    await send({"type": "http.response.body", "body": (body or "None").encode()})


def test_a_page_is_seen_in_a_real_browser(page) -> None:
    with served(tiny_application, free_socket()) as address:
        page.goto(address)
        assert page.locator("h1").inner_text() == "Here"
        assert page.goto(f"{address}/missing").status == 404


@pytest.mark.parametrize(
    ("path", "complaint"),
    [("/broken", "nothing is not defined"), ("/bare", "404 for")],
)
def test_what_a_page_complains_about_is_kept(visits, path: str, complaint: str) -> None:
    with served(tiny_application) as address:
        visits.open(viewport={"width": 320, "height": 640}).goto(address + path)
    assert [complaint in each for each in visits.complaints] == [True]
    visits.complaints.clear()
