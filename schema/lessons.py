"""Lessons: what a project learned, cleared field by field before others read it."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field

from schema.values import LongText, Moved, json_field
from schema.wording import gettext_noop as _n

TEXTS = {
    "title": _n("Title"),
    "problem": _n("The problem"),
    "approach": _n("What was done"),
    "worked": _n("What worked"),
    "failed": _n("What did not work"),
    "advice": _n("Advice to another city"),
    "evidence": _n("How we know"),
}
"""The texts of a lesson with their names for people; all are asked for."""

CLEARED_ONE_BY_ONE = {**TEXTS, "grantee": _n("Name of the grantee"), "city": _n("City")}
"""What is cleared field by field: the texts, who did it and where."""


class Reach(StrEnum):
    """How far a field may travel. ``fund`` is the default of everything."""

    FUND = "fund"
    NETWORK = "network"
    PUBLIC = "public"


class Lesson(Moved, table=True):
    """A practice card. Default closed: a field is shown only as far as the grantee consents *and* the fund clears."""

    id: int | None = Field(default=None, primary_key=True)
    application_id: int = Field(foreign_key="application.id", unique=True)
    slug: str = Field(unique=True)
    title: str = ""
    theme: str = ""
    problem: str = Field(default="", sa_type=LongText)
    approach: str = Field(default="", sa_type=LongText)
    worked: str = Field(default="", sa_type=LongText)
    failed: str = Field(default="", sa_type=LongText)
    advice: str = Field(default="", sa_type=LongText)
    """What another city would need to do the same: cost, people, conditions."""
    evidence: str = Field(default="", sa_type=LongText)
    consent: dict[str, str] = json_field()
    """How far the grantee lets each field go: fund, network or public. What is not named stays with the fund."""
    clearance: dict[str, str] = json_field()
    """How far the fund lets each field go, having looked for what could put somebody in danger."""
    edit_version: int = 0
    created_at: datetime
    published_at: datetime | None = None

    def reach(self, field: str) -> Reach:
        """How far the field may travel: the narrower of what the grantee and the fund allow."""
        order = list(Reach)
        levels = (self.consent.get(field, Reach.FUND), self.clearance.get(field, Reach.FUND))
        return min((Reach(level) for level in levels), key=order.index)
