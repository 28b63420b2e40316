"""People to test with, and what is in the outbox for them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session, col, select

from fund.base.database import Database
from fund.base.permissions import Viewer
from fund.people import queries, service
from fund.people.fields import MemberDraft, PersonDraft
from schema.outbox import Message
from schema.people import Member, Person, Role

NOW = datetime(2021, 9, 21, 8, 0, tzinfo=UTC)
MANAGER = "mara@fund.example"
APPLICANT = "amina@kano.example"
KANO = MemberDraft("Peace Initiative", "organisation", "Kano", "Nigeria")


@dataclass(frozen=True)
class Mailed:
    """What a sign-in mail holds."""

    token: str
    code: str


def make_manager(db: Database, email: str = MANAGER, name: str = "Mara") -> Viewer:
    """A manager, as she looks at the fund."""
    with db.write() as session:
        return queries.viewer_of_person(session, service.create_manager(session, email, name, now=NOW))


def make_member(db: Database, manager: Viewer, draft: MemberDraft = KANO) -> Member:
    """A member of the network."""
    with db.write() as session:
        return service.add_member(session, manager, draft, NOW)


def make_person(
    db: Database,
    manager: Viewer,
    email: str = APPLICANT,
    name: str = "Amina",
    roles: frozenset[str] = frozenset(),
    members: frozenset[int] = frozenset(),
) -> Viewer:
    """Somebody, as she looks at the fund."""
    with db.write() as session:
        person = service.add_person(
            session, manager, PersonDraft(email, name, roles, members), NOW, invite=False
        )
        return queries.viewer_of_person(session, person)


def make_reviewer(db: Database, manager: Viewer) -> Viewer:
    """A reviewer."""
    return make_person(db, manager, "rui@review.example", "Rui", frozenset({Role.REVIEWER.value}))


def messages(db: Database, kind: str = "") -> list[Message]:
    """What stands in the outbox, the oldest first."""
    with db.read() as session:
        query = select(Message).order_by(col(Message.id))
        return list(session.exec(query.where(Message.kind == kind) if kind else query))


def last_mailed(db: Database) -> Mailed:
    """Link and code of the newest sign-in mail."""
    message = messages(db, "sign_in")[-1]
    return Mailed(message.path.removeprefix("/sign-in/"), message.payload["code"])


def find(session: Session, email: str) -> Person:
    """The person with that address."""
    return session.exec(select(Person).where(Person.email == email)).one()
