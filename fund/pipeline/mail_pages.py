"""The pages about mail: the whole outbox, what somebody has to decide on, one mail, and all mail to one person."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from fund.base import health
from fund.base.database import Database
from fund.base.errors import Invalid, NotFound
from fund.base.permissions import Viewer
from fund.governing import mail_queries as words
from fund.people import queries as people
from fund.pipeline import mending, outbox
from fund.web import flash
from fund.web.container import container
from fund.web.deps import DbDep, FormDep, ManagerDep, NowDep, ReadsEverything, RowId
from fund.web.forms import Form
from fund.web.i18n import SOURCE, lazy
from fund.web.page import redirect, render

router = APIRouter(include_in_schema=False)
Words = Annotated[str, Query(max_length=200)]
Page = Annotated[int, Query(ge=1, le=100_000)]

flash.register(
    "pipeline.mail_came_back", lazy("It is among the mails to decide on: it was sent and came back.")
)
flash.register("pipeline.mail_sent_again", lazy("The mail goes out again."))
flash.register("pipeline.mail_corrected", lazy("The address is corrected, and the mail goes out again."))
flash.register("pipeline.mail_given_up", lazy("The mail is given up. It stays on record with your reason."))


@router.get("/mail")
def all_mail(
    request: Request, viewer: ReadsEverything, db: DbDep, now: NowDep, status: Words = "", page: Page = 1
) -> Response:
    """The outbox of the whole fund."""
    with db.read() as session:
        found, total = outbox.page(session, viewer, status, page)
        return render(
            request,
            "pipeline/outbox.html",
            counts=outbox.counts(session, viewer),
            mailing=health.mailing(session, now, container(request).settings.limits),
            status=status,
            mail=found,
            page=page,
            pages=-(-total // outbox.PAGE),
        )


@router.get("/mail/problems")
def problems(request: Request, viewer: ReadsEverything, db: DbDep, now: NowDep, page: Page = 1) -> Response:
    """What did not arrive, or nobody knows of, with what can be done about each."""
    with db.read() as session:
        found, total = outbox.stuck(session, viewer, page)
        return render(
            request,
            "pipeline/problems.html",
            counts=outbox.counts(session, viewer),
            mailing=health.mailing(session, now, container(request).settings.limits),
            status="problems",
            wordings=words.failing(session),
            mail=found,
            offers=mending.offers(session, found, now),
            form=Form.of(),
            page=page,
            pages=-(-total // outbox.PAGE),
        )


@router.get("/mail/{message_id}")
def one_mail(
    request: Request, message_id: RowId, viewer: ReadsEverything, db: DbDep, now: NowDep
) -> Response:
    """One mail: its words, whom it is for, why, every try at sending it, what comes next, what can be done."""
    return _message_page(request, message_id, viewer, db, now, Form.of())


class _Decision:
    """What a manager decides about a mail, and what she typed with it."""

    def __init__(
        self, request: Request, message_id: RowId, viewer: ManagerDep, db: DbDep, now: NowDep, form: FormDep
    ) -> None:
        self._request, self._key, self._viewer = request, message_id, viewer
        self._db, self._now, self._form = db, now, form

    def carry_out(self, decide: Callable[..., None], *fields: str, done: str) -> Response:
        """``decide`` with what stands in the fields; back to the mail, which says so, or what is wrong."""
        typed, seen = [self._form.value(name) for name in fields], self._form.version("seen")
        try:
            with self._db.write() as session:
                decide(session, self._viewer, self._key, *typed, seen, self._now)
        except Invalid as wrong:
            self._form.refuse_all(wrong)
            return _message_page(self._request, self._key, self._viewer, self._db, self._now, self._form)
        return redirect(f"/mail/{self._key}", done)


DecisionDep = Annotated[_Decision, Depends()]


@router.post("/mail/{message_id}/came-back")
def came_back(decision: DecisionDep) -> Response:
    """Say that it was sent and came back."""
    return decision.carry_out(mending.came_back, "said", done="pipeline.mail_came_back")


@router.post("/mail/{message_id}/send-again")
def send_again(decision: DecisionDep) -> Response:
    """Send it again as it is."""
    return decision.carry_out(mending.send_again, done="pipeline.mail_sent_again")


@router.post("/mail/{message_id}/correct-address")
def correct_address(decision: DecisionDep) -> Response:
    """Correct the person's address and send it again."""
    return decision.carry_out(mending.correct_address, "email", done="pipeline.mail_corrected")


@router.post("/mail/{message_id}/give-up")
def give_up(decision: DecisionDep) -> Response:
    """Give it up, with a reason."""
    return decision.carry_out(mending.give_up, "reason", done="pipeline.mail_given_up")


@router.get("/people/{person_id}/mail")
def of_person(
    request: Request, person_id: RowId, viewer: ReadsEverything, db: DbDep, part: Words = "", page: Page = 1
) -> Response:
    """What comes next for a person, what went to her, and what did not and why: the beginning of each, or one whole."""
    alone = part in outbox.PARTS
    with db.read() as session:
        return render(
            request,
            "pipeline/person_mail.html",
            person=people.person(session, person_id).person,
            mail=(
                outbox.of_person(session, viewer, person_id, [part], page)
                if alone
                else outbox.of_person(session, viewer, person_id)
            ),
            alone=alone,
            page=page,
            size=outbox.PAGE,
        )


def _message_page(
    request: Request, message_id: int, viewer: Viewer, db: Database, now: datetime, form: Form
) -> Response:
    with db.read() as session:
        found = outbox.one(session, viewer, message_id)
        if found is None:
            raise NotFound
        return render(
            request,
            "pipeline/message.html",
            422 if form.errors else 200,
            entry=found,
            form=form,
            offer=mending.offers(session, [found], now).get(message_id),
            acts=mending.acts(session, found.message),
            because=mending.because(session, [found])[message_id],
            why_so=mending.why_so(found, now),
            what_next=mending.what_next(found, now),
            look=_look_at(found),
            parts=outbox.parts(session, found.message),
            attempts=outbox.attempts(session, found.message),
            outcomes=outbox.CALL_OUTCOMES if found.is_call else outbox.OUTCOMES,
        )


def _look_at(entry: outbox.Entry) -> str:
    """Where a mail that waits is shown as it will read; nothing for what is for its reader alone."""
    message = entry.message
    waits = message.finished_at is None and not (entry.is_call or entry.private)
    if not waits or message.template in words.UNOPENED:
        return ""
    language = entry.person.locale if entry.person else SOURCE
    return f"/mail/templates/{message.template}/look?language={language}&example=message-{message.id}"
