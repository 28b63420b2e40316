"""What a manager changes about a round, in the ledger."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from fund.base import ledger
from fund.base.permissions import Viewer
from fund.base.subjects import chain_of, id_of
from schema.people import Role
from schema.rounds import Round


def note_change(
    session: Session,
    viewer: Viewer,
    round_: Round,
    action: str,
    data: dict[str, Any],
    now: datetime,
    **more: Any,
) -> None:
    """Append to the round's chain that the manager did ``action``; ``more`` is what else an event may have."""
    ledger.append(
        session,
        chain=chain_of(round_),
        actor=viewer,
        role=Role.MANAGER,
        subject_kind="round",
        subject_id=id_of(round_),
        action=action,
        now=now,
        data=data,
        **more,
    )
