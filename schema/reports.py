"""Reports on funded projects: interim and final."""

from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from schema.values import LongText, Moved, amount_field
from schema.wording import gettext_noop as _n


class ReportKind(StrEnum):
    """An interim report comes half-way, the final one after the project's end."""

    INTERIM = "interim"
    FINAL = "final"


WHICH = {ReportKind.INTERIM.value: _n("interim"), ReportKind.FINAL.value: _n("final")}
"""What tells two reports on one project apart, in a word."""


def of_which(label: str, kind: str | None, gettext: Callable[[str], str]) -> str:
    """What is owed, in the language of ``gettext``; of which report, where ``kind`` says that it is of one."""
    if kind not in WHICH:
        return gettext(label)
    return gettext(_n("%(what)s (%(which)s)")) % {"what": gettext(label), "which": gettext(WHICH[kind])}


class Report(Moved, table=True):
    """What a grantee tells of its project by a date."""

    __table_args__ = (UniqueConstraint("application_id", "kind"),)

    id: int | None = Field(default=None, primary_key=True)
    application_id: int = Field(foreign_key="application.id")
    kind: str
    due_on: date
    done: str = Field(default="", sa_type=LongText)
    """What was done, against what was proposed."""
    changed: str = Field(default="", sa_type=LongText)
    """What changed for people, and how that is known."""
    difficulties: str = Field(default="", sa_type=LongText)
    next_steps: str = Field(default="", sa_type=LongText)
    people_reached: int | None = None
    spent_minor: int | None = amount_field(default=None)
    currency: str = "USD"
    edit_version: int = 0
    created_at: datetime
    handed_in_at: datetime | None = None
