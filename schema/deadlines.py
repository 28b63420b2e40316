"""Deadlines: everything that anybody owes anybody by a date."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from schema.values import LongText


class DeadlineStatus(StrEnum):
    """Open until it is met, cancelled, waived by a manager, or passed with an automatic move; on hold while time stands
    still."""

    OPEN = "open"
    HELD = "held"
    MET = "met"
    CANCELLED = "cancelled"
    WAIVED = "waived"


OWED = (DeadlineStatus.OPEN, DeadlineStatus.HELD)
"""What somebody still owes: now, or when time goes on."""


class Deadline(SQLModel, table=True):
    """Who owes what by when. A local day in a named zone; ``due_at`` is the first instant after it, in UTC.

    ``generation`` counts how often the moment was moved; reminders of an older generation are never sent.
    ``passed_at`` is set once, when the moment (with its grace) went by and automatic moves were asked.
    """

    __table_args__ = (
        Index(
            "uq_deadline_open",
            "subject_kind",
            "subject_id",
            "key",
            unique=True,
            sqlite_where=text("status = 'open'"),
            postgresql_where=text("status = 'open'"),
        ),
        Index(
            "ix_deadline_waiting",
            "grace_until",
            sqlite_where=text("status = 'open' AND passed_at IS NULL"),
            postgresql_where=text("status = 'open' AND passed_at IS NULL"),
        ),
        Index("ix_deadline_subject", "subject_kind", "subject_id"),
        Index("ix_deadline_application_id_status", "application_id", "status"),
        Index("ix_deadline_owner_role_status_due_at", "owner_role", "status", "due_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    subject_kind: str
    subject_id: int
    application_id: int | None = Field(default=None, foreign_key="application.id")
    round_id: int | None = Field(default=None, foreign_key="round.id", index=True)
    key: str
    """Its name in the workflow definition."""
    label: str
    owner_role: str
    """applicant, reviewer or manager: relative to the subject."""
    due_on: date
    zone: str
    due_at: datetime
    grace_until: datetime
    """When being late begins to count; equal to ``due_at`` without grace."""
    generation: int = 1
    status: str = DeadlineStatus.OPEN
    opened_at: datetime
    moved_at: datetime | None = None
    """When its generation last counted up."""
    closed_at: datetime | None = None
    held_at: datetime | None = None
    """Since when it stands still. Kept where it ended on hold."""
    passed_at: datetime | None = None
    reason: str = Field(default="", sa_type=LongText)
