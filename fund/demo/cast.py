"""The members and people of the demonstration. The members are real; the people are nobody."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fund.base.permissions import Viewer
from fund.people import service as people
from fund.people.fields import MemberDraft, PersonDraft
from schema.people import Role

STAFF = {
    "manager": ("Mira, fund manager", "mira@fund.example", {Role.MANAGER}),
    "ingrid": ("Ingrid, reviewer", "ingrid@reviews.example", {Role.REVIEWER}),
    "samuel": ("Samuel, reviewer", "samuel@reviews.example", {Role.REVIEWER}),
    "leila": ("Leila, reviewer", "leila@reviews.example", {Role.REVIEWER}),
    "auditor": ("Ada, auditor", "ada@audit.example", {Role.AUDITOR}),
}
NEWCOMER = PersonDraft("jonas@fund.example", "Jonas, fund manager", frozenset({Role.MANAGER}))
"""The second manager, who joins late: both are told of everything, and one mailbox tells the story of a year."""
REVIEWERS = ("ingrid", "samuel", "leila")


@dataclass
class Cast:
    """Everybody by a short key, and the members' ids by theirs."""

    people: dict[str, Viewer] = field(default_factory=dict)
    members: dict[str, int] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Viewer:
        return self.people[key]


def assemble(session: Session, members: list[dict[str, Any]], now: datetime) -> Cast:
    """Add the staff, the members and one applicant for each."""
    cast = Cast()
    name, email, roles = STAFF["manager"]
    first = people.create_manager(session, email, name, now=now, zone="Europe/Brussels")
    manager = Viewer(person_id=first.id, name=name, email=email, roles=frozenset({Role.MANAGER}))
    cast.people["manager"] = manager
    for key, (name, email, roles) in list(STAFF.items())[1:]:
        cast.people[key] = _add(session, manager, PersonDraft(email, name, frozenset(roles)), now)
    for told in members:
        draft = MemberDraft(told["name"], told["kind"], told["city"], told["country"], told["zone"])
        member_id = people.add_member(session, manager, draft, now).id or 0
        cast.members[told["key"]] = member_id
        email = f"{told['person'].split()[0].lower().replace('í', 'i')}@{told['key']}.example"
        person = PersonDraft(email, told["person"], members=frozenset({member_id}))
        cast.people[told["key"]] = _add(session, manager, person, now, told["zone"])
    return cast


def join(session: Session, manager: Viewer, now: datetime) -> None:
    """The second manager begins."""
    people.add_person(session, manager, NEWCOMER, now, zone="Europe/Brussels", invite=False)


def _add(
    session: Session, manager: Viewer, draft: PersonDraft, now: datetime, zone: str = "Europe/Brussels"
) -> Viewer:
    person = people.add_person(session, manager, draft, now, zone=zone, invite=False)
    return Viewer(
        person_id=person.id,
        name=person.name,
        email=person.email,
        zone=person.zone,
        roles=draft.roles,
        member_ids=draft.members,
    )
