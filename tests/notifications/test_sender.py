"""The sender against a real mail server: what goes out, what waits, what ends, and why."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from fund.base.clock import FixedClock
from fund.base.database import Database
from notifications import alive
from notifications.compose import Composer
from notifications.sender import Sender
from notifications.smtp import Server, Transport, Verdict
from schema.people import Person
from tests.notifications.world import NOW, PATIENT, SETTINGS, Post, World, later, statuses
from tests.support.smtp import Mailbox

Start = Callable[..., Sender]


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


@pytest.fixture
def start(db: Database, mailbox: Mailbox, clock: FixedClock, tmp_path: Path) -> Iterator[Start]:
    """Starts senders that are stopped at the end."""
    with ExitStack() as stack:

        def begin(**options: Any) -> Sender:
            return stack.enter_context(Post(db, mailbox.port, clock, tmp_path, **options))

        yield begin


def test_a_notice_goes_out_once_with_its_record(world: World, start: Start, mailbox: Mailbox) -> None:
    world.notice("k1")
    sender = start()
    assert sender.run_until_quiet() == {"sent": 1}
    assert sender.sweep() == 0
    (mail,) = mailbox.messages
    stored = world.message()
    assert (mail.sender, mail.recipient) == ("fund@example.org", "ana@example.org")
    assert mail.subject == "Received: Safe routes to school"
    assert mail.mail_id == f"<{stored.mail_id}>"
    assert stored.mail_id.endswith("@example.org")
    assert (stored.status, stored.finished_at, stored.attempts) == ("sent", NOW, 1)
    assert (stored.address, stored.rendered_subject) == ("ana@example.org", mail.subject)
    assert stored.rendered_text.strip() == mail.text.strip()
    (attempt,) = world.attempts()
    assert (attempt.outcome, attempt.number, attempt.reply) == ("sent", 1, "250 2.0.0 Taken")


def test_one_connection_serves_the_whole_sweep(world: World, start: Start, mailbox: Mailbox) -> None:
    world.many(25)
    assert start().run_until_quiet() == {"sent": 25}
    assert mailbox.connections == 1
    assert len({mail.recipient for mail in mailbox.messages}) == 25


def test_a_reminder_goes_out_at_its_moment_and_says_how_many_days_are_left(
    world: World, start: Start, mailbox: Mailbox, clock: FixedClock
) -> None:
    deadline = world.deadline(date(2021, 9, 30))
    assert world.plan(deadline, [-7, -1]) == 2
    sender = start()
    clock.move_to(later(days=2, hours=5, minutes=59))  # Bogota keeps five hours behind UTC
    assert sender.sweep() == 0
    clock.move_to(later(days=2, hours=6))
    assert sender.run_until_quiet() == {"sent": 1}
    (mail,) = mailbox.messages
    assert mail.subject == "7 days left: Hand in the report – Safe routes to school"


def test_what_was_late_says_the_days_that_are_left_now(
    world: World, start: Start, mailbox: Mailbox, clock: FixedClock
) -> None:
    world.plan(world.deadline(date(2021, 9, 30)), [-7])
    clock.move_to(later(days=6))
    start().run_until_quiet()
    assert mailbox.messages[0].subject.startswith("3 days left: ")


@pytest.mark.parametrize("status", ["met", "cancelled"])
def test_a_reminder_of_a_closed_deadline_is_not_sent(
    world: World, start: Start, mailbox: Mailbox, clock: FixedClock, status: str
) -> None:
    deadline = world.deadline(date(2021, 9, 30))
    world.plan(deadline, [-7])
    world.close(deadline, status)
    clock.advance(timedelta(days=3))
    assert start().run_until_quiet() == {"cancelled": 1}
    assert mailbox.messages == []
    message = world.message()
    assert (message.status, message.reason) == ("cancelled", "The deadline was met, cancelled or moved")


def test_nothing_goes_to_a_disabled_person(world: World, start: Start, db: Database) -> None:
    world.notice()
    with db.write() as session:
        session.get_one(Person, world.ana).disabled_at = NOW
    assert start().run_until_quiet() == {"cancelled": 1}
    assert world.message().reason == "The person's account is disabled"


def test_after_72_hours_down_the_newest_reminder_goes_and_the_older_are_superseded(
    world: World, start: Start, mailbox: Mailbox, clock: FixedClock
) -> None:
    world.plan(world.deadline(date(2021, 9, 30)), [-8, -7, -6, -1])
    other = world.person("ben@example.org", zone="UTC")
    world.plan(world.deadline(date(2021, 9, 30)), [-7], [other])
    clock.advance(timedelta(hours=72) + timedelta(hours=12))
    assert start().run_until_quiet() == {"sent": 2, "settled": 2}
    first = world.messages(person_id=world.ana)
    assert statuses(first) == ["superseded", "superseded", "sent", "pending"]
    assert first[0].reason == "A newer reminder of the same deadline was due as well"
    assert sorted(mail.recipient for mail in mailbox.messages) == ["ana@example.org", "ben@example.org"]


def test_past_the_deadline_reminders_expire_visibly(world: World, start: Start, clock: FixedClock) -> None:
    world.plan(world.deadline(date(2021, 9, 30)), [-7, -1])
    clock.advance(timedelta(days=20))
    assert start().run_until_quiet() == {"settled": 2}
    assert statuses(world.messages()) == ["expired", "expired"]
    assert world.messages()[0].reason == "It could not go out before it was of no more use"


def test_past_the_deadline_the_overdue_mail_goes_and_those_before_expire(
    world: World, start: Start, mailbox: Mailbox, clock: FixedClock
) -> None:
    world.plan(world.deadline(date(2021, 9, 30)), [-7, -1, 1, 7])
    clock.advance(timedelta(days=12))
    assert start().run_until_quiet() == {"sent": 1, "settled": 2}
    assert statuses(world.messages()) == ["expired", "expired", "sent", "pending"]
    assert mailbox.messages[0].subject.startswith("3 days overdue: ")


def test_greylisting_is_waited_out(world: World, start: Start, mailbox: Mailbox, clock: FixedClock) -> None:
    world.notice()
    mailbox.greylist("ana@example.org")
    sender = start()
    assert sender.run_until_quiet() == {"retry": 1}
    waiting = world.message()
    assert (waiting.status, waiting.attempts) == ("pending", 1)
    assert timedelta(seconds=54) <= waiting.next_at - NOW <= timedelta(seconds=66)
    clock.advance(timedelta(minutes=2))
    assert sender.run_until_quiet() == {"sent": 1}
    first, second = world.attempts()
    assert (first.outcome, second.outcome) == ("retry", "sent")
    assert first.reply.startswith("451 ")
    assert mailbox.messages[0].mail_id == f"<{waiting.mail_id}>"


def test_after_fourteen_attempts_it_is_given_up(
    world: World, start: Start, mailbox: Mailbox, clock: FixedClock
) -> None:
    world.notice()
    mailbox.greylist(times=100)
    sender = start()
    for _ in range(20):
        sender.run_until_quiet()
        clock.advance(timedelta(hours=7))
    message = world.message()
    assert (message.status, message.attempts) == ("dead", 14)
    assert message.reason.startswith("Given up after 14 attempts: 451")


def test_a_retry_beyond_its_expiry_is_dead(world: World, start: Start, mailbox: Mailbox) -> None:
    world.notice(expires_at=later(seconds=30))
    mailbox.greylist()
    assert start().run_until_quiet() == {"retry": 1}
    assert world.message().status == "dead"


def test_a_refused_address_is_dead_at_once_and_the_others_go_out(
    world: World, start: Start, mailbox: Mailbox
) -> None:
    world.many(3)
    mailbox.refuse("a1@example.org")
    assert start().run_until_quiet() == {"sent": 2, "dead": 1}
    dead = world.message(status="dead")
    assert (dead.address, dead.reason) == ("a1@example.org", "550 5.1.1 No such mailbox")
    assert mailbox.connections == 1


def test_one_bad_row_never_stops_the_others(world: World, start: Start, mailbox: Mailbox) -> None:
    world.notice("a", template="no_such_template")
    world.notice("b", person_id=None, address="not an address")
    world.notice("c", template="reminder")  # tells of a deadline that it does not have
    world.notice("d")
    assert start().run_until_quiet() == {"dead": 3, "sent": 1}
    reasons = [message.reason for message in world.messages(status="dead")]
    assert (
        reasons[0]
        == "The mail could not be written: LookupError: there is no template no_such_template/subject.txt"
    )
    assert reasons[1] == "The mail could not be written: BadAddress: 'not an address' is no mail address"
    assert reasons[2].startswith("The mail could not be written: UndefinedError: ")
    assert len(mailbox.messages) == 1


@pytest.mark.chaos
@pytest.mark.parametrize("kept", [True, False])
def test_dropped_after_the_dot_it_goes_again_with_the_same_message_id(
    world: World, start: Start, mailbox: Mailbox, clock: FixedClock, kept: bool
) -> None:
    world.notice()
    mailbox.drop("DOT", keep=kept, times=1)
    sender = start()
    assert sender.run_until_quiet() == {"unknown": 1}
    clock.advance(timedelta(minutes=2))
    assert sender.run_until_quiet() == {"sent": 1}
    assert [attempt.outcome for attempt in world.attempts()] == ["unknown", "sent"]
    assert [mail.mail_id for mail in mailbox.messages] == [f"<{world.message().mail_id}>"] * (1 + kept)


@pytest.mark.chaos
def test_by_setting_an_unknown_outcome_is_parked(world: World, start: Start, mailbox: Mailbox) -> None:
    world.notice()
    mailbox.drop("DOT", keep=True, times=1)
    assert start(on_unknown="park").run_until_quiet() == {"unknown": 1}
    parked = world.message()
    assert parked.status == "uncertain"
    assert parked.reason.startswith("The line broke after the mail was handed over")


@pytest.mark.chaos
def test_a_server_that_falls_silent_after_the_dot_is_unknown(
    world: World, start: Start, mailbox: Mailbox
) -> None:
    world.notice()
    mailbox.stall("DOT")
    sender = start(limits=replace(PATIENT, final=0.2))
    assert sender.run_until_quiet() == {"unknown": 1}
    mailbox.behave()


@pytest.mark.chaos
@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_broken_before_the_mail_was_handed_over_no_attempt_is_charged(
    world: World, start: Start, mailbox: Mailbox, clock: FixedClock, step: Any
) -> None:
    world.notice()
    mailbox.drop(step)
    sender = start()
    assert sender.run_until_quiet() == {"unreachable": 1}
    message = world.message()
    assert (message.status, message.attempts) == ("pending", 0)
    mailbox.behave()
    clock.advance(timedelta(seconds=6))
    assert sender.run_until_quiet() == {"sent": 1}
    assert len(mailbox.messages) == 1


@pytest.mark.chaos
def test_a_server_that_ends_a_long_conversation_is_dialled_again(
    world: World, start: Start, mailbox: Mailbox
) -> None:
    world.many(3)
    mailbox.refuse("a1@example.org", code=421, text="Too many in one conversation", times=1)
    assert start().run_until_quiet() == {"sent": 3}
    assert mailbox.connections == 2


@pytest.mark.chaos
def test_a_server_that_is_down_costs_no_attempt_and_is_not_hammered(
    world: World, start: Start, mailbox: Mailbox, clock: FixedClock
) -> None:
    world.many(3)
    mailbox.down()
    sender = start()
    assert sender.run_until_quiet() == {}
    assert sender.circuit.down_since == NOW
    assert [(m.status, m.attempts, m.worker) for m in world.messages()] == [("pending", 0, None)] * 3
    mailbox.up()
    assert sender.sweep() == 0  # the circuit is still open
    clock.advance(timedelta(seconds=6))
    assert sender.run_until_quiet() == {"sent": 3}
    assert sender.circuit.down_since is None
    assert world.attempts()[0].outcome == "sent"


@pytest.mark.chaos
def test_an_outage_of_a_quarter_of_an_hour_is_reported_once(
    world: World, start: Start, mailbox: Mailbox, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    world.notice()
    mailbox.down()
    sender = start()
    for _ in range(8):
        sender.sweep()
        clock.advance(timedelta(minutes=6))
    alerts = [r.getMessage() for r in caplog.records if "out of reach" in r.getMessage()]
    assert len(alerts) == 1
    assert sender.circuit.alert(clock.now())


def test_sign_in_mail_goes_first_and_its_secrets_are_forgotten(
    world: World, start: Start, mailbox: Mailbox
) -> None:
    world.many(3)
    world.notice(
        "s", template="sign_in", kind="sign_in", path="/sign-in/s3cret",
        payload={"code": "123456", "minutes": 15}, expires_at=later(minutes=15),
    )  # fmt: skip
    start().run_until_quiet()
    first = mailbox.messages[0]
    assert "123456" in first.text
    assert "https://fund.example.org/sign-in/s3cret" in first.text
    stored = world.message(kind="sign_in")
    assert (stored.status, stored.payload, stored.path) == ("sent", {}, "/")
    assert (stored.rendered_subject, stored.rendered_text) == ("", "")


def test_a_sign_in_mail_expires_with_its_code(world: World, start: Start, clock: FixedClock) -> None:
    world.notice("s", template="sign_in", kind="sign_in", path="/sign-in/s3cret",
                 payload={"code": "123456", "minutes": 15}, expires_at=later(minutes=15))  # fmt: skip
    clock.advance(timedelta(minutes=15))
    assert start().run_until_quiet() == {"settled": 1}
    assert (world.message().status, world.message().payload, world.message().path) == ("expired", {}, "/")


def test_a_stopped_sender_sends_nothing(world: World, start: Start, mailbox: Mailbox) -> None:
    world.notice()
    sender = start()
    sender.stop()
    assert sender.sweep() == 0
    assert mailbox.messages == []


@pytest.mark.chaos
def test_a_stop_in_mid_sweep_ends_after_the_mail_in_hand(
    world: World, start: Start, mailbox: Mailbox
) -> None:
    world.many(50)
    mailbox.stall("DOT", times=1)
    sender = start()
    sweep = threading.Thread(target=sender.sweep)
    sweep.start()
    mailbox.wait_until_tried("DOT")
    stop = threading.Thread(target=sender.stop)
    stop.start()
    assert sender._stopping.wait(10)
    mailbox.release()
    sweep.join(10)
    stop.join(10)
    assert Counter(statuses(world.messages())) == {"sent": 1, "pending": 49}
    assert {message.worker for message in world.messages()} == {None}


class Stumbling(Transport):
    """A transport with a fault of its own, once."""

    stumbled = False

    async def send(self, sender: str, recipient: str, data: bytes) -> Verdict:
        if not self.stumbled:
            self.stumbled = True
            raise RuntimeError("a fault in the program")
        return await super().send(sender, recipient, data)


def test_what_an_error_of_our_own_left_behind_is_picked_up_by_the_next_sweep(
    world: World, db: Database, mailbox: Mailbox, clock: FixedClock, tmp_path: Path
) -> None:
    world.many(3)
    transport = Stumbling(Server(mailbox.host, mailbox.port))
    sender = Sender(db, transport, Composer(SETTINGS), clock, alive.presence(db, tmp_path))
    with pytest.raises(RuntimeError):
        sender.sweep()
    assert statuses(world.messages()) == ["sending", "pending", "pending"]
    assert sender.run_until_quiet() == {"recovered": 1, "sent": 2}
    clock.advance(timedelta(minutes=2))
    assert sender.run_until_quiet() == {"sent": 1}
    sender.stop()
    assert [a.outcome for a in world.attempts()] == ["unknown", "sent", "sent", "sent"]


@pytest.fixture
def second(mailbox: Mailbox) -> Transport:
    """Another connection to the same mail server."""
    return Transport(Server(mailbox.host, mailbox.port))


def test_many_mails_go_over_two_lines_each_of_them_once(
    world: World, start: Start, mailbox: Mailbox, second: Transport
) -> None:
    world.many(60)
    assert start(more=[second]).run_until_quiet() == {"sent": 60}
    assert mailbox.connections == 2
    assert len({mail.recipient for mail in mailbox.messages}) == len(mailbox.messages) == 60
    assert all(attempt.outcome == "sent" for attempt in world.attempts())


def test_few_mails_take_one_line(world: World, start: Start, mailbox: Mailbox, second: Transport) -> None:
    world.many(3)
    start(more=[second]).sweep()
    assert mailbox.connections == 1


def test_a_line_that_cannot_be_had_is_done_without(world: World, start: Start, mailbox: Mailbox) -> None:
    world.many(30)
    with Mailbox() as gone:
        port = gone.port
    assert start(more=[Transport(Server(mailbox.host, port))]).run_until_quiet() == {"sent": 30}


def test_a_server_that_goes_away_ends_both_lines_and_charges_nothing(
    world: World, start: Start, mailbox: Mailbox, second: Transport
) -> None:
    world.many(30)
    mailbox.drop("MAIL")
    sender = start(more=[second])
    sender.sweep()
    assert sender.circuit.down_since is not None
    assert {(message.status, message.attempts) for message in world.messages()} == {("pending", 0)}
