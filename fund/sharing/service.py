"""What grantees and the fund do with a lesson, and what the fund shows of a project. One use case, one transaction.

Nothing is wider than what was looked at: a text that changes, or a consent that changes, loses its clearance.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fund.base import access, ledger, moves
from fund.base.audience import actor_of
from fund.base.errors import Conflict, Invalid, MoveRefused
from fund.base.permissions import Viewer
from fund.base.subjects import Subject, chain_of, id_of, kind_of, lock
from fund.sharing import projects
from fund.sharing.fields import PUBLIC_FIELDS, check_levels, check_public, check_texts
from fund.web.i18n import gettext as _
from schema.applications import Application
from schema.lessons import CLEARED_ONE_BY_ONE, Lesson, Reach


def save_lesson(
    session: Session,
    viewer: Viewer,
    lesson: Lesson,
    fields: Mapping[str, str],
    consent: Mapping[str, str],
    edit_version: int,
    now: datetime,
) -> Lesson:
    """Save texts and theme, complete or not, and how far the grantee lets parts go; what is not named stays.

    ``fields`` maps names of schema.lessons.TEXTS and ``theme`` to text; ``consent`` maps names of CLEARED_ONE_BY_ONE to
    fund, network or public. Raises Forbidden where the viewer is not the grantee or it cannot be changed now, Conflict
    where somebody saved a newer text, Invalid for what is wrong.
    """
    lock(session, lesson)
    _require(session, lesson, viewer, "applicant")
    access.require_edit(session, lesson, viewer)
    _same(lesson, edit_version)
    check_texts(fields)
    check_levels(consent)
    changed = {name: text for name, text in fields.items() if getattr(lesson, name) != text}
    agreed = {n: level for n, level in consent.items() if lesson.consent.get(n, Reach.FUND) != level}
    for name, text in changed.items():
        setattr(lesson, name, text)
    lesson.consent = {**lesson.consent, **agreed}
    lesson.clearance = {n: v for n, v in lesson.clearance.items() if n not in changed and n not in agreed}
    lesson.edit_version += 1 if changed or agreed else 0
    _store(session, lesson)
    if agreed:
        _record(session, lesson, viewer, "applicant", "consented", {"consent": agreed}, now)
    return lesson


def clear(
    session: Session,
    viewer: Viewer,
    lesson: Lesson,
    clearance: Mapping[str, str],
    edit_version: int,
    now: datetime,
) -> Lesson:
    """Decide for the fund how far parts may go: fund, network or public, never further than the grantee lets them.

    Raises Forbidden where the viewer does not manage it or it is not up for a decision now, Conflict where text or
    clearance changed since ``edit_version``, Invalid for what is wrong.
    """
    lock(session, lesson)
    _require(session, lesson, viewer, "manager")
    access.require_edit(session, lesson, viewer)
    _same(lesson, edit_version)
    check_levels(clearance, limits=lesson.consent)
    decided = {n: level for n, level in clearance.items() if lesson.clearance.get(n) != level}
    if decided:
        lesson.clearance = {**lesson.clearance, **decided}
        lesson.edit_version += 1
        _store(session, lesson)
        _record(session, lesson, viewer, "manager", "cleared", {"clearance": decided}, now)
    return lesson


def take_back(session: Session, viewer: Viewer, lesson: Lesson, field: str, now: datetime) -> Lesson:
    """Keep one part within the fund from this moment on, whatever the state: for when a danger is seen.

    The grantee takes back her consent, the fund its clearance. Needs no version: it can only close. Raises Forbidden
    for others, Invalid for a part that a lesson has not.
    """
    lock(session, lesson)
    roles = actor_of(session, lesson, viewer).roles & {"applicant", "manager"}
    if not roles:
        said = _("Only the grantee and the fund can take this back.")
        raise access.refusal(session, lesson, viewer, said)
    if field not in CLEARED_ONE_BY_ONE:
        raise Invalid({"field": _("A lesson has no such part.")})
    role = min(roles)
    if role == "applicant":
        lesson.consent = {**lesson.consent, field: Reach.FUND.value}
    else:
        lesson.clearance = {**lesson.clearance, field: Reach.FUND.value}
    lesson.edit_version += 1
    _store(session, lesson)
    _record(session, lesson, viewer, role, "taken_back", {"field": field}, now)
    return lesson


def move(
    session: Session,
    viewer: Viewer,
    lesson: Lesson,
    trigger: str,
    version: int,
    now: datetime,
    reason: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> Lesson:
    """Hand in, return, publish, take down …: make one step of the lesson's workflow.

    Raises what ``fund.base.moves.fire`` raises.
    """
    moves.fire(session, lesson, trigger, viewer, version=version, now=now, reason=reason, data=data)
    return lesson


def show_project(
    session: Session,
    viewer: Viewer,
    application: Application,
    public_fields: Collection[str],
    summary: str,
    edit_version: int,
    now: datetime,
) -> Application:
    """Decide what everybody may read of a funded project: names of PUBLIC_FIELDS, and the summary.

    Raises Forbidden where the viewer does not manage it, MoveRefused where it is not funded, Conflict where it changed
    since ``edit_version``, Invalid for what is wrong.
    """
    lock(session, application)
    _require(session, application, viewer, "manager")
    if not projects.is_funded(session, application):
        raise MoveRefused([_("Only a project whose agreement is signed can be shown to the public.")])
    _same(application, edit_version)
    check_public(public_fields, summary)
    application.public_fields = [name for name in PUBLIC_FIELDS if name in public_fields]
    application.public_summary = summary.strip()
    application.edit_version += 1
    _store(session, application)
    _record(session, application, viewer, "manager", "shown", {"fields": application.public_fields}, now)
    return application


def _require(session: Session, subject: Subject, viewer: Viewer, role: str) -> None:
    """Raises Forbidden where the viewer does not stand in that role here."""
    if role not in actor_of(session, subject, viewer).roles:
        who = {
            "applicant": _("Only the grantee can do this."),
            "manager": _("Only a fund manager can do this."),
        }
        raise access.refusal(session, subject, viewer, who[role])


def _same(subject: Lesson | Application, edit_version: int) -> None:
    if subject.edit_version != edit_version:
        raise Conflict


def _store(session: Session, subject: Subject) -> None:
    session.add(subject)
    session.flush()


def _record(
    session: Session,
    subject: Subject,
    viewer: Viewer,
    role: str,
    action: str,
    data: Mapping[str, Any],
    now: datetime,
) -> None:
    ledger.append(
        session,
        chain=chain_of(subject),
        actor=viewer,
        role=role,
        subject_kind=kind_of(subject),
        subject_id=id_of(subject),
        action=action,
        now=now,
        data=data,
    )
