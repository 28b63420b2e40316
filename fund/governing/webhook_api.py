"""Webhooks in JSON: registered, changed, given another secret, turned on and off, tried."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from fund.base.permissions import Viewer
from fund.governing import webhooks
from fund.web.deps import DbDep, ManagerDep, NowDep, ReadsEverything, RowId, SettingsDep
from fund.web.problems import responses
from notifications.calling import LONGEST_URL

router = APIRouter(prefix="/api/v1", tags=["webhooks"])
Edition = Annotated[int, Field(ge=0, lt=2**31)]


class WebhookOut(BaseModel):
    """One webhook. Its secret is answered only where it is made."""

    id: int
    name: str
    url: str
    """Where it is called; for others than managers only the beginning."""
    events: list[str]
    with_people: bool
    enabled: bool
    reason: str
    """Why it turned itself off, if it did."""
    former_secret_until: datetime | None
    edition: int
    """What a change has to name."""
    waiting: int
    failed: int


class SecretOut(WebhookOut):
    """A webhook with its secret, which is answered this once."""

    secret: str


class WebhookIn(BaseModel):
    """What a webhook is to be."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=1000)
    url: str = Field(max_length=LONGEST_URL)
    events: list[str] = Field(max_length=50)
    with_people: bool = False


class ChangeIn(WebhookIn):
    """The same, with the edition that the caller saw."""

    edition: Edition


class SeenIn(BaseModel):
    """The edition that the caller saw."""

    model_config = ConfigDict(extra="forbid")

    edition: Edition


class SecretIn(SeenIn):
    """Whether the former secret ends at once, or is good for another day."""

    at_once: bool = False


@router.get("/webhooks", responses=responses(401, 403))
def listed(viewer: ReadsEverything, db: DbDep) -> list[WebhookOut]:
    """Every webhook, the newest first."""
    with db.read() as session:
        return [WebhookOut(**_fields(kept, viewer)) for kept in webhooks.listed(session, viewer)]


@router.post("/webhooks", status_code=201, responses=responses(401, 403, 422))
def add(
    body: WebhookIn, viewer: ManagerDep, db: DbDep, now: NowDep, settings: SettingsDep, response: Response
) -> SecretOut:
    """Register a webhook; the answer alone has its secret."""
    with db.write() as session:
        key, secret = webhooks.add(session, viewer, _wish(body), now, private=settings.webhook_private)
    response.headers["Cache-Control"] = "no-store"
    return SecretOut(**_found(db, viewer, key), secret=secret)


@router.get("/webhooks/{webhook_id}", responses=responses(401, 403, 404, 422))
def show(webhook_id: RowId, viewer: ReadsEverything, db: DbDep) -> WebhookOut:
    """One webhook."""
    return WebhookOut(**_found(db, viewer, webhook_id))


@router.put("/webhooks/{webhook_id}", responses=responses(401, 403, 404, 409, 422))
def change(
    webhook_id: RowId, body: ChangeIn, viewer: ManagerDep, db: DbDep, now: NowDep, settings: SettingsDep
) -> WebhookOut:
    """Change what it is called, where, and for what."""
    with db.write() as session:
        private = settings.webhook_private
        webhooks.change(session, viewer, webhook_id, _wish(body), body.edition, now, private=private)
    return WebhookOut(**_found(db, viewer, webhook_id))


@router.post("/webhooks/{webhook_id}/secret", responses=responses(401, 403, 404, 409, 422))
def roll(
    webhook_id: RowId, body: SecretIn, viewer: ManagerDep, db: DbDep, now: NowDep, response: Response
) -> SecretOut:
    """Give it another secret; the answer alone has it."""
    with db.write() as session:
        secret = webhooks.roll(session, viewer, webhook_id, body.edition, now, at_once=body.at_once)
    response.headers["Cache-Control"] = "no-store"
    return SecretOut(**_found(db, viewer, webhook_id), secret=secret)


@router.post("/webhooks/{webhook_id}/turn-on", responses=responses(401, 403, 404, 409, 422))
def turn_on(webhook_id: RowId, body: SeenIn, viewer: ManagerDep, db: DbDep, now: NowDep) -> WebhookOut:
    """Turn it on."""
    with db.write() as session:
        webhooks.turn(session, viewer, webhook_id, True, body.edition, now)
    return WebhookOut(**_found(db, viewer, webhook_id))


@router.post("/webhooks/{webhook_id}/turn-off", responses=responses(401, 403, 404, 409, 422))
def turn_off(webhook_id: RowId, body: SeenIn, viewer: ManagerDep, db: DbDep, now: NowDep) -> WebhookOut:
    """Turn it off; what waits for it is called off."""
    with db.write() as session:
        webhooks.turn(session, viewer, webhook_id, False, body.edition, now)
    return WebhookOut(**_found(db, viewer, webhook_id))


@router.post("/webhooks/{webhook_id}/test", status_code=202, responses=responses(401, 403, 404, 409, 422))
def test(webhook_id: RowId, body: SeenIn, viewer: ManagerDep, db: DbDep, now: NowDep) -> WebhookOut:
    """Send a call that only shows whether calls arrive."""
    with db.write() as session:
        webhooks.test(session, viewer, webhook_id, body.edition, now)
    return WebhookOut(**_found(db, viewer, webhook_id))


def _wish(body: WebhookIn) -> webhooks.Wish:
    return webhooks.Wish(body.name, body.url, body.events, body.with_people)


def _found(db: DbDep, viewer: Viewer, webhook_id: int) -> dict[str, Any]:
    with db.read() as session:
        return _fields(webhooks.one(session, viewer, webhook_id), viewer)


def _fields(kept: webhooks.Kept, viewer: Viewer) -> dict[str, Any]:
    hook = kept.webhook
    return {
        "id": hook.id,
        "name": hook.name,
        "url": kept.address(viewer),
        "events": kept.events,
        "with_people": hook.with_people,
        "enabled": hook.disabled_at is None,
        "reason": hook.reason,
        "former_secret_until": hook.former_until if hook.former_secret else None,
        "edition": hook.edition,
        "waiting": kept.waiting,
        "failed": kept.failed,
    }
