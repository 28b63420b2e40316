"""Carrying a plan out: all of it or nothing, in the caller's unit of work."""

from sqlmodel import Session, col, select

from fund.base import definitions, ledger, moves, states
from fund.base.eras import CHANGED, ROUND_CHANGED
from fund.base.ledger import Entry
from fund.base.migrating.dates import adjust
from fund.base.migrating.plans import Plan
from fund.base.permissions import Viewer
from fund.base.subjects import Subject, chain_of, id_of, kind_of
from schema.applications import Application
from schema.rounds import Round
from schema.workflows import RoundWorkflow

WHY = "the round's workflow was changed"
"""Stands as the reason at deadlines that end or move by it."""


def lock(session: Session, round_: Round) -> None:
    """Make whoever moves anything of the round, or begins anything in it, wait until this unit of work ends.

    In the order in which a move takes its locks: applications, what the round pins, the round. All are read afresh.
    """
    _lock_applications(session, round_)
    pins = select(RoundWorkflow).where(RoundWorkflow.round_id == round_.id)
    session.exec(pins.with_for_update().execution_options(populate_existing=True)).all()
    _lock_applications(session, round_)  # with those that were begun until a moment ago
    session.refresh(round_, with_for_update=True)


def _lock_applications(session: Session, round_: Round) -> None:
    found = select(Application).where(Application.round_id == round_.id).order_by(col(Application.id))
    session.exec(found.with_for_update().execution_options(populate_existing=True)).all()


def carry_out(session: Session, made: Plan, viewer: Viewer | None, role: str) -> None:
    """Do what the plan says, as the viewer (None where nobody is signed in) in that role.

    The plan was made in this unit of work, after ``lock``. Raises Conflict if anything was moved nevertheless.
    """
    keys = {change.kind: definitions.store(session, change.new, made.now) for change in made.changes}
    states.write_all(
        session,
        [
            (step.subject, {"state": step.after.name, "workflow_id": keys[kind_of(step.subject)]})
            for step in made.steps
        ],
    )
    ledger.append_all(
        session, [*_events(made, viewer, role), *_of_round(session, made, viewer, role)], made.now
    )
    for change in made.changes:
        if change.kind != "round":
            session.get_one(RoundWorkflow, (id_of(made.round), change.kind)).workflow_id = keys[change.kind]
    adjust(session, [(step.subject, step.deadlines) for step in made.steps], WHY, made.now)
    moves.settle(session, _restless(made), made.now)


def _events(made: Plan, viewer: Viewer | None, role: str) -> list[Entry]:
    """One event for each thing, in the chain of its application or round; with states where they are not the same."""
    versions = {change.kind: (change.old.version, change.new.version) for change in made.changes}
    return [
        Entry(
            chain=chain_of(step.subject),
            actor=viewer,
            role=role,
            subject_kind=kind_of(step.subject),
            subject_id=id_of(step.subject),
            action=CHANGED,
            source=step.before.name if step.moves else "",
            target=step.after.name if step.moves else "",
            data={"version": step.subject.version, "workflow": list(versions[kind_of(step.subject)])},
        )
        for step in made.steps
    ]


def _of_round(session: Session, made: Plan, viewer: Viewer | None, role: str) -> list[Entry]:
    """What stands in the round's chain: each workflow that was changed, and where things of vanished states went."""
    return [
        Entry(
            chain=chain_of(made.round),
            actor=viewer,
            role=role,
            subject_kind="round",
            subject_id=id_of(made.round),
            action=ROUND_CHANGED,
            data={
                "kind": change.kind,
                "workflow": [change.old.version, change.new.version],
                "keys": [definitions.store(session, one, made.now) for one in (change.old, change.new)],
                "digest": change.new.digest,
                "places": change.heirs,
                "things": sum(kind_of(step.subject) == change.kind for step in made.steps),
            },
        )
        for change in made.changes
    ]


def _restless(made: Plan) -> list[Subject]:
    """What something follows for by itself: each application once, and the round."""
    found: dict[tuple[str, int], Subject] = {}
    for follow in made.follows:
        subject = follow.application or follow.subject
        found[kind_of(subject), id_of(subject)] = subject
    return list(found.values())
