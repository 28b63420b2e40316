"""The reviewer's pages (my reviews, declaring, scoring, submitting) and the manager's page for asking reviewers."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from fund.applying import comments
from fund.base import access, moves, undo
from fund.base.errors import Conflict, Invalid, NotFound
from fund.base.moved import last_moves
from fund.base.permissions import Viewer
from fund.reviewing import forms, opinions, queries, service
from fund.reviewing.candidates import Candidate, candidates
from fund.reviewing.scorecard import RECOMMENDATIONS
from fund.web import flash, parse
from fund.web.deps import DbDep, FormDep, ManagerDep, NowDep, ReviewerDep, SignedIn
from fund.web.forms import Form
from fund.web.i18n import gettext as _
from fund.web.i18n import lazy, ngettext
from fund.web.moving import given
from fund.web.page import redirect, render
from schema.rounds import THEMES
from workflows import Option

router = APIRouter(include_in_schema=False)
LATEST = 3
"""Of how many reviews that are over it is looked up whether their reviewer can undo the last step."""
Key = Annotated[int, Path(ge=1, lt=2**31)]

SAVED = flash.register(
    "reviewing.saved", lazy("Your review is saved. It is yours alone until you submit it.")
)
ASSIGNED = flash.register("reviewing.assigned", lazy("The reviewers were asked. Each gets a mail."))
DONE = {
    "start": flash.register(
        "reviewing.started", lazy("You can read the proposal now. Save as often as you like.")
    ),
    "submit": flash.register("reviewing.submitted", lazy("Your review is submitted. Thank you.")),
    "declare_conflict": flash.register(
        "reviewing.conflict",
        lazy("The fund knows of the conflict of interest. You take no part in this proposal."),
    ),
    "decline": flash.register(
        "reviewing.declined", lazy("The fund knows that you cannot review this proposal.")
    ),
    "cancel": flash.register(
        "reviewing.cancelled", lazy("The review is cancelled, and the reviewer is told.")
    ),
    "reopen": flash.register(
        "reviewing.reopened", lazy("The review is open again, and the reviewer is told.")
    ),
}


@router.get("/reviews")
def mine(request: Request, viewer: ReviewerDep, db: DbDep, now: NowDep) -> Response:
    """My reviews: what waits, by when; and what is over."""
    with db.read() as session:
        tasks = queries.mine(session, viewer)
        waiting = [task for task in tasks if task.waits]
        moved = last_moves(session, viewer, [task.deadline for task in waiting])
        over = [task for task in tasks if not task.waits]
        latest = [task.review for task in over[:LATEST] if not task.opened]
        undoable = {one.id: undo.offer(session, one, viewer, now) for one in latest}
    return render(
        request,
        "reviewing/list.html",
        waiting=waiting,
        moved=moved,
        over=over,
        themes=THEMES,
        undoable=undoable,
    )


@router.get("/reviews/{review_id}")
def review(request: Request, review_id: Key, viewer: SignedIn, db: DbDep, now: NowDep) -> Response:
    """One review as it stands: to be declared, to be written, or to be read."""
    with db.read() as session:
        reading = queries.reading(session, viewer, review_id)
        options = moves.options(session, reading.review, viewer, now)
        undoable = undo.offer(session, reading.review, viewer, now)
        following = queries.next_waiting(session, viewer) if reading.own and reading.state.final else None
        said = comments.count(session, viewer, reading.brief.application) if reading.open else None
    if reading.own and reading.editable:
        return _scorecard(request, reading, forms.filled(reading))
    if reading.own and not reading.state.final:
        return render(
            request, "reviewing/declare.html", reading=reading, options=_by_trigger(options), themes=THEMES
        )
    return render(
        request,
        "reviewing/read.html",
        reading=reading,
        comments=said,
        options=_by_trigger(options),
        recommendations=RECOMMENDATIONS,
        themes=THEMES,
        following=following,
        undoable=undoable,
    )


@router.post("/reviews/{review_id}")
def save(request: Request, review_id: Key, viewer: SignedIn, db: DbDep, form: FormDep) -> Response:
    """Save the scorecard, complete or not; then go on as the button says."""
    with db.read() as session:
        reading = queries.reading(session, viewer, review_id)
    card = forms.typed(form, reading.brief.round.criteria)
    if form.errors:
        return _scorecard(request, reading, form)
    try:
        with db.write() as session:
            service.save_scores(session, viewer, review_id, card, edit_version=form.version())
    except Invalid as invalid:
        form.refuse_all(invalid)
        return _scorecard(request, reading, form)
    except Conflict:
        return _clash(request, viewer, db, review_id, form)
    if form.value("then") == "check":
        return redirect(f"/reviews/{review_id}/moves/submit")
    return redirect(f"/reviews/{review_id}{_place(reading, form.value('then'))}", done=SAVED)


def _place(reading: queries.Reading, wanted: str) -> str:
    """Where on the long page to go on: a fragment of its own, or nothing for the top."""
    places = {f"criterion-{block.criterion.key}" for block in reading.blocks} | {"whole"}
    return f"#{wanted}" if wanted in places else ""


def _scorecard(
    request: Request, reading: queries.Reading, form: Form, status: int | None = None, **more: Any
) -> Response:
    context: dict[str, Any] = {"clashes": {}, "version": form.value("version")} | more
    return render(
        request,
        "reviewing/scorecard.html",
        status,
        reading=reading,
        form=form,
        recommendations=RECOMMENDATIONS,
        themes=THEMES,
        **context,
    )


def _clash(request: Request, viewer: Viewer, db: DbDep, review_id: int, form: Form) -> Response:
    """Show what was typed beside what is stored now; saving again then keeps what was typed."""
    with db.read() as session:
        reading = queries.reading(session, viewer, review_id)
    stored = forms.filled(reading)
    return _scorecard(
        request,
        reading,
        form,
        409,
        clashes=forms.clashes(stored, form),
        version=reading.review.edit_version,
    )


@router.get("/reviews/{review_id}/moves/{trigger}")
def confirm(
    request: Request, review_id: Key, trigger: str, viewer: SignedIn, db: DbDep, now: NowDep
) -> Response:
    """Ask once more, and for the reason, before the move is made; or say why it cannot be made now."""
    return _confirm(request, viewer, db, now, review_id, trigger, Form.of())


@router.post("/reviews/{review_id}/moves/{trigger}")
def make_move(
    request: Request, review_id: Key, trigger: str, viewer: SignedIn, db: DbDep, now: NowDep, form: FormDep
) -> Response:
    """Make the move."""
    reason = form.long_text("reason")
    if form.errors:
        return _confirm(request, viewer, db, now, review_id, trigger, form)
    try:
        with db.write() as session:
            data = given(form, *moves.asked(session, service.of(session, viewer, review_id), trigger))
            version = form.version()
            made = service.move(
                session, viewer, review_id, trigger, version=version, now=now, reason=reason, data=data
            )
            form.check()
            path = _after(viewer, made.reviewer_id, queries.reference_of(session, made), review_id)
    except Invalid as invalid:
        form.refuse_all(invalid)
        return _confirm(request, viewer, db, now, review_id, trigger, form)
    gone = trigger in ("declare_conflict", "decline")
    return redirect("/reviews" if gone else path, done=DONE.get(trigger))


def _confirm(
    request: Request, viewer: Viewer, db: DbDep, now: NowDep, review_id: Key, trigger: str, form: Form
) -> Response:
    with db.read() as session:
        reading = queries.reading(session, viewer, review_id)
        option = _by_trigger(moves.options(session, reading.review, viewer, now)).get(trigger)
    if option is None:
        raise NotFound
    template = "submit" if trigger == "submit" else "move"
    return render(
        request,
        f"reviewing/{template}.html",
        form=form,
        reading=reading,
        option=option,
        recommendations=RECOMMENDATIONS,
    )


def _after(viewer: Viewer, reviewer_id: int, reference: str, review_id: int) -> str:
    own = viewer.person_id == reviewer_id
    return f"/reviews/{review_id}" if own else f"/pipeline/{reference}/reviewers"


def _by_trigger(options: list[Option]) -> dict[str, Option]:
    return {option.move.trigger: option for option in options}


@router.get("/pipeline/{reference}/reviewers")
def reviewers(request: Request, reference: str, viewer: ManagerDep, db: DbDep) -> Response:
    """Who reviews the application, and who else could."""
    return _reviewers(request, viewer, db, reference, Form.of())


@router.post("/pipeline/{reference}/reviewers")
def assign(
    request: Request, reference: str, viewer: ManagerDep, db: DbDep, now: NowDep, form: FormDep
) -> Response:
    """Ask everybody who is ticked for a review."""
    chosen = [parse.number(text) for text in form.values("reviewer")]
    try:
        with db.write() as session:
            application = access.application(session, viewer, reference)
            service.assign(session, viewer, application, chosen, now=now)
    except Invalid as invalid:
        if not _asked_already(db, viewer, reference, chosen):
            form.refuse_all(invalid)
            return _reviewers(request, viewer, db, reference, form)
    return redirect(f"/pipeline/{reference}/reviewers", done=ASSIGNED)


def _asked_already(db: DbDep, viewer: Viewer, reference: str, chosen: list[int]) -> bool:
    """Whether all of them have been asked: the button was pressed twice, and what was wanted is done."""
    with db.read() as session:
        return queries.all_asked(session, access.application(session, viewer, reference), chosen)


def _reviewers(request: Request, viewer: Viewer, db: DbDep, reference: str, form: Form) -> Response:
    with db.read() as session:
        application = access.application(session, viewer, reference)
        access.require_manager_of(session, application, viewer)
        found = candidates(session, application)
        rows = opinions.of_application(session, viewer, application)
        context: dict[str, Any] = {
            "recommendations": RECOMMENDATIONS,
            "brief": queries.brief(session, application),
            "rows": rows,
            "moved": last_moves(session, viewer, [row.deadline for row in rows]),
            "opinion": opinions.opinion(session, viewer, application),
            "free": [_choice(one) for one in found if one.free],
            "barred": [one.person.name for one in found if one.belongs],
            "open": service.takes_reviews(session, application),
        }
    return render(request, "reviewing/reviewers.html", form=form, **context)


def _choice(one: Candidate) -> tuple[int | None, str, str]:
    """A reviewer as a tick box: key, name, and what speaks for or against asking her."""
    load = ngettext("%(count)s review under way", "%(count)s reviews under way", one.under_way)
    hint = load % {"count": one.under_way} if one.under_way else _("Nothing to review at present")
    if one.stepped_back:
        hint += ". " + _("Declared a conflict of interest with this member before")
    return one.person.id, one.person.name, hint
