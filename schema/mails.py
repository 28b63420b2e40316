"""The words of mails that a manager wrote in the place of the shipped ones."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from schema.values import LongText


class MailTemplate(SQLModel, table=True):
    """One saved version of a mail in one language. Its words are never changed; the newest version holds."""

    __tablename__ = "mail_template"
    __table_args__ = (Index("ix_mail_template_template_language_id", "template", "language", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    template: str
    """Folder in notifications/templates."""
    language: str
    subject: str = Field(sa_type=LongText)
    text: str = Field(sa_type=LongText)
    html: str = Field(sa_type=LongText)
    shipped: bool = False
    """From here on the shipped words hold again; its own are empty."""
    saved_at: datetime
    saved_by_id: int = Field(foreign_key="person.id")
    note: str = Field(default="", sa_type=LongText)
    """Why, in the words of who saved it."""
    failed_at: datetime | None = None
    """When a mail could first not be written with it, so that the shipped words went out."""
    failure: str = Field(default="", sa_type=LongText)
