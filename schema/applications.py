"""Applications: the proposal as it is written, and as it stood each time it was submitted."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from schema.values import LongText, Money, Moved, amount_field, json_field


class Application(Moved, table=True):
    """One member's proposal in one round. ``reference`` is random and is all that the outside sees."""

    __table_args__ = (Index("ix_application_round_id_standing", "round_id", "state", "workflow_id"),)

    id: int | None = Field(default=None, primary_key=True)
    reference: str = Field(unique=True)
    round_id: int = Field(foreign_key="round.id")
    member_id: int = Field(foreign_key="member.id", index=True)
    author_id: int = Field(foreign_key="person.id")
    """Who started it."""
    title: str = ""
    theme: str = ""
    """Key in ``schema.rounds.THEMES``."""
    requested_minor: int | None = amount_field(default=None)
    currency: str = "USD"
    edit_version: int = 0
    """Counts saves of the text; who saves over a newer one is warned, never overwriting."""
    created_at: datetime
    submitted_at: datetime | None = None
    declared_by_id: int | None = Field(default=None, foreign_key="person.id")
    public_summary: str = Field(default="", sa_type=LongText)
    """What the public may read of it once it is funded."""
    public_fields: list[str] = json_field(list)
    """What of a funded project the public may see: title, summary, grantee, city, theme, amount. Default closed."""

    @property
    def requested(self) -> Money | None:
        """What it asks for, or None while not said."""
        return None if self.requested_minor is None else Money(self.requested_minor, self.currency)


class Answer(SQLModel, table=True):
    """What stands in answer to one question of the round's form, right now."""

    application_id: int = Field(foreign_key="application.id", primary_key=True)
    question: str = Field(primary_key=True)
    text: str = Field(default="", sa_type=LongText)
    updated_at: datetime
    updated_by_id: int = Field(foreign_key="person.id")


class Submission(SQLModel, table=True):
    """The proposal word for word as it was submitted, the first time and after each return."""

    __table_args__ = (UniqueConstraint("application_id", "number"),)

    id: int | None = Field(default=None, primary_key=True)
    application_id: int = Field(foreign_key="application.id")
    number: int
    content: dict[str, Any] = json_field()
    """title, theme, requested_minor, currency, answers {question: text}."""
    submitted_at: datetime
    submitted_by_id: int = Field(foreign_key="person.id")
