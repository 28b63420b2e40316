"""Bearer tokens for the JSON API: a program acts with the rights of the person whose token it holds."""

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from fund.base.errors import NotFound
from fund.people.fields import checked_label
from fund.people.rows import changed
from fund.people.secret import API_PREFIX, fingerprint, fresh
from fund.people.sessions import TOUCH_EVERY
from fund.web.i18n import gettext as _
from schema.people import ApiToken, Person


def create_token(session: Session, owner: str | int, label: str, now: datetime) -> str:
    """A new token of ``owner`` (mail address or id of a person). It is told this once and stored as a hash only.

    Raises Invalid for an empty or overlong label, NotFound when no such person may sign in.
    """
    return add(session, owner, label, now)[1]


def add(session: Session, owner: str | int, label: str, now: datetime) -> tuple[ApiToken, str]:
    """Like ``create_token``, and answers the row as well."""
    label = checked_label(label)
    key = col(Person.email) == owner.strip().lower() if isinstance(owner, str) else col(Person.id) == owner
    person_id = session.exec(select(Person.id).where(key, col(Person.disabled_at).is_(None))).first()
    if person_id is None:
        raise NotFound(_("Nobody with this email address can sign in."))
    token = API_PREFIX + fresh()
    row = ApiToken(person_id=person_id, label=label, token_hash=fingerprint("api", token), created_at=now)
    session.add(row)
    session.flush()
    return row, token


def revoke(session: Session, person_id: int, token_id: int, now: datetime) -> None:
    """End a token of ``person_id``. Raises NotFound when this person has no such live token."""
    own = (col(ApiToken.id) == token_id, col(ApiToken.person_id) == person_id)
    live = col(ApiToken.revoked_at).is_(None)
    if not changed(session, update(ApiToken).where(*own, live).values(revoked_at=now)):
        raise NotFound


def revoke_all(session: Session, person_id: int, now: datetime) -> None:
    """End every token of ``person_id``."""
    live = (col(ApiToken.person_id) == person_id, col(ApiToken.revoked_at).is_(None))
    session.execute(update(ApiToken).where(*live).values(revoked_at=now))


def is_stale(used_at: datetime | None, now: datetime) -> bool:
    """Whether ``touch`` is due."""
    return used_at is None or abs(now - used_at) >= TOUCH_EVERY


def touch(session: Session, token_id: int, now: datetime) -> None:
    """Note that a token is in use."""
    session.execute(update(ApiToken).where(col(ApiToken.id) == token_id).values(used_at=now))
