"""Preparing an award, offering it, and what the applicant does with the offer. Each is one use case.

Offering, accepting and declining are moves of the application's workflow; the functions here find the move that fits
and see to it that nobody acts on terms other than those on her screen.
"""

from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from fund.awarding.terms import Terms
from fund.base import access, ledger, moves
from fund.base.definitions import definition_of
from fund.base.errors import Conflict, MoveRefused
from fund.base.permissions import Viewer
from fund.base.subjects import chain_of, id_of, lock
from fund.deciding import queries as deciding
from fund.rounds import queries as rounds
from fund.web.i18n import gettext as _
from notifications.dates import local_day
from schema.applications import Application
from schema.awards import Award
from schema.people import Role
from schema.rounds import Round


def prepare_award(
    session: Session, viewer: Viewer, application: Application, terms: Terms, *, version: int, now: datetime
) -> Award:
    """Set the terms that can then be offered, the first time or anew. The applicant sees nothing of it yet.

    Counts the application's ``version`` up, so that nobody offers terms that she has not seen; preparing what is
    prepared already changes nothing. Raises Forbidden for others than managers (and for a manager who acts for the
    applicant), MoveRefused where nothing can be offered now, Conflict, Invalid as ``Terms.check``.
    """
    access.require_manager_of(session, application, viewer)
    lock(session, application)
    if not deciding.ripe(session, application):
        raise MoveRefused([_("An award is prepared once the reviews are in and before it is offered.")])
    award = award_of(session, application)
    if award is not None and _terms(award) == terms:
        return award
    if application.version != version:
        raise Conflict
    round_ = session.get_one(Round, application.round_id)
    terms.check(round_, rounds.purse(session, round_).left, local_day(now, round_.zone))
    return _write(session, viewer, application, award, terms, now)


def award_of(session: Session, application: Application) -> Award | None:
    """The application's award, or None while nothing was prepared."""
    return session.exec(select(Award).where(Award.application_id == application.id)).first()


def offering(session: Session, application: Application) -> str:
    """The trigger of the move that offers the prepared award from where the application stands, or nothing."""
    definition = definition_of(session, application)
    for move in definition.leaving(application.state):
        if any(call.name == "award_prepared" for call in move.guards):
            return move.trigger
    return ""


def signing(session: Session, application: Application) -> str:
    """The trigger of the move that records a signature: the one from here, if there is one from here."""
    definition = definition_of(session, application)
    everywhere = [*definition.leaving(application.state), *definition.moves.values()]
    return next((move.trigger for move in everywhere if "signature" in move.records), "")


def offer(
    session: Session,
    viewer: Viewer,
    application: Application,
    *,
    version: int,
    now: datetime,
    reason: str | None = None,
) -> ledger.Written:
    """Offer the prepared award (again, if the offer had lapsed): the applicant is told by mail.

    The round's money is looked at under a lock, so that two offers at once never promise more than there is. Raises
    MoveRefused with reasons, Conflict where the terms or the state changed since ``version``, Forbidden, Invalid.
    """
    access.require_manager_of(session, application, viewer)
    lock(session, application)
    trigger = offering(session, application)
    if not trigger:
        raise MoveRefused([_("Nothing can be offered from where this application stands now.")])
    return moves.fire(session, application, trigger, viewer, version=version, now=now, reason=reason)


def accept(
    session: Session,
    viewer: Viewer,
    application: Application,
    *,
    signed_name: str,
    version: int,
    now: datetime,
) -> ledger.Written:
    """Accept the offer for the applicant; ``signed_name`` stands as the signature under the agreement.

    Raises Invalid (``signed_name``) where it is missing, Forbidden, MoveRefused, Conflict.
    """
    data, trigger = {"signed_name": signed_name}, signing(session, application)
    return moves.fire(session, application, trigger, viewer, version=version, now=now, data=data)


def _terms(award: Award) -> Terms:
    return Terms(award.amount, award.starts_on, award.ends_on, award.conditions)


def _write(
    session: Session,
    viewer: Viewer,
    application: Application,
    award: Award | None,
    terms: Terms,
    now: datetime,
) -> Award:
    assert viewer.person_id is not None
    fields: dict[str, Any] = {
        "amount_minor": terms.amount.minor,
        "currency": terms.amount.currency,
        "starts_on": terms.starts_on,
        "ends_on": terms.ends_on,
        "conditions": terms.conditions,
        "prepared_at": now,
        "prepared_by_id": viewer.person_id,
    }
    if award is None:
        award = Award(application_id=id_of(application), **fields)
    else:
        award.sqlmodel_update(fields)
    application.version += 1
    session.add_all([award, application])
    session.flush()
    _record(session, viewer, application, terms, now)
    return award


def _record(session: Session, viewer: Viewer, application: Application, terms: Terms, now: datetime) -> None:
    ledger.append(
        session,
        chain=chain_of(application),
        actor=viewer,
        role=Role.MANAGER.value,
        subject_kind="application",
        subject_id=id_of(application),
        action="award_prepared",
        now=now,
        data={
            "amount_minor": terms.amount.minor,
            "currency": terms.amount.currency,
            "starts_on": terms.starts_on.isoformat(),
            "ends_on": terms.ends_on.isoformat(),
            "version": application.version,
        },
    )
