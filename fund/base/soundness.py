"""What is wrong with the workflows that the fund works by, said when a process starts: a clear line, and no crash."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from fund.base.database import Database
from fund.base.definitions import definition_by_id
from fund.base.fit import misfits
from fund.base.subjects import KINDS
from notifications.compose import template_names
from schema.workflows import Workflow
from workflows import Definition, DefinitionError, Finding, Level, library, shipped
from workflows.check import check_text
from workflows.include import placed

log = logging.getLogger(__name__)
_SAME = "it is not the version {0} that the fund keeps, so rounds go on with the kept one; raise its version to have it"


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

    A stored version is what a round was started with: it may be older than what the checker asks for today. A shipped
    file that was changed under the number of a stored one is told as well: nothing would ever follow it.
    """
    kin = family(session)
    seen: dict[str, tuple[str, int]] = {}
    for row in session.exec(select(Workflow).order_by(col(Workflow.name), col(Workflow.version))):
        seen[row.digest] = row.name, row.version
        for finding in _errors(row.source, kin):
            yield f"workflow {row.name}, version {row.version}: {finding}"
    for name in library():
        if shipped(name).digest not in seen:
            for finding in _errors(shipped(name).source, kin):
                yield f"workflow {name}, as shipped: {finding}"
            if (name, shipped(name).version) in seen.values():
                yield f"workflow {name}, as shipped: {_SAME.format(shipped(name).version)}"


def family(session: Session) -> dict[str, Definition]:
    """Every definition that the fund has or that is shipped, by digest: those that one may speak of.

    A stored text that is none any more is left out; ``faults`` tells of it.
    """
    found = {shipped(name).digest: shipped(name) for name in library()}
    for key in session.exec(select(Workflow.id)):
        with suppress(DefinitionError):
            stored = definition_by_id(session, key or 0)
            found[stored.digest] = stored
    return found


def _errors(text: str, kin: Mapping[str, Definition]) -> Iterator[Finding]:
    return (one for one in look_at(text, kin) if one.level is Level.ERROR)


def look_at(text: str, kin: Mapping[str, Definition]) -> list[Finding]:
    """All that the checker finds in a text, and what the fund could not carry out of it. Raises nothing.

    ``kin`` are the definitions that it may speak of.
    """
    found = check_text(text, templates=template_names(), family=kin)
    try:
        definition = Definition.parse(text)
    except DefinitionError:
        return found
    if definition.subject not in KINDS:
        return found  # the fund does not move it yet, so it need not be able to
    return sorted([*found, *placed(misfits(definition), text)])
