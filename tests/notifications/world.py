"""A small fund in the database for the tests of this room: a round, a member, people, proposals, deadlines."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import count
from time import monotonic
from typing import Any

from sqlmodel import Session, col, select

from fund.base.clock import FixedClock
from fund.base.database import Database
from notifications import alive, lease, outbox
from notifications.compose import Composer, MailSettings
from notifications.dates import end_of_local_day
from notifications.plan import Offset, Recipient, plan_reminders
from notifications.sender import Sender
from notifications.smtp import Limits, Server, Transport
from schema.applications import Application
from schema.deadlines import Deadline
from schema.outbox import DeliveryAttempt, Message
from schema.people import Member, Person
from schema.rounds import Round
from schema.workflows import Workflow
from tests.support import databases

NOW = datetime(2021, 9, 21, 8, 0, tzinfo=UTC)
SETTINGS = MailSettings(
    fund_name="Peace Incentive Fund",
    network_name="Peace in Our Cities",
    address="https://fund.example.org",
    mail_from="fund@example.org",
    contact="people@example.org",
    demo=True,
)
PATIENT = Limits(connect=60, command=60, final=60)
"""For servers that answer at once, on machines that may be busy."""


class World:
    """Writes what a test needs; every call is a unit of work of its own."""

    def __init__(self, db: Database, now: datetime = NOW) -> None:
        self.db = db
        self.now = now
        self._numbers = count(2)
        made = databases.again(db, ("mails", str(now)), self._begin, lambda ids: ids)
        self.workflow_id, self.member_id, self.round_id, self.ana, self.application = made

    def _begin(self) -> tuple[int, ...]:
        now = self.now
        with self.db.write() as session:
            workflow = Workflow(name="application", version=1, digest="d", source="", stored_at=now)
            member = Member(slug="cali", name="City of Cali", joined_at=now)
            session.add_all([workflow, member])
            session.flush()
            round_ = Round(
                slug="2021", title="Round 2021", opens_on=date(2021, 9, 1), closes_on=date(2021, 10, 31),
                review_due_on=date(2021, 11, 30), decision_on=date(2021, 12, 15), pot_minor=1, ceiling_minor=1,
                created_at=now, workflow_id=workflow.id, state="open", state_since=now,
            )  # fmt: skip
            session.add(round_)
            session.flush()
            self.workflow_id, self.member_id, self.round_id = workflow.id or 0, member.id or 0, round_.id or 0
        self.ana = self.person("ana@example.org", "Ana", zone="America/Bogota")
        first = self.proposal("Safe routes to school", reference="PIF-0001")
        return self.workflow_id, self.member_id, self.round_id, self.ana, first

    def person(self, email: str, name: str = "", **columns: Any) -> int:
        """A person's id."""
        return self._add(Person(email=email, name=name or email, created_at=self.now, **columns))

    def proposal(self, title: str, **columns: Any) -> int:
        """An application's id."""
        values = {
            "reference": f"PIF-{next(self._numbers):04d}", "round_id": self.round_id, "member_id": self.member_id,
            "author_id": self.ana, "created_at": self.now, "workflow_id": self.workflow_id,
            "state": "submitted", "state_since": self.now,
        }  # fmt: skip
        return self._add(Application(title=title, **(values | columns)))

    def deadline(self, due_on: date, zone: str = "Europe/Brussels", **columns: Any) -> int:
        """An open deadline's id, for the applicant of the first proposal unless said otherwise."""
        due_at = end_of_local_day(due_on, zone)
        values = {
            "subject_kind": "application", "subject_id": self.application, "application_id": self.application,
            "round_id": self.round_id, "key": f"k{next(self._numbers)}", "label": "Hand in the report",
            "owner_role": "applicant", "opened_at": self.now,
        }  # fmt: skip
        return self._add(
            Deadline(due_on=due_on, zone=zone, due_at=due_at, grace_until=due_at, **(values | columns))
        )

    def plan(self, deadline_id: int, days: Sequence[int], people: Sequence[int] | None = None) -> int:
        """Plan reminders of a deadline for ``people`` (Ana), each in the zone of that person."""
        with self.db.write() as session:
            deadline = session.get_one(Deadline, deadline_id)
            return plan_reminders(session, deadline, self.offsets(session, days, people), self.now)

    def offsets(
        self, session: Session, days: Sequence[int], people: Sequence[int] | None = None
    ) -> list[Offset]:
        """What ``plan_reminders`` takes."""
        found = [session.get_one(Person, id) for id in people or [self.ana]]
        recipients = [Recipient(person.id or 0, person.zone) for person in found]
        return [Offset(d, recipients, "/applications/x", "overdue" if d > 0 else "reminder") for d in days]

    def notice(self, key: str = "", template: str = "receipt", **values: Any) -> str:
        """Queue a notice to Ana, due now; returns its key."""
        key = key or f"move:application:{self.application}:{next(self._numbers)}:{template}"
        told = {
            "kind": "notice", "person_id": self.ana, "subject_kind": "application",
            "subject_id": self.application, "application_id": self.application, "now": self.now,
        }  # fmt: skip
        with self.db.write() as session:
            outbox.queue(session, key=key, template=template, **(told | values))
        return key

    def many(self, number: int, *, at: datetime | None = None) -> None:
        """Queue ``number`` notices to as many bare addresses, due ``at`` (now)."""
        rows = [
            outbox.message_row(
                key=f"n:{i}", kind="notice", template="receipt", address=f"a{i}@example.org", now=self.now,
                next_at=at or self.now, application_id=self.application,
            )
            for i in range(number)
        ]  # fmt: skip
        with self.db.write() as session:
            outbox.queue_rows(session, rows)

    def close(self, deadline_id: int, status: str = "met") -> None:
        """Close a deadline without cancelling its reminders, as if the two raced."""
        with self.db.write() as session:
            session.get_one(Deadline, deadline_id).status = status

    def messages(self, **where: Any) -> list[Message]:
        """Stored messages by id."""
        with self.db.read() as session:
            found = select(Message).order_by(col(Message.id))
            for name, value in where.items():
                found = found.where(getattr(Message, name) == value)
            return list(session.exec(found).all())

    def message(self, **where: Any) -> Message:
        """The one message that there is."""
        (found,) = self.messages(**where)
        return found

    def attempts(self) -> list[DeliveryAttempt]:
        """All delivery attempts by id."""
        with self.db.read() as session:
            return list(session.exec(select(DeliveryAttempt).order_by(col(DeliveryAttempt.id))).all())

    def _add(self, row: Any) -> int:
        with self.db.write() as session:
            session.add(row)
            session.flush()
            return int(row.id)


def statuses(messages: Sequence[Message]) -> list[str]:
    """Their statuses in order."""
    return [message.status for message in messages]


class Post:
    """A sender with everything around it, as a worker process has it."""

    def __init__(
        self,
        db: Database,
        port: int,
        clock: FixedClock,
        data_dir: Any,
        limits: Limits = PATIENT,
        kind: type[Sender] = Sender,
        **options: Any,
    ) -> None:
        self.clock = clock
        self.composer = Composer(SETTINGS)
        self.transport = Transport(Server("127.0.0.1", port, limits=limits))
        self.present = alive.presence(db, data_dir)
        self.sender = kind(db, self.transport, self.composer, clock, self.present, **options)

    def __enter__(self) -> Sender:
        return self.sender

    def __exit__(self, *_: object) -> None:
        self.sender.stop()


def is_let_go(present: alive.Presence, name: str) -> bool:
    """PostgreSQL lets go when its own process has noticed that nobody is there: at once, but not in no time."""
    deadline = monotonic() + 20
    while present.is_alive(name) and monotonic() < deadline:
        pass
    return not present.is_alive(name)


class Crash(BaseException):
    """The process ends here: nothing after it runs, not even what always runs."""


@contextmanager
def as_if_killed() -> Iterator[None]:
    """Keeps a crash from giving back what was claimed: who is killed does not tidy up."""
    original = lease.release
    lease.release = lambda session, worker: 0
    try:
        yield
    except Crash:
        pass
    finally:
        lease.release = original


def later(**step: float) -> datetime:
    """NOW and a step more."""
    return NOW + timedelta(**step)
