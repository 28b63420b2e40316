"""Reviews: one reviewer's scorecard on one application."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from schema.values import LongText, Moved


class Review(Moved, table=True):
    """What one reviewer owes on one application. A reviewer has at most one review of an application."""

    __table_args__ = (UniqueConstraint("application_id", "reviewer_id"),)

    id: int | None = Field(default=None, primary_key=True)
    application_id: int = Field(foreign_key="application.id")
    reviewer_id: int = Field(foreign_key="person.id", index=True)
    comment: str = Field(default="", sa_type=LongText)
    """For the panel."""
    feedback: str = Field(default="", sa_type=LongText)
    """For the applicant, with the decision."""
    recommendation: str = ""
    """fund, reserve or decline."""
    edit_version: int = 0
    created_at: datetime
    submitted_at: datetime | None = None


class Score(SQLModel, table=True):
    """One criterion's score with its reason."""

    review_id: int = Field(foreign_key="review.id", primary_key=True)
    criterion: str = Field(primary_key=True)
    value: int | None = None
    reason: str = Field(default="", sa_type=LongText)
