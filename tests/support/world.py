"""A small fund to test in: members, people and an open round, made by the fund's own functions.

``world(db, now)`` writes it in one unit of work. Everything in it is invented.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from sqlmodel import Session, select

from fund.base import binding, children, definitions, moves
from fund.base.database import Database
from fund.base.permissions import Viewer
from schema.applications import Answer, Application
from schema.awards import Award
from schema.lessons import CLEARED_ONE_BY_ONE, TEXTS, Lesson
from schema.people import Member, Membership, Person, PersonRole
from schema.reports import Report
from schema.reviews import Review, Score
from schema.rounds import Round
from tests.support import databases
from workflows import shipped

FORM = [
    {
        "key": "project",
        "title": "The project",
        "questions": [
            {"key": "problem", "label": "The problem", "words": 300, "criterion": "need"},
            {"key": "plan", "label": "What you will do", "words": 500, "criterion": "plan"},
            {"key": "partners", "label": "Partners", "required": False},
        ],
    }
]
T = TypeVar("T")
ANCHORS = ["Not addressed", "Weak", "Fair", "Good", "Excellent"]
SCORECARD = [
    {"key": "need", "label": "Need", "weight": 1, "anchors": ANCHORS},
    {"key": "plan", "label": "Plan", "weight": 2, "anchors": ANCHORS},
]


@dataclass(frozen=True)
class World:
    """Who and what is there. Viewers are frozen copies; read rows afresh in your own session."""

    db: Database
    round_id: int
    round_slug: str
    member_id: int
    other_member_id: int
    manager: Viewer
    second_manager: Viewer
    reviewers: tuple[Viewer, Viewer, Viewer]
    applicant: Viewer
    colleague: Viewer
    outsider: Viewer
    """An applicant of another member."""
    auditor: Viewer


def world(db: Database, now: datetime, **round_fields: Any) -> World:
    """Write the world and answer it. The round is open; it closes in 30 days."""
    kept = (str(now), str(sorted(round_fields.items())))
    return databases.again(db, kept, lambda: _made(db, now, round_fields), lambda made: replace(made, db=db))


def _made(db: Database, now: datetime, round_fields: Mapping[str, Any]) -> World:
    with db.write() as session:
        here = _member(session, "City of Aldea", "city", "Aldea", now)
        there = _member(session, "Harbour Peace Group", "organisation", "Porto Novo", now)
        manager = person(session, "Amina Bello", now, roles=["manager"])
        second = person(session, "Tomás Rey", now, roles=["manager"])
        reviewers = tuple(person(session, f"Reviewer {n}", now, roles=["reviewer"]) for n in "ABC")
        applicant = person(session, "Lucía Prado", now, members=[here], zone="America/Bogota")
        colleague = person(session, "Iván Soto", now, members=[here])
        outsider = person(session, "Omar Nur", now, members=[there], zone="Africa/Nairobi")
        auditor = person(session, "Greta Olsen", now, roles=["auditor"])
        round_ = open_round(session, manager, now, **round_fields)
        return World(
            db,
            round_.id or 0,
            round_.slug,
            here,
            there,
            manager,
            second,
            (reviewers[0], reviewers[1], reviewers[2]),
            applicant,
            colleague,
            outsider,
            auditor,
        )


def stage(world: World, name: str, now: datetime, make: Callable[[Session], T]) -> T:
    """What ``make`` answers (plain values) once it has written into the world, in one unit of work.

    From the second time on what it wrote under that name is copied, where nothing else was written before. Another
    function may have the same name for something else.
    """

    def made() -> T:
        with world.db.write() as session:
            return make(session)

    kept = (make.__module__, make.__qualname__, name, str(now))
    return databases.again(world.db, kept, made, lambda answer: answer)


def person(
    session: Session,
    name: str,
    now: datetime,
    *,
    roles: list[str] | None = None,
    members: list[int] | None = None,
    zone: str = "UTC",
) -> Viewer:
    """Add a person and answer the viewer that she is."""
    email = f"{name.lower().replace(' ', '.')}@example.org".encode("ascii", "ignore").decode()
    row = Person(email=email, name=name, zone=zone, created_at=now)
    session.add(row)
    session.flush()
    assert row.id is not None
    session.add_all(PersonRole(person_id=row.id, role=role) for role in roles or [])
    session.add_all(Membership(person_id=row.id, member_id=key, since=now) for key in members or [])
    session.flush()
    return Viewer(
        person_id=row.id,
        name=name,
        email=email,
        locale="en",
        zone=zone,
        roles=frozenset(roles or []),
        member_ids=frozenset(members or []),
    )


def open_round(session: Session, manager: Viewer, now: datetime, **fields: Any) -> Round:
    """A round that has just been opened by the manager."""
    today = now.date()
    given = {
        "slug": f"round-{secrets.token_hex(3)}",
        "title": "Peace Incentive Fund 2022",
        "summary": "Grants for evidence-based violence prevention.",
        "zone": "Europe/Brussels",
        "opens_on": today,
        "closes_on": today + timedelta(days=30),
        "review_due_on": today + timedelta(days=60),
        "decision_on": today + timedelta(days=90),
        "currency": "USD",
        "pot_minor": 100_000_00,
        "ceiling_minor": 20_000_00,
        "form": FORM,
        "scorecard": SCORECARD,
        "created_at": now,
    } | fields
    definition = shipped("round")
    round_ = Round(
        workflow_id=definitions.store(session, definition, now),
        state=definition.initial,
        state_since=now,
        **given,
    )
    session.add(round_)
    session.flush()
    binding.pin(session, round_, now)
    children.born(session, round_, now, viewer=manager, role="manager")
    moves.fire(session, round_, "open", manager, version=round_.version, now=now)
    return round_


def draft(
    session: Session, world: World, now: datetime, *, complete: bool = True, title: str = "Safe streets"
) -> Application:
    """A draft of the applicant's, complete enough to be submitted unless said otherwise."""
    application = Application(
        reference=f"PIF-{secrets.token_hex(3).upper()}",
        round_id=world.round_id,
        member_id=world.member_id,
        author_id=world.applicant.person_id or 0,
        title=title,
        theme="digital" if complete else "",
        requested_minor=15_000_00 if complete else None,
        created_at=now,
        **children.moved_columns(session, world.round_id, "application", now),
    )
    children.born(session, application, now, viewer=world.applicant, role="applicant")
    if complete:
        for key in ("problem", "plan"):
            session.add(
                Answer(
                    application_id=application.id or 0,
                    question=key,
                    text=f"What we say about {key}.",
                    updated_at=now,
                    updated_by_id=world.applicant.person_id or 0,
                )
            )
        session.flush()
    return application


def move(
    session: Session,
    subject: Any,
    trigger: str,
    viewer: Viewer,
    now: datetime,
    reason: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Make a move on the subject's present version."""
    moves.fire(session, subject, trigger, viewer, version=subject.version, now=now, reason=reason, data=data)


def submit(session: Session, world: World, application: Application, now: datetime) -> None:
    """Submit as the applicant."""
    move(session, application, "submit", world.applicant, now, data={"declaration": True})


def assign(
    session: Session, world: World, application: Application, reviewer: Viewer, now: datetime
) -> Review:
    """Give the application to the reviewer."""
    review = Review(
        application_id=application.id or 0,
        reviewer_id=reviewer.person_id or 0,
        created_at=now,
        **children.moved_columns(session, application.round_id, "review", now),
    )
    children.born(session, review, now, viewer=world.manager, role="manager")
    return review


def review_in(session: Session, review: Review, reviewer: Viewer, now: datetime, value: int = 3) -> None:
    """Score every criterion and submit the review."""
    move(session, review, "start", reviewer, now)
    for criterion in SCORECARD:
        session.add(
            Score(review_id=review.id or 0, criterion=str(criterion["key"]), value=value, reason="Because.")
        )
    review.recommendation = "fund"
    session.flush()
    move(session, review, "submit", reviewer, now)


def to_deliberation(
    session: Session, world: World, now: datetime, title: str = "Safe streets"
) -> Application:
    """An application whose two reviews are in."""
    application = draft(session, world, now, title=title)
    submit(session, world, application, now)
    move(session, application, "start_screening", world.manager, now)
    reviews = [assign(session, world, application, reviewer, now) for reviewer in world.reviewers[:2]]
    move(session, application, "send_to_review", world.manager, now)
    for review, reviewer in zip(reviews, world.reviewers, strict=False):
        review_in(session, review, reviewer, now)
    return application


def award(
    session: Session, world: World, application: Application, now: datetime, minor: int = 12_000_00
) -> Award:
    """Prepare an award of nine months that starts in ten days."""
    starts = now.date() + timedelta(days=10)
    row = Award(
        application_id=application.id or 0,
        amount_minor=minor,
        currency="USD",
        starts_on=starts,
        ends_on=date(starts.year + (starts.month + 8) // 12, (starts.month + 8) % 12 + 1, 1),
        prepared_at=now,
        prepared_by_id=world.manager.person_id or 0,
    )
    session.add(row)
    session.flush()
    return row


def to_active(session: Session, world: World, now: datetime) -> Application:
    """An application whose project has started: interim and final report are due."""
    application = to_deliberation(session, world, now)
    award(session, world, application, now)
    move(session, application, "offer", world.manager, now)
    move(session, application, "accept_offer", world.applicant, now, data={"signed_name": "Lucía Prado"})
    move(session, application, "start_project", world.manager, now)
    return application


def report_of(session: Session, application: Application, kind: str) -> Report:
    """The application's report of that kind."""
    return session.exec(
        select(Report).where(Report.application_id == application.id, Report.kind == kind)
    ).one()


def report_accepted(
    session: Session, world: World, application: Application, kind: str, now: datetime
) -> None:
    """Fill in, hand in and accept a report."""
    report = report_of(session, application, kind)
    for name in ("done", "changed", "difficulties", "next_steps"):
        setattr(report, name, f"What we say about {name}.")
    report.people_reached, report.spent_minor = 120, 6_000_00
    session.flush()
    move(session, report, "hand_in", world.applicant, now)
    move(session, report, "accept", world.manager, now)


def to_lesson_due(session: Session, world: World, now: datetime) -> Application:
    """An application whose reports are accepted and whose lesson has been asked for."""
    application = to_active(session, world, now)
    report_accepted(session, world, application, "interim", now)
    report_accepted(session, world, application, "final", now)
    move(session, application, "ask_for_lesson", world.manager, now)
    return application


def to_published(session: Session, world: World, now: datetime) -> Lesson:
    """A lesson that anybody may read, in all its fields."""
    application = to_lesson_due(session, world, now)
    lesson = session.exec(select(Lesson).where(Lesson.application_id == application.id)).one()
    for name in TEXTS:
        setattr(lesson, name, f"What we say about {name}.")
    lesson.theme = "digital"
    lesson.consent = dict.fromkeys(CLEARED_ONE_BY_ONE, "public")
    session.flush()
    move(session, lesson, "hand_in", world.applicant, now)
    lesson.clearance = dict.fromkeys(CLEARED_ONE_BY_ONE, "public")
    session.flush()
    move(session, lesson, "publish", world.manager, now)
    return lesson


def _member(session: Session, name: str, kind: str, city: str, now: datetime) -> int:
    row = Member(
        slug=name.lower().replace(" ", "-"), name=name, kind=kind, city=city, country="Nowhere", joined_at=now
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id
