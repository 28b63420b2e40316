"""The definitions that applications under way were started with, kept word for word."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from schema.values import LongText


class Workflow(SQLModel, table=True):
    """One version of one definition file. Never changed once stored: a round pins what it started with."""

    __table_args__ = (UniqueConstraint("name", "version", "digest"),)

    id: int | None = Field(default=None, primary_key=True)
    name: str
    version: int
    digest: str = Field(unique=True)
    source: str = Field(sa_type=LongText)
    stored_at: datetime


class RoundWorkflow(SQLModel, table=True):
    """Which version of each definition (application, review, report, lesson) a round pins."""

    __tablename__ = "round_workflow"

    round_id: int = Field(foreign_key="round.id", primary_key=True)
    name: str = Field(primary_key=True)
    workflow_id: int = Field(foreign_key="workflow.id")
