"""Comments: what those who look after a proposal say to each other about it."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from schema.values import LongText, json_field


class Comment(SQLModel, table=True):
    """What somebody said of a proposal. Never changed. ``read_by``: the roles that could comment when it was said."""

    id: int | None = Field(default=None, primary_key=True)
    application_id: int = Field(foreign_key="application.id", index=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    said_at: datetime
    text: str = Field(sa_type=LongText)
    read_by: list[str] = json_field(list)
