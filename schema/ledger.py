"""The ledger: one hash chain per application (and per round), and a daily seal over the heads of all chains."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from schema.values import LongText, json_field


class LedgerEvent(SQLModel, table=True):
    """What happened, who did it, when. Only ever appended.

    Ids are hashed, names never. Free text (a reason) is hashed only as the digest of salt and text, so that
    the words can be erased and the chain still holds.
    """

    __tablename__ = "ledger_event"
    __table_args__ = (
        UniqueConstraint("chain", "seq"),
        Index(
            "ix_ledger_event_unsealed",
            "chain",
            sqlite_where=text("seal_id IS NULL"),
            postgresql_where=text("seal_id IS NULL"),
        ),
        Index("ix_ledger_event_subject", "subject_kind", "subject_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    chain: str
    """``application:12`` or ``round:3``."""
    seq: int
    """1, 2, 3 … within the chain, without a gap."""
    at: datetime
    actor_id: int | None = None
    """The person, or None for the clock."""
    actor_role: str
    subject_kind: str
    subject_id: int
    action: str
    """The move's trigger, or what else happened (``created``, ``deadline_extended`` …)."""
    source: str = ""
    target: str = ""
    data: dict[str, Any] = json_field()
    note_digest: str = ""
    previous: str
    """Hash of the event before, or 64 zeros."""
    hash: str
    note: str | None = Field(default=None, sa_type=LongText)
    note_salt: str | None = None
    seal_id: int | None = Field(default=None, foreign_key="seal.id")


class Seal(SQLModel, table=True):
    """A day's seal over every chain that grew since the seal before. A removed chain breaks it."""

    id: int | None = Field(default=None, primary_key=True)
    day: date
    at: datetime
    previous: str
    hash: str


class SealedHead(SQLModel, table=True):
    """The head of one chain as a seal saw it."""

    __tablename__ = "sealed_head"

    seal_id: int = Field(foreign_key="seal.id", primary_key=True)
    chain: str = Field(primary_key=True)
    seq: int
    hash: str
