"""What is wrong with the workflows that the fund works by, said when a process starts: a clear line, and no crash."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from fund.base import binding, fit
from fund.base.database import Database
from fund.base.definitions import stored
from fund.base.subjects import KINDS
from fund.base.versions import known
from notifications.compose import template_names
from schema.rounds import Round
from schema.workflows import Workflow
from workflows import Definition, DefinitionError, Finding, Level, library, shipped
from workflows.check import check_text
from workflows.include import placed

log = logging.getLogger(__name__)
_SAME = "it is not the version {0} that the fund keeps, so rounds go on with the kept one; raise its version to have it"


def report(database: Database) -> int:
    """Log each error in a workflow that is stored or shipped as a line of its own; answers how many there are.

    Rounds under way whose workflows do not go together are warned of. A database that does not answer is for others to
    complain about.
    """
    try:
        with database.read() as session:
            found, mixed = list(faults(session)), list(mixtures(session))
    except SQLAlchemyError:
        return 0
    for line in found:
        log.error("%s", line)
    for line in mixed:
        log.warning("%s", line)
    return len(found)


def mixtures(session: Session) -> Iterator[str]:
    """Each round under way that is bound to workflows that do not go together, in a line with what to do."""
    for round_ in session.exec(select(Round).order_by(col(Round.id))):
        with suppress(DefinitionError):  # told as a fault
            for gap in binding.gaps_of(session, round_):
                yield (
                    f"round {round_.slug}: {gap.reason}; change it to versions that go together: "
                    f"fund workflow migrate {round_.slug} …"
                )


def faults(session: Session) -> Iterator[str]:
    """Each error in a stored or shipped workflow in a line: which workflow and version, line and state, what is wrong.

    A stored version is what a round was started with: it may be older than what the checker asks for today. A shipped
    file that was changed under the number of a stored one is told as well: nothing would ever follow it.
    """
    kin = known(session)
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
    yield from lost_guards(session)


def lost_guards(session: Session) -> Iterator[str]:
    """Each move of a stored workflow that stays closed because its guard is not there (any more), in a line."""
    for one in stored(session).values():
        for move, guard in fit.lost_guards(one):
            yield (
                f"workflow {one.name}, version {one.version}: move {move.trigger} stays closed, as there is no guard"
                f" {guard}; FUND_GUARDS names the modules with guards of your own"
            )


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
    return sorted([*found, *placed(fit.misfits(definition), text)])
