"""The manager's page on which an award is prepared and offered, and the applicant's page for the offer."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.awarding import queries, service
from fund.awarding.queries import Preparation
from fund.awarding.terms import Terms
from fund.base import access
from fund.base.errors import Conflict, Invalid
from fund.base.permissions import Viewer
from fund.web import flash
from fund.web.deps import DbDep, FormDep, ManagerDep, NowDep, ReadsEverything, SignedIn
from fund.web.forms import Form
from fund.web.i18n import gettext as _
from fund.web.i18n import lazy
from fund.web.page import redirect, render

router = APIRouter(include_in_schema=False)

PREPARED = flash.register("awarding.prepared", lazy("The award is prepared. Read it through, then offer it."))
OFFERED = flash.register("awarding.offered", lazy("The offer is made. The applicant gets an email."))
SIGNED = flash.register("awarding.signed", lazy("You accepted the offer. The agreement holds."))


@router.get("/pipeline/{reference}/award")
def award(request: Request, reference: str, viewer: ReadsEverything, db: DbDep, now: NowDep) -> Response:
    """The terms: to be set, to be read as the applicant will, to be offered."""
    with db.read() as session:
        found = queries.preparation(session, viewer, reference, now)
    return _award(request, found, _filled(found))


@router.post("/pipeline/{reference}/award")
def prepare(
    request: Request, reference: str, viewer: ManagerDep, db: DbDep, now: NowDep, form: FormDep
) -> Response:
    """Set the terms."""
    with db.read() as session:
        found = queries.preparation(session, viewer, reference, now)
    terms = _typed(form, found.round.currency)
    if terms is None:
        return _award(request, found, form)
    try:
        with db.write() as session:
            application = access.application(session, viewer, reference)
            service.prepare_award(session, viewer, application, terms, version=form.version(), now=now)
    except Invalid as invalid:
        form.refuse_all(invalid)
        return _award(request, found, form)
    except Conflict:
        return _clash(request, reference, viewer, db, now, form)
    return redirect(f"/pipeline/{reference}/award", done=PREPARED)


@router.post("/pipeline/{reference}/award/offer")
def offer(
    request: Request, reference: str, viewer: ManagerDep, db: DbDep, now: NowDep, form: FormDep
) -> Response:
    """Offer the prepared award to the applicant."""
    reason = form.long_text("reason")
    try:
        form.check()
        with db.write() as session:
            application = access.application(session, viewer, reference)
            service.offer(session, viewer, application, version=form.version(), now=now, reason=reason)
    except Invalid as invalid:
        form.refuse_all(invalid)
        with db.read() as session:
            found = queries.preparation(session, viewer, reference, now)
        return _award(request, found, _filled(found), offering=form)
    return redirect(f"/pipeline/{reference}/award", done=OFFERED)


@router.get("/applications/{reference}/offer")
def read_offer(request: Request, reference: str, viewer: SignedIn, db: DbDep, now: NowDep) -> Response:
    """The offer with its agreement, for the applicant; those who read everything have their own page of it."""
    with db.read() as session:
        application = access.application(session, viewer, reference)
        if viewer.reads_everything and application.member_id not in viewer.member_ids:
            return redirect(f"/pipeline/{reference}/award")
        found = queries.offer(session, viewer, reference, now)
    return render(request, "awarding/offer.html", offer=found, form=Form.of())


@router.post("/applications/{reference}/offer")
def accept(
    request: Request, reference: str, viewer: SignedIn, db: DbDep, now: NowDep, form: FormDep
) -> Response:
    """Accept the offer with a typed name."""
    name = form.text(
        "signed_name", required=True, limit=200, missing=_("Type your full name as your signature")
    )
    form.ticked(
        "confirm", required=True, missing=_("Tick the box to confirm that you may sign and accept the terms")
    )
    with db.read() as session:
        found = queries.offer(session, viewer, reference, now)
    if form.errors:
        return render(request, "awarding/offer.html", offer=found, form=form)
    with db.write() as session:
        application = access.application(session, viewer, reference)
        service.accept(session, viewer, application, signed_name=name, version=form.version(), now=now)
    return redirect(f"/applications/{reference}/offer", done=SIGNED)


def _award(
    request: Request,
    found: Preparation,
    form: Form,
    status: int | None = None,
    offering: Form | None = None,
    clash: bool = False,
) -> Response:
    if offering is not None and offering.errors:
        status = 422
    return render(
        request, "awarding/award.html", status, found=found, form=form, offering=offering, clash=clash
    )


def _clash(request: Request, reference: str, viewer: Viewer, db: DbDep, now: NowDep, form: Form) -> Response:
    """What was typed, beside the terms as somebody else set them meanwhile."""
    with db.read() as session:
        found = queries.preparation(session, viewer, reference, now)
    return _award(request, found, form, 409, clash=True)


def _filled(found: Preparation) -> Form:
    award = found.award
    terms = (
        Terms(award.amount, award.starts_on, award.ends_on, award.conditions) if award else found.suggested
    )
    return Form.of(
        amount=terms.amount, starts_on=terms.starts_on, ends_on=terms.ends_on, conditions=terms.conditions
    )


def _typed(form: Form, currency: str) -> Terms | None:
    """The terms that were typed, or None with the errors noted."""
    amount = form.money("amount", currency)
    starts_on, ends_on = form.date("starts_on"), form.date("ends_on")
    conditions = form.long_text("conditions")
    if form.errors or amount is None or starts_on is None or ends_on is None:
        return None
    return Terms(amount, starts_on, ends_on, conditions)
