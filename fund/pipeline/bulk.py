"""The same move for many applications: who can, who cannot and why, and then each by itself or all or none.

Whether a move can be made is asked of ``fund.base.moves``, as everywhere. The version of each application is carried
from the preview to the move: nothing happens to one that changed meanwhile, and nothing happens twice.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from fund.base import moves
from fund.base.audience import in_hand, left_to, stands_as
from fund.base.database import Database
from fund.base.definitions import definition_of
from fund.base.errors import Conflict, FundError, Invalid, MoveRefused, NotFound
from fund.base.permissions import Viewer
from fund.base.subjects import id_of
from fund.pipeline import dossier
from schema.applications import Application
from schema.ledger import LedgerEvent
from schema.outbox import Message
from schema.people import Member
from schema.wording import gettext_noop as _n
from workflows import Move, Reason

MOST = 500
"""How many applications can be moved in one go."""
WORDS = "…"
"""Stands for the reason while the moves are only tried out."""


class Result(StrEnum):
    """What became of one application, or would become."""

    POSSIBLE = "possible"
    DONE = "done"
    BEFORE = "before"
    """Done already by the same person with the same move: the form was sent twice, or an answer got lost."""
    REFUSED = "refused"
    CHANGED = "changed"
    """Somebody else moved it after it was looked at."""
    LEFT = "left"
    """All or none was wanted, and others could not."""


@dataclass(frozen=True)
class Pick:
    """An application and the version of it that was seen; None where nobody has looked yet."""

    reference: str
    version: int | None = None


@dataclass(frozen=True)
class Line:
    """One application in a preview or a result."""

    reference: str
    title: str
    member: str
    state: str
    """The label of where it stands."""
    version: int
    result: Result
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preview:
    """What the move would do. ``mails``: by template, how many would go out if all that can are moved."""

    move: Move
    lines: Sequence[Line]
    mails: Mapping[str, int]
    together: tuple[str, ...]
    """Why all that can, each for itself, could not be moved together; empty where they could."""

    @property
    def able(self) -> list[Line]:
        """Those that can be moved."""
        return [line for line in self.lines if line.result == Result.POSSIBLE]

    @property
    def unable(self) -> list[Line]:
        """Those that cannot, with the reasons."""
        return [line for line in self.lines if line.result != Result.POSSIBLE]


@dataclass(frozen=True)
class Choice:
    """A move that somebody may make from where some of the applications stand."""

    move: Move
    count: int
    """How many of them stand where it leads from."""


def choices(session: Session, viewer: Viewer, applications: Iterable[Application]) -> list[Choice]:
    """The moves of the viewer's roles from where the applications stand, whoever runs the round: commonest first."""
    counted: Counter[str] = Counter()
    known: dict[str, Move] = {}
    for application in applications:
        roles = stands_as(session, application, viewer)
        for move in definition_of(session, application).leaving(application.state):
            if move.roles & roles:
                counted[move.trigger] += 1
                known.setdefault(move.trigger, move)
    return [Choice(known[trigger], count) for trigger, count in counted.most_common()]


def picked(session: Session, viewer: Viewer, picks: Iterable[Pick]) -> list[Application]:
    """The applications of these references that the viewer manages, in their order; others are left out."""
    references = list(dict.fromkeys(pick.reference for pick in picks))[:MOST]
    found = session.exec(
        select(Application).where(
            col(Application.reference).in_(references), col(Application.member_id).not_in(viewer.member_ids)
        )
    )
    by_reference = {one.reference: one for one in found}
    return [by_reference[name] for name in references if name in by_reference]


def preview(
    db: Database,
    viewer: Viewer,
    picks: Sequence[Pick],
    trigger: str,
    now: datetime,
    reason: str | None = None,
) -> Preview:
    """What the move would do to each, found by trying it out; nothing is kept. Raises NotFound for a move of none."""
    with db.write() as session:
        applications = _readable(session, viewer, picks)
        move = _move(session, viewer, applications, trigger)
        seen = {pick.reference: pick.version for pick in picks}
        lines = _looked_at(session, viewer, applications, move, seen, now)
        able = {line.reference for line in lines if line.result == Result.POSSIBLE}
        wishes = [_wish(one, move, reason or WORDS) for one in applications if one.reference in able]
        mails, together = _tried(session, viewer, wishes, now)
        session.rollback()
    return Preview(move, [*lines, *_unknown(picks, lines)], mails, together)


def run(
    db: Database,
    viewer: Viewer,
    picks: Sequence[Pick],
    trigger: str,
    now: datetime,
    *,
    reason: str | None = None,
    all_or_none: bool = False,
) -> list[Line]:
    """Make the move for each of the applications in the version that was seen; one line each tells what became of it.

    Each in a unit of work of its own, or all in one and none if one cannot. Raises NotFound for a move of none, Invalid
    where it asks for a reason and none is given.
    """
    with db.read() as session:
        applications = _readable(session, viewer, picks)
        move = _move(session, viewer, applications, trigger, anywhere=True)
        before = _lines(session, applications)
    if move.reason == "required" and not (reason or "").strip():
        raise Invalid({"reason": _n("Give the reason.")})
    unknown = _unknown(picks, before)
    seen = {pick.reference: -1 if pick.version is None else pick.version for pick in picks}
    if all_or_none and unknown:
        return [*(replace(line, result=Result.LEFT) for line in before), *unknown]
    if all_or_none:
        return _all(db, viewer, before, seen, trigger, now, reason)
    each = [_each(db, viewer, line, seen[line.reference], trigger, now, reason) for line in before]
    return [*each, *unknown]


def _unknown(picks: Iterable[Pick], lines: Iterable[Line]) -> list[Line]:
    """A line for each that does not exist, or not for the viewer: both look the same."""
    there = {line.reference for line in lines}
    missing = dict.fromkeys(pick.reference for pick in picks if pick.reference not in there)
    why = (Reason(_n("It does not exist, or it is not open to you.")),)
    return [Line(name, "", "", "", 0, Result.REFUSED, why) for name in missing]


def _readable(session: Session, viewer: Viewer, picks: Sequence[Pick]) -> list[Application]:
    """The applications that the viewer manages and may read where they stand."""
    found = picked(session, viewer, picks)
    in_hand(session, found)
    return [
        one
        for one in found
        if stands_as(session, one, viewer) & definition_of(session, one).state(one.state).read
    ]


def _move(
    session: Session,
    viewer: Viewer,
    applications: Iterable[Application],
    trigger: str,
    *,
    anywhere: bool = False,
) -> Move:
    """The move of that name, if it is the viewer's from where one of them stands, or from anywhere."""
    for application in applications:
        definition = definition_of(session, application)
        move = definition.moves.get(trigger)
        hers = move and move.roles & stands_as(session, application, viewer)
        if move and hers and (anywhere or application.state in move.sources):
            return move
    raise NotFound


def _lines(session: Session, applications: Sequence[Application]) -> list[Line]:
    members = {one.id: one for one in session.exec(select(Member).where(_among(applications)))}
    return [
        Line(
            one.reference,
            one.title,
            members[one.member_id].known_as,
            definition_of(session, one).state(one.state).label,
            one.version,
            Result.POSSIBLE,
        )
        for one in applications
    ]


def _among(applications: Sequence[Application]) -> Any:
    return col(Member.id).in_({one.member_id for one in applications})


def _looked_at(
    session: Session,
    viewer: Viewer,
    applications: Sequence[Application],
    move: Move,
    seen: Mapping[str, int | None],
    now: datetime,
) -> list[Line]:
    lines = []
    for line, application in zip(_lines(session, applications), applications, strict=True):
        version = seen.get(line.reference)
        if version is not None and version != application.version:
            lines.append(replace(line, result=Result.CHANGED))
        elif why := _why_not(session, viewer, application, move.trigger, now):
            lines.append(replace(line, result=Result.REFUSED, reasons=why))
        else:
            lines.append(line)
    return lines


def _why_not(
    session: Session, viewer: Viewer, application: Application, trigger: str, now: datetime
) -> tuple[str, ...]:
    if left := left_to(session, application, viewer):
        return (left,)
    options = moves.options(session, application, viewer, now)
    option = next((one for one in options if one.move.trigger == trigger), None)
    if option is None:
        return (Reason(_n("This move does not lead on from where it stands.")),)
    if option.move.asks:
        return (Reason(_n("This move asks for something of each. Make it in the file.")),)
    return option.reasons


def _wish(application: Application, move: Move, reason: str) -> moves.Wish:
    said = reason if move.reason == "required" else None
    return moves.Wish(subject=application, trigger=move.trigger, version=application.version, reason=said)


def _tried(
    session: Session, viewer: Viewer, wishes: Sequence[moves.Wish], now: datetime
) -> tuple[dict[str, int], tuple[str, ...]]:
    """How many mails of which template the moves together would send, or why they cannot be made together."""
    before = session.exec(select(func.max(Message.id))).one() or 0
    try:
        moves.fire_all(session, wishes, viewer, now)
    except FundError as error:
        return {}, _said(error)
    keys = [id_of(wish.subject) for wish in wishes]
    found = session.exec(
        select(Message.template, func.count())
        .where(col(Message.id) > before, Message.kind == "notice", col(Message.application_id).in_(keys))
        .group_by(Message.template)
        .order_by(Message.template)
    )
    return {template: int(count) for template, count in found}, ()


def _said(error: FundError) -> tuple[str, ...]:
    return error.reasons if isinstance(error, MoveRefused) else (error.message,)


def _each(
    db: Database, viewer: Viewer, line: Line, version: int, trigger: str, now: datetime, reason: str | None
) -> Line:
    try:
        with db.write() as session:
            application = dossier.find(session, viewer, line.reference)
            moves.fire(session, application, trigger, viewer, version=version, now=now, reason=reason)
            return _stands(session, line, application, Result.DONE)
    except Conflict:
        with db.read() as session:
            return _after_conflict(session, viewer, line, version, trigger)
    except FundError as error:
        return replace(line, result=Result.REFUSED, reasons=_said(error))


def _stands(session: Session, line: Line, application: Application, result: Result) -> Line:
    label = definition_of(session, application).state(application.state).label
    return replace(line, state=label, version=application.version, result=result)


def _after_conflict(session: Session, viewer: Viewer, line: Line, version: int, trigger: str) -> Line:
    """Whether the application was moved by somebody else, or by this very form when it was sent before."""
    application = session.exec(select(Application).where(Application.reference == line.reference)).one()
    events = session.exec(
        select(LedgerEvent).where(
            LedgerEvent.subject_kind == "application",
            LedgerEvent.subject_id == application.id,
            LedgerEvent.action == trigger,
            LedgerEvent.actor_id == viewer.person_id,
        )
    )
    mine = any(event.data.get("version") == version + 1 for event in events)
    return _stands(session, line, application, Result.BEFORE if mine else Result.CHANGED)


def _all(
    db: Database,
    viewer: Viewer,
    before: Sequence[Line],
    seen: Mapping[str, int],
    trigger: str,
    now: datetime,
    reason: str | None,
) -> list[Line]:
    try:
        with db.write() as session:
            found = _readable(session, viewer, [Pick(line.reference) for line in before])
            if len(found) < len(before):
                raise Conflict
            wishes = [
                moves.Wish(subject=one, trigger=trigger, version=seen[one.reference], reason=reason)
                for one in found
            ]
            moves.fire_all(session, wishes, viewer, now)
            return [_stands(session, line, one, Result.DONE) for line, one in zip(before, found, strict=True)]
    except FundError as error:
        with db.read() as session:
            return _none(session, viewer, before, seen, trigger, now, error)


def _none(
    session: Session,
    viewer: Viewer,
    before: Sequence[Line],
    seen: Mapping[str, int],
    trigger: str,
    now: datetime,
    error: FundError,
) -> list[Line]:
    """One line each where nothing was done: those in the way with their reasons, the others left as they were.

    Where each could by itself, what was in the way of all is said with each.
    """
    found = _readable(session, viewer, [Pick(line.reference) for line in before])
    there = {one.reference: one for one in found}
    lines = [
        _left(session, viewer, line, there.get(line.reference), seen[line.reference], trigger, now)
        for line in before
    ]
    if any(line.result != Result.LEFT for line in lines):
        return lines
    return [replace(line, reasons=_said(error)) for line in lines]


def _left(
    session: Session,
    viewer: Viewer,
    line: Line,
    application: Application | None,
    version: int,
    trigger: str,
    now: datetime,
) -> Line:
    """One that was left as it was, or what stood in its way."""
    if application is None:
        return replace(line, result=Result.CHANGED)
    if application.version != version:
        return _after_conflict(session, viewer, line, version, trigger)
    why = _why_not(session, viewer, application, trigger, now)
    return replace(line, result=Result.REFUSED if why else Result.LEFT, reasons=why)
