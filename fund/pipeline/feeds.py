"""What calendars are told: what somebody owes, what is owed to those who run the fund, and the days of a round.

Computed by the rights of the pages, each time it is asked for.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, or_

from fund.base.definitions import definition_of
from fund.base.permissions import Viewer
from fund.base.subjects import Subject, path_of
from fund.pipeline import owed
from fund.rounds.calendar import Voice, days
from fund.web.i18n import gettext as _
from notifications.calendar import Entry, changed_at, deadline_key, sequence
from schema.applications import Application
from schema.deadlines import Deadline, DeadlineStatus
from schema.people import Member, Role
from schema.reports import Report, of_which
from schema.rounds import Round

KEPT = timedelta(weeks=6)
"""For how long a feed says that something is over, so that every calendar hears of it and takes it away."""
MOST = 500
"""Deadlines in a feed of what the viewer owes, and again of what others owe."""


def of_person(
    session: Session, viewer: Viewer, now: datetime, voice: Voice, round_: Round | None = None
) -> list[Entry]:
    """What the viewer owes, and for a manager what others owe in the rounds she runs; of one round, where one is given.

    What is over is said to be so for ``KEPT``. In the feed of a round an auditor has what its managers have.
    """
    found = [_entry(session, row, voice) for row in _rows(session, [owed.by_her(viewer)], now, round_)]
    if viewer.is_manager or (viewer.is_auditor and round_ is not None):
        found += _of_others(session, viewer, now, voice, round_)
    return found


def of_round(session: Session, viewer: Viewer, round_: Round, now: datetime, voice: Voice) -> list[Entry]:
    """The days of a round that everybody may know, and what ``of_person`` says of it."""
    own = of_person(session, viewer, now, voice, round_) if viewer.signed_in else []
    return [*days(session, round_, now, voice), *own]


Row = tuple[Deadline, Application | None, Member | None, Subject]


def _rows(
    session: Session, where: list[ColumnElement[bool]], now: datetime, round_: Round | None
) -> list[Row]:
    """Deadlines that are open, the next first, then those that are over since a short while, the latest first."""
    is_open = col(Deadline.status) == DeadlineStatus.OPEN
    ended = func.coalesce(Deadline.closed_at, Deadline.held_at)
    of_round = [] if round_ is None else [col(Deadline.round_id) == round_.id]
    order = [is_open.desc(), col(Deadline.due_at), col(Deadline.id)]
    return owed.rows(session, [*where, *of_round, or_(is_open, ended > now - KEPT)], order, MOST)


def _of_others(
    session: Session, viewer: Viewer, now: datetime, voice: Voice, round_: Round | None
) -> Iterator[Entry]:
    """What others owe, of the proposals of other members, where the viewer may read what it is about."""
    for row in _rows(session, [_theirs(viewer, round_), owed.apart(viewer)], now, round_):
        _deadline, application, member, subject = row
        about = [subject] if application is None else [application, subject]
        readers = viewer.roles | {"anyone"}
        if all(readers & definition_of(session, one).state(one.state).read for one in about):
            path = f"/pipeline/{application.reference}" if application else path_of(session, subject)
            yield _entry(session, row, voice, member.name if member else "", path)


def _theirs(viewer: Viewer, round_: Round | None) -> ColumnElement[bool]:
    """What others have to meet; a manager's own feed leaves out the rounds that others run."""
    if not viewer.is_manager:
        return col(Deadline.id).is_not(None)
    others = col(Deadline.owner_role) != Role.MANAGER
    return others & owed.run_by(viewer) if round_ is None else others | ~owed.run_by(viewer)


def _entry(session: Session, row: Row, voice: Voice, member: str = "", path: str = "") -> Entry:
    deadline, application, _member, subject = row
    over = deadline.status != DeadlineStatus.OPEN
    title = application.title or _("Untitled proposal") if application else getattr(subject, "title", "")
    if over and deadline.owner_role == Role.REVIEWER and not member:
        title = ""  # whoever reviews no longer reads it
    about = ", ".join(part for part in (title, member) if part)
    said = _("%(what)s: %(title)s") if about else "%(what)s"
    what = of_which(deadline.label, subject.kind if isinstance(subject, Report) else None, _)
    path = path or path_of(session, subject)
    return Entry(
        key=deadline_key(deadline.id or 0),
        sequence=sequence(deadline.generation, over),
        when=deadline.due_at,
        changed_at=changed_at(deadline),
        summary=said % {"what": what, "title": about},
        description=voice.description(path),
        url=voice.settings.address + path,
        cancelled=over,
    )
