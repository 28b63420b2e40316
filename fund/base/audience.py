"""Who stands in which role to a subject: for rights (is she the applicant?) and for mail (who are the applicants?)."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, null, select, true, union_all
from sqlmodel import Session, col

from fund.base.permissions import Viewer
from fund.base.subjects import Subject, application_of, member_of
from notifications.plan import Recipient
from schema.people import Membership, Person, PersonRole, Role
from schema.reviews import Review
from schema.statements import About, Prepared
from workflows import Actor

WHO = (col(Person.id), col(Person.zone))
ACTIVE = col(Person.disabled_at).is_(None)


def _with_role(role: Role, *more: Any) -> Any:
    return select(*more, *WHO).join(PersonRole).where(ACTIVE, col(PersonRole.role) == role.value)


MANAGERS = Prepared(_with_role(Role.MANAGER).order_by(col(Person.id)))
REVIEWER = Prepared(_with_role(Role.REVIEWER).where(col(Person.id) == bindparam("reviewer")))
PEOPLE = About(
    lambda these: union_all(
        select(col(Membership.member_id), *WHO, ACTIVE.label("active"))
        .join(Person, col(Person.id) == col(Membership.person_id))
        .where(these(col(Membership.member_id))),
        _with_role(Role.MANAGER, null()).add_columns(true()),
    ).order_by("id")
)
"""Who acts for some members, each with her member, and beside them the managers, with none: one question for both."""


def actor_of(session: Session, subject: Subject, viewer: Viewer) -> Actor:
    """The viewer with the roles that she has *here*.

    Whoever acts for the member that applies is its applicant and nothing else: no manager decides on her own
    proposal and no reviewer judges it. Whoever reviews no more for the fund is no reviewer of what she was asked for.
    """
    application = application_of(session, subject)
    if application is not None and application.member_id in viewer.member_ids:
        return Actor(viewer.person_id, frozenset({"applicant"}))
    roles = {Role.MANAGER.value} if viewer.is_manager else set()
    if isinstance(subject, Review) and viewer.is_reviewer and subject.reviewer_id == viewer.person_id:
        roles.add(Role.REVIEWER.value)
    return Actor(viewer.person_id, frozenset(roles))


class Audience:
    """Who is to be told, looked up once for however many subjects are moved in one unit of work."""

    def __init__(self, session: Session, subjects: Iterable[Subject] = ()) -> None:
        """``subjects`` are those that will be asked about, so that one question to the database serves all."""
        self._session = session
        self._managers: Sequence[Recipient] | None = None
        self._acting: dict[int, list[tuple[Recipient, bool]]] = {}
        self._expected = {member for one in subjects if (member := member_of(session, one)) is not None}

    def people_in(self, role: str, subject: Subject) -> Sequence[Recipient]:
        """Everybody who stands in that role to the subject and can still sign in, by id.

        A manager who acts for the member that applies is not among its managers: notices to them name reviewers.
        Raises ValueError for a role that no subject of this kind has.
        """
        member = member_of(self._session, subject)
        if role == "manager":
            acting = {one.person_id for one, _ in self._of(member)} if member is not None else set()
            return [one for one in self._all_managers() if one.person_id not in acting]
        if role == "reviewer" and isinstance(subject, Review):
            return _recipients(REVIEWER.rows(self._session, reviewer=subject.reviewer_id))
        if role == "applicant" and member is not None:
            return [one for one, active in self._of(member) if active]
        raise ValueError(f"nobody is {role} of a {type(subject).__name__.lower()}")

    def _all_managers(self) -> Sequence[Recipient]:
        if self._managers is None:
            self._managers = _recipients(MANAGERS.rows(self._session))
        return self._managers

    def _of(self, member: int) -> list[tuple[Recipient, bool]]:
        """Everybody who acts for a member, and whether she can sign in."""
        if member not in self._acting:
            wanted = (self._expected | {member}) - self._acting.keys()
            self._acting.update({key: [] for key in wanted})
            managers = []
            for key, person, zone, active in PEOPLE.rows(self._session, sorted(wanted)):
                one = Recipient(person, zone)
                if key is None:
                    managers.append(one)
                else:
                    self._acting[key].append((one, bool(active)))
            self._managers = managers
        return self._acting[member]


def _recipients(found: Iterable[Any]) -> list[Recipient]:
    return [Recipient(person, zone) for person, zone in found]
