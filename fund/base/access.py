"""Who may read and who may write what, as the workflow's states declare it. Refused by default.

Whoever may not read a thing is told that it does not exist.
"""

from sqlmodel import Session, col, select

from fund.base.audience import actor_of, left_to, stands_as
from fund.base.definitions import definition_of
from fund.base.errors import Forbidden, NotFound
from fund.base.permissions import Viewer
from fund.base.subjects import Subject, application_of, get
from schema.applications import Application
from schema.deadlines import Deadline
from schema.people import Role
from schema.reviews import Review
from schema.rows import Whole
from schema.wording import gettext_noop as _n

BY_REFERENCE = Whole(Application, col(Application.reference))
TO_MOVE = Whole(Application, col(Application.reference), lock=True)


def roles_here(session: Session, subject: Subject, viewer: Viewer) -> frozenset[str]:
    """Every role in which the viewer may look at the subject: her own towards it, auditor, reviewer of the application.

    A manager reads in every round, whoever runs it. Whoever acts for the member that applies looks as its applicant
    only: no auditor reads the reviews of her own.
    """
    if not viewer.signed_in:
        return frozenset({"anyone"})
    roles = stands_as(session, subject, viewer) | {"anyone"}
    if "applicant" in roles:
        return roles
    if viewer.is_auditor:
        roles |= {"auditor"}
    if _reviews(session, subject, viewer):
        roles |= {"reviewer"}
    return roles


def may_read(session: Session, subject: Subject, viewer: Viewer) -> bool:
    """Whether one of the viewer's roles is let in by the subject's present state."""
    state = definition_of(session, subject).state(subject.state)
    return bool(roles_here(session, subject, viewer) & state.read)


def may_edit(session: Session, subject: Subject, viewer: Viewer) -> bool:
    """Whether the viewer may change the content in the present state: a manager where she runs the round."""
    state = definition_of(session, subject).state(subject.state)
    return bool(actor_of(session, subject, viewer).roles & state.edit)


def owes(session: Session, subject: Subject, viewer: Viewer, deadline: Deadline) -> bool:
    """Whether the viewer herself has to meet the subject's deadline. What the fund owes is looked after, not owed."""
    return deadline.owner_role in stands_as(session, subject, viewer) - {Role.MANAGER.value}


def reads_history(session: Session, subject: Subject, viewer: Viewer, deadline: Deadline) -> bool:
    """Whether the viewer may read what became of the subject's deadline: who owes it, and who reads everything.

    Not who acts for the member that applies, where it is for others to meet.
    """
    if owes(session, subject, viewer, deadline):
        return True
    return viewer.reads_everything and "applicant" not in stands_as(session, subject, viewer)


def application(session: Session, viewer: Viewer, reference: str, *, lock: bool = False) -> Application:
    """The application with that reference, for a viewer who may read it. Raises NotFound otherwise.

    With ``lock`` others wait from here on, as after ``fund.base.subjects.lock``.
    """
    found = (TO_MOVE if lock else BY_REFERENCE).of(session, [reference])
    if not found or not may_read(session, found[0], viewer):
        raise NotFound
    return found[0]


def subject(session: Session, viewer: Viewer, kind: str, key: int) -> Subject:
    """The subject of that kind and key, for a viewer who may read it. Raises NotFound otherwise."""
    found = get(session, kind, key)
    if not may_read(session, found, viewer):
        raise NotFound
    return found


def refusal(session: Session, subject: Subject, viewer: Viewer, otherwise: str) -> Forbidden:
    """What to raise where something is not the viewer's to do: where others run the round, it tells a manager who."""
    return Forbidden(left_to(session, subject, viewer) or otherwise)


def require_edit(session: Session, subject: Subject, viewer: Viewer) -> None:
    """Raises Forbidden where the content cannot be changed by the viewer in the present state."""
    if not may_edit(session, subject, viewer):
        said = _n("This cannot be changed now. What you see is how it was handed in.")
        raise refusal(session, subject, viewer, said)


def require_manager(viewer: Viewer) -> None:
    """Raises Forbidden for whoever does not manage the fund."""
    if not viewer.is_manager:
        raise Forbidden(_n("Only a fund manager can do this."))


def require_apart(application: Application, viewer: Viewer) -> None:
    """Raises Forbidden for whoever acts for the member that applies: what the fund thinks of it is not for her."""
    if application.member_id in viewer.member_ids:
        raise Forbidden(_n("You belong to the member that applies, so others look after this proposal."))


def require_manager_of(session: Session, subject: Subject, viewer: Viewer) -> None:
    """Raises Forbidden for others than managers who run the round, and for a manager who acts for the applicant."""
    require_manager(viewer)
    if application := application_of(session, subject):
        require_apart(application, viewer)
    if said := left_to(session, subject, viewer):
        raise Forbidden(said)


def _reviews(session: Session, subject: Subject, viewer: Viewer) -> bool:
    """Whether the viewer has a review of the subject's application that gives her a right to look.

    A review that was only asked for gives none: a conflict of interest is declared before reading.
    """
    parent = application_of(session, subject)
    if parent is None or not isinstance(subject, Application) or not viewer.is_reviewer:
        return False
    mine = session.exec(
        select(Review).where(Review.application_id == parent.id, col(Review.reviewer_id) == viewer.person_id)
    ).first()
    if mine is None:
        return False
    definition = definition_of(session, mine)
    return mine.state != definition.initial and "reviewer" in definition.state(mine.state).read
