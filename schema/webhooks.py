"""Addresses of programs that the fund calls when something happens: gateways to chat, to text messages, to anything."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class Webhook(SQLModel, table=True):
    """One address that is called, and for what. It is never removed, so that its messages keep their meaning."""

    id: int | None = Field(default=None, primary_key=True)
    name: str
    url: str
    events: str
    """What it wants to hear of: keys of ``notifications.wanted.EVENTS``, with spaces between."""
    with_people: bool = False
    """Whether a reminder names the person and her address, or only her key."""
    secret: str
    """What its calls are signed with, as the receiver has it (``whsec_…``)."""
    former_secret: str | None = None
    former_until: datetime | None = None
    """Until when calls are signed with the former secret as well."""
    edition: int = 1
    """Counts up with every change, so that of two people one is told."""
    created_at: datetime
    disabled_at: datetime | None = None
    reason: str = ""
    """Why it was turned off, in words."""
