"""One call of a webhook against a real server: what is sent, what each answer means, and where no call goes."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime

import h11
import pytest

from notifications import calling
from notifications.calling import Answer, BadUrl, Limits, call, checked
from notifications.outcomes import Outcome
from tests.notifications.world import NOW, later
from tests.support.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


def made(receiver: Receiver, body: bytes = b"{}", **options: float) -> Answer:
    return call(receiver.url, {"webhook-id": "msg_1"}, body, now=NOW, private=True, limits=Limits(**options))


def test_a_call_is_a_post_of_json(receiver: Receiver) -> None:
    answer = made(receiver, '{"name":"Zoë"}'.encode())
    assert answer == Answer(Outcome.SENT, "204 No Content")
    (came,) = receiver.calls
    assert (came.path, came.json) == ("/hook?to=chat", {"name": "Zoë"})
    assert came.headers["content-type"] == "application/json"
    assert came.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert came.headers["webhook-id"] == "msg_1"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "sent"), (202, "sent"), (301, "dead"), (307, "dead"), (400, "dead"), (401, "dead"), (404, "dead"),
        (408, "retry"), (425, "retry"), (429, "retry"), (500, "retry"), (502, "retry"), (503, "retry"),
    ],
)  # fmt: skip
def test_what_each_status_means(receiver: Receiver, status: int, outcome: str) -> None:
    receiver.answers(status, b"so\n it  is", {"Location": "http://127.0.0.1:1/"})
    answer = made(receiver)
    assert (answer.outcome, answer.gone) == (outcome, False)
    assert answer.reply.startswith(f"{status} ")
    assert ": so it is" in answer.reply
    assert len(receiver.calls) == 1


def test_410_wants_no_more_calls(receiver: Receiver) -> None:
    receiver.answers(410)
    assert made(receiver) == Answer(Outcome.DEAD, "410 Gone", gone=True)


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        ("120", timedelta(minutes=2)),
        (format_datetime(later(hours=2), usegmt=True), timedelta(hours=2)),
        ("99999999", timedelta(days=1)),
        ("-5", None),
        ("tomorrow", None),
        (format_datetime(later(hours=-2), usegmt=True), timedelta(0)),
    ],
)
def test_how_long_a_receiver_asks_us_to_stay_away(
    receiver: Receiver, asked: str, wait: timedelta | None
) -> None:
    receiver.answers(503, headers={"Retry-After": asked})
    assert made(receiver).wait == wait


def test_before_the_call_nothing_happened_and_after_it_nobody_can_tell(receiver: Receiver) -> None:
    receiver.drops()
    assert made(receiver).outcome == Outcome.UNKNOWN
    receiver.stalls()
    silent = made(receiver, total=0.5)
    assert silent == Answer(Outcome.RETRY, "No answer came in time")
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    gone = call(f"http://127.0.0.1:{port}/", {}, b"{}", now=NOW, private=True)
    assert (gone.outcome, gone.reply) == (Outcome.UNREACHABLE, "Connection refused")
    nowhere = call("https://hooks.invalid/", {}, b"{}", now=NOW)
    assert nowhere.outcome == Outcome.UNREACHABLE


def test_an_answer_without_end_is_read_to_a_limit(receiver: Receiver) -> None:
    receiver.answers(200, b"x" * 5_000_000)
    answer = made(receiver)
    assert (answer.outcome, len(answer.reply)) == (Outcome.SENT, len("200 OK: ") + 200)


def test_what_is_too_large_is_not_sent(receiver: Receiver) -> None:
    assert made(receiver, b"x" * (64 * 1024 + 1)).outcome == Outcome.DEAD
    assert receiver.calls == []


def test_a_certificate_that_nobody_vouches_for_is_no_connection(receiver: Receiver) -> None:
    url = receiver.url.replace("http:", "https:")
    assert call(url, {}, b"{}", now=NOW, private=True).outcome == Outcome.UNREACHABLE
    assert receiver.calls == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[fec0::1]", "[::ffff:10.0.0.1]",
        "[::127.0.0.1]", "[::ffff:0:10.0.0.1]", "[64:ff9b:1::a00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    ],
)  # fmt: skip
def test_addresses_inside_of_networks_are_not_called(address: str) -> None:
    answer = call(f"https://{address}:9/", {}, b"{}", now=NOW)
    assert answer.outcome == Outcome.DEAD
    assert "is inside of a network" in answer.reply


def test_a_name_that_leads_inside_is_not_called(receiver: Receiver) -> None:
    url = receiver.url.replace("127.0.0.1", "localhost")
    assert call(url, {}, b"{}", now=NOW).outcome == Outcome.DEAD
    assert receiver.calls == []


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_addresses_of_everybody_are(address: str) -> None:
    assert calling._is_public(calling.ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "", "hooks.example.org", "http://hooks.example.org/", "ftp://example.org/", "https://", "https:///x",
        "https://user:word@example.org/", "https://example.org/#part", "https://example.org:99999/",
        "https://exa mple.org/", "https://example.org/\r\nX: y", "https://exämple.org/", "https://e.org\\@f.org/",
        "https://example.org/" + "x" * 2000, "http://10.0.0.1/",
    ],
)  # fmt: skip
def test_what_is_no_address_to_call(url: str) -> None:
    with pytest.raises(BadUrl):
        checked(url)
    assert call(url, {}, b"{}", now=NOW, private=True).outcome == Outcome.DEAD


@pytest.mark.parametrize("url", ["https://example.org", "https://example.org:8443/a?b=c", "http://[::1]:80/"])
def test_what_is_one(url: str) -> None:
    assert checked(url).hostname


def test_no_more_is_kept_of_an_answer_than_people_read() -> None:
    for head, said in ((b"x" * 9000, b""), (b"x\x85\x9by", b"\x1b[2J" + b"y" * 4000)):
        told = calling._judged(h11.Response(status_code=500, headers=[], reason=head), said, NOW).reply
        assert len(told) < 500
        assert told.isprintable()
