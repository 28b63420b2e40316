"""The poster: calls webhooks with what is due to them. It is the sender's sibling, with the same rows and rules.

Each webhook has a circuit of its own and is called from a thread of its own, so that one that is down or slow holds up
neither the others nor the mail.
"""

import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy import select, text, update
from sqlmodel import Session, col
from sqlmodel import select as rows

from notifications import alive, calling, handing, lease, outbox, recovery, signing
from notifications.calling import Answer
from notifications.compose import Composer
from notifications.handing import Intent
from notifications.lease import Claim
from notifications.outbox import MESSAGES
from notifications.outcomes import Handed, Outcome
from notifications.ports import Clock, Database
from notifications.smtp import Circuit
from notifications.wanted import REMINDER
from schema.outbox import MessageStatus
from schema.webhooks import Webhook
from schema.wording import gettext_noop as _n

log = logging.getLogger("notifications")
AT_ONCE = 8
"""Webhooks that are called at the same time."""
LONGEST_TURN = 20.0
"""Seconds after which a webhook begins no other call until the next sweep: each may be slow, and the others wait."""
SAID_GONE = _n("It answered 410: it wants no more calls")
CALLED_OFF = "The webhook is turned off"

TurnOff = Callable[[Session, int, str, datetime], None]
"""Turns a webhook off, with a reason, in the caller's transaction."""


@dataclass(frozen=True, slots=True)
class _Call:
    intent: Intent
    call_id: str
    content: Mapping[str, Any] | Exception
    now: datetime


class Poster:
    """One worker's way of calling webhooks. ``sweep`` may be called from any thread; only one runs at a time."""

    def __init__(
        self,
        database: Database,
        composer: Composer,
        clock: Clock,
        present: alive.Presence,
        turn_off: TurnOff,
        *,
        private: bool = False,
        limits: calling.Limits = calling.LIMITS,
    ) -> None:
        """``private`` lets addresses inside of networks be called; ``present`` is not shared with a sender."""
        self._database = database
        self._composer = composer
        self._clock = clock
        self._present = present
        self._turn_off = turn_off
        self._private = private
        self._limits = limits
        self._circuits: dict[int, Circuit] = {}
        self._guard = threading.Lock()
        self._stopping = threading.Event()

    def sweep(self) -> int:
        """Make the calls that are due now. Returns how many came to anything."""
        with self._guard:
            if self._stopping.is_set():
                return 0
            now = self._clock.now()
            with self._database.read() as session:
                off, due = _waiting(session, now)
            if off:
                self._call_off(off, now)
            ready = [one for one in due if self._circuit(one).allows(now)]
            if not ready:
                return 0
            self._take_over_own(now)
            with ThreadPoolExecutor(AT_ONCE, "webhook") as threads:
                return sum(threads.map(self._serve, ready))

    def stop(self) -> None:
        """Let the calls under way end, then give the lock back."""
        self._stopping.set()
        with self._guard:
            self._present.leave()

    def _circuit(self, webhook: Webhook) -> Circuit:
        return self._circuits.setdefault(webhook.id or 0, Circuit())

    def _call_off(self, webhooks: Sequence[int], now: datetime) -> None:
        """What was queued while they were being turned off."""
        with self._database.write() as session:
            outbox.cancel(session, MESSAGES.c.webhook_id.in_(webhooks), reason=CALLED_OFF, now=now)

    def _take_over_own(self, now: datetime) -> None:
        """What we ourselves still hold is left from a sweep that an error broke off."""
        self._present.hold()
        with self._database.write() as session:
            recovery.take_over(session, self._present.name, now)

    def _serve(self, webhook: Webhook) -> int:
        key, done = webhook.id or 0, 0
        with self._database.write() as session:
            batch = lease.claim(session, self._present.name, self._clock.now(), webhook=key)
        left, until = list(batch.claims), monotonic() + LONGEST_TURN
        try:
            while left and not self._stopping.is_set() and (not done or monotonic() < until):
                if not self._call(webhook, left.pop(0)):
                    break
                done += 1
        finally:
            with self._database.write() as session:
                lease.release(session, self._present.name, key)
        return batch.settled + done

    def _call(self, webhook: Webhook, claimed: Claim) -> bool:
        """False where the other calls of this webhook have to wait."""
        with self._database.write() as session:
            begun = self._begin(session, claimed)
        if begun is None:
            return True
        answer, handed = self._made(webhook, begun)
        now = self._clock.now()
        with self._database.write() as session:
            handing.acknowledge(session, begun.intent, handed, now)
            if answer.gone:
                self._turn_off(session, webhook.id or 0, SAID_GONE, now)
            return self._goes_on(session, webhook, answer, now) and not answer.gone

    def _begin(self, session: Session, claimed: Claim) -> _Call | None:
        now = self._clock.now()
        if not _is_time(session, claimed, now):
            return None
        domain = self._composer.settings.domain
        intent = handing.intend(session, claimed, now, domain)
        if intent is None:
            return None
        row = session.connection().execute(_MESSAGE.where(MESSAGES.c.id == intent.message_id)).one()
        # A point in an id could shift what is signed.
        call_id = "msg_" + row.mail_id.partition("@")[0]
        try:
            return _Call(intent, call_id, self._content(session, row, now), now)
        except (
            Exception
        ) as error:  # a template may be wrong in any way; the other calls are made all the same
            log.exception("call %d cannot be written", intent.message_id)
            return _Call(intent, call_id, error, now)

    def _content(self, session: Session, row: Any, now: datetime) -> Mapping[str, Any]:
        if row.deadline_id is None:
            return {"type": row.template, "timestamp": row.payload["at"], "data": row.payload["data"]}
        truth = self._composer.look_up(session, row.id)
        facts, due = truth.facts, truth.deadline
        webhook = session.get_one(Webhook, row.webhook_id)
        person = {"id": row.person_id}
        if webhook.with_people:
            person |= {"name": facts.name, "address": facts.email, "language": facts.locale}
        assert due is not None
        data = {
            "person": person,
            "template": row.template,
            "subject": self._composer.write(truth, now).subject,
            "path": row.path,
            "link": self._composer.settings.address + row.path,
            "application": {"id": row.application_id, "reference": facts.reference}
            if facts.reference
            else None,
            "deadline": {
                "id": due.id,
                "label": due.label,
                "due_at": due.due_at.isoformat(),
                "zone": due.zone,
            },
        }
        return {"type": REMINDER, "timestamp": row.payload["at"], "data": data}

    def _made(self, webhook: Webhook, begun: _Call) -> tuple[Answer, Handed]:
        if isinstance(begun.content, Exception):
            error = begun.content
            answer = Answer(Outcome.DEAD, f"The call could not be written: {type(error).__name__}: {error}")
            return answer, Handed(answer.outcome, answer.reply)
        body = json.dumps(begun.content, ensure_ascii=False, separators=(",", ":")).encode()
        headers = signing.headers(_secrets(webhook, begun.now), begun.call_id, begun.now, body)
        answer = calling.call(
            webhook.url, headers, body, now=begun.now, private=self._private, limits=self._limits
        )
        told = json.dumps(begun.content, ensure_ascii=False, indent=1)
        return answer, Handed(
            answer.outcome,
            answer.reply,
            subject=begun.content["type"],
            text=told,
            wait=answer.wait or timedelta(0),
        )

    def _goes_on(self, session: Session, webhook: Webhook, answer: Answer, now: datetime) -> bool:
        """Whether to make its next call now. What has to wait is put off, so that it stands in nobody's way."""
        circuit, down = self._circuit(webhook), answer.outcome == Outcome.UNREACHABLE
        if down:
            circuit.failed(now, answer.reply)
        elif answer.outcome != Outcome.RETRY:
            circuit.succeeded()
        wait = answer.wait or (circuit.pause if down else timedelta(0))
        if wait:
            later = now + wait
            waiting = (MESSAGES.c.webhook_id == webhook.id, MESSAGES.c.status.in_(("pending", "claimed")))
            put_off = update(MESSAGES).where(*waiting, MESSAGES.c.next_at < later)
            session.connection().execute(put_off.values(next_at=later))
        return answer.outcome not in (Outcome.UNREACHABLE, Outcome.RETRY)


_MESSAGE = select(
    MESSAGES.c.id,
    MESSAGES.c.mail_id,
    MESSAGES.c.template,
    MESSAGES.c.payload,
    MESSAGES.c.webhook_id,
    MESSAGES.c.person_id,
    MESSAGES.c.application_id,
    MESSAGES.c.deadline_id,
    MESSAGES.c.path,
)


def _waiting(session: Session, now: datetime) -> tuple[list[int], list[Webhook]]:
    """The webhooks for which something is pending though they are off, and those for which something is due."""
    c = MESSAGES.c
    pending = select(c.webhook_id).where(
        text("message.status = 'pending' AND message.webhook_id IS NOT NULL")
    )
    found = session.connection().execute(pending.where(c.next_at <= now).distinct()).scalars().all()
    if not found:
        return [], []
    webhooks = session.exec(rows(Webhook).where(col(Webhook.id).in_(found))).all()
    off = [one.id for one in webhooks if one.disabled_at is not None and one.id is not None]
    return off, [one for one in webhooks if one.disabled_at is None]


def _is_time(session: Session, claimed: Claim, now: datetime) -> bool:
    """Whether a call is to be made now. One that goes beside a mail ends or waits as that does."""
    c = MESSAGES.c
    mine = (c.id == claimed.message_id, c.lease == claimed.lease)
    key = session.connection().execute(select(c.dedup_key).where(*mine)).scalar()
    mail = select(c.status, c.next_at, c.attempts).where(c.dedup_key == (key or "").split(":", 2)[-1])
    beside = session.connection().execute(mail).one_or_none()
    if beside is None or beside.status not in (MessageStatus.CANCELLED, MessageStatus.PENDING):
        return True
    if beside.status == MessageStatus.CANCELLED:
        outbox.cancel(session, *mine, reason="The mail beside it was called off", now=now)
        return False
    if beside.attempts or beside.next_at <= now:
        return True
    waits = {"status": MessageStatus.PENDING.value, "next_at": beside.next_at, "worker": None, "lease": None}
    session.connection().execute(update(MESSAGES).where(*mine).values(waits))
    return False


def _secrets(webhook: Webhook, now: datetime) -> list[str]:
    """The secrets that a call is signed with now, the newest first."""
    former = webhook.former_secret if webhook.former_until and now < webhook.former_until else None
    return [webhook.secret, *([former] if former else [])]
