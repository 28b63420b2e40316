"""What would happen by itself, once another version of the workflow has taken over: told beforehand, from the plan."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, cast

from sqlmodel import Session, col, select

from fund.base.definitions import definition_of
from fund.base.facts import facts_of
from fund.base.subjects import CHILDREN, Child, Subject, application_of, id_of, kind_of
from schema.applications import Application
from schema.reports import Report
from schema.rounds import Round
from workflows import Definition, Facts, GuardFailed

log = logging.getLogger(__name__)

Key: TypeAlias = tuple[str, int]
Placed: TypeAlias = Mapping[Key, tuple[Definition, str]]
"""By kind and id, the definition that moves a thing and the state it stands in, once the plan is carried out."""


@dataclass(frozen=True)
class Follow:
    """A thing, and the move that it then makes by itself. What follows from that in turn is not told."""

    subject: Subject
    application: Application | None
    name: str
    """What people call the thing."""
    label: str


class _Then(Mapping[str, Any]):
    """The facts as they will be: some by the plan, the others as they are."""

    def __init__(self, planned: Mapping[str, Callable[[], Any]], present: Facts) -> None:
        self._planned, self._present = planned, present

    def __getitem__(self, name: str) -> Any:
        return self._planned[name]() if name in self._planned else self._present[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._present)

    def __len__(self) -> int:
        return len(self._present)


class Foresight:
    """Answers for the things of one round what follows by itself after a plan; reads, and writes nothing."""

    def __init__(
        self,
        session: Session,
        round_: Round,
        placed: Placed,
        open_keys: Mapping[Key, frozenset[str]],
        now: datetime,
    ) -> None:
        """``open_keys``: of each thing in ``placed`` the deadlines that are then open and not passed."""
        self._session, self._round, self._now = session, round_, now
        self._placed, self._open = placed, open_keys
        self._applications = _applications(session, round_)
        self._children = _children(session, round_)

    def follows(self) -> list[Follow]:
        """Every move that is then due, application by application."""
        found = list(self._of(self._round, None))
        for application in self._applications:
            for subject in (application, *self._children.get(id_of(application), ())):
                found += self._of(subject, application)
        return found

    def concerned(self, kind: str, states: Collection[str]) -> set[str]:
        """The kinds of things that are not at an end and look at one of that kind in one of the states."""
        found: set[str] = set()
        if kind == "round" and self._round.state in states:
            found |= {kind_of(one) for one in self._everything() if not self._over(one)}
        for application in self._applications:
            children = self._children.get(id_of(application), [])
            if kind == "application" and application.state in states:
                found |= {kind_of(one) for one in (self._round, *children) if not self._over(one)}
            elif any(kind_of(one) == kind and one.state in states for one in children):
                found |= {"application"} if not self._over(application) else set()
        return found

    def _everything(self) -> Iterator[Subject]:
        for application in self._applications:
            yield application
            yield from self._children.get(id_of(application), ())

    def _over(self, subject: Subject) -> bool:
        definition, state = self._stands(subject)
        return definition.state(state).final

    def _of(self, subject: Subject, application: Application | None) -> Iterator[Follow]:
        definition, state = self._stands(subject)
        if definition.follows_facts(state):
            try:
                move = definition.automatic(state, self._facts(subject, application))
            except GuardFailed as failed:  # it will not be made either, see ``fund.base.moves.settle``
                log.error("%s", failed, exc_info=failed)
                return
            if move is not None:
                yield Follow(subject, application, name_of(self._session, subject), move.label)

    def _stands(self, subject: Subject) -> tuple[Definition, str]:
        key = (kind_of(subject), id_of(subject))
        return self._placed.get(key) or (definition_of(self._session, subject), subject.state)

    def _standing(self, subject: Subject) -> str:
        definition, state = self._stands(subject)
        return definition.state(state).standing

    def _facts(self, subject: Subject, application: Application | None) -> Facts:
        planned: dict[str, Callable[[], Any]] = {"round": lambda: self._standing(self._round)}
        key = (kind_of(subject), id_of(subject))
        if key in self._open:
            planned["open_deadlines"] = lambda: self._open[key]
        if isinstance(subject, Application):
            planned["children"] = lambda: self._states(self._children.get(id_of(subject), ()))
        elif isinstance(subject, Round):
            planned["children"] = lambda: self._states(self._applications)
        elif application is not None:
            planned["parent"] = lambda: self._standing(application)
        return _Then(planned, facts_of(self._session, subject, self._now))

    def _states(self, subjects: Sequence[Subject]) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {kind: [] for kind in ("review", "report", "lesson")}
        for subject in subjects:
            found.setdefault(kind_of(subject), []).append(self._standing(subject))
        return {kind: tuple(standings) for kind, standings in found.items()}


def name_of(session: Session, subject: Subject) -> str:
    """What people call a thing: ``PIF-3F9A``, or ``PIF-3F9A, review 7``; a round by its title."""
    if isinstance(subject, Round):
        return subject.title
    application = application_of(session, subject)
    assert application is not None
    if subject is application:
        return application.reference
    what = f"{subject.kind} report" if isinstance(subject, Report) else f"{kind_of(subject)} {subject.id}"
    return f"{application.reference}, {what}"


def _applications(session: Session, round_: Round) -> Sequence[Application]:
    return session.exec(
        select(Application).where(Application.round_id == round_.id).order_by(col(Application.id))
    ).all()


def _children(session: Session, round_: Round) -> dict[int, list[Child]]:
    """What belongs to each application of the round."""
    found: dict[int, list[Child]] = {}
    of_round = Application.round_id == round_.id
    for table in CHILDREN:
        children = session.exec(select(table).join(Application).where(of_round).order_by(col(table.id))).all()
        for child in cast(Sequence[Child], children):
            found.setdefault(child.application_id, []).append(child)
    return found
