"""Who acts: the people of the fund as they are, each in her own role."""

from collections.abc import Iterable
from typing import TypeVar

from sqlmodel import Session, col, select

from fund.base.audience import actor_of
from fund.base.permissions import Viewer
from fund.base.subjects import Subject, application_of
from schema.people import Member, MemberKind, Membership, Person, PersonRole
from schema.reviews import Review

T = TypeVar("T")
PROPOSING = (MemberKind.CITY, MemberKind.ORGANISATION)


class Cast:
    """Everybody who can sign in, as viewers. Read once: nobody joins or leaves while a round is rehearsed."""

    def __init__(self, session: Session) -> None:
        roles = _by_person(session.exec(select(PersonRole.person_id, PersonRole.role)))
        members = _by_person(session.exec(select(Membership.person_id, Membership.member_id)))
        people = session.exec(
            select(Person).where(col(Person.disabled_at).is_(None)).order_by(col(Person.id))
        )
        self._people = {
            one.id or 0: Viewer(
                person_id=one.id,
                name=one.name,
                email=one.email,
                locale=one.locale,
                zone=one.zone,
                roles=frozenset(roles.get(one.id or 0, ())),
                member_ids=frozenset(members.get(one.id or 0, ())),
            )
            for one in people
        }
        self._acting: dict[int, list[Viewer]] = {}
        for viewer in self._people.values():
            for member in sorted(viewer.member_ids):
                self._acting.setdefault(member, []).append(viewer)
        self.reviewers = [one for one in self._people.values() if one.is_reviewer]
        self._managers = [one for one in self._people.values() if one.is_manager]

    def who(self, session: Session, subject: Subject, role: str) -> Viewer | None:
        """The person who acts in that role towards the subject, or None where nobody can."""
        found = (one for one in self._candidates(session, subject, role) if one is not None)
        return next((one for one in found if role in actor_of(session, subject, one).roles), None)

    def proposing(self, session: Session) -> list[tuple[int, Viewer]]:
        """Each member that can propose and for which somebody acts, with the first who does."""
        proposing = select(Member.id).where(col(Member.kind).in_(PROPOSING)).order_by(col(Member.id))
        keys = [key or 0 for key in session.exec(proposing)]
        return [(key, self._acting[key][0]) for key in keys if key in self._acting]

    def _candidates(self, session: Session, subject: Subject, role: str) -> Iterable[Viewer | None]:
        if role == "manager":
            return self._managers
        if role == "reviewer" and isinstance(subject, Review):
            return [self._people.get(subject.reviewer_id)]
        application = application_of(session, subject)
        if role != "applicant" or application is None:
            return []
        return [self._people.get(application.author_id), *self._acting.get(application.member_id, [])]


def _by_person(rows: Iterable[tuple[int, T]]) -> dict[int, list[T]]:
    found: dict[int, list[T]] = {}
    for person, value in rows:
        found.setdefault(person, []).append(value)
    return found
