"""What managers do with rounds. Each function is one use case in the caller's unit of work."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from fund.base import access, binding, children, deadlines, definitions, ledger, moves
from fund.base.errors import Conflict, Invalid
from fund.base.permissions import Viewer
from fund.base.subjects import lock
from fund.base.turns import take_turn
from fund.rounds import defaults, queries
from fund.rounds.fields import NAMES, WORDS, RoundDraft, checked, draft_of, slug
from fund.rounds.record import note_change
from fund.web.i18n import gettext as _
from schema.deadlines import DeadlineStatus
from schema.people import Role
from schema.rounds import Round

TAKEN = frozenset({"new"})
"""Words that stand for pages of their own where a slug would stand."""


def create_round(
    session: Session,
    viewer: Viewer,
    draft: RoundDraft,
    now: datetime,
    weekend: Sequence[str] = ("saturday", "sunday"),
) -> Round:
    """Plan a round with the shipped form and scorecard, bound to the newest workflows of today.

    Nobody outside the fund sees it before it opens. A plan that stands already, alike in everything, is answered as
    it is: a button pressed twice makes one round. On ``weekend`` nobody works in any week. Raises Forbidden for
    others than managers, Invalid for what is wrong in ``draft`` and for workflows that do not go together yet.
    """
    access.require_manager(viewer)
    right = checked(draft)
    workflow = _workflow(session, right) or definitions.APPLICATION
    definition = definitions.newest(session, "round")
    take_turn(session, "rounds")
    twin = _twin(session, right, definition.initial)
    if twin is not None and queries.workflow(session, twin).name == workflow:
        return twin
    round_ = Round(
        slug=_free_slug(session, right.title),
        form=[section.model_dump() for section in defaults.form()],
        scorecard=[criterion.model_dump() for criterion in defaults.scorecard()],
        weekend=list(weekend),
        workflow_id=definitions.store(session, definition, now),
        state=definition.initial,
        state_since=now,
        created_at=now,
        **_columns(right),
    )
    session.add(round_)
    session.flush()
    binding.pin(session, round_, now, workflow)
    children.born(session, round_, now, viewer=viewer, role=Role.MANAGER)
    return round_


def update_round(
    session: Session, viewer: Viewer, round_slug: str, draft: RoundDraft, *, edition: str, now: datetime
) -> Round:
    """Change a planned round in everything, an open one in its words; its open deadlines follow the new days.

    ``edition`` is ``queries.edition`` of the round as the viewer saw it. Raises NotFound; Forbidden where it cannot
    be changed by her or at all; Conflict where somebody changed it in the meantime; Invalid for what is wrong, and for
    changing what an open round has promised.
    """
    lock(session, queries.round_by_slug(session, viewer, round_slug))
    round_ = queries.editable(session, viewer, round_slug)
    right = checked(draft)
    changed = [name for name in NAMES if getattr(right, name) != getattr(draft_of(round_), name)]
    if (workflow := _workflow(session, right)) not in ("", queries.workflow(session, round_).name):
        changed.append("workflow")
    if not changed:
        return round_
    if queries.edition(round_) != edition:
        raise Conflict
    _keep_promises(session, round_, changed)
    for name, value in _columns(right).items():
        setattr(round_, name, value)
    session.flush()
    if "workflow" in changed:
        binding.pin(session, round_, now, workflow)
    _move_deadlines(session, round_, now)
    note_change(session, viewer, round_, "changed", {"fields": changed}, now)
    return round_


def move(
    session: Session,
    viewer: Viewer,
    round_slug: str,
    trigger: str,
    *,
    version: int,
    now: datetime,
    reason: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> ledger.Written:
    """Open, close, reopen, decide or archive the round. Raises NotFound, and what ``fund.base.moves.fire`` raises."""
    round_ = queries.round_by_slug(session, viewer, round_slug)
    return moves.fire(session, round_, trigger, viewer, version=version, now=now, reason=reason, data=data)


def _workflow(session: Session, draft: RoundDraft) -> str:
    """The workflow that was chosen, or nothing. Raises Invalid for one that moves no applications."""
    if draft.workflow and draft.workflow not in definitions.choices(session):
        raise Invalid({"workflow": _("Choose one of the workflows for applications")})
    return draft.workflow


def _columns(draft: RoundDraft) -> dict[str, Any]:
    return {name: getattr(draft, name) for name in NAMES} | {"eligibility": list(draft.eligibility)}


def _twin(session: Session, draft: RoundDraft, state: str) -> Round | None:
    columns = _columns(draft)
    namesakes = session.exec(select(Round).where(Round.title == draft.title, Round.state == state))
    return next(
        (one for one in namesakes if all(getattr(one, name) == value for name, value in columns.items())),
        None,
    )


def _free_slug(session: Session, title: str) -> str:
    base = slug(title)
    taken = TAKEN | set(
        session.exec(select(Round.slug).where(col(Round.slug).startswith(base, autoescape=True)))
    )
    if base not in taken:
        return base
    numbered = (f"{base}-{number}" for number in range(2, 1000))
    return next((name for name in numbered if name not in taken), f"{base}-{secrets.token_hex(4)}")


def _keep_promises(session: Session, round_: Round, changed: list[str]) -> None:
    """Raise Invalid for what may not change any more, because applicants already count on it."""
    promised = [name for name in changed if name not in WORDS]
    if promised and queries.is_promised(session, round_):
        raise Invalid(
            dict.fromkeys(promised, _("This is promised to applicants since the round opened; it stays"))
        )


def _move_deadlines(session: Session, round_: Round, now: datetime) -> None:
    """Open anew those deadlines of the round whose day or zone is no longer what its rule says."""
    definition = definitions.definition_of(session, round_)
    for deadline in deadlines.open_of(session, round_):
        rule = definition.deadlines[deadline.key]
        if (deadlines.due_on(session, round_, rule, now), round_.zone) != (deadline.due_on, deadline.zone):
            deadlines.close(session, deadline, DeadlineStatus.CANCELLED, "the round's days were changed", now)
            deadlines.open_one(session, round_, rule, now)
