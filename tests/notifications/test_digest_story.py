"""Whatever happens in whatever order: each message ends once, and is told exactly once if it ends as sent."""

import os
from collections import Counter
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifications import outbox
from notifications.dates import local_day
from notifications.handing import acknowledge, intend
from notifications.lease import claim
from notifications.outcomes import Handed, Outcome
from notifications.recovery import take_over
from schema.outbox import TERMINAL
from schema.people import Person
from tests.notifications.world import NOW, World

ZONE = "America/Bogota"
HAPPENS = st.lists(
    st.sampled_from(
        [
            "remind",
            "remind",
            "news",
            "urgent",
            "close",
            "call off",
            "morning",
            "claim",
            "claim",
            "choose",
            "die",
        ]
        + [outcome.value for outcome in (Outcome.SENT, Outcome.RETRY, Outcome.DEAD, Outcome.UNKNOWN)]
    ),
    min_size=8,
    max_size=30,
)
STORIES = 60 if os.environ.get("FUND_LONG") else 5
WAITS_WITH = {"gathered": {"pending", "claimed"}, "sending": {"sending"}}
"""In which states of a digest its parts wait."""


class Story:
    """One person's mail, and how often each message of hers was told."""

    def __init__(self, world, number):
        self.world, self.now, self.claims = world, NOW, []
        self.person = world.person(f"p{number}@example.org", zone=ZONE, digest=True)
        self.deadlines, self.told = [], Counter()

    def happens(self, what):
        match what:
            case "remind":
                day = local_day(self.now, ZONE) + timedelta(days=3)
                self.deadlines.append(self.world.deadline(day, ZONE))
                self.world.now = self.now
                self.world.plan(self.deadlines[-1], [-2, -1, 0], [self.person])
            case "news" | "urgent":
                template = "report_accepted" if what == "news" else "offer"
                self.world.notice(template=template, person_id=self.person, now=self.now)
            case "close" if self.deadlines:
                self.world.close(self.deadlines.pop(0))
            case "call off" if self.deadlines:
                self.call_off(self.deadlines[-1])
            case "morning":
                self.now = self.now.replace(hour=14, minute=0) + timedelta(days=self.now.hour >= 14)
                self.now += timedelta(minutes=1)
            case "claim":
                with self.world.db.write() as session:
                    self.claims += claim(session, "w", self.now).claims
            case "choose":
                with self.world.db.write() as session:
                    person = session.get_one(Person, self.person)
                    person.digest = not person.digest
            case "die":
                self.die()
            case _ if self.claims and what in set(Outcome):
                self.send(Outcome(what))

    def call_off(self, deadline):
        with self.world.db.write() as session:
            outbox.cancel(session, outbox.MESSAGES.c.deadline_id == deadline, reason="moved", now=self.now)

    def die(self):
        """The worker dies with all that it holds, in the midst of a mail if there is one."""
        with self.world.db.write() as session:
            if self.claims:
                intend(session, self.claims[0], self.now, "example.org")
        with self.world.db.write() as session:
            take_over(session, "w", self.now)
        self.claims.clear()

    def send(self, outcome):
        claimed = self.claims.pop(0)
        with self.world.db.write() as session:
            intent = intend(session, claimed, self.now, "example.org")
        if intent is None:
            return
        going = [
            row.id for row in self.mine() if row.digest_id == claimed.message_id and row.status == "sending"
        ]
        with self.world.db.write() as session:
            acknowledge(session, intent, Handed(outcome, "said"), self.now)
        if outcome == Outcome.SENT:
            assert intent.kind != "digest" or going
            self.told.update([claimed.message_id, *going])

    def mine(self):
        return self.world.messages(person_id=self.person)

    def check(self):
        """A part waits only in a digest that waits as well."""
        rows = {row.id: row for row in self.mine()}
        for row in rows.values():
            if row.status == "gathered" or (row.status == "sending" and row.digest_id):
                assert rows[row.digest_id].status in WAITS_WITH[row.status]

    def to_its_end(self):
        self.die()
        for _ in range(60):
            self.happens("morning")
            self.happens("claim")
            while self.claims:
                self.send(Outcome.SENT)
            if all(row.status in TERMINAL for row in self.mine()):
                return


def live(world, number, happenings):
    story = Story(world, number)
    for what in happenings:
        story.happens(what)
        story.check()
    story.to_its_end()
    ends = {row.id: (row.status, row.reason) for row in story.mine()}
    assert {status for status, _reason in ends.values()} <= TERMINAL
    assert {key for key, (status, _reason) in ends.items() if status == "sent"} == story.told.keys()
    assert set(story.told.values()) <= {1}


def test_a_story_of_digests(db):
    world = World(db)
    numbers = iter(range(1_000_000))

    @settings(
        max_examples=STORIES,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(HAPPENS)
    def lived(happenings):
        live(world, next(numbers), happenings)

    lived()
