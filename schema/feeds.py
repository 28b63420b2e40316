"""Secret addresses under which calendars read what somebody owes."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class CalendarFeed(SQLModel, table=True):
    """The one address of a person's feeds. Only the hash of its token is kept; a new one takes the place of the old."""

    __tablename__ = "calendar_feed"

    person_id: int = Field(foreign_key="person.id", primary_key=True)
    token_hash: str = Field(unique=True)
    made_at: datetime
    read_at: datetime | None = None
    """When a calendar last asked, as exactly as it is noted."""
