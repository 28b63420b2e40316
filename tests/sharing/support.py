"""Lessons to share: with a canary in every field, and with consent and clearance as a test wants them."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, select

from schema.applications import Application
from schema.lessons import CLEARED_ONE_BY_ONE, TEXTS, Lesson
from schema.people import Member
from tests.support.world import World, move, stage, to_lesson_due, to_published

FIELDS = tuple(CLEARED_ONE_BY_ONE)
CANARIES = {name: f"canary{index}{name}zz" for index, name in enumerate(FIELDS)}
"""One word per field that stands nowhere else."""
COUNTRY = "canarycountryzz"
"""The country goes where the city goes."""
PUBLIC = dict.fromkeys(FIELDS, "public")


def published_with_canaries(
    session: Session,
    world: World,
    now: datetime,
    consent: Mapping[str, str],
    clearance: Mapping[str, str],
) -> Lesson:
    """A published lesson with a canary in each field; consent and clearance are then set as given."""
    lesson = to_published(session, world, now)
    for name in TEXTS:
        setattr(lesson, name, f"Before {CANARIES[name]} after.")
    member = session.get_one(Member, world.member_id)
    member.name, member.city, member.country = CANARIES["grantee"], CANARIES["city"], COUNTRY
    lesson.consent, lesson.clearance = dict(consent), dict(clearance)
    session.add_all([lesson, member])
    session.flush()
    return lesson


def written(session: Session, world: World, now: datetime, consent: Mapping[str, str]) -> Lesson:
    """A lesson that was handed in, with texts in all fields and consent as given; nothing is cleared yet."""
    application = to_lesson_due(session, world, now)
    lesson = session.exec(select(Lesson).where(Lesson.application_id == application.id)).one()
    for name in TEXTS:
        setattr(lesson, name, f"What we say about {name}.")
    lesson.theme, lesson.consent = "digital", dict(consent)
    session.flush()
    move(session, lesson, "hand_in", world.applicant, now)
    return lesson


def reference_of(session: Session, lesson: Lesson) -> str:
    """The reference of the lesson's application."""
    return session.get_one(Application, lesson.application_id).reference


def staged_lesson(here: World, now: datetime) -> Lesson:
    """A lesson of which everything is public, with canaries: the stage that it needs is built once."""

    def published(session: Session) -> int | None:
        return published_with_canaries(session, here, now, PUBLIC, PUBLIC).id

    key = stage(here, "published", now, published)
    with here.db.read() as session:
        return session.get_one(Lesson, key)
