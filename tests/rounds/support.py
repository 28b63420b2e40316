"""A round to plan: a draft that is right, and ways to plan it."""

from dataclasses import replace
from datetime import date
from typing import Any

from fund.base.database import Database
from fund.base.permissions import Viewer
from fund.rounds import queries, service
from fund.rounds.fields import RoundDraft
from schema.rounds import Round

DRAFT = RoundDraft(
    title="Peace Incentive Fund 2022",
    summary="Grants for what is known to work.",
    eligibility=("Your city is a member.", "The project takes place there."),
    zone="America/Bogota",
    opens_on=date(2021, 10, 1),
    closes_on=date(2021, 11, 1),
    review_due_on=date(2021, 12, 1),
    decision_on=date(2021, 12, 20),
    currency="USD",
    pot_minor=120_000_00,
    ceiling_minor=20_000_00,
    project_months=9,
)


def planned(db: Database, manager: Viewer, now: Any, **changes: Any) -> Round:
    """A round that the manager has planned from DRAFT with ``changes``."""
    with db.write() as session:
        return service.create_round(session, manager, replace(DRAFT, **changes), now)


def opened(db: Database, manager: Viewer, now: Any, **changes: Any) -> Round:
    """The same, opened to everybody."""
    round_ = planned(db, manager, now, **changes)
    return moved(db, manager, round_.slug, "open", now)


def moved(
    db: Database, manager: Viewer, slug: str, trigger: str, now: Any, reason: str | None = None
) -> Round:
    """The round after a move made on its present version."""
    with db.write() as session:
        round_ = queries.round_by_slug(session, manager, slug)
        service.move(session, manager, slug, trigger, version=round_.version, now=now, reason=reason)
        return round_
