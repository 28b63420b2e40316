"""Who runs a round, as a condition on rows: the rule by which ``fund.base.audience`` finds people."""

from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select
from sqlmodel import col

from schema.people import Membership, Person, PersonRole, Role
from schema.rounds import RoundManager


def runs(person: Any, round_id: Any, member: Any) -> ColumnElement[bool]:
    """Whether a manager who does not act for the member runs the round towards its proposal.

    She is named for it, or nobody who is named can: no longer a manager, disabled, or acting for that member herself.
    ``round_id`` and ``member`` may be columns of whatever query it stands in.
    """
    named = col(RoundManager.round_id) == round_id
    acts = (
        exists()
        .where(col(Membership.person_id) == col(RoundManager.person_id), col(Membership.member_id) == member)
        .correlate_except(Membership)
    )
    able = (
        select(col(Person.id))
        .join(PersonRole, col(PersonRole.person_id) == col(Person.id))
        .join(RoundManager, col(RoundManager.person_id) == col(Person.id))
        .where(named, col(Person.disabled_at).is_(None), col(PersonRole.role) == Role.MANAGER.value, ~acts)
        .correlate_except(Person, PersonRole, RoundManager)
    )
    hers = exists().where(named, col(RoundManager.person_id) == person).correlate_except(RoundManager)
    return or_(hers, ~able.exists())
