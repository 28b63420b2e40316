"""What managers see of an award before it is offered, and what the applicant reads of the offer and the agreement."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session

from fund.awarding import service
from fund.awarding.terms import Terms
from fund.base import access, children, deadlines, moves
from fund.base.audience import left_to
from fund.base.definitions import definition_of
from fund.base.errors import NotFound
from fund.base.moved import Moved, last_moves
from fund.base.permissions import Viewer
from fund.deciding import queries as deciding
from fund.rounds import queries as rounds
from notifications.dates import add_months, local_day
from schema.applications import Application
from schema.awards import Award
from schema.deadlines import Deadline
from schema.people import Member
from schema.reports import ReportKind
from schema.rounds import Round
from schema.values import Money
from workflows import Option, State

LEAD_MONTHS = 2
"""A start is suggested on the first day of the month after next, so that there is time to sign."""


@dataclass(frozen=True)
class Agreement:
    """The terms with all that the text of the agreement names."""

    application: Application
    member: Member
    round: Round
    award: Award
    interim_on: date
    final_on: date

    @property
    def signed(self) -> bool:
        """Whether the applicant has put her name under it."""
        return self.award.signed_at is not None


def agreement(session: Session, application: Application, award: Award) -> Agreement:
    """The agreement that these terms make. Two queries."""
    days = children.report_days(session, application, award)
    return Agreement(
        application=application,
        member=session.get_one(Member, application.member_id),
        round=session.get_one(Round, application.round_id),
        award=award,
        interim_on=days[ReportKind.INTERIM],
        final_on=days[ReportKind.FINAL],
    )


@dataclass(frozen=True)
class Preparation:
    """An award as managers work on it. ``suggested`` fills the form while nothing is prepared.

    ``ripe``: terms can be set now. ``offer`` is the move that makes the offer, where there is one. ``moved``: how the
    deadline was given another day, if it was.
    """

    application: Application
    member: Member
    round: Round
    state: State
    purse: rounds.Purse
    agreement: Agreement | None
    suggested: Terms
    ripe: bool
    offer: Option | None
    deadline: Deadline | None
    moved: Mapping[int, Moved]
    left: str
    """Who runs the round, for a manager who does not."""

    @property
    def ceiling(self) -> Money:
        """The most that one award of the round can be."""
        return Money(self.round.ceiling_minor, self.round.currency)

    @property
    def award(self) -> Award | None:
        """What is prepared."""
        return self.agreement.award if self.agreement else None


def preparation(session: Session, viewer: Viewer, reference: str, now: datetime) -> Preparation:
    """The award of an application, for managers and auditors.

    Raises NotFound, and Forbidden for who acts for the applicant.
    """
    application = access.application(session, viewer, reference)
    access.require_apart(application, viewer)
    if not viewer.reads_everything:
        access.require_manager(viewer)
    award = service.award_of(session, application)
    round_ = session.get_one(Round, application.round_id)
    deadline = _offer_deadline(session, application)
    return Preparation(
        application=application,
        member=session.get_one(Member, application.member_id),
        round=round_,
        state=definition_of(session, application).state(application.state),
        purse=rounds.purse(session, round_),
        agreement=agreement(session, application, award) if award else None,
        suggested=suggestion(application, round_, local_day(now, round_.zone)),
        ripe=deciding.ripe(session, application),
        offer=_option(session, viewer, application, service.offering(session, application), now),
        deadline=deadline,
        moved=last_moves(session, viewer, [deadline]),
        left=left_to(session, application, viewer),
    )


def suggestion(application: Application, round_: Round, today: date) -> Terms:
    """Terms to begin with: what is asked for, a start that leaves time to sign, the round's usual length."""
    starts_on = add_months(today.replace(day=1), LEAD_MONTHS)
    ends_on = add_months(starts_on, round_.project_months) - timedelta(days=1)
    return Terms(application.requested or Money(0, round_.currency), starts_on, ends_on)


@dataclass(frozen=True)
class Offer:
    """An offer as its applicant reads it; ``accept`` and ``decline`` are there while they are hers to choose.

    ``moved``: how the deadline was given another day, if it was.
    """

    agreement: Agreement
    state: State
    deadline: Deadline | None
    moved: Mapping[int, Moved]
    accept: Option | None
    decline: Option | None


def offer(session: Session, viewer: Viewer, reference: str, now: datetime) -> Offer:
    """The offer or the agreement, for somebody of the member that applies. Raises NotFound for everybody else.

    And while nothing was offered: terms that are being prepared are the fund's own.
    """
    application = access.application(session, viewer, reference)
    if application.member_id not in viewer.member_ids:
        raise NotFound
    award = visible_award(session, viewer, application)
    deadline = _offer_deadline(session, application)
    return Offer(
        agreement=agreement(session, application, award),
        state=definition_of(session, application).state(application.state),
        deadline=deadline,
        moved=last_moves(session, viewer, [deadline]),
        accept=_option(session, viewer, application, service.signing(session, application), now),
        decline=_option(session, viewer, application, "decline_offer", now),
    )


def visible_award(session: Session, viewer: Viewer, application: Application) -> Award:
    """The award, for whoever may see it in the application's present state. Raises NotFound otherwise.

    Those who read everything see it from the start; the applicant once it was offered.
    """
    own = application.member_id in viewer.member_ids
    award = service.award_of(session, application)
    offered = definition_of(session, application).state(application.state).shows("applicant", "offer")
    if award is None or not (offered if own else viewer.reads_everything):
        raise NotFound
    return award


def _option(
    session: Session, viewer: Viewer, application: Application, trigger: str, now: datetime
) -> Option | None:
    found = moves.options(session, application, viewer, now)
    return next((one for one in found if one.move.trigger == trigger), None)


def _offer_deadline(session: Session, application: Application) -> Deadline | None:
    return next((one for one in deadlines.open_of(session, application) if one.key == "offer"), None)
