"""The secret address under which calendars read what a person owes: one a person, renewed or ended by herself."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from fund.base.errors import NotFound
from fund.base.permissions import Viewer
from fund.people import queries
from fund.people.secret import fingerprint, fresh
from schema.feeds import CalendarFeed
from schema.people import Person

NOTED_EVERY = timedelta(hours=1)
"""How exactly the fund knows when a calendar last asked; more often would be a write for every answer."""


@dataclass(frozen=True)
class Holder:
    """Whose address it is, and whether it is to be noted that a calendar asked."""

    viewer: Viewer
    stale: bool


def renew(session: Session, person_id: int, now: datetime) -> str:
    """A new token of the person; the address that she had before is known no more.

    It is told this once and stored as a hash only. Raises NotFound for somebody who cannot sign in.
    """
    living = (col(Person.id) == person_id, col(Person.disabled_at).is_(None))
    # Locked, so that of two at once both get an address, and the later one holds.
    if session.exec(select(Person.id).where(*living).with_for_update()).first() is None:
        raise NotFound
    end(session, person_id)
    token = fresh()
    session.add(CalendarFeed(person_id=person_id, token_hash=fingerprint("calendar", token), made_at=now))
    session.flush()
    return token


def end(session: Session, person_id: int) -> bool:
    """Let the person's address be known no more. False where she has none."""
    had = of_person(session, person_id) is not None
    session.execute(delete(CalendarFeed).where(col(CalendarFeed.person_id) == person_id))
    return had


def of_person(session: Session, person_id: int) -> CalendarFeed | None:
    """When the person's address was made and last read; None where she has none."""
    return session.exec(select(CalendarFeed).where(CalendarFeed.person_id == person_id)).first()


def holder(session: Session, token: str, now: datetime) -> Holder:
    """Whose address has that token. Raises NotFound for nobody's, and for one who cannot sign in any more."""
    found = session.exec(
        select(Person, CalendarFeed.read_at)
        .join(CalendarFeed, col(CalendarFeed.person_id) == col(Person.id))
        .where(
            CalendarFeed.token_hash == fingerprint("calendar", token),
            col(Person.disabled_at).is_(None),
        )
    ).first()
    if found is None:
        raise NotFound
    person, read_at = found
    stale = read_at is None or abs(now - read_at) >= NOTED_EVERY
    return Holder(queries.viewer_of_person(session, person), stale)


def note(session: Session, person_id: int, now: datetime) -> None:
    """A calendar asked for the person's deadlines."""
    session.execute(update(CalendarFeed).where(col(CalendarFeed.person_id) == person_id).values(read_at=now))
