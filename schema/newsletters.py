"""The newsletter of each month: drafted, edited, and released once."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from schema.values import LongText, json_field


class Newsletter(SQLModel, table=True):
    """One month's letter to everybody who did not decline it. Once released it is not changed, only shortened."""

    id: int | None = Field(default=None, primary_key=True)
    month: str = Field(unique=True)
    """Year and month, as in 2021-10."""
    subject: str
    intro: str = Field(default="", sa_type=LongText)
    items: list[dict[str, Any]] = json_field(list)
    """Each with ``heading``, ``text`` and ``path``; one about a lesson or a round has its slug as ``lesson`` or
    ``round``, and what was seen of it.
    """
    edit_version: int = 1
    created_at: datetime
    released_at: datetime | None = None
    released_by: int | None = Field(default=None, foreign_key="person.id")
