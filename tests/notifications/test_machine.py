"""Whatever happens in whatever order, the guarantees hold: a random walk against a plain model, on both databases.

``FUND_LONG=1`` makes it thousands of steps on each.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fund.base.clock import FixedClock
from fund.base.database import Database
from notifications import alive, handing, lease, outbox
from notifications.compose import Composer
from notifications.dates import end_of_local_day
from notifications.handing import Intent
from notifications.lease import Claim
from notifications.outcomes import Handed, Outcome
from notifications.plan import cancel_for_deadline, plan_reminders
from notifications.sender import Sender
from notifications.smtp import Transport, Unreachable, Verdict
from schema.deadlines import Deadline, DeadlineStatus
from schema.outbox import TERMINAL
from schema.people import Person
from tests.notifications.world import NOW, SETTINGS, Crash, World, as_if_killed

WALKS = 50 if os.environ.get("FUND_LONG") else 6
OFFSETS = [-7, -3, -1, 1, 4]
FIRST = date(2021, 9, 24)
ANOTHER = "gone-1-00000000"
VERDICTS = ["sent", "retry", "dead", "unknown-kept", "unknown-lost", "unreachable", "down"]


@dataclass
class Post(Transport):
    """A mail server that answers as it is told, in this process: the walk has no time for a real one."""

    clock: FixedClock
    plan: list[str] = field(default_factory=list)
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    on_taken: Callable[[str, bytes], None] = lambda recipient, data: None

    async def open(self) -> None:
        if self.plan and self.plan[0] == "down":
            self.plan.pop(0)
            raise Unreachable("nobody listens")

    async def send(self, sender: str, recipient: str, data: bytes) -> Verdict:
        step = self.plan.pop(0) if self.plan else "sent"
        if step == "crash-before":
            raise Crash
        if step in ("sent", "unknown-kept", "crash-after"):
            self.on_taken(recipient, data)
            self.taken.append((recipient, data))
        if step == "crash-after":
            raise Crash
        kind = {"down": "unreachable"}.get(step, step.partition("-")[0])
        return Verdict(Outcome(kind), f"as told: {step}")

    async def hang_up(self) -> None:
        """Nothing to hang up."""


class Walk(RuleBasedStateMachine):
    """Deadlines are moved, met and reopened, mail goes out, servers misbehave, processes crash, clocks jump."""

    database: Database
    folder: Path
    steps: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        with self.database.write() as session:
            for table in reversed(Deadline.metadata.sorted_tables):
                session.connection().execute(table.delete())
        self.world = World(self.database)
        self.ben = self.world.person("ben@example.org", "Ben", zone="Asia/Tokyo")
        self.clock = FixedClock(NOW)
        self.post = Post(self.clock, on_taken=self._is_right)
        self.deadlines: dict[int, date] = {}
        self.seen: dict[int, str] = {}
        self.latest = NOW
        self.stopped: list[Claim] = []
        self.begun: list[tuple[Intent, Handed]] = []
        self.start_worker()

    def start_worker(self) -> None:
        self.present = alive.presence(self.database, self.folder)
        self.sender = Sender(self.database, self.post, Composer(SETTINGS), self.clock, self.present)

    def _is_right(self, recipient: str, data: bytes) -> None:
        """What the server takes is about a deadline that is open now, as it stands now."""
        message = self.world.message(mail_id=_mail_id(data))
        assert message.address in ("", recipient)
        parts = self.world.messages(digest_id=message.id)
        with self.database.read() as session:
            for one in (message, *(part for part in parts if part.status not in TERMINAL)):
                assert one.status == "sending"
                if one.person_id is not None:
                    assert session.get_one(Person, one.person_id).disabled_at is None
                if one.deadline_id is not None:
                    deadline = session.get_one(Deadline, one.deadline_id)
                    assert deadline.status == DeadlineStatus.OPEN
                    assert deadline.generation == one.deadline_generation

    @rule(days=st.integers(0, 20))
    def open_deadline(self, days: int) -> None:
        due_on = FIRST + timedelta(days=days)
        self.world.now = self.clock.now()
        deadline = self.world.deadline(due_on)
        self.deadlines[deadline] = due_on
        self._plan(deadline)

    def _plan(self, deadline_id: int) -> None:
        with self.database.write() as session:
            deadline = session.get_one(Deadline, deadline_id)
            offsets = self.world.offsets(session, OFFSETS, [self.world.ana, self.ben])
            plan_reminders(session, deadline, offsets, self.clock.now())

    @precondition(lambda self: self.deadlines)
    @rule(which=st.integers(0), days=st.integers(-10, 10), properly=st.booleans())
    def move_deadline(self, which: int, days: int, properly: bool) -> None:
        deadline_id = sorted(self.deadlines)[which % len(self.deadlines)]
        due_on = self.deadlines[deadline_id] + timedelta(days=days)
        if due_on == self.deadlines[deadline_id]:
            self._plan(deadline_id)  # an edit that changes nothing
            return
        self.deadlines[deadline_id] = due_on
        with self.database.write() as session:
            deadline = session.get_one(Deadline, deadline_id)
            deadline.due_on, deadline.due_at = due_on, end_of_local_day(due_on, deadline.zone)
            deadline.generation += 1
            if properly:
                cancel_for_deadline(session, deadline_id, "Moved", self.clock.now())
        self._plan(deadline_id)

    @precondition(lambda self: self.deadlines)
    @rule(which=st.integers(0), status=st.sampled_from(["met", "cancelled"]), properly=st.booleans())
    def close_deadline(self, which: int, status: str, properly: bool) -> None:
        deadline_id = sorted(self.deadlines)[which % len(self.deadlines)]
        del self.deadlines[deadline_id]
        self.world.close(deadline_id, status)
        if properly:
            with self.database.write() as session:
                cancel_for_deadline(session, deadline_id, "Done", self.clock.now())

    @rule()
    def withdraw(self) -> None:
        for deadline_id in self.deadlines:
            self.world.close(deadline_id, "cancelled")
        self.deadlines.clear()
        with self.database.write() as session:
            about = outbox.MESSAGES.c.application_id == self.world.application
            outbox.cancel(session, about, reason="Withdrawn", now=self.clock.now())

    @rule(there=st.booleans(), digest=st.booleans())
    def change_ben(self, there: bool, digest: bool) -> None:
        with self.database.write() as session:
            ben = session.get_one(Person, self.ben)
            ben.disabled_at, ben.digest = None if there else self.clock.now(), digest

    @rule(times=st.integers(1, 3))
    def tell(self, times: int) -> None:
        key = f"notice:{len(self.world.messages())}"
        for _ in range(times):
            self.world.notice(key, now=self.clock.now())

    @rule(hours=st.sampled_from([-30, -1, 1, 7, 24, 24, 72]))
    def time_passes(self, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours))

    @rule(plan=st.lists(st.sampled_from(VERDICTS), max_size=6))
    def sweep(self, plan: list[str]) -> None:
        self.post.plan = plan
        self.sender.sweep()

    @rule(plan=st.lists(st.sampled_from(VERDICTS), max_size=3), after=st.booleans())
    def crash(self, plan: list[str], after: bool) -> None:
        self.post.plan = [*plan, "crash-after" if after else "crash-before"]
        with as_if_killed():
            self.sender.sweep()
        self.present.leave()
        self.start_worker()

    @rule()
    def another_worker_claims(self) -> None:
        with self.database.write() as session:
            self.stopped += lease.claim(session, ANOTHER, self.clock.now(), 3).claims

    @precondition(lambda self: self.stopped)
    @rule(which=st.integers(0), verdict=st.sampled_from(VERDICTS))
    def another_worker_hands_one_over(self, which: int, verdict: str) -> None:
        """It was stopped, and goes on as if nothing had been; it may have been taken for dead in the meantime."""
        claimed = self.stopped.pop(which % len(self.stopped))
        now, composer = self.clock.now(), Composer(SETTINGS)
        mine = self._holds(claimed, "claimed")
        with self.database.write() as session:
            intent = handing.intend(session, claimed, now, "example.org")
            mail = composer.write(composer.look_up(session, claimed.message_id), now) if intent else None
        assert mine or intent is None
        if intent is not None and mail is not None:
            self.post.plan = [verdict]
            said = asyncio.run(self.post.send("", mail.recipient, mail.data))
            self.begun.append((intent, Handed(said.outcome, said.reply)))

    @precondition(lambda self: self.begun)
    @rule(which=st.integers(0))
    def another_worker_acknowledges(self, which: int) -> None:
        intent, handed = self.begun.pop(which % len(self.begun))
        self._acknowledged(intent, handed, self._holds(intent, "sending"))

    @precondition(lambda self: self.stopped)
    @rule(which=st.integers(0))
    def another_worker_acknowledges_what_it_never_began(self, which: int) -> None:
        claimed = self.stopped[which % len(self.stopped)]
        never = Intent(claimed.message_id, claimed.lease, 0, 1, "notice", None)
        self._acknowledged(never, Handed(Outcome.SENT, "in a dream"), False)

    def _holds(self, what: Claim | Intent, status: str) -> bool:
        row = self.world.message(id=what.message_id)
        return (row.lease, row.status) == (what.lease, status)

    def _acknowledged(self, intent: Intent, handed: Handed, counts: bool) -> None:
        """It counts where the message is still its own, and changes nothing where it is not."""
        before = self.world.messages()
        with self.database.write() as session:
            assert (handing.acknowledge(session, intent, handed, self.clock.now()) is not None) == counts
        assert counts or self.world.messages() == before

    @invariant()
    def a_step_is_counted(self) -> None:
        self.steps[self.database.dialect] += 1

    @invariant()
    def what_is_in_a_digest_ends_with_it(self) -> None:
        by_id = {message.id: message for message in self.world.messages()}
        for message in by_id.values():
            if message.digest_id is not None and message.status == "sent":
                assert by_id[message.digest_id].status == "sent"
            if message.status == "gathered":
                assert by_id[message.digest_id].status not in TERMINAL

    @invariant()
    def a_newer_reminder_was_due_for_whatever_it_superseded(self) -> None:
        self.latest = max(self.latest, self.clock.now())
        reached = [
            one
            for one in self.world.messages(kind="reminder")
            if one.status in TERMINAL or one.attempts or one.next_at <= self.latest
        ]
        for old in self.world.messages(status="superseded"):
            whose = (old.deadline_id, old.deadline_generation, old.person_id)
            newer = (one for one in reached if (one.offset_days or 0) > (old.offset_days or 0))
            assert whose in {(one.deadline_id, one.deadline_generation, one.person_id) for one in newer}

    @invariant()
    def every_message_is_in_one_state_and_stays_where_it_ended(self) -> None:
        for message in self.world.messages():
            assert message.id is not None
            if message.id in self.seen:
                assert message.status == self.seen[message.id]
            if message.status in TERMINAL:
                self.seen[message.id] = message.status
                assert message.finished_at is not None
                assert message.worker is None
                assert message.reason or message.status == "sent"
            if message.status == "pending":
                assert message.lease is None

    @invariant()
    def what_arrived_is_what_the_record_says(self) -> None:
        attempts = Counter((a.message_id, a.outcome) for a in self.world.attempts())
        arrived = Counter(_mail_id(data) for _recipient, data in self.post.taken)
        for message in self.world.messages():
            assert message.id is not None
            count, unknown = arrived.pop(message.mail_id, 0), attempts[message.id, "unknown"]
            pending_crash = attempts[message.id, ""]
            sent = attempts[message.id, "sent"]
            if message.digest_id is not None:
                assert count == 0
                continue
            assert sent == (message.status == "sent")
            assert sent <= count <= sent + unknown + pending_crash
        assert not arrived, "unexpected"

    def teardown(self) -> None:
        """Let everything come to its end: nothing is lost."""
        self.post.plan = []
        for days in (1, 2, 4, 8, 16, 32, 64):
            self.clock.advance(timedelta(days=days))
            self.sender.run_until_quiet()
        assert {m.status for m in self.world.messages()} <= TERMINAL
        self.every_message_is_in_one_state_and_stays_where_it_ended()
        self.what_arrived_is_what_the_record_says()
        self.sender.stop()


def _mail_id(data: bytes) -> str:
    return data.partition(b"Message-ID: <")[2].partition(b">")[0].decode()


@pytest.mark.slow
@pytest.mark.chaos
def test_no_walk_breaks_a_guarantee(db: Database, tmp_path: Path, figure: Callable[[str], None]) -> None:
    walk: Any = type("WalkHere", (Walk,), {"database": db, "folder": tmp_path, "steps": Counter()})
    checked = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        walk,
        settings=settings(
            max_examples=WALKS, stateful_step_count=40, deadline=None, suppress_health_check=checked
        ),
    )
    figure(
        f"state machine, {db.dialect}: {walk.steps[db.dialect]} steps in {WALKS} walks, no guarantee broken"
    )
