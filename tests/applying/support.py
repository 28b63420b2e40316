"""Proposals to act on."""

from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from fund.applying import service
from fund.applying.fields import Edit
from fund.base.permissions import Viewer
from schema.applications import Application
from tests.support import world as worlds
from tests.support.world import World

WHOLE = Edit(
    title="Safe streets",
    theme="digital",
    requested_minor=15_000_00,
    answers={"problem": "Young people are recruited online.", "plan": "We teach mediators."},
)
"""All that the world's round asks for."""


def started(world: World, now: datetime, viewer: Viewer | None = None, **options: Any) -> str:
    """The reference of a draft that the applicant (or ``viewer``) has started."""
    who = viewer or world.applicant
    with world.db.write() as session:
        member = min(who.member_ids)
        return service.start(session, who, world.round_slug, member, now, **options).application.reference


def saved(
    world: World, reference: str, edit: Edit, version: int, now: datetime, viewer: Viewer | None = None
) -> int:
    """The count of saves after saving ``edit``."""
    with world.db.write() as session:
        who = viewer or world.applicant
        return service.save(session, who, reference, edit, edit_version=version, now=now).edit_version


def complete(world: World, now: datetime) -> str:
    """The reference of a draft that can be submitted."""
    reference = started(world, now, another=True)
    saved(world, reference, WHOLE, 0, now)
    return reference


def submitted(world: World, now: datetime) -> str:
    """The reference of a proposal that was submitted."""
    reference = complete(world, now)
    moved(world, reference, "submit", world.applicant, now, data={"declaration": True})
    return reference


def moved(world: World, reference: str, trigger: str, viewer: Viewer, now: datetime, **more: Any) -> None:
    """Make a move on the present version."""
    with world.db.write() as session:
        version = stored(session, reference).version
        service.move(session, viewer, reference, trigger, version=version, now=now, **more)


def stored(session: Session, reference: str) -> Application:
    """The row as it is stored."""
    return session.exec(select(Application).where(Application.reference == reference)).one()


def in_review(world: World, now: datetime) -> str:
    """The reference of a proposal that the first reviewer has begun to review and the second was asked to."""
    reference = submitted(world, now)
    with world.db.write() as session:
        application = stored(session, reference)
        worlds.move(session, application, "start_screening", world.manager, now)
        reviews = [
            worlds.assign(session, world, application, reviewer, now) for reviewer in world.reviewers[:2]
        ]
        worlds.move(session, application, "send_to_review", world.manager, now)
        worlds.move(session, reviews[0], "start", world.reviewers[0], now)
    return reference
