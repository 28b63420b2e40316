"""The weekly overview: on Monday morning each manager is told in numbers how the fund stands, once."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlmodel import Session, col
from sqlmodel import select as rows

from fund.base.permissions import Viewer
from fund.people import queries as people
from fund.pipeline.outbox import stuck
from fund.pipeline.owed import apart
from notifications import outbox
from notifications.dates import local_day, reminder_moment
from schema.applications import Application
from schema.deadlines import Deadline, DeadlineStatus
from schema.outbox import Message
from schema.people import Person, PersonRole, Role

WEEK = timedelta(days=7)
LATEST = timedelta(days=2)
"""An overview that could not be written down by then says nothing that the pages do not say better."""
TEMPLATE = "weekly_overview"


def queue_due(session: Session, now: datetime) -> int:
    """Queue the overview for each manager whose Monday morning has come. Answers how many were queued.

    Whoever has nothing to be told gets none; whoever declined it has hers called off with that reason.
    """
    queued = 0
    for person in _managers(session):
        monday = _monday(person.zone, now)
        if not monday <= now < monday + LATEST or _is_queued(session, key := _key(person, monday)):
            continue
        counts = count(session, people.viewer_of_person(session, person), monday)
        if any(counts.values()):
            outbox.queue(
                session,
                key=key,
                kind="notice",
                template=TEMPLATE,
                person_id=person.id,
                path="/pipeline",
                payload={"counts": dict(counts)},
                now=now,
                expires_at=monday + LATEST,
            )
            queued += 1
    return queued


def count(session: Session, viewer: Viewer, monday: datetime) -> Mapping[str, int]:
    """What became overdue and what moved in the week before, what is due in the week after, and mail that is stuck.

    Without proposals of the viewer's own members.
    """
    open_ = col(Deadline.status) == DeadlineStatus.OPEN
    graced, due = col(Deadline.grace_until), col(Deadline.due_at)
    deadlines = (
        select(
            func.count().filter(graced > monday - WEEK, graced <= monday),
            func.count().filter(due > monday, due <= monday + WEEK),
        )
        .select_from(Deadline)
        .join(Application, col(Application.id) == col(Deadline.application_id), isouter=True)
        .where(open_, apart(viewer))
    )
    overdue, soon = session.execute(deadlines).one()
    since = col(Application.state_since)
    moved = select(func.count()).where(
        since > monday - WEEK, since <= monday, col(Application.member_id).not_in(viewer.member_ids)
    )
    return {
        "overdue": int(overdue),
        "due": int(soon),
        "moved": session.execute(moved).scalar_one(),
        "stuck": stuck(session, viewer, 1)[1],
    }


def _managers(session: Session) -> list[Person]:
    acting = rows(Person).join(PersonRole).where(PersonRole.role == Role.MANAGER)
    return list(session.exec(acting.where(col(Person.disabled_at).is_(None)).order_by(col(Person.id))))


def _monday(zone: str, now: datetime) -> datetime:
    """Nine o'clock of this week's Monday in that zone."""
    today = local_day(now, zone)
    return reminder_moment(today, -today.weekday(), zone)


def _key(person: Person, monday: datetime) -> str:
    year, week, _day = local_day(monday, person.zone).isocalendar()
    return f"weekly:{person.id}:{year}-W{week:02}"


def _is_queued(session: Session, key: str) -> bool:
    return session.exec(rows(Message.id).where(Message.dedup_key == key)).first() is not None
