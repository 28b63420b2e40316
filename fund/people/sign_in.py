"""Signing in by mail: a link that works in any browser, and a six-digit code that works in the one that asked.

Passwords on shared phones get lost. A link or a code works once and for 15 minutes. Whoever asks is told the same, and
costs the same work, whether the address belongs to somebody or not.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, update
from sqlmodel import Session, col, select

from fund.people import sessions, throttle
from fund.people.fields import mail_address
from fund.people.rows import changed
from fund.people.secret import code_fingerprint, fingerprint, fresh, fresh_code, same
from notifications import outbox
from schema.people import Person, SignInCode

LASTS = timedelta(minutes=15)
TRIES = 5
"""How often a code may be typed before it is dead; the link lives on."""
PER_ADDRESS = throttle.Limit("sign-in-address", 5, timedelta(minutes=15))
PER_ADDRESS_AND_DAY = throttle.Limit("sign-in-address-day", 25, timedelta(days=1))
"""With five tries each, one address can be guessed at 125 times a day: a chance of one in 8,000."""
PER_NETWORK = throttle.Limit("sign-in-network", 30, timedelta(minutes=15))
"""A whole city hall may sit behind one network address."""
LONGEST_PATH = 500


def ask_to_sign_in(
    session: Session, email: str, next_path: str, now: datetime, network_address: str = ""
) -> str:
    """Mail a link and a code to ``email`` and answer the handle that the asking browser keeps for the code.

    ``next_path`` is where the person goes on afterwards; anything but a path of the fund's own becomes ``/``.
    An address that nobody may sign in with gets the same answer after the same work, and no mail.
    Raises Invalid when ``email`` is no mail address, TooMany when too much was asked for it or from one network.
    """
    email = mail_address(email)
    throttle.count(session, PER_NETWORK, throttle.neighbourhood(network_address), now)
    throttle.count(session, PER_ADDRESS, email, now)
    throttle.count(session, PER_ADDRESS_AND_DAY, email, now)
    known = (col(Person.email) == email, col(Person.disabled_at).is_(None))
    person = session.exec(select(Person).where(*known)).first()
    token, code, handle = fresh(), fresh_code(), fresh()
    row = SignInCode(
        person_id=person.id if person else None,
        token_hash=fingerprint("link", token),
        code_hash=code_fingerprint(handle, code),
        handle_hash=fingerprint("handle", handle),
        next_path=local_path(next_path),
        created_at=now,
        expires_at=now + LASTS,
    )
    session.add(row)
    session.flush()
    _mail(session, row, person, email, token, code, now)
    return handle


def _mail(
    session: Session, row: SignInCode, person: Person | None, email: str, token: str, code: str, now: datetime
) -> None:
    with session.begin_nested() as attempt:
        outbox.queue(
            session,
            key=f"sign_in:{row.handle_hash}",
            kind="sign_in",
            template="sign_in",
            person_id=person.id if person else None,
            address="" if person else email,
            subject_kind="person",
            subject_id=person.id if person else None,
            path=f"/sign-in/{token}",
            payload={"code": code, "minutes": int(LASTS.total_seconds() // 60)},
            now=now,
            expires_at=row.expires_at,
        )
        if person is None:
            attempt.rollback()


def local_path(text: str) -> str:
    """``text`` if it is a path of the fund's own, else ``/``. Never leads to another site, nor back to signing in.

    Browsers read ``//host`` and ``/\\host`` as addresses of another site, and drop control characters first.
    """
    plain = text.isprintable() and "\\" not in text and len(text) <= LONGEST_PATH
    if not plain or not text.startswith("/") or text.startswith("//"):
        return "/"
    return "/" if text.startswith(("/sign-in", "/sign-out")) else text


@dataclass(frozen=True)
class Browser:
    """What signs in: what its owner will know it by, and the token of the session it held before, if any."""

    device: str = ""
    held: str = ""


STRANGER = Browser()


@dataclass(frozen=True)
class SignedIn:
    """A browser was signed in: ``token`` is for its cookie, ``next_path`` is where it goes on."""

    person_id: int
    token: str
    next_path: str


@dataclass(frozen=True)
class Refused:
    """Nobody was signed in. ``tries_left`` is how often the code may still be typed; 0 when it is dead."""

    tries_left: int


def person_behind(session: Session, token: str, now: datetime) -> Person | None:
    """Whom the link with ``token`` would sign in now, without using it up."""
    row = _row(session, SignInCode.token_hash == fingerprint("link", token))
    if row is None or row.person_id is None or row.used_at is not None or row.expires_at <= now:
        return None
    person = session.get_one(Person, row.person_id)
    return person if person.disabled_at is None else None


def use_link(session: Session, token: str, now: datetime, browser: Browser = STRANGER) -> SignedIn | None:
    """Sign in with the link that holds ``token``. None when it is unknown, used, too old, or its person disabled."""
    row = _row(session, SignInCode.token_hash == fingerprint("link", token))
    return _consume(session, row, browser, now) if row else None


def use_code(
    session: Session, handle: str, code: str, now: datetime, browser: Browser = STRANGER
) -> SignedIn | Refused:
    """Sign in with the ``code`` typed into the browser that keeps ``handle``. A wrong one counts as a try."""
    row = _row(session, SignInCode.handle_hash == fingerprint("handle", handle))
    if row is None or not _count_try(session, row, now):
        return Refused(0)
    if not same(row.code_hash, code_fingerprint(handle, digits(code))):
        return Refused(TRIES - row.attempts)
    return _consume(session, row, browser, now) or Refused(0)


def digits(text: str) -> str:
    """The digits in ``text``, whichever script they are typed in; spaces and hyphens go."""
    return "".join(str(unicodedata.decimal(sign)) for sign in text if sign.isdecimal())


def _row(session: Session, where: ColumnElement[bool] | bool) -> SignInCode | None:
    return session.exec(select(SignInCode).where(where)).first()


def _alive(row: SignInCode, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """That ``row`` is neither used nor too old, said in the UPDATE itself: of two at once, one wins."""
    return (
        col(SignInCode.id) == row.id,
        col(SignInCode.used_at).is_(None),
        col(SignInCode.expires_at) > now,
    )


def _count_try(session: Session, row: SignInCode, now: datetime) -> bool:
    left = col(SignInCode.attempts) < TRIES
    counted = update(SignInCode).where(*_alive(row, now), left).values(attempts=col(SignInCode.attempts) + 1)
    allowed = changed(session, counted) == 1
    session.refresh(row)
    return allowed


def _consume(session: Session, row: SignInCode, browser: Browser, now: datetime) -> SignedIn | None:
    enabled = select(Person.id).where(col(Person.disabled_at).is_(None))
    welcome = col(SignInCode.person_id).in_(enabled)
    used = changed(session, update(SignInCode).where(*_alive(row, now), welcome).values(used_at=now))
    if not used or row.person_id is None:
        return None
    if browser.held:
        sessions.end_by_token(session, browser.held, now)
    started = sessions.start(session, row.person_id, browser.device, now)
    return SignedIn(row.person_id, started.token, row.next_path)


def cancel_all(session: Session, person_id: int, now: datetime) -> None:
    """Make every link and code that was mailed to ``person_id`` worthless."""
    mailed = (col(SignInCode.person_id) == person_id, col(SignInCode.used_at).is_(None))
    session.execute(update(SignInCode).where(*mailed).values(used_at=now))


def prune(session: Session, now: datetime) -> None:
    """Forget links and codes of yesterday and before, and the counts of tries."""
    session.execute(delete(SignInCode).where(col(SignInCode.expires_at) < now - timedelta(days=1)))
    throttle.prune(session, now)
