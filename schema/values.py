"""Value types that the tables share: money, and what a row needs to be moved by a workflow."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, MetaData, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

# Stable names let Alembic find a constraint again on both databases.
SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention

Json = JSON().with_variant(JSONB(), "postgresql")
LongText = Text()

MINOR_DIGITS = {
    "JPY": 0,
    "KRW": 0,
    "CLP": 0,
    "PYG": 0,
    "UGX": 0,
    "XAF": 0,
    "XOF": 0,
    "RWF": 0,
    "VND": 0,
    "TND": 3,
    "KWD": 3,
    "JOD": 3,
    "IQD": 3,
    "LYD": 3,
    "BHD": 3,
    "OMR": 3,
}
"""Currencies whose minor unit is not a hundredth (ISO 4217)."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units (cents) with its ISO 4217 currency. Amounts of two currencies never mix."""

    minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __str__(self) -> str:
        digits = MINOR_DIGITS.get(self.currency, 2)
        sign, minor = ("-" if self.minor < 0 else ""), abs(self.minor)
        whole, part = divmod(minor, 10**digits)
        tail = f".{part:0{digits}d}" if digits and part else ""
        return f"{self.currency} {sign}{whole:,}{tail}"

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot mix {self.currency} and {other.currency}")


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moved(SQLModel):
    """What every row has that a workflow moves: its definition, its state, since when, and the version read.

    ``version`` counts every change of state; who acts on an older version is told so (a conflict).
    Only ``fund.base.moves`` writes these columns.
    """

    workflow_id: int = Field(foreign_key="workflow.id")
    state: str = Field(sa_type=String, index=True)
    state_since: datetime
    version: int = 1


def amount_field(**more: Any) -> Any:
    """A column of minor units. Of 32 bits, 22 million pesos or francs with cents would be the most."""
    return Field(sa_type=BigInteger, **more)


def json_field(default: Any = dict) -> Any:
    """A JSON column (JSONB on PostgreSQL) whose default is a fresh ``default()``."""
    return Field(default_factory=default, sa_type=Json)
