"""What applicants do with proposals. Each function is one use case in the caller's unit of work."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from fund.applying import queries
from fund.applying.fields import Edit, Keep, checked
from fund.applying.reference import fresh
from fund.base import access, children, moves
from fund.base.errors import Conflict, Forbidden, MoveRefused
from fund.base.facts import sections
from fund.base.permissions import Viewer
from fund.base.subjects import id_of, lock
from fund.rounds.queries import round_by_slug, takes_proposals
from fund.web.i18n import gettext as _
from schema.applications import Answer, Application
from schema.people import Person
from schema.rounds import Round


@dataclass(frozen=True)
class Started:
    """A draft to write in. ``is_new`` is False where it was there already."""

    application: Application
    is_new: bool


def start(
    session: Session, viewer: Viewer, round_slug: str, member_id: int, now: datetime, *, another: bool = False
) -> Started:
    """Start a draft for the member in the round, or answer the one that the viewer has begun there before.

    With ``another`` a new one is started all the same. Raises NotFound for a round that she may not see, Forbidden
    for a member that she does not act for, MoveRefused where the round takes no proposals now.
    """
    round_ = round_by_slug(session, viewer, round_slug)
    lock(session, round_)  # its closing day may just be moved: the draft gets the one that holds
    if member_id not in viewer.member_ids or viewer.person_id is None:
        raise Forbidden(_("You can only propose for a city or an organisation that you act for."))
    if not takes_proposals(round_, now):
        raise MoveRefused([_("This round does not take new proposals now.")])
    _one_at_a_time(session, viewer.person_id)
    begun = [] if another else queries.drafts(session, viewer, id_of(round_), member_id)
    if begun:
        return Started(begun[0], is_new=False)
    return Started(_new(session, viewer, round_, member_id, now), is_new=True)


def save(
    session: Session, viewer: Viewer, reference: str, edit: Edit, *, edit_version: int, now: datetime
) -> Application:
    """Save what was written, complete or not, and count the save.

    ``edit_version`` is the count that the viewer read. What says the same as what is stored changes nothing and never
    conflicts. Raises NotFound; Forbidden where nothing can be changed now; Invalid for what cannot be stored;
    Conflict where somebody saved in the meantime.
    """
    application = queries.own(session, viewer, reference)
    lock(session, application)
    access.require_edit(session, application, viewer)
    right = checked(edit, [one for section in sections(session, application) for one in section.questions])
    columns = _changed_columns(application, right)
    answers = _changed_answers(session, application, right)
    if not columns and not answers:
        return application
    if application.edit_version != edit_version:
        raise Conflict
    for name, value in columns.items():
        setattr(application, name, value)
    _write_answers(session, application, answers, viewer, now)
    application.edit_version += 1
    session.flush()
    return application


def move(
    session: Session,
    viewer: Viewer,
    reference: str,
    trigger: str,
    *,
    version: int,
    now: datetime,
    reason: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> Application:
    """Make a move of the application for whoever has the right to it: submit, withdraw, decline an offer …

    ``data`` may hold ``edit_version``: the count of saves that the viewer read, so that nobody submits words that she
    has not seen. Raises NotFound, Conflict, and what ``fund.base.moves.fire`` raises.
    """
    application = access.application(session, viewer, reference, lock=True)
    seen = (data or {}).get("edit_version")
    if seen is not None and seen != application.edit_version:
        raise Conflict
    wish = moves.Wish(subject=application, trigger=trigger, version=version, reason=reason, data=data or {})
    moves.fire_all(session, [wish], viewer, now, locked=True)
    return application


def _one_at_a_time(session: Session, person_id: int) -> None:
    """Let a second click wait for the first, so that it finds the draft that the first one started."""
    session.exec(select(Person.id).where(col(Person.id) == person_id).with_for_update()).one()


def _new(session: Session, viewer: Viewer, round_: Round, member_id: int, now: datetime) -> Application:
    assert viewer.person_id is not None
    application = Application(
        reference=fresh(queries.References(session)),
        round_id=id_of(round_),
        member_id=member_id,
        author_id=viewer.person_id,
        currency=round_.currency,
        created_at=now,
        **children.moved_columns(session, id_of(round_), "application", now),
    )
    children.born(session, application, now, viewer=viewer, role="applicant")
    return application


def _changed_columns(application: Application, edit: Edit) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    if edit.title is not None:
        wanted["title"] = edit.title
    if edit.theme is not None:
        wanted["theme"] = edit.theme
    if edit.requested_minor is not Keep.KEEP:
        wanted["requested_minor"] = edit.requested_minor
    return {name: value for name, value in wanted.items() if getattr(application, name) != value}


def _changed_answers(session: Session, application: Application, edit: Edit) -> dict[str, str]:
    stored = queries.answers(session, application)
    return {key: text for key, text in edit.answers.items() if stored.get(key, "") != text}


def _write_answers(
    session: Session, application: Application, answers: Mapping[str, str], viewer: Viewer, now: datetime
) -> None:
    assert viewer.person_id is not None
    found = session.exec(select(Answer).where(Answer.application_id == application.id))
    stored = {row.question: row for row in found} if answers else {}
    for key, text in answers.items():
        written: dict[str, Any] = {"text": text, "updated_at": now, "updated_by_id": viewer.person_id}
        if key in stored:
            stored[key].sqlmodel_update(written)
        else:
            session.add(Answer(application_id=id_of(application), question=key, **written))
