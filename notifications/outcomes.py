"""What a try at handing over a mail came to, and what follows from it. Reads and writes nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal
from zlib import crc32

from notifications.edited import Failure
from notifications.outbox import ended
from schema.outbox import MessageStatus

MAX_ATTEMPTS = 14
FIRST_WAIT = timedelta(seconds=60)
LONGEST_WAIT = timedelta(hours=6)

OnUnknown = Literal["resend", "park"]
"""What follows when nobody can tell whether a mail was taken: send it again, or leave it to a manager."""


class Outcome(StrEnum):
    """What a try at handing over came to."""

    SENT = "sent"
    RETRY = "retry"
    """The server asked to come back later."""
    DEAD = "dead"
    """The server refused for good, or the mail could not be written."""
    UNKNOWN = "unknown"
    """The line broke or fell silent after the mail was handed over."""
    UNREACHABLE = "unreachable"
    """There was no talking to the server: not the message's fault, so no attempt is charged."""


@dataclass(frozen=True, slots=True)
class Handed:
    """What is kept of a try: how it came out, what the server said, and the mail as it was read."""

    outcome: Outcome
    reply: str
    address: str = ""
    subject: str = ""
    text: str = ""
    wait: timedelta = timedelta(0)
    """How long the other side asked us to stay away, at least."""
    failure: Failure | None = None
    """Why it said the shipped words, where a manager had saved others."""


def heard(words: str, longest: int = 200) -> str:
    """The beginning of what another server said, in one line, as it can be kept: it may have sent any bytes."""
    text = words.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())[:longest]


def onward(
    message_id: int,
    attempts: int,
    expires_at: datetime | None,
    handed: Handed,
    now: datetime,
    on_unknown: OnUnknown,
) -> dict[str, Any]:
    """The columns of a message after its ``attempts``-th attempt came out as ``handed``."""
    if handed.outcome == Outcome.SENT:
        return ended(MessageStatus.SENT, "", now)
    if handed.outcome == Outcome.DEAD:
        return ended(MessageStatus.DEAD, handed.reply, now)
    if handed.outcome == Outcome.UNREACHABLE:
        return _again(now, handed.reply) | {"attempts": attempts - 1}
    uncertain = handed.outcome == Outcome.UNKNOWN
    if uncertain and on_unknown == "park":
        return ended(MessageStatus.UNCERTAIN, handed.reply, now)
    next_at = now + max(wait(attempts, message_id), handed.wait)
    if attempts >= MAX_ATTEMPTS or (expires_at is not None and next_at >= expires_at):
        status = MessageStatus.UNCERTAIN if uncertain else MessageStatus.DEAD
        return ended(status, f"Given up after {attempts} attempts: {handed.reply}", now)
    return _again(next_at, handed.reply)


def _again(next_at: datetime, reason: str) -> dict[str, Any]:
    return {
        "status": MessageStatus.PENDING.value,
        "next_at": next_at,
        "reason": reason,
        "worker": None,
        "lease": None,
    }


def wait(attempts: int, message_id: int) -> timedelta:
    """How long to wait after the ``attempts``-th attempt: 1, 2, 4 … minutes, 6 hours at most, give or take 10 %.

    The tenth is taken from the ids, so that messages refused together do not come back together.
    """
    longest: timedelta = min(LONGEST_WAIT, FIRST_WAIT * (1 << min(attempts, MAX_ATTEMPTS) - 1))
    return longest * (0.9 + crc32(f"{message_id}:{attempts}".encode()) % 2001 / 10_000)
