"""The weekly overview: on Monday morning each manager is told in numbers how the fund stands, once.

It is counted an hour before her reminders are due and goes out with them, so that a digest takes it in.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import true
from sqlmodel import Session, col, select

from fund.base.permissions import Viewer
from fund.people import queries as people
from fund.pipeline import queries
from fund.pipeline.outbox import stuck
from fund.web.words import iso
from notifications import outbox
from notifications.dates import MORNING, local_day, reminder_moment
from schema.deadlines import Deadline
from schema.outbox import Message
from schema.people import Person, PersonRole, Role
from schema.rounds import Round

LATEST = timedelta(days=2)
"""An overview that could not be written down by then says nothing that the pages do not say better."""
TEMPLATE = "weekly_overview"
COUNTED = MORNING - 1
"""The local hour on Monday as of which it counts."""


def queue_due(session: Session, now: datetime) -> int:
    """Queue the overview of each manager whose Monday morning has come, for nine o'clock. Answers how many were queued.

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
                payload={"counts": dict(counts), "week": iso(monday)},
                now=now,
                at=_monday(person.zone, now, MORNING),
                expires_at=monday + LATEST,
            )
            queued += 1
    return queued


def count(session: Session, viewer: Viewer, monday: datetime) -> Mapping[str, int]:
    """How many proposals and rounds moved or became overdue with something in the week before, are overdue with
    something from before that, or have something due in the week after; and how much mail is stuck.

    What the pipeline lists and no more: no drafts, and no proposals of the viewer's own members.
    """
    found = {}
    for told in queries.TOLD:
        wanted = queries.Filter(told=told, week=iso(monday))
        found[told] = queries.total(session, viewer, wanted, monday)
        found[f"rounds_{told}"] = len(rounds(session, wanted))
    return found | {"stuck": stuck(session, viewer, 1)[1]}


def rounds(session: Session, wanted: queries.Filter) -> list[tuple[Round, list[Deadline]]]:
    """Rounds that moved, or themselves have something due or overdue, in the week of the filter, with what that is."""
    if not wanted.span:
        return []
    of_round = col(Round.slug) == wanted.round if wanted.round else true()
    if wanted.told not in queries.ENDS:
        since, until = wanted.span
        within = (col(Round.state_since) > since, col(Round.state_since) <= until)
        return [
            (one, []) for one in session.exec(select(Round).where(*within, of_round).order_by(col(Round.id)))
        ]
    found = session.exec(
        select(Round, Deadline)
        .join(Deadline, col(Deadline.round_id) == col(Round.id))
        .where(Deadline.subject_kind == "round", of_round, *queries.open_within(wanted.told, *wanted.span))
        .order_by(col(Round.id), col(Deadline.due_at), col(Deadline.id))
    )
    return [(one, [row[1] for row in rows]) for one, rows in groupby(found, lambda row: row[0])]


def _managers(session: Session) -> list[Person]:
    acting = select(Person).join(PersonRole).where(PersonRole.role == Role.MANAGER)
    return list(session.exec(acting.where(col(Person.disabled_at).is_(None)).order_by(col(Person.id))))


def _monday(zone: str, now: datetime, hour: int = COUNTED) -> datetime:
    """That hour of this week's Monday in that zone."""
    today = local_day(now, zone)
    return reminder_moment(today, -today.weekday(), zone, hour)


def _key(person: Person, monday: datetime) -> str:
    year, week, _day = local_day(monday, person.zone).isocalendar()
    return f"weekly:{person.id}:{year}-W{week:02}"


def _is_queued(session: Session, key: str) -> bool:
    return session.exec(select(Message.id).where(Message.dedup_key == key)).first() is not None
