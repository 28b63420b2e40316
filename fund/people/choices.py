"""What mail a person chose to get, and how. What is owed to her, or by her, always comes."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete
from sqlmodel import Session, col, select

from fund.base.errors import Invalid, NotFound
from fund.base.permissions import Viewer
from fund.web.i18n import gettext as _
from notifications.kinds import DIGEST, STOPS, TOPICS, Topic
from schema.people import DeclinedMail, Person


@dataclass(frozen=True, slots=True)
class Choices:
    """One mail a day or each by itself; a calendar file beside what has a date or not; topics declined."""

    digest: bool
    calendar_files: bool
    declined: frozenset[str] = frozenset()


def offered(viewer: Viewer) -> dict[str, Topic]:
    """The kinds of mail that she may decline, by their keys."""
    return {key: topic for key, topic in TOPICS.items() if not topic.role or topic.role in viewer.roles}


def choices(session: Session, person_id: int) -> Choices:
    """What a person chose. Raises NotFound."""
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound
    declined = session.exec(select(DeclinedMail.topic).where(DeclinedMail.person_id == person_id))
    return Choices(person.digest, person.calendar_files, frozenset(declined))


def choose(session: Session, viewer: Viewer, chosen: Choices) -> Choices:
    """Keep what somebody chose for herself. Raises Invalid (field ``topics``) for what is not hers to decline.

    What she declined in a role that she has no longer stays as it is.
    """
    assert viewer.person_id is not None
    may = offered(viewer).keys()
    if not chosen.declined <= may:
        raise Invalid({"topics": _("Choose from the mails listed")})
    person = session.get_one(Person, viewer.person_id)
    person.digest, person.calendar_files = chosen.digest, chosen.calendar_files
    session.add(person)
    _decline(session, viewer.person_id, chosen.declined, may)
    return choices(session, viewer.person_id)


def whose(session: Session, key: str, what: str) -> Person:
    """Whom a link in a mail belongs to, by the key in it. Raises NotFound for a wrong key, or for what is owed."""
    found = session.exec(select(Person).where(Person.mail_key == key)).first() if key else None
    if found is None or what not in STOPS.values():
        raise NotFound
    return found


def stop(session: Session, key: str, what: str) -> Person:
    """End digests (single mails come again) or a topic for whose key it is; again changes nothing. Raises NotFound."""
    person = whose(session, key, what)
    if what == DIGEST:
        person.digest = False
        session.add(person)
    else:
        assert person.id is not None
        _decline(session, person.id, {what}, {what})
    return person


def _decline(session: Session, person_id: int, topics: Collection[str], among: Collection[str]) -> None:
    own = (col(DeclinedMail.person_id) == person_id, col(DeclinedMail.topic).in_(among))
    session.execute(delete(DeclinedMail).where(*own))
    session.add_all(DeclinedMail(person_id=person_id, topic=topic) for topic in sorted(topics))
    session.flush()
