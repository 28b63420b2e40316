"""Who stands in which role to a subject: for rights (is she the applicant?) and for mail (who are the applicants?)."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from fund.base.permissions import Viewer
from fund.base.subjects import Subject, application_of
from schema.applications import Application
from schema.people import Membership, Person, PersonRole, Role
from schema.reviews import Review
from workflows import Actor


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


def people_in(session: Session, role: str, subject: Subject) -> Sequence[Person]:
    """Everybody who stands in that role to the subject and can still sign in, by id.

    A manager who acts for the member that applies is not among its managers: notices to them name reviewers.
    Raises ValueError for a role that no subject of this kind has.
    """
    active = select(Person).where(col(Person.disabled_at).is_(None)).order_by(col(Person.id))
    if role == "manager":
        managers = active.join(PersonRole).where(PersonRole.role == Role.MANAGER)
        return session.exec(managers.where(col(Person.id).not_in(_acting_for(session, subject)))).all()
    if role == "reviewer" and isinstance(subject, Review):
        reviewers = active.join(PersonRole).where(PersonRole.role == Role.REVIEWER)
        return session.exec(reviewers.where(Person.id == subject.reviewer_id)).all()
    if role == "applicant":
        application = application_of(session, subject)
        if application is not None:
            return _of_member(session, application)
    raise ValueError(f"nobody is {role} of a {type(subject).__name__.lower()}")


def _acting_for(session: Session, subject: Subject) -> list[int]:
    """Keys of everybody who acts for the member that applies; of nobody for a round."""
    application = application_of(session, subject)
    if application is None:
        return []
    acting = select(Membership.person_id).where(Membership.member_id == application.member_id)
    return list(session.exec(acting))


def _of_member(session: Session, application: Application) -> Sequence[Person]:
    return session.exec(
        select(Person)
        .join(Membership)
        .where(Membership.member_id == application.member_id, col(Person.disabled_at).is_(None))
        .order_by(col(Person.id))
    ).all()
