"""Limits on how many mails go out: several at once, over restarts and over several workers."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from fund.base.clock import FixedClock
from fund.base.database import Database
from notifications import lease, pace
from notifications.pace import Limit, Room, limits_of
from notifications.sender import Sender
from tests.notifications.world import NOW, Post, World, later, statuses
from tests.support.smtp import Mailbox

Start = Callable[[str], Sender]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


@pytest.fixture
def start(db: Database, mailbox: Mailbox, clock: FixedClock, tmp_path: Path) -> Iterator[Start]:
    """Starts workers under the limits given in words; they are stopped at the end."""
    with ExitStack() as stack:

        def begin(words: str) -> Sender:
            return stack.enter_context(Post(db, mailbox.port, clock, tmp_path, mail_limits=limits_of(words)))

        yield begin


@pytest.mark.parametrize(
    ("words", "limits"),
    [
        ("", ()),
        ("600/minute", (Limit(600, "minute"),)),
        (" 5/hour ,60/day  GMail.com,", (Limit(5, "hour"), Limit(60, "day", "gmail.com"))),
    ],
)  # fmt: skip
def test_limits_are_read_from_words(words: str, limits: tuple[Limit, ...]) -> None:
    assert limits_of(words) == limits
    assert limits_of(", ".join(map(str, limits))) == limits


@pytest.mark.parametrize(
    "words", ["600", "0/minute", "-1/day", "5/week", "5/minute gmail", "a/minute", "5 /minute"]
)
def test_what_is_no_limit_says_what_is_expected(words: str) -> None:
    with pytest.raises(ValueError, match="expected limits such as 600/minute"):
        limits_of(words)


def test_the_tightest_limit_holds_and_frees_places_as_its_span_passes(
    world: World, start: Start, clock: FixedClock
) -> None:
    world.many(9)
    sender = start("3/minute, 5/hour")
    assert sender.run_until_quiet() == {"sent": 3}
    clock.advance(MINUTE - timedelta(seconds=1))
    assert sender.run_until_quiet() == {}
    clock.advance(timedelta(seconds=1))
    assert sender.run_until_quiet() == {"sent": 2}
    clock.advance(MINUTE)
    assert sender.run_until_quiet() == {}
    clock.advance(timedelta(hours=1) - 2 * MINUTE)
    assert sender.run_until_quiet() == {"sent": 3}
    assert statuses(world.messages()) == ["sent"] * 8 + ["pending"]
    assert world.messages()[-1].worker is None


def test_a_restart_and_another_worker_count_what_went_before(world: World, start: Start) -> None:
    world.many(4)
    first = start("3/minute")
    assert first.run_until_quiet() == {"sent": 3}
    first.stop()
    assert start("3/minute").run_until_quiet() == {}
    assert start("4/minute").run_until_quiet() == {"sent": 1}


def test_what_another_worker_has_claimed_is_not_given_away_again(world: World, db: Database) -> None:
    world.many(5)
    limits = limits_of("3/minute, 2/minute example.org")
    with db.write() as session:
        lease.claim(session, "w1", NOW, 2)
    with db.write() as session:
        assert pace.room(session, limits, NOW) == Room(1, {"example.org": 0})


def test_a_domain_at_its_limit_holds_up_no_other(world: World, start: Start, mailbox: Mailbox) -> None:
    for number in range(5):
        world.notice(person_id=None, address=f"a{number}@Gmail.com", at=later(hours=-1))
    world.notice(person_id=world.person("ben@gmail.com"), at=later(hours=-1))
    for number in range(3):
        world.notice(person_id=None, address=f"a{number}@notgmail.com")
    assert start("2/minute gmail.com, 100/day").run_until_quiet() == {"sent": 5}
    assert Counter(mail.recipient[3:] for mail in mailbox.messages) == {"Gmail.com": 2, "notgmail.com": 3}


def test_sign_in_mail_takes_the_last_place(world: World, start: Start, mailbox: Mailbox) -> None:
    world.many(5, at=later(hours=-1))
    world.notice("s", template="sign_in", kind="sign_in", person_id=None, address="eva@example.net",
                 payload={"code": "1", "minutes": 15})  # fmt: skip
    assert start("1/minute, 3/minute example.org").run_until_quiet() == {"sent": 1}
    assert mailbox.messages[0].recipient == "eva@example.net"


def test_a_server_out_of_reach_uses_nothing_up_and_a_refusal_does(
    world: World, db: Database, start: Start, mailbox: Mailbox, clock: FixedClock
) -> None:
    world.many(3)
    mailbox.refuse("a0@example.org")
    mailbox.drop("MAIL", times=2)
    sender = start("2/minute")
    assert sender.run_until_quiet() == {"unreachable": 1}
    (limit,) = limits_of("2/minute")
    with db.read() as session:
        assert pace.used(session, limit, NOW) == 0
    clock.advance(MINUTE)
    assert sender.run_until_quiet() == {"dead": 1, "sent": 1}
    assert sender.run_until_quiet() == {}


def test_a_clock_that_was_set_back_is_no_reason_to_wait(
    world: World, start: Start, clock: FixedClock
) -> None:
    world.many(4, at=later(days=-2))
    sender = start("2/day")
    assert sender.run_until_quiet() == {"sent": 2}
    clock.move_to(later(hours=-1))
    assert sender.run_until_quiet() == {"sent": 2}
