"""The conversation with the mail server, step by step, and the circuit that spares a dead one."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from notifications.outcomes import Outcome
from notifications.smtp import Circuit, Limits, Server, Transport, Unreachable, Verdict
from tests.notifications.world import NOW, PATIENT
from tests.support.smtp import Mailbox

DATA = b"Subject: Test\r\n\r\nHello\r\n"


class Line:
    """A transport on an event loop of its own."""

    def __init__(self, runner: asyncio.Runner, host: str, port: int, **options: Any) -> None:
        self.run = runner.run
        self.transport = Transport(Server(host, port, **({"limits": PATIENT} | options)))

    def hand_over(self, to: str = "ana@example.org", data: bytes = DATA) -> Verdict:
        """The verdict on one mail."""
        return self.run(self.transport.send("fund@example.org", to, data))

    def limited(self, limits: Limits) -> None:
        """From now on wait no longer than this."""
        self.transport.server = replace(self.transport.server, limits=limits)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def line(mailbox: Mailbox, runner: asyncio.Runner) -> Iterator[Line]:
    used = Line(runner, mailbox.host, mailbox.port)
    yield used
    used.run(used.transport.hang_up())


def send(line: Line, to: str = "ana@example.org", data: bytes = DATA) -> Outcome:
    return line.hand_over(to, data).outcome


def test_mail_is_handed_over_on_one_connection(line: Line, mailbox: Mailbox) -> None:
    assert [send(line) for _ in range(3)] == [Outcome.SENT] * 3
    assert mailbox.connections == 1
    assert mailbox.messages[0].raw == DATA


def test_lines_that_begin_with_a_dot_come_through(line: Line, mailbox: Mailbox) -> None:
    send(line, data=b"Subject: Dots\r\n\r\n.\r\n..\r\n.x\r\n")
    assert mailbox.messages[0].raw.endswith(b"\r\n\r\n.\r\n..\r\n.x\r\n")


def test_after_hanging_up_it_dials_again(line: Line, mailbox: Mailbox) -> None:
    send(line)
    line.run(line.transport.hang_up())
    line.run(line.transport.hang_up())
    send(line)
    assert mailbox.connections == 2


@pytest.mark.parametrize(
    ("step", "code", "outcome"),
    [
        ("RCPT", 450, Outcome.RETRY),
        ("RCPT", 452, Outcome.RETRY),
        ("RCPT", 421, Outcome.UNREACHABLE),
        ("RCPT", 550, Outcome.DEAD),
        ("RCPT", 553, Outcome.DEAD),
        ("MAIL", 450, Outcome.UNREACHABLE),
        ("MAIL", 550, Outcome.UNREACHABLE),
        ("MAIL", 552, Outcome.DEAD),
        ("DATA", 451, Outcome.RETRY),
        ("DATA", 554, Outcome.DEAD),
        ("DOT", 452, Outcome.RETRY),
        ("DOT", 554, Outcome.DEAD),
        ("DOT", 354, Outcome.UNKNOWN),
        ("CONNECT", 554, Outcome.UNREACHABLE),
    ],
)
def test_what_the_server_answers_decides(
    line: Line, mailbox: Mailbox, step: Any, code: int, outcome: Outcome
) -> None:
    mailbox.refuse(code=code, text="As told", step=step)
    verdict = line.hand_over()
    assert verdict.outcome == outcome
    assert f"{code} As told" in verdict.reply
    mailbox.behave()
    assert send(line) == Outcome.SENT


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("step", "limit", "outcome"),
    [
        ("CONNECT", "connect", Outcome.UNREACHABLE),
        ("EHLO", "connect", Outcome.UNREACHABLE),
        ("MAIL", "command", Outcome.UNREACHABLE),
        ("RCPT", "command", Outcome.UNREACHABLE),
        ("DATA", "command", Outcome.UNREACHABLE),
        ("DOT", "final", Outcome.UNKNOWN),
    ],
)
@pytest.mark.parametrize("fault", ["drop", "stall"])
def test_where_the_line_breaks_decides(
    line: Line, mailbox: Mailbox, step: Any, limit: str, outcome: Outcome, fault: str
) -> None:
    line.limited(replace(PATIENT, **{limit: 0.3}))
    getattr(mailbox, fault)(step)
    assert send(line) == outcome
    mailbox.behave()
    line.limited(PATIENT)
    assert send(line) == Outcome.SENT


def test_nobody_listening_is_unreachable(line: Line, mailbox: Mailbox) -> None:
    mailbox.down()
    with pytest.raises(Unreachable, match=f"127.0.0.1:{mailbox.port}: "):
        line.run(line.transport.open())
    assert send(line) == Outcome.UNREACHABLE


def test_a_server_without_tls_is_not_trusted_with_mail_where_tls_is_set(
    mailbox: Mailbox, runner: asyncio.Runner
) -> None:
    for security in ("starttls", "tls"):
        line = Line(runner, mailbox.host, mailbox.port, security=security)
        assert send(line) == Outcome.UNREACHABLE
    assert mailbox.messages == []


def test_a_login_that_is_not_offered_is_unreachable(mailbox: Mailbox, runner: asyncio.Runner) -> None:
    line = Line(runner, mailbox.host, mailbox.port, user="fund", password="secret")
    verdict = line.hand_over()
    assert verdict.outcome == Outcome.UNREACHABLE
    assert "secret" not in verdict.reply + repr(line.transport.server)


def test_an_address_cannot_speak_to_the_server(line: Line, mailbox: Mailbox) -> None:
    assert send(line, "ana@example.org>\r\nRCPT TO:<eve@example.org") == Outcome.DEAD
    assert send(line) == Outcome.SENT
    assert [mail.recipient for mail in mailbox.messages] == ["ana@example.org"]


def test_an_address_with_other_letters_goes_where_the_server_can(line: Line, mailbox: Mailbox) -> None:
    assert send(line, "ñandú@example.org") == Outcome.SENT
    assert mailbox.messages[0].recipient == "ñandú@example.org"


def test_a_port_that_speaks_no_smtp_is_unreachable(runner: asyncio.Runner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        limits = Limits(connect=0.2, command=0.2, final=0.2)
        line = Line(runner, "127.0.0.1", listener.getsockname()[1], limits=limits)
        assert send(line) == Outcome.UNREACHABLE


def test_the_circuit_waits_longer_from_failure_to_failure() -> None:
    circuit, now, waits = Circuit(), NOW, []
    for _ in range(9):
        circuit.failed(now, "gone")
        wait = timedelta()
        while not circuit.allows(now + wait):
            wait += timedelta(seconds=5)
        waits.append(wait.total_seconds())
        now += wait
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert circuit.down_since == NOW
    circuit.succeeded()
    assert (circuit.allows(now), circuit.down_since, circuit.failures) == (True, None, 0)


def test_an_outage_is_alarming_after_a_quarter_of_an_hour() -> None:
    circuit = Circuit()
    circuit.failed(NOW, "gone")
    assert not circuit.alert(NOW + timedelta(minutes=14, seconds=59))
    assert circuit.alert(NOW + timedelta(minutes=15))


def test_a_clock_that_was_set_back_does_not_keep_the_circuit_open() -> None:
    circuit = Circuit()
    circuit.failed(NOW, "gone")
    assert circuit.allows(NOW - timedelta(hours=1))


def test_line_ends_of_any_kind_arrive_whole_and_end_no_mail(line: Line, mailbox: Mailbox) -> None:
    send(line, data=b"Subject: Ends\r\n\r\na\n.\nb\r.\r\nc")
    assert mailbox.messages[0].raw.endswith(b"\r\n\r\na\r\n.\r\nb\r\n.\r\nc\r\n")


@pytest.fixture
def rude(runner: asyncio.Runner) -> Iterator[tuple[str, int]]:
    """A mail server that takes everything, in words that are no text."""
    lines: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append(writer)
        writer.write(b"220 ready\r\n")
        while not (line := await reader.readline()).startswith(b"QUIT"):
            if line.startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
            writer.write(b"250-pris en \xe9t\xe9 \x00\x1b[2J\r\n250 " + b"x" * 400 + b"\r\n")
        writer.write(b"221 bye\r\n")

    async def leave() -> None:
        server.close()
        for line in lines:
            line.close()
            await line.wait_closed()

    server = runner.run(asyncio.start_server(answer, "127.0.0.1", 0))
    yield server.sockets[0].getsockname()[:2]
    runner.run(leave())


def test_a_reply_in_bytes_that_are_no_text_can_be_kept(rude: tuple[str, int], runner: asyncio.Runner) -> None:
    line = Line(runner, *rude)
    verdict = line.hand_over()
    line.run(line.transport.hang_up())
    assert verdict.outcome == Outcome.SENT
    assert verdict.reply.startswith("250 pris en �t� [2J x")
    assert verdict.reply.isprintable()


def test_whatever_line_ends_a_mail_has_it_is_sent_with_whole_ones(line: Line, mailbox: Mailbox) -> None:
    send(line, data=b"Subject: Ends\r\n\r\none\ntwo\rthree\r\n\r\n.\nfour")
    assert mailbox.messages[0].raw == b"Subject: Ends\r\n\r\none\r\ntwo\r\nthree\r\n\r\n.\r\nfour\r\n"
