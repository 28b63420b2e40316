"""Who runs a round: managers who are named for it, or all managers where nobody is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from fund.base import access
from fund.base.audience import look_again
from fund.base.editions import edition_of
from fund.base.errors import Conflict, Forbidden, Invalid
from fund.base.permissions import Viewer
from fund.base.subjects import id_of
from fund.rounds import queries, replanning
from fund.rounds.record import note_change
from fund.rounds.replanning import Reach
from notifications.replan import mend
from schema.people import Person, PersonRole, Role
from schema.rounds import Round, RoundManager
from schema.wording import gettext_noop as _n
from workflows import Reason

CHANGED = "managers_changed"
WHY = _n("Others run the round now")
"""Beside the reminders that are called off by it."""


@dataclass(frozen=True)
class Running:
    """A round with all managers, by name, and those of them who are named for it."""

    round: Round
    managers: Sequence[Person]
    named: frozenset[int]
    edition: str
    """A short name for who is named: it changes when they do."""

    @property
    def names(self) -> list[str]:
        """The names of those who run it; nothing where all managers do."""
        return [one.name for one in self.managers if one.id in self.named]


def managers(session: Session) -> Sequence[Person]:
    """Everybody who can be named: managers who can sign in, by name."""
    acting = select(Person).join(PersonRole).where(PersonRole.role == Role.MANAGER)
    return session.exec(
        acting.where(col(Person.disabled_at).is_(None)).order_by(Person.name, col(Person.id))
    ).all()


def of(session: Session, viewer: Viewer, slug: str) -> Running:
    """Who runs the round. Raises NotFound, and Forbidden for others than managers and auditors."""
    if not viewer.reads_everything:
        raise Forbidden(_n("This is for the people who manage the fund."))
    return _running(session, queries.round_by_slug(session, viewer, slug))


def choose(
    session: Session,
    viewer: Viewer,
    slug: str,
    chosen: Collection[int],
    *,
    edition: str | None,
    now: datetime,
) -> Reach:
    """Let these managers run the round; nobody chosen is all of them. Any manager may: nobody is ever locked out.

    Reminders to managers are planned anew at once, and no other changes. Who is named already changes nothing.
    ``edition`` is that of who was seen to be named; None for a round that the viewer has just planned. Raises NotFound,
    Forbidden for others than managers, Invalid (``managers``) for somebody who is none, Conflict where somebody was
    faster.
    """
    access.require_manager(viewer)
    round_ = queries.round_by_slug(session, viewer, slug)
    replanning.lock_whole(session, round_)
    before, wanted = _running(session, round_), frozenset(chosen)
    if not wanted <= {one.id for one in before.managers}:
        raise Invalid({"managers": Reason(_n("Choose from the managers listed"))})
    if wanted == before.named:
        return Reach()
    if edition not in (None, before.edition):
        raise Conflict
    of_round = col(RoundManager.round_id) == id_of(round_)
    session.execute(
        delete(RoundManager).where(of_round, col(RoundManager.person_id).in_(before.named - wanted))
    )
    session.add_all(
        RoundManager(round_id=id_of(round_), person_id=key) for key in sorted(wanted - before.named)
    )
    session.flush()
    look_again(session)
    differing = replanning.differing(session, round_, now)
    mend(session, differing, now, WHY)
    data = {"before": sorted(before.named), "after": sorted(wanted)}
    note_change(session, viewer, round_, CHANGED, data, now)
    return replanning.reach_of(differing)


def _running(session: Session, round_: Round) -> Running:
    rows = session.exec(select(RoundManager.person_id).where(RoundManager.round_id == round_.id))
    named = frozenset(rows)
    return Running(round_, managers(session), named, edition_of(sorted(named)))
