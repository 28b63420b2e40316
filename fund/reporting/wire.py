"""How the API speaks of texts, amounts and states of a report or a lesson."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from fund.reporting.fields import LONGEST
from fund.reporting.standing import Standing
from fund.web.parse import tidy
from schema.values import Money

Text = Annotated[str, AfterValidator(tidy), Field(max_length=LONGEST)]
"""Plain text: line breaks as ``\\n``, no control characters."""
Whole = Annotated[int, Field(ge=0, strict=True)]
"""A whole number, zero or more."""


class MoneyOut(BaseModel):
    """An amount in minor units (cents) with its ISO 4217 currency."""

    minor: int
    currency: str

    @classmethod
    def of(cls, money: Money | None) -> "MoneyOut | None":
        """The amount for the API; None stays None."""
        return None if money is None else cls(minor=money.minor, currency=money.currency)


class StateOut(BaseModel):
    """Where it stands."""

    name: str
    label: str
    help: str
    editable: bool = Field(description="Whether you may change the text now.")
    word: str | None = Field(description="What the fund wrote with the last step, such as why it came back.")

    @classmethod
    def of(cls, standing: Standing) -> "StateOut":
        """The standing for the API."""
        return cls(
            name=standing.state.name,
            label=standing.label,
            help=standing.state.help,
            editable=standing.editable,
            word=standing.word.note if standing.word else None,
        )
