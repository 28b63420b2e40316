"""Awards: what was offered, on what terms, and the agreement."""

from datetime import date, datetime

from sqlmodel import Field, SQLModel

from schema.values import LongText, Money, amount_field


class Award(SQLModel, table=True):
    """The offer made to an application and what became of it. One per application."""

    id: int | None = Field(default=None, primary_key=True)
    application_id: int = Field(foreign_key="application.id", unique=True)
    amount_minor: int = amount_field()
    currency: str
    starts_on: date
    ends_on: date
    conditions: str = Field(default="", sa_type=LongText)
    prepared_at: datetime
    prepared_by_id: int = Field(foreign_key="person.id")
    signed_at: datetime | None = None
    signed_by_id: int | None = Field(default=None, foreign_key="person.id")
    signed_name: str = ""
    """The name that was typed as a signature under the agreement."""

    @property
    def amount(self) -> Money:
        """What is awarded."""
        return Money(self.amount_minor, self.currency)
