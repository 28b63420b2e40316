"""What is wrong with the workflows that the fund works by, said when a process starts: a clear line, and no crash."""

import logging
from collections.abc import Iterator, Mapping

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from fund.base.database import Database
from fund.base.fit import misfits
from fund.base.subjects import KINDS
from notifications.compose import template_names
from schema.workflows import Workflow
from workflows import Definition, DefinitionError, Finding, Level, library, shipped
from workflows.check import check_text
from workflows.include import placed

log = logging.getLogger(__name__)


def report(database: Database) -> int:
    """Log each error in a workflow that is stored or shipped as a line of its own; answers how many there are.

    A database that does not answer is for others to complain about.
    """
    try:
        with database.read() as session:
            found = list(faults(session))
    except SQLAlchemyError:
        return 0
    for line in found:
        log.error("%s", line)
    return len(found)


def faults(session: Session) -> Iterator[str]:
    """Each error in a stored or shipped workflow in a line: which workflow and version, line and state, what is wrong.

    A stored version is what a round was started with: it may be older than what the checker asks for today.
    """
    family = {name: shipped(name) for name in library()}
    seen = set()
    for row in session.exec(select(Workflow).order_by(col(Workflow.name), col(Workflow.version))):
        seen.add(row.digest)
        for finding in _errors(row.source, family):
            yield f"workflow {row.name}, version {row.version}: {finding}"
    for name, definition in family.items():
        if definition.digest not in seen:
            for finding in _errors(definition.source, family):
                yield f"workflow {name}, as shipped: {finding}"


def _errors(text: str, family: Mapping[str, Definition]) -> Iterator[Finding]:
    return (one for one in look_at(text, family) if one.level is Level.ERROR)


def look_at(text: str, family: Mapping[str, Definition]) -> list[Finding]:
    """All that the checker finds in a text, and what the fund could not carry out of it. Raises nothing."""
    found = check_text(text, templates=template_names(), family=family)
    try:
        definition = Definition.parse(text)
    except DefinitionError:
        return found
    if definition.subject not in KINDS:
        return found  # the fund does not move it yet, so it need not be able to
    return sorted([*found, *placed(misfits(definition), text)])
