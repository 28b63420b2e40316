"""Who can be asked to review a proposal: how much each has to do already, and what stands in the way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from fund.base.definitions import definition_by_id
from schema.applications import Application
from schema.people import Membership, Person, PersonRole, Role
from schema.reviews import Review
from workflows import State


@dataclass(frozen=True)
class Candidate:
    """A reviewer who might be asked.

    ``belongs``: acts for the member that applies, and is never asked. ``asked``: where her review of this application
    stands, if she has one. ``stepped_back``: she declared a conflict of interest with this member before.
    """

    person: Person
    under_way: int
    done: int
    belongs: bool
    asked: State | None
    stepped_back: bool

    @property
    def free(self) -> bool:
        """Whether she can be asked."""
        return not self.belongs and self.asked is None


def candidates(session: Session, application: Application) -> list[Candidate]:
    """Every reviewer of the fund who can sign in: those with the least to do first. Five queries.

    For managers: the caller has made sure of that.
    """
    people = session.exec(
        select(Person)
        .join(PersonRole)
        .where(PersonRole.role == Role.REVIEWER, col(Person.disabled_at).is_(None))
        .order_by(func.lower(Person.name), col(Person.id))
    ).all()
    loads = _loads(session)
    asked = _asked(session, application)
    members = set(
        session.exec(select(Membership.person_id).where(Membership.member_id == application.member_id))
    )
    stepped_back = _stepped_back(session, application)
    found = [
        Candidate(
            person=person,
            under_way=loads.get(person.id or 0, (0, 0))[0],
            done=loads.get(person.id or 0, (0, 0))[1],
            belongs=person.id in members,
            asked=asked.get(person.id or 0),
            stepped_back=person.id in stepped_back,
        )
        for person in people
    ]
    return sorted(found, key=lambda one: (not one.free, one.stepped_back, one.under_way))


def _loads(session: Session) -> Mapping[int, tuple[int, int]]:
    """Reviews under way and come in, in the whole fund, by reviewer."""
    counted = session.exec(
        select(Review.reviewer_id, Review.workflow_id, Review.state, func.count()).group_by(
            col(Review.reviewer_id), col(Review.workflow_id), Review.state
        )
    )
    loads: dict[int, tuple[int, int]] = {}
    for reviewer_id, workflow_id, name, count in counted:
        state = definition_by_id(session, workflow_id).state(name)
        under_way, done = loads.get(reviewer_id, (0, 0))
        loads[reviewer_id] = (
            under_way + (0 if state.final else count),
            done + (count if state.outcome == "submitted" else 0),
        )
    return loads


def _asked(session: Session, application: Application) -> dict[int, State]:
    reviews = session.exec(select(Review).where(Review.application_id == application.id))
    return {one.reviewer_id: definition_by_id(session, one.workflow_id).state(one.state) for one in reviews}


def _stepped_back(session: Session, application: Application) -> set[int]:
    """Reviewers who declared a conflict of interest on another application of the same member."""
    reviews: Sequence[Review] = session.exec(
        select(Review)
        .join(Application, col(Application.id) == col(Review.application_id))
        .where(Application.member_id == application.member_id, col(Application.id) != application.id)
    ).all()
    return {
        one.reviewer_id
        for one in reviews
        if definition_by_id(session, one.workflow_id).state(one.state).outcome == "conflict"
    }
