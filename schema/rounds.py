"""Rounds (calls for proposals): their calendar, their form and scorecard as data, their pot."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel
from sqlmodel import Field, SQLModel

from schema.values import LongText, Moved, amount_field, json_field
from schema.wording import gettext_noop as _n

THEMES = {
    "informal-settlements": _n("Violence in informal settlements"),
    "women": _n("Violence against women"),
    "digital": _n("Digital threats"),
    "organised-crime": _n("Violence from organised criminal groups"),
    "police-community": _n("Police-community relationships"),
    "local-national": _n("Local-national government dynamics"),
}
"""The six thematic areas of the network's research compendium."""


class Question(BaseModel):
    """One question of a form. ``kind``: text (one line), long (paragraphs), choice or theme."""

    key: str
    label: str
    hint: str = ""
    kind: str = "long"
    required: bool = True
    words: int | None = None
    """Guidance, never a wall: the form warns and accepts."""
    choices: list[str] = []
    criterion: str = ""
    """Key of the criterion that reviewers score this answer by, if any."""


class Section(BaseModel):
    """One topic, one page of the form."""

    key: str
    title: str
    intro: str = ""
    stage: str = ""
    """The stage of the workflow from which on it is asked; from the beginning where the workflow has no such stage."""
    questions: list[Question]


class Criterion(BaseModel):
    """What reviewers score from 0 to ``top``, each step described by its anchor."""

    key: str
    label: str
    hint: str = ""
    weight: int = 1
    anchors: list[str]
    """What each score means, from the lowest to the highest."""

    @property
    def top(self) -> int:
        """The highest score."""
        return len(self.anchors) - 1


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""Days of the week, in the order of ``date.weekday()``."""


class Holiday(BaseModel):
    """A day on which nobody works, and why."""

    on: date
    name: str


class ReminderLine(BaseModel):
    """One reminder as a round has it: what a definition says of its own, see ``workflows.parts.Reminder``."""

    days: int
    to: str
    weekends: str = "keep"


class Round(Moved, table=True):
    """A call for proposals. Its dates are local days in ``zone``; each ends with the day."""

    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(unique=True)
    title: str
    summary: str = Field(default="", sa_type=LongText)
    eligibility: list[str] = json_field(list)
    zone: str = "UTC"
    opens_on: date
    closes_on: date
    review_due_on: date
    decision_on: date
    currency: str = "USD"
    pot_minor: int = amount_field()
    """What the round can award in all, in minor units of ``currency``."""
    ceiling_minor: int = amount_field()
    """The most that one proposal may ask for."""
    project_months: int = 9
    """How long a funded project runs, in months from its start."""
    form: list[dict[str, Any]] = json_field(list)
    scorecard: list[dict[str, Any]] = json_field(list)
    weekend: list[str] = json_field(lambda: ["saturday", "sunday"])
    """Days of every week on which nobody works, of ``WEEKDAYS``."""
    holidays: list[dict[str, Any]] = json_field(list)
    """Other days on which nobody works, each a ``Holiday``, by day."""
    reminders: dict[str, list[dict[str, Any]]] = json_field(dict)
    """Reminders (``ReminderLine``) that take the place of the definition's, by kind and deadline: ``review.review``."""
    created_at: datetime

    @property
    def sections(self) -> list[Section]:
        """The form as typed sections."""
        return [Section.model_validate(item) for item in self.form]

    @property
    def questions(self) -> list[Question]:
        """Every question of the form in order."""
        return [question for section in self.sections for question in section.questions]

    @property
    def days_off(self) -> list[Holiday]:
        """Its holidays, typed."""
        return [Holiday.model_validate(item) for item in self.holidays]

    @property
    def criteria(self) -> list[Criterion]:
        """The scorecard as typed criteria."""
        return [Criterion.model_validate(item) for item in self.scorecard]


class RoundManager(SQLModel, table=True):
    """A manager who runs the round. One that names nobody is run by all managers."""

    __tablename__ = "round_manager"

    round_id: int = Field(foreign_key="round.id", primary_key=True)
    person_id: int = Field(foreign_key="person.id", primary_key=True)
