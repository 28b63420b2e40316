"""The outbox: one queue for notices, reminders and sign-in mail, and what the mail server said of each."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from schema.values import LongText, json_field


class MessageStatus(StrEnum):
    """pending → claimed → sending → one of the terminal states. What goes into a digest: pending → gathered, and
    from there to the state in which the digest ends, or to one of its own if it is not true any more. By a person's
    decision alone: dead or uncertain → pending or cancelled, and sent → dead where it came back."""

    PENDING = "pending"
    GATHERED = "gathered"
    CLAIMED = "claimed"
    SENDING = "sending"
    SENT = "sent"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    DEAD = "dead"
    UNCERTAIN = "uncertain"


TERMINAL = frozenset({"sent", "cancelled", "superseded", "expired", "dead", "uncertain"})


class Message(SQLModel, table=True):
    """One mail to one recipient. ``dedup_key`` makes a second one for the same reason impossible."""

    __table_args__ = (
        Index(
            "ix_message_due",
            "next_at",
            "id",
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
        Index(
            "ix_message_urgent",
            "next_at",
            "id",
            sqlite_where=text("status = 'pending' AND kind = 'sign_in'"),
            postgresql_where=text("status = 'pending' AND kind = 'sign_in'"),
        ),
        Index(
            "ix_message_held",
            "worker",
            sqlite_where=text("status IN ('claimed', 'sending')"),
            postgresql_where=text("status IN ('claimed', 'sending')"),
        ),
        Index(
            "ix_message_deadline",
            "deadline_id",
            sqlite_where=text("status IN ('pending', 'claimed', 'gathered')"),
            postgresql_where=text("status IN ('pending', 'claimed', 'gathered')"),
        ),
        Index(
            "ix_message_digest",
            "digest_id",
            sqlite_where=text("digest_id IS NOT NULL"),
            postgresql_where=text("digest_id IS NOT NULL"),
        ),
        Index(
            "ix_message_problem",
            "id",
            sqlite_where=text("status IN ('dead', 'uncertain')"),
            postgresql_where=text("status IN ('dead', 'uncertain')"),
        ),
        Index(
            "ix_message_webhook",
            "webhook_id",
            "next_at",
            sqlite_where=text("status = 'pending' AND webhook_id IS NOT NULL"),
            postgresql_where=text("status = 'pending' AND webhook_id IS NOT NULL"),
        ),
        Index("ix_message_application_id", "application_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    dedup_key: str = Field(unique=True)
    kind: str
    """notice, reminder, sign_in, digest or webhook."""
    template: str
    """Folder in notifications/templates; for the call of a webhook that reminds of nothing, what it tells of."""
    person_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    address: str = ""
    """Where it went, or goes if there is no person. A person's address is read when the mail goes out. For the call of
    a webhook, the webhook's name."""
    subject_kind: str = ""
    subject_id: int | None = None
    application_id: int | None = Field(default=None, foreign_key="application.id")
    deadline_id: int | None = Field(default=None, foreign_key="deadline.id")
    deadline_generation: int | None = None
    offset_days: int | None = None
    """Calendar days from the deadline's day: negative before, positive after."""
    path: str = "/"
    """Where the one link of the mail leads, below the fund's address."""
    payload: dict[str, Any] = json_field()
    created_at: datetime
    next_at: datetime
    expires_at: datetime | None = None
    status: str = MessageStatus.PENDING
    attempts: int = 0
    worker: str | None = None
    lease: str | None = None
    mail_id: str = Field(unique=True)
    """The Message-ID header, the same on every attempt."""
    webhook_id: int | None = None
    """The webhook that is called, where it is no mail. Without a foreign key, as below."""
    digest_id: int | None = None
    """The message in which it goes out with others; no foreign key: SQLite would copy the table."""
    reason: str = ""
    """Why it ended as it did, in words."""
    finished_at: datetime | None = None
    rendered_subject: str = ""
    rendered_text: str = Field(default="", sa_type=LongText)


class DeliveryAttempt(SQLModel, table=True):
    """One try at handing a message to the mail server. Only ever appended."""

    __tablename__ = "delivery_attempt"

    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="message.id", index=True)
    number: int
    worker: str
    started_at: datetime
    ended_at: datetime | None = None
    outcome: str = ""
    """sent, retry, dead, unknown or unreachable."""
    reply: str = Field(default="", sa_type=LongText)
    address: str | None = None
    """Where it went; None where nobody knows: the worker died over it, or it was before this was kept."""


class Worker(SQLModel, table=True):
    """A process that sends. Its clock proves nothing: whether it lives is told by the lock it holds."""

    name: str = Field(primary_key=True)
    started_at: datetime
    beat_at: datetime
    lock: str = ""
    unreachable_since: datetime | None = None
    """Since when it cannot talk to the mail server, and tries only now and then; None while it can."""
    unreachable: str | None = None
    """What it was told at the last try."""
