"""Browsers that are signed in. Each can be signed out from any other; only hashes of their cookies are stored."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlmodel import Session, col

from fund.base.errors import NotFound
from fund.people.rows import changed
from fund.people.secret import fingerprint, fresh
from schema.people import SignInSession

LASTS = timedelta(days=30)
"""How long a browser stays signed in without being used."""
TOUCH_EVERY = timedelta(minutes=10)
"""How exactly the fund knows when a browser was used last; more often would be a write for every page."""


@dataclass(frozen=True)
class SignedInBrowser:
    """A fresh session. ``token`` goes into the browser's cookie and is kept nowhere else."""

    token: str
    session_id: int


def start(session: Session, person_id: int, device: str, now: datetime) -> SignedInBrowser:
    """Sign a browser in as ``person_id``. ``device`` is what its owner will know it by in a list."""
    token = fresh()
    row = SignInSession(
        person_id=person_id,
        token_hash=fingerprint("session", token),
        device=device[:100],
        created_at=now,
        seen_at=now,
        expires_at=now + LASTS,
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    return SignedInBrowser(token, row.id)


def is_stale(seen_at: datetime, now: datetime) -> bool:
    """Whether ``touch`` is due."""
    return abs(now - seen_at) >= TOUCH_EVERY


def touch(session: Session, session_id: int, now: datetime) -> None:
    """Note that a browser is in use; it stays signed in for another 30 days. A revoked one stays revoked."""
    live = (col(SignInSession.id) == session_id, col(SignInSession.revoked_at).is_(None))
    session.execute(update(SignInSession).where(*live).values(seen_at=now, expires_at=now + LASTS))


def end(session: Session, person_id: int, session_id: int, now: datetime) -> None:
    """Sign one browser of ``person_id`` out. Raises NotFound when there is no such browser of this person."""
    own = (col(SignInSession.id) == session_id, col(SignInSession.person_id) == person_id)
    live = col(SignInSession.revoked_at).is_(None)
    if not changed(session, update(SignInSession).where(*own, live).values(revoked_at=now)):
        raise NotFound


def end_by_token(session: Session, token: str, now: datetime) -> None:
    """Sign out the browser that holds ``token``; nothing happens when no browser is signed in with it."""
    held = (
        col(SignInSession.token_hash) == fingerprint("session", token),
        col(SignInSession.revoked_at).is_(None),
    )
    session.execute(update(SignInSession).where(*held).values(revoked_at=now))


def end_all(session: Session, person_id: int, now: datetime, besides: int | None = None) -> None:
    """Sign every browser of ``person_id`` out, except the one with session id ``besides``."""
    live = [col(SignInSession.person_id) == person_id, col(SignInSession.revoked_at).is_(None)]
    if besides is not None:
        live.append(col(SignInSession.id) != besides)
    session.execute(update(SignInSession).where(*live).values(revoked_at=now))


def prune(session: Session, now: datetime) -> None:
    """Forget browsers that have been signed out, or have not come back, for another 30 days."""
    long_ago = now - LASTS
    over = (col(SignInSession.expires_at) < long_ago) | (col(SignInSession.revoked_at) < long_ago)
    session.execute(delete(SignInSession).where(over))


def device_name(user_agent: str) -> str:
    """``Firefox on Android``: what a browser calls itself, short enough to be recognised in a list."""
    browser = next((name for sign, name in BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in SYSTEMS if sign in user_agent), "")
    return " on ".join(part for part in (browser, system) if part)


# The order matters: most browsers claim to be several others too.
BROWSERS = (
    ("Opera Mini", "Opera Mini"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Edg", "Edge"),
    ("FxiOS", "Firefox"),
    ("Firefox", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("KAIOS", "KaiOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)
