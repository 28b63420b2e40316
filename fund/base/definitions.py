"""The workflow definitions that rows were started with, kept word for word and parsed once."""

from datetime import datetime
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlmodel import Session, select

from schema.rounds import Round
from schema.values import Moved
from schema.workflows import RoundWorkflow, Workflow
from workflows import Definition, shipped

PINNED = ("application", "review", "report", "lesson")
"""What a round pins when it is created."""

_parsed: WeakKeyDictionary[Engine, dict[int, Definition]] = WeakKeyDictionary()


def definition_of(session: Session, subject: Moved) -> Definition:
    """The definition that the subject was started with."""
    return definition_by_id(session, subject.workflow_id)


def definition_by_id(session: Session, workflow_id: int) -> Definition:
    """The stored definition. A stored one never changes, so it is parsed once a process."""
    known = _parsed.setdefault(session.get_bind().engine, {})
    if workflow_id not in known:
        known[workflow_id] = Definition.parse(session.get_one(Workflow, workflow_id).source)
    return known[workflow_id]


def forget(engine: Engine) -> None:
    """Parse again whatever is asked for next: for an engine whose database was put in the place of another."""
    _parsed.pop(engine, None)


def store(session: Session, definition: Definition, now: datetime) -> int:
    """Keep the definition word for word and return its key; the same text is kept once."""
    row = session.exec(select(Workflow).where(Workflow.digest == definition.digest)).first()
    if row is None:
        row = Workflow(
            name=definition.name,
            version=definition.version,
            digest=definition.digest,
            source=definition.source,
            stored_at=now,
        )
        session.add(row)
        session.flush()
    assert row.id is not None
    return row.id


def pin(session: Session, round_: Round, now: datetime) -> None:
    """Bind the round to the definitions as they are shipped today. Later versions reach it only by a migration."""
    assert round_.id is not None
    for name in PINNED:
        key = store(session, shipped(name), now)
        session.add(RoundWorkflow(round_id=round_.id, name=name, workflow_id=key))
    session.flush()


def pinned(session: Session, round_id: int, name: str) -> int:
    """Key of the definition of that name that the round is bound to."""
    return session.get_one(RoundWorkflow, (round_id, name)).workflow_id
