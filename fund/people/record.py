"""Who gave a person which rights, and when: her chain of the ledger, for managers and auditors to read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from fund.people.labels import ROLES
from fund.web.i18n import gettext as _
from fund.web.i18n import lazy
from schema.ledger import LedgerEvent
from schema.people import Member, Person

ACTIONS = {
    "person_added": lazy("Added"),
    "person_changed": lazy("Changed"),
    "person_disabled": lazy("Access ended"),
    "person_enabled": lazy("Access given again"),
    "manager_created": lazy("Made a manager from the command line"),
}


@dataclass(frozen=True)
class Change:
    """One event in words. ``by`` is empty for what nobody signed in did; ``what`` tells one change a line."""

    at: datetime
    title: str
    by: str
    what: str


def of_person(session: Session, person_id: int) -> list[Change]:
    """Every change of a person's rights, the latest first. Two queries."""
    found = session.execute(
        select(LedgerEvent, Person)
        .join(Person, col(Person.id) == col(LedgerEvent.actor_id), isouter=True)
        .where(LedgerEvent.chain == f"person:{person_id}")
        .order_by(col(LedgerEvent.seq).desc())
    ).all()
    ids = {key for event, _actor in found for key in _members(event.data)}
    names = {row.id: row.name for row in session.exec(select(Member).where(col(Member.id).in_(ids)))}
    return [
        Change(
            event.at,
            str(ACTIONS.get(event.action, event.action)),
            actor.name if actor else "",
            "\n\n".join(_told(event.data, names)),
        )
        for event, actor in found
    ]


def _members(data: Mapping[str, Any]) -> list[int]:
    return [*data.get("members_added", ()), *data.get("members_removed", ())]


def _told(data: Mapping[str, Any], names: Mapping[int | None, str]) -> Iterator[str]:
    for key, sentence in (
        ("roles_added", _("Roles given: %(names)s")),
        ("roles_removed", _("Roles taken: %(names)s")),
    ):
        if data.get(key):
            yield sentence % {"names": ", ".join(str(ROLES.get(role, role)) for role in data[key])}
    for key, sentence in (
        ("members_added", _("Acts for: %(names)s")),
        ("members_removed", _("No longer acts for: %(names)s")),
    ):
        if data.get(key):
            yield sentence % {"names": ", ".join(names.get(one, "–") for one in data[key])}
    if data.get("address"):
        yield _("The email address was changed.")
