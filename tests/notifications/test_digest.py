"""What readers chose: mail that is declined is called off, and what comes on one day comes in one mail."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from icalendar import Calendar
from sqlmodel import select

from notifications import outbox
from notifications.compose import template_names
from notifications.digest import IN_DIGEST, NOTHING_LEFT, UNWANTED
from notifications.handing import acknowledge, intend
from notifications.kinds import AT_ONCE, MAY_WAIT, STOPS, TOPIC_OF
from notifications.lease import claim
from notifications.outcomes import Handed, Outcome
from notifications.recovery import take_over
from schema.deadlines import Deadline
from schema.outbox import Message
from schema.people import DeclinedMail, Person
from tests.notifications.world import NOW, Post, World, statuses

MORNING = datetime(2021, 9, 22, 14, 0, tzinfo=UTC)
"""Nine o'clock in Bogotá, the day after NOW."""


@pytest.fixture
def world(db):
    made = World(db)
    chooses(made, made.ana, digest=True)
    return made


@pytest.fixture
def small(sqlite_db):
    made = World(sqlite_db)
    chooses(made, made.ana, digest=True)
    return made


@pytest.fixture
def start(mailbox, clock, tmp_path):
    """Starts senders for a world that are stopped at the end."""
    clock.move_to(MORNING)
    with ExitStack() as stack:

        def begin(world, **options):
            return stack.enter_context(Post(world.db, mailbox.port, clock, tmp_path, **options))

        yield begin


def chooses(world, person, **choice):
    with world.db.write() as session:
        session.get_one(Person, person).sqlmodel_update(choice)


def declines(world, person, *topics):
    with world.db.write() as session:
        session.add_all(DeclinedMail(person_id=person, topic=topic) for topic in topics)


def two_reminders(world):
    """Two deadlines whose reminders fall on MORNING; their ids."""
    first = world.deadline(date(2021, 9, 25), label="Hand in the report")
    second = world.deadline(date(2021, 9, 23), label="Sign the agreement")
    world.plan(first, [-3])
    world.plan(second, [-1])
    return first, second


def take(world, now=MORNING, worker="w"):
    with world.db.write() as session:
        return claim(session, worker, now)


def until_claimed(world, now=MORNING):
    """What is to be sent after everything was settled."""
    while not (batch := take(world, now)).empty:
        if batch.claims:
            return batch.claims
    return ()


def begin(world, claimed, now=MORNING):
    with world.db.write() as session:
        return intend(session, claimed, now, "example.org")


def due_at(world, deadline):
    with world.db.read() as session:
        return session.get_one(Deadline, deadline).due_at


def by_kind(world, kind):
    return world.messages(kind=kind)


def test_what_is_due_in_one_morning_becomes_one_message(world):
    two_reminders(world)
    claims = until_claimed(world)
    (digest,) = by_kind(world, "digest")
    assert [claimed.message_id for claimed in claims] == [digest.id]
    assert statuses(by_kind(world, "reminder")) == ["gathered", "gathered"]
    assert {row.digest_id for row in by_kind(world, "reminder")} == {digest.id}
    assert digest.dedup_key == f"digest:{world.ana}:2021-09-22:1"
    assert begin(world, claims[0]).kind == "digest"
    assert statuses(by_kind(world, "reminder")) == ["sending", "sending"]


def test_one_alone_stays_a_mail_of_its_own(world):
    world.plan(world.deadline(date(2021, 9, 25)), [-3])
    (claimed,) = until_claimed(world)
    assert world.message().id == claimed.message_id
    assert begin(world, claimed).kind == "reminder"


def test_who_did_not_choose_digests_gets_none(world):
    chooses(world, world.ana, digest=False)
    two_reminders(world)
    assert len(until_claimed(world)) == 2
    assert by_kind(world, "digest") == []


def test_a_notice_that_may_wait_is_held_for_the_morning(world):
    world.notice(template="report_accepted")
    urgent = world.notice(template="offer")
    (claimed,) = until_claimed(world, NOW)
    assert world.message(id=claimed.message_id).dedup_key == urgent
    held = world.message(template="report_accepted")
    assert (held.status, held.next_at) == ("pending", datetime(2021, 9, 21, 14, 0, tzinfo=UTC))
    assert until_claimed(world, NOW) == ()


def test_what_was_held_goes_out_with_the_reminders_of_that_morning(world):
    world.plan(world.deadline(date(2021, 9, 24)), [-3])
    world.notice(template="report_accepted")
    take(world, NOW)
    (claimed,) = until_claimed(world, held_until := datetime(2021, 9, 21, 14, 0, tzinfo=UTC))
    assert world.message(kind="digest").id == claimed.message_id
    assert {row.digest_id for row in world.messages() if row.kind != "digest"} == {claimed.message_id}
    assert world.message(kind="digest").created_at == held_until


def test_what_is_over_by_then_is_left_out_and_says_why(world):
    first, _second = two_reminders(world)
    world.plan(world.deadline(date(2021, 9, 27)), [-5])
    (claimed,) = until_claimed(world)
    world.close(first)
    assert begin(world, claimed) is not None
    over = world.message(deadline_id=first)
    assert (over.status, over.reason) == ("cancelled", "The deadline was met, cancelled or moved")
    assert sorted(statuses(by_kind(world, "reminder"))) == ["cancelled", "sending", "sending"]


def test_what_was_moved_or_is_too_late_by_then_is_left_out(world):
    moved, late = two_reminders(world)
    stands = world.deadline(date(2021, 9, 27))
    world.plan(stands, [-5])
    (claimed,) = until_claimed(world)
    with world.db.write() as session:
        session.get_one(Deadline, moved).generation += 1
        session.get_one(Message, world.message(deadline_id=late).id).expires_at = MORNING
    assert begin(world, claimed) is not None
    ends = {row.deadline_id: row.status for row in by_kind(world, "reminder")}
    assert ends == {moved: "cancelled", late: "expired", stands: "sending"}


def test_a_digest_with_nothing_left_is_called_off(world):
    deadlines = two_reminders(world)
    (claimed,) = until_claimed(world)
    for deadline in deadlines:
        world.close(deadline)
    assert begin(world, claimed) is None
    digest = world.message(kind="digest")
    assert (digest.status, digest.reason, digest.attempts) == ("cancelled", NOTHING_LEFT, 0)
    assert set(statuses(by_kind(world, "reminder"))) == {"cancelled"}


def test_a_digest_that_may_not_go_ends_with_its_parts(world):
    two_reminders(world)
    (claimed,) = until_claimed(world)
    chooses(world, world.ana, disabled_at=MORNING)
    assert begin(world, claimed) is None
    ends = {(row.status, row.reason) for row in world.messages()}
    assert ends == {("cancelled", "The person's account is disabled")}


def test_moving_a_deadline_takes_its_reminder_out_of_the_digest(world):
    first, _ = two_reminders(world)
    until_claimed(world)
    with world.db.write() as session:
        assert (
            outbox.cancel(session, outbox.MESSAGES.c.deadline_id == first, reason="moved", now=MORNING) == 1
        )
    assert sorted(statuses(by_kind(world, "reminder"))) == ["cancelled", "gathered"]


def test_of_what_waits_beside_only_what_may_share_is_gathered(world):
    declines(world, world.ana, "lessons")
    due = [world.deadline(date(2021, 9, day)) for day in (25, 26, 27, 28)]
    for deadline, days in zip(due, (-3, -4, -5, -6), strict=True):
        world.plan(deadline, [days])
    world.notice(template="lesson_published", now=NOW - timedelta(days=1), at=MORNING)
    with world.db.write() as session:
        session.get_one(Message, world.message(deadline_id=due[2]).id).attempts = 1
        session.get_one(Message, world.message(deadline_id=due[3]).id).expires_at = MORNING
        claim(session, "w", MORNING, 1)
    assert statuses(by_kind(world, "reminder")) == ["gathered", "gathered", "pending", "pending"]
    assert world.message(template="lesson_published").status == "pending"


def test_a_digest_is_of_use_as_long_as_the_last_of_its_parts(world):
    two_reminders(world)
    until_claimed(world)
    first, second = (row.expires_at for row in by_kind(world, "reminder"))
    assert world.message(kind="digest").expires_at == first > second
    world.plan(world.deadline(date(2021, 9, 30)), [-8])
    take(world)
    *_, joined = by_kind(world, "reminder")
    assert (joined.status, world.message(kind="digest").expires_at) == ("gathered", joined.expires_at)


def test_a_digest_that_was_tried_takes_nothing_more_in(world):
    two_reminders(world)
    (claimed,) = until_claimed(world)
    intent = begin(world, claimed)
    with world.db.write() as session:
        acknowledge(session, intent, Handed(Outcome.RETRY, "451 later"), MORNING)
    world.plan(late := world.deadline(date(2021, 9, 30)), [-8])
    (alone,) = until_claimed(world)
    assert alone.message_id == world.message(deadline_id=late).id


def test_a_reminder_that_was_tried_goes_on_by_itself(world):
    first, _ = two_reminders(world)
    with world.db.write() as session:
        session.get_one(Message, world.message(deadline_id=first).id).attempts = 1
    assert len(until_claimed(world)) == 2
    assert by_kind(world, "digest") == []


def test_missed_reminders_of_one_deadline_are_one_part(world):
    first, _ = two_reminders(world)
    world.plan(first, [-2, -1])
    until_claimed(world, MORNING + timedelta(days=1))
    assert sorted(statuses(by_kind(world, "reminder"))) == ["gathered", "gathered", "pending", "superseded"]


def test_two_workers_at_once_gather_once(world):
    """Each may have claimed another part of one person's morning: there is one digest all the same."""
    for day in range(23, 29):
        world.plan(world.deadline(date(2021, 9, day)), [22 - day])
    barrier = Barrier(2)

    def work(worker):
        found = []
        barrier.wait(10)
        for _ in range(8):
            with world.db.write() as session:
                found += claim(session, worker, MORNING, 2).claims
        return found

    with ThreadPoolExecutor(2) as pool:
        claims = [claimed for found in pool.map(work, ["one", "two"]) for claimed in found]
    parts = by_kind(world, "reminder")
    carried = [row.digest_id if row.status == "gathered" else row.id for row in parts]
    assert {claimed.message_id for claimed in claims} == set(carried)
    assert len(claims) == len(set(carried)) < len(parts)


def test_a_worker_that_dies_between_gathering_and_sending_loses_nothing(world):
    two_reminders(world)
    (claimed,) = until_claimed(world)
    assert statuses(by_kind(world, "reminder")) == ["gathered", "gathered"]
    with world.db.write() as session:
        assert take_over(session, "w", MORNING) == 1
    (again,) = until_claimed(world)
    assert again.message_id == claimed.message_id


def test_a_worker_that_dies_while_sending_leaves_its_parts_with_the_digest(world):
    two_reminders(world)
    (claimed,) = until_claimed(world)
    begin(world, claimed)
    with world.db.write() as session:
        take_over(session, "w", MORNING)
    digest = world.message(kind="digest")
    assert (digest.status, digest.attempts) == ("pending", 1)
    assert set(statuses(by_kind(world, "reminder"))) == {"gathered"}


def test_what_comes_later_on_the_same_day_is_a_second_digest(world):
    two_reminders(world)
    (claimed,) = until_claimed(world)
    intent = begin(world, claimed)
    with world.db.write() as session:
        acknowledge(session, intent, Handed(Outcome.SENT, "250 ok"), MORNING)
    for _ in range(2):
        world.notice(template="report_accepted", now=NOW - timedelta(days=1), at=NOW)
    later = MORNING + timedelta(hours=2)
    until_claimed(world, later)
    assert [row.dedup_key[-1] for row in by_kind(world, "digest")] == ["1", "2"]


@pytest.mark.parametrize(
    ("outcome", "digest", "parts", "why"),
    [
        (Outcome.SENT, "sent", "sent", IN_DIGEST),
        (Outcome.DEAD, "dead", "dead", "550 gone"),
        (Outcome.RETRY, "pending", "gathered", ""),
    ],
)
def test_parts_end_as_their_digest_ends(world, outcome, digest, parts, why):
    two_reminders(world)
    (claimed,) = until_claimed(world)
    intent = begin(world, claimed)
    with world.db.write() as session:
        acknowledge(session, intent, Handed(outcome, "550 gone"), MORNING)
    assert world.message(kind="digest").status == digest
    assert {(row.status, row.reason) for row in by_kind(world, "reminder")} == {(parts, why)}


def test_sent_again_it_takes_its_parts_along_and_given_up_as_well(world):
    two_reminders(world)
    (claimed,) = until_claimed(world)
    intent = begin(world, claimed)
    with world.db.write() as session:
        acknowledge(session, intent, Handed(Outcome.DEAD, "550 gone"), MORNING)
        part = by_kind(world, "reminder")[0].id
        assert not outbox.send_again(session, part, MORNING)
        assert outbox.send_again(session, claimed.message_id, MORNING)
    assert set(statuses(by_kind(world, "reminder"))) == {"gathered"}
    (again,) = until_claimed(world)
    intent = begin(world, again)
    with world.db.write() as session:
        acknowledge(session, intent, Handed(Outcome.DEAD, "550 gone"), MORNING)
        assert outbox.give_up(session, claimed.message_id, "nobody there", MORNING)
    assert {(row.status, row.reason) for row in world.messages()} == {("cancelled", "nobody there")}


def test_that_came_back_it_takes_its_parts_along_and_never_without_being_sent(world):
    two_reminders(world)
    (claimed,) = until_claimed(world)
    intent = begin(world, claimed)
    with world.db.write() as session:
        assert not outbox.came_back(session, claimed.message_id, "came back: full", MORNING)
        acknowledge(session, intent, Handed(Outcome.SENT, "250 taken"), MORNING)
        assert not outbox.came_back(session, by_kind(world, "reminder")[0].id, "came back: full", MORNING)
        assert outbox.came_back(session, claimed.message_id, "came back: full", MORNING)
    assert {(row.status, row.reason) for row in world.messages()} == {("dead", "came back: full")}
    with world.db.write() as session:
        assert outbox.send_again(session, claimed.message_id, MORNING)
    assert set(statuses(by_kind(world, "reminder"))) == {"gathered"}


def test_mail_that_she_declined_is_called_off_with_the_reason(world):
    declines(world, world.ana, "lessons")
    world.notice(template="lesson_published")
    world.notice(template="offer")
    (claimed,) = until_claimed(world)
    assert world.message(id=claimed.message_id).template == "offer"
    declined = world.message(template="lesson_published")
    assert (declined.status, declined.reason) == ("cancelled", UNWANTED)


def test_what_is_owed_cannot_be_declined():
    owed = {
        "reminder",
        "overdue",
        "escalation",
        "offer",
        "declined",
        "sign_in",
        "invited",
        "returned",
        "digest",
    }
    assert not owed & TOPIC_OF.keys()
    assert not owed & (MAY_WAIT | AT_ONCE)
    assert AT_ONCE | MAY_WAIT | TOPIC_OF.keys() | STOPS.keys() <= template_names()


def test_the_mail_tells_each_with_its_day_and_its_link(small, start, mailbox):
    two_reminders(small)
    small.notice(
        template="withdrawn", payload={"reason": "We merged it with another."}, path="/applications/w"
    )
    assert start(small).run_until_quiet()["sent"] == 1
    (mail,) = mailbox.messages
    assert (
        mail.subject == "3 messages for you, the first due on Thursday, 23 September 2021: Sign the agreement"
    )
    first, second, third = (
        mail.text.index("Sign the"),
        mail.text.index("Hand in"),
        mail.text.index("Withdrawn:"),
    )
    assert first < second < third
    assert "1 day left: Sign the agreement – Safe routes to school" in mail.text
    assert "We merged it with another." in mail.text
    for address in ("/applications/x", "/applications/w", "/home"):
        assert f"https://fund.example.org{address}" in mail.text
        assert f'href="https://fund.example.org{address}"' in mail.html
    assert mail.header("References") is None
    assert statuses(small.messages()) == ["sent"] * 4


def test_what_moved_at_one_time_comes_in_one_mail_at_once(small, start, mailbox):
    """Who chose digests is not told twelve times, and does not wait for the morning either."""
    moved = {small.deadline(date(2021, 10, day), label=f"Review {day}"): day for day in (1, 2)}
    small.plan(next(iter(moved)), [-9])
    for deadline in moved:
        key = small.notice(template="deadline_moved", payload={"reason": "The mail was down."})
        with small.db.write() as session:
            message = session.exec(select(Message).where(Message.dedup_key == key)).one()
            message.deadline_id, message.deadline_generation = deadline, 1
            message.created_at = message.next_at = MORNING
    start(small).run_until_quiet()
    (mail,) = mailbox.messages
    assert mail.subject.startswith("3 messages for you")
    assert all(f"{day} October 2021" in mail.text for day in moved.values())
    assert mail.text.count("The mail was down.") == 2
    (file,) = mail.parsed.iter_attachments()
    entries = Calendar.from_ical(file.get_content().encode()).walk("VEVENT")
    assert [str(entry["SUMMARY"]) for entry in entries] == [
        f"Review {day}: Safe routes to school" for day in moved.values()
    ]
    assert [entry["DTEND"].dt for entry in entries] == [due_at(small, deadline) for deadline in moved]


def test_what_is_overdue_was_due(small, start, mailbox, clock):
    first, second = small.deadline(date(2021, 9, 20)), small.deadline(date(2021, 9, 30))
    small.plan(first, [2])
    small.plan(second, [-8])
    start(small).run_until_quiet()
    (mail,) = mailbox.messages
    assert mail.subject.startswith("2 messages for you, the first was due on Monday, 20 September 2021: ")


def test_one_click_ends_digests_and_nothing_else(small, start, mailbox):
    two_reminders(small)
    small.notice(template="offer")
    start(small).run_until_quiet()
    by_subject = {("messages for you" in mail.subject): mail for mail in mailbox.messages}
    digest, other = by_subject[True], by_subject[False]
    with small.db.read() as session:
        key = session.get_one(Person, small.ana).mail_key
    link = f"https://fund.example.org/unsubscribe/{key}/digest"
    assert digest.header("List-Unsubscribe").strip() == f"<{link}>"
    assert digest.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    assert link in digest.text
    assert f'href="{link}"' in digest.html
    assert other.header("List-Unsubscribe") is None
    assert "unsubscribe" not in other.text
    kept = small.message(kind="digest").rendered_text
    assert "https://fund.example.org/unsubscribe/…" in kept
    assert key not in kept


def test_a_refused_digest_keeps_its_message_id(small, start, mailbox, clock):
    two_reminders(small)
    mailbox.greylist("ana@example.org")
    sender = start(small)
    sender.run_until_quiet()
    clock.move_to(MORNING + timedelta(minutes=5))
    small.close(small.messages(kind="reminder")[0].deadline_id)
    sender.run_until_quiet()
    (mail,) = mailbox.messages
    assert mail.subject.startswith("1 message for you, due on")
    assert mail.mail_id == f"<{small.message(kind='digest').mail_id}>"
    assert sorted(statuses(small.messages(kind="reminder"))) == ["cancelled", "sent"]


def test_no_calendar_file_for_who_wants_none(small, start, mailbox):
    chooses(small, small.ana, digest=False, calendar_files=False)
    two_reminders(small)
    start(small).run_until_quiet()
    assert len(mailbox.messages) == 2
    assert [part for mail in mailbox.messages for part in mail.parsed.iter_attachments()] == []


def test_a_digest_from_right_to_left_isolates_what_runs_the_other_way(small, start, mailbox):
    small.plan(
        small.deadline(
            date(2021, 9, 25), application_id=(made := small.proposal("طريق آمن")), subject_id=made
        ),
        [-3],
    )
    small.plan(small.deadline(date(2021, 9, 25)), [-3])
    start(small).run_until_quiet()
    (mail,) = mailbox.messages
    assert "\u2068" in mail.text
    assert "<bdi>" in mail.html
