"""Lessons: what a project learned, cleared field by field before others read it."""

from datetime import datetime

from sqlmodel import Field

from schema.values import LongText, Moved, json_field


class Lesson(Moved, table=True):
    """A practice card. Default closed: only fields listed in ``cleared`` are ever shown outside the fund."""

    id: int | None = Field(default=None, primary_key=True)
    application_id: int = Field(foreign_key="application.id", unique=True)
    slug: str = Field(unique=True)
    title: str = ""
    theme: str = ""
    problem: str = Field(default="", sa_type=LongText)  # type: ignore[call-overload]
    approach: str = Field(default="", sa_type=LongText)  # type: ignore[call-overload]
    worked: str = Field(default="", sa_type=LongText)  # type: ignore[call-overload]
    failed: str = Field(default="", sa_type=LongText)  # type: ignore[call-overload]
    advice: str = Field(default="", sa_type=LongText)  # type: ignore[call-overload]
    """What another city would need to do the same: cost, people, conditions."""
    evidence: str = Field(default="", sa_type=LongText)  # type: ignore[call-overload]
    cleared: list[str] = json_field(list)
    """Names of the fields that the grantee agreed to publish and the fund looked over."""
    edit_version: int = 0
    created_at: datetime
    published_at: datetime | None = None
