"""The pages about webhooks: all of them, one of them, and its secret, which is shown once."""

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.base.database import Database
from fund.base.errors import Invalid
from fund.base.permissions import Viewer
from fund.governing import webhooks
from fund.web import flash
from fund.web.deps import DbDep, FormDep, ManagerDep, NowDep, ReadsEverything, RowId, SettingsDep
from fund.web.forms import Form
from fund.web.i18n import lazy
from fund.web.page import redirect, render
from notifications.wanted import CALLS, EVENTS
from schema.outbox import MessageStatus

router = APIRouter(include_in_schema=False)
flash.register("governing.webhook_saved", lazy("Saved."))
flash.register("governing.webhook_on", lazy("The webhook is turned on."))
flash.register("governing.webhook_off", lazy("The webhook is turned off. What waited for it is called off."))
flash.register(
    "governing.webhook_tested", lazy("A test call is on its way. Load this page again in a moment.")
)

DONE = {
    "created": lazy("Registered"),
    "changed": lazy("Changed"),
    "secret_changed": lazy("Given another secret"),
    "turned_on": lazy("Turned on"),
    "turned_off": lazy("Turned off"),
    "tested": lazy("Tried with a test call"),
}
"""What was done to a webhook, for people."""
STATES = {
    MessageStatus.PENDING: (lazy("Waits"), "busy"),
    MessageStatus.CLAIMED: (lazy("Being called"), "busy"),
    MessageStatus.SENDING: (lazy("Being called"), "busy"),
    MessageStatus.SENT: (lazy("Arrived"), "good"),
    MessageStatus.DEAD: (lazy("Did not arrive"), "bad"),
    MessageStatus.UNCERTAIN: (lazy("Nobody knows whether it arrived"), "warn"),
    MessageStatus.EXPIRED: (lazy("Too late"), "warn"),
    MessageStatus.CANCELLED: (lazy("Called off"), "neutral"),
    MessageStatus.SUPERSEDED: (lazy("Replaced by a newer one"), "neutral"),
}
"""What became of a call, for people, and how it is dressed."""


@router.get("/webhooks")
def index(request: Request, viewer: ReadsEverything, db: DbDep) -> Response:
    """Every webhook, and for managers the way to register another."""
    return _index(request, viewer, db, Form.of(events=list(EVENTS)))


@router.post("/webhooks")
def add(
    request: Request, viewer: ManagerDep, db: DbDep, now: NowDep, settings: SettingsDep, form: FormDep
) -> Response:
    """Register a webhook and show its secret."""
    try:
        with db.write() as session:
            private = settings.webhook_private
            key, secret = webhooks.add(session, viewer, _wish(form), now, private=private)
    except Invalid as wrong:
        form.refuse_all(wrong)
        return _index(request, viewer, db, form)
    return _secret(request, viewer, db, key, secret)


@router.get("/webhooks/{webhook_id}")
def show(request: Request, webhook_id: RowId, viewer: ReadsEverything, db: DbDep) -> Response:
    """One webhook: what it hears of, its latest calls, what was done to it."""
    return _show(request, webhook_id, viewer, db, None)


@router.post("/webhooks/{webhook_id}")
def change(
    request: Request,
    webhook_id: RowId,
    viewer: ManagerDep,
    db: DbDep,
    now: NowDep,
    settings: SettingsDep,
    form: FormDep,
) -> Response:
    """Change what it is called, where, and for what."""
    try:
        with db.write() as session:
            edition, private = form.version("edition"), settings.webhook_private
            webhooks.change(session, viewer, webhook_id, _wish(form), edition, now, private=private)
    except Invalid as wrong:
        form.refuse_all(wrong)
        return _show(request, webhook_id, viewer, db, form)
    return redirect(f"/webhooks/{webhook_id}", "governing.webhook_saved")


@router.post("/webhooks/{webhook_id}/secret")
def roll(
    request: Request, webhook_id: RowId, viewer: ManagerDep, db: DbDep, now: NowDep, form: FormDep
) -> Response:
    """Give it another secret and show that."""
    with db.write() as session:
        at_once = form.ticked("at_once")
        secret = webhooks.roll(session, viewer, webhook_id, form.version("edition"), now, at_once=at_once)
    return _secret(request, viewer, db, webhook_id, secret)


@router.post("/webhooks/{webhook_id}/turn-on")
def turn_on(webhook_id: RowId, viewer: ManagerDep, db: DbDep, now: NowDep, form: FormDep) -> Response:
    """Turn it on."""
    return _turned(webhook_id, viewer, db, now, form, True)


@router.post("/webhooks/{webhook_id}/turn-off")
def turn_off(webhook_id: RowId, viewer: ManagerDep, db: DbDep, now: NowDep, form: FormDep) -> Response:
    """Turn it off."""
    return _turned(webhook_id, viewer, db, now, form, False)


@router.post("/webhooks/{webhook_id}/test")
def test(webhook_id: RowId, viewer: ManagerDep, db: DbDep, now: NowDep, form: FormDep) -> Response:
    """Send a test call."""
    with db.write() as session:
        webhooks.test(session, viewer, webhook_id, form.version("edition"), now)
    return redirect(f"/webhooks/{webhook_id}", "governing.webhook_tested")


def _turned(webhook_id: int, viewer: Viewer, db: Database, now: datetime, form: Form, on: bool) -> Response:
    with db.write() as session:
        webhooks.turn(session, viewer, webhook_id, on, form.version("edition"), now)
    return redirect(f"/webhooks/{webhook_id}", f"governing.webhook_{'on' if on else 'off'}")


def _wish(form: Form) -> webhooks.Wish:
    return webhooks.Wish(
        form.value("name"), form.value("url"), form.values("events"), bool(form.value("with_people"))
    )


def _index(request: Request, viewer: Viewer, db: Database, form: Form) -> Response:
    with db.read() as session:
        found = webhooks.listed(session, viewer)
    return render(request, "governing/webhooks.html", listed=found, form=form, known=EVENTS)


def _show(request: Request, webhook_id: int, viewer: Viewer, db: Database, form: Form | None) -> Response:
    with db.read() as session:
        kept = webhooks.one(session, viewer, webhook_id)
        hook = kept.webhook
        stored = Form.of(
            name=hook.name, url=hook.url, events=kept.events, with_people="yes" if hook.with_people else ""
        )
        return render(
            request,
            "governing/webhook.html",
            kept=kept,
            form=form or stored,
            known=EVENTS,
            told=CALLS,
            calls=webhooks.calls(session, webhook_id),
            states=STATES,
            history=webhooks.history(session, webhook_id),
            done=DONE,
        )


def _secret(request: Request, viewer: Viewer, db: Database, webhook_id: int, secret: str) -> Response:
    with db.read() as session:
        hook = webhooks.one(session, viewer, webhook_id).webhook
    answer = render(request, "governing/webhook_secret.html", webhook=hook, secret=secret)
    answer.headers["Cache-Control"] = "no-store"
    return answer
