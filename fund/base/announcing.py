"""Telling webhooks of what happens to proposals and deadlines, beside the change itself: ids, days and states only."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fund.base.ledger import Entry, Written
from notifications.wanted import listeners
from notifications.webhooks import announce
from schema.applications import Application
from schema.deadlines import Deadline

MOVED = "application.moved"
OF_DEADLINE = ("id", "key", "label", "owner_role", "due_on", "due_at", "zone", "generation")


def moved(session: Session, entries: Sequence[Entry], written: Sequence[Written], now: datetime) -> None:
    """Tell of every event by which a proposal came to another state, undoing among them."""
    if not listeners(session, MOVED):
        return
    for entry, event in zip(entries, written, strict=True):
        if entry.subject_kind == "application" and entry.source and entry.target:
            about = _application(session, entry.subject_id)
            data = {
                "application": about,
                "move": entry.action,
                "from": entry.source,
                "to": entry.target,
                "by": {"id": entry.actor.person_id} if entry.actor else None,
            }
            _tell(session, MOVED, f"{event.chain}:{event.seq}", data, now)


def opened(session: Session, keys: Sequence[int], rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Tell of deadlines that were just written."""
    _of_deadlines(
        session, "opened", (row | {"id": key} for key, row in zip(keys, map(dict, rows), strict=True)), now
    )


def changed(session: Session, deadline: Deadline, what: str, now: datetime) -> None:
    """Tell that a deadline was ``moved``, or has ``passed``."""
    _of_deadlines(session, what, (row.model_dump() for row in (deadline,)), now)


def _of_deadlines(session: Session, what: str, rows: Iterable[Mapping[str, Any]], now: datetime) -> None:
    event = f"deadline.{what}"
    if not listeners(session, event):
        return
    for row in rows:
        deadline = {name: row[name] for name in OF_DEADLINE}
        deadline |= {"due_on": row["due_on"].isoformat(), "due_at": row["due_at"].isoformat()}
        data = {
            "deadline": deadline,
            "subject": {"kind": row["subject_kind"], "id": row["subject_id"]},
            "application": _application(session, row["application_id"]),
        }
        _tell(session, event, f"deadline:{row['id']}:{row['generation']}:{what}", data, now)


def _tell(session: Session, event: str, key: str, data: dict[str, Any], now: datetime) -> None:
    about = data["application"]
    if about is None:
        announce(session, event, key, data, now)
        return
    path = f"/pipeline/{about['reference']}"
    announce(session, event, key, data | {"path": path}, now, application_id=about["id"], path=path)


def _application(session: Session, key: int | None) -> dict[str, Any] | None:
    application = session.get(Application, key) if key is not None else None
    if application is None:
        return None
    return {"id": application.id, "reference": application.reference, "round_id": application.round_id}
