"""Webhooks as managers keep them: registered, changed, turned off and on, tried; and what they did.

Each use case works in the caller's unit of work and writes one event into the chain of the webhook (``webhook:3``).
Whoever acts says which edition she saw: of two who change it at once one is told. The secret is answered once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlmodel import Session, col, func, select

from fund.base import access, ledger
from fund.base.errors import Conflict, Forbidden, Invalid, MoveRefused, NotFound
from fund.base.permissions import Viewer
from fund.web.i18n import gettext as _
from notifications import outbox, signing
from notifications.calling import BadUrl, checked
from notifications.poster import CALLED_OFF
from notifications.replan import call_beside
from notifications.wanted import EVENTS, REMINDER
from notifications.webhooks import test_call
from schema.ledger import LedgerEvent
from schema.outbox import Message, MessageStatus
from schema.people import Person, Role
from schema.webhooks import Webhook
from schema.wording import gettext_noop as _n

LONGEST_NAME = 100
BOTH_VALID = timedelta(hours=24)
"""For how long calls are signed with the former secret too, so that the receiver can change over."""
NOT_WANTED = _n("The webhook does not want to hear of reminders any more")
LATEST = 20
"""Calls that are shown of each."""


@dataclass(frozen=True)
class Wish:
    """What somebody wants a webhook to be."""

    name: str
    url: str
    events: Sequence[str]
    with_people: bool = False


@dataclass(frozen=True)
class Kept:
    """A webhook with how many of its calls wait and how many did not arrive."""

    webhook: Webhook
    waiting: int
    failed: int

    @property
    def events(self) -> list[str]:
        """What it wants to hear of."""
        return self.webhook.events.split()

    def address(self, viewer: Viewer) -> str:
        """Its address; for others than managers without what may be a secret in it."""
        parts = urlsplit(self.webhook.url)
        return self.webhook.url if viewer.is_manager else f"{parts.scheme}://{parts.netloc}"


def listed(session: Session, viewer: Viewer) -> list[Kept]:
    """Every webhook, the newest first. Raises Forbidden for those who do not read everything."""
    _require_reader(viewer)
    found = session.exec(select(Webhook).order_by(col(Webhook.id).desc())).all()
    counts = _counts(session)
    return [_kept(one, counts) for one in found]


def one(session: Session, viewer: Viewer, webhook_id: int) -> Kept:
    """The webhook of that key. Raises Forbidden as ``listed``, and NotFound."""
    _require_reader(viewer)
    webhook = session.get(Webhook, webhook_id)
    if webhook is None:
        raise NotFound
    return _kept(webhook, _counts(session, webhook_id))


def calls(session: Session, webhook_id: int) -> Sequence[Message]:
    """Its latest calls, the newest first."""
    found = select(Message).where(Message.webhook_id == webhook_id)
    return session.exec(found.order_by(col(Message.id).desc()).limit(LATEST)).all()


def history(session: Session, webhook_id: int) -> list[tuple[LedgerEvent, str]]:
    """What was done to it and by whom, the latest first."""
    found = session.exec(
        select(LedgerEvent, func.coalesce(col(Person.name), ""))
        .join(Person, col(Person.id) == col(LedgerEvent.actor_id), isouter=True)
        .where(LedgerEvent.chain == f"webhook:{webhook_id}")
        .order_by(col(LedgerEvent.seq).desc())
    )
    return [(event, name) for event, name in found]


def add(
    session: Session, viewer: Viewer, wish: Wish, now: datetime, *, private: bool = False
) -> tuple[int, str]:
    """Register a webhook; answers its key and its secret, which is shown this once.

    ``private`` lets the address lie inside of a network. Raises Forbidden for others than managers, and Invalid.
    """
    access.require_manager(viewer)
    webhook = Webhook(**_columns(wish, private), secret=signing.new_secret(), created_at=now)
    session.add(webhook)
    session.flush()
    _record(session, webhook, viewer, "created", now, _noted(webhook))
    _follow(session, webhook, now)
    return webhook.id or 0, webhook.secret


def change(
    session: Session,
    viewer: Viewer,
    webhook_id: int,
    wish: Wish,
    edition: int,
    now: datetime,
    *,
    private: bool = False,
) -> None:
    """Let it be as wished. Raises what ``add`` raises, NotFound, and Conflict where it is not that edition any more."""
    webhook = _taken(session, viewer, webhook_id, edition)
    for name, value in _columns(wish, private).items():
        setattr(webhook, name, value)
    _record(session, webhook, viewer, "changed", now, _noted(webhook))
    _follow(session, webhook, now)


def roll(
    session: Session, viewer: Viewer, webhook_id: int, edition: int, now: datetime, *, at_once: bool = False
) -> str:
    """Give it another secret and answer that; the former one stays good for a day unless it is to end ``at_once``.

    Raises what ``change`` raises.
    """
    webhook = _taken(session, viewer, webhook_id, edition)
    webhook.former_secret = None if at_once else webhook.secret
    webhook.former_until = None if at_once else now + BOTH_VALID
    webhook.secret = signing.new_secret()
    _record(session, webhook, viewer, "secret_changed", now, {"at_once": at_once})
    return webhook.secret


def turn(session: Session, viewer: Viewer, webhook_id: int, on: bool, edition: int, now: datetime) -> None:
    """Turn it on or off. What waits is called off then. Raises what ``change`` raises."""
    webhook = _taken(session, viewer, webhook_id, edition)
    if on:
        webhook.disabled_at, webhook.reason = None, ""
        _record(session, webhook, viewer, "turned_on", now)
        _follow(session, webhook, now)
    else:
        _off(session, webhook, viewer, "", now)


def turn_off(session: Session, webhook_id: int, reason: str, now: datetime) -> None:
    """Turn it off because its receiver wants no more calls. Nothing happens where it is off already."""
    webhook = session.get_one(Webhook, webhook_id, with_for_update=True)
    if webhook.disabled_at is None:
        webhook.edition += 1
        _off(session, webhook, None, reason, now)


def test(session: Session, viewer: Viewer, webhook_id: int, edition: int, now: datetime) -> None:
    """Queue a call that only shows whether calls arrive. Raises what ``change`` raises, MoveRefused where it is off."""
    webhook = _taken(session, viewer, webhook_id, edition)
    if webhook.disabled_at is not None:
        raise MoveRefused([_("The webhook is turned off. Turn it on first.")])
    test_call(session, webhook_id, webhook.name, f"test:{webhook.edition}", now)
    _record(session, webhook, viewer, "tested", now)


def _require_reader(viewer: Viewer) -> None:
    if not viewer.reads_everything:
        raise Forbidden(_("Only the people who manage the fund can see this."))


def _taken(session: Session, viewer: Viewer, webhook_id: int, edition: int) -> Webhook:
    access.require_manager(viewer)
    webhook = session.get(Webhook, webhook_id, with_for_update=True)
    if webhook is None:
        raise NotFound
    if webhook.edition != edition:
        raise Conflict
    webhook.edition += 1
    return webhook


def _columns(wish: Wish, private: bool) -> dict[str, Any]:
    wrong = {}
    name = " ".join(wish.name.split())
    if not name:
        wrong["name"] = _("Give it a name, by which you know it again")
    elif len(name) > LONGEST_NAME:
        wrong["name"] = _("Shorten this to %(limit)s characters") % {"limit": LONGEST_NAME}
    if not _may_be_called(wish.url.strip(), private):
        wrong["url"] = _("Enter the whole address, such as https://hooks.example.org/fund")
    events = [key for key in EVENTS if key in wish.events]
    if not events or len(events) < len(set(wish.events)):
        wrong["events"] = _("Choose at least one thing that it is to hear of")
    if wrong:
        raise Invalid(wrong)
    return {
        "name": name,
        "url": wish.url.strip(),
        "events": " ".join(events),
        "with_people": wish.with_people,
    }


def _may_be_called(url: str, private: bool) -> bool:
    try:
        return checked(url).scheme == "https" or private
    except BadUrl:
        return False


def _off(session: Session, webhook: Webhook, viewer: Viewer | None, reason: str, now: datetime) -> None:
    webhook.disabled_at, webhook.reason = now, reason
    outbox.cancel(session, outbox.MESSAGES.c.webhook_id == webhook.id, reason=CALLED_OFF, now=now)
    _record(session, webhook, viewer, "turned_off", now)


def _follow(session: Session, webhook: Webhook, now: datetime) -> None:
    """Let it hear of the reminders that are planned already, or of none of them any more, as it wants now."""
    if webhook.disabled_at is not None:
        return
    if REMINDER in webhook.events.split():
        call_beside(session, webhook.id or 0, now)
        return
    c = outbox.MESSAGES.c
    beside = c.dedup_key.startswith(f"hook:{webhook.id}:rem:")
    outbox.cancel(session, c.webhook_id == webhook.id, beside, reason=NOT_WANTED, now=now)


def _noted(webhook: Webhook) -> dict[str, Any]:
    """What the ledger keeps of it: no address, which may hold a secret."""
    return {"events": webhook.events.split(), "with_people": webhook.with_people}


def _record(
    session: Session,
    webhook: Webhook,
    viewer: Viewer | None,
    action: str,
    now: datetime,
    data: dict[str, Any] | None = None,
) -> None:
    session.add(webhook)
    session.flush()
    ledger.append(
        session,
        chain=f"webhook:{webhook.id}",
        actor=viewer,
        role=Role.MANAGER.value if viewer else ledger.CLOCK_ROLE,
        subject_kind="webhook",
        subject_id=webhook.id or 0,
        action=action,
        now=now,
        data=data,
    )


def _counts(session: Session, webhook_id: int | None = None) -> dict[tuple[int, str], int]:
    wanted = (MessageStatus.PENDING.value, MessageStatus.DEAD.value, MessageStatus.UNCERTAIN.value)
    which = col(Message.webhook_id).is_not(None) if webhook_id is None else Message.webhook_id == webhook_id
    found = session.exec(
        select(Message.webhook_id, Message.status, func.count())
        .where(which, col(Message.status).in_(wanted))
        .group_by(col(Message.webhook_id), Message.status)
    )
    return {(key or 0, status): count for key, status, count in found}


def _kept(webhook: Webhook, counts: dict[tuple[int, str], int]) -> Kept:
    key = webhook.id or 0
    failed = sum(counts.get((key, status.value), 0) for status in outbox.STUCK)
    return Kept(webhook, counts.get((key, MessageStatus.PENDING.value), 0), failed)
