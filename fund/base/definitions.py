"""The workflow definitions that rows were started with, kept word for word and parsed once.

A round pins one for its applications and one for each kind of what belongs to them. Versions that the fund accepted lie
beside those that rounds were started with; new rounds get the newest.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Engine, and_, false, or_
from sqlmodel import Session, col, select

from schema.applications import Application
from schema.values import Moved
from schema.workflows import RoundWorkflow, Workflow
from workflows import Definition, DefinitionError, State, library, shipped
from workflows.translation import phrases

APPLICATION = "application"
PINNED = (APPLICATION, "review", "report", "lesson")
"""Subjects for each of which a round pins a definition when it is created."""

WORDS: dict[str, dict[str, str]] = {}
"""By language, texts of the definitions in use with the translations that stand in their files."""
_parsed: WeakKeyDictionary[Engine, dict[int, Definition]] = WeakKeyDictionary()


def definition_of(session: Session, subject: Moved) -> Definition:
    """The definition that the subject was started with."""
    return definition_by_id(session, subject.workflow_id)


def definition_by_id(session: Session, workflow_id: int) -> Definition:
    """The stored definition. A stored one never changes, so it is parsed once a process.

    A guard that is not there any more only closes its moves. Raises DefinitionError for a text that is none any more.
    """
    known = _parsed.setdefault(session.get_bind().engine, {})
    if workflow_id not in known:
        known[workflow_id] = _kept(session.get_one(Workflow, workflow_id).source)
        _remember(known[workflow_id])
    return known[workflow_id]


def _kept(source: str) -> Definition:
    try:
        return Definition.parse(source)
    except DefinitionError:
        return Definition.parse(source, closing=True)


def stored(session: Session) -> dict[int, Definition]:
    """Every stored definition by its key. A text that is none any more is left out; ``fund.base.soundness`` tells."""
    found = {}
    for key in session.exec(select(Workflow.id).order_by(col(Workflow.id))):
        with suppress(DefinitionError):
            found[key or 0] = definition_by_id(session, key or 0)
    return found


def _remember(definition: Definition) -> None:
    """Let whoever shows a label of the definition find its translation."""
    texts = phrases(definition)
    for language, words in definition.translations.items():
        WORDS.setdefault(language, {}).update({texts[key]: said for key, said in words.items()})


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
        # The key may be that of a row that was rolled back after somebody parsed it.
        _parsed.setdefault(session.get_bind().engine, {})[row.id or 0] = definition
        _remember(definition)
    assert row.id is not None
    return row.id


def newest(session: Session, name: str) -> Definition:
    """The definition that new rounds get: the highest version of that name that is stored, or a higher one as shipped.

    A stored text that is none any more is passed over. Raises LookupError for a name neither stored nor shipped.
    """
    kept = _latest(session, name)
    if kept is None or (name in library() and shipped(name).version > kept.version):
        return shipped(name)
    return kept


def _latest(session: Session, name: str) -> Definition | None:
    versions = select(Workflow.id).where(Workflow.name == name)
    for key in session.exec(versions.order_by(col(Workflow.version).desc(), col(Workflow.id).desc())):
        with suppress(DefinitionError):
            return definition_by_id(session, key or 0)
    return None


def choices(session: Session) -> dict[str, Definition]:
    """The newest definition of each name that moves applications: what a manager can choose for a round, by name."""
    names = {*library(), *session.exec(select(Workflow.name).distinct())}
    found = {name: newest(session, name) for name in sorted(names)}
    return {name: one for name, one in found.items() if one.subject == APPLICATION}


def pinned(session: Session, round_id: int, name: str) -> int:
    """Key of the definition that the round is bound to for that subject."""
    return session.get_one(RoundWorkflow, (round_id, name)).workflow_id


def held(session: Session, round_id: int, name: str) -> int:
    """The same, kept as it is until the end of the unit of work: for what begins its life by that definition now.

    A migration of the round waits for it, and sees what was begun; or it waits for the migration, and sees the new key.
    """
    return session.get_one(
        RoundWorkflow, (round_id, name), with_for_update={"read": True}, populate_existing=True
    ).workflow_id


def where_state(session: Session, wanted: Callable[[State], bool]) -> ColumnElement[bool]:
    """Applications whose state is wanted, each looked at by its own definition. One query, for the stored keys."""
    found = []
    for key, definition in stored(session).items():
        names = [state.name for state in definition.states.values() if wanted(state)]
        if definition.subject == APPLICATION and names:
            found.append(and_(col(Application.workflow_id) == key, col(Application.state).in_(names)))
    return or_(false(), *found)
