"""Calendars that are subscribed to: what somebody owes under her secret address, and the days of a round."""

import hashlib

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.base.permissions import Viewer
from fund.base.settings import Settings
from fund.people import feeds as addresses
from fund.pipeline import feeds
from fund.rounds import queries as rounds
from fund.rounds.calendar import Voice
from fund.web import flash
from fund.web.deps import DbDep, DemoNote, NowDep, SettingsDep, SignedIn, ViewerDep
from fund.web.i18n import gettext as _
from fund.web.i18n import lazy, prefer, speech
from fund.web.page import redirect, render
from notifications.calendar import Entry, Publisher, feed

router = APIRouter(include_in_schema=False)
ROUNDS = 10
"""Rounds whose own addresses are told with a new one, the latest first."""

flash.register(
    "pipeline.calendar_ended", lazy("The address no longer works. Calendars that used it get nothing more.")
)


@router.get("/account/calendar")
def account(request: Request, viewer: SignedIn, db: DbDep) -> Response:
    """What a calendar can be told, whether there is an address for it, and how to make one."""
    with db.read() as session:
        return render(
            request,
            "pipeline/calendar.html",
            own=addresses.of_person(session, viewer.person_id or 0),
            address="",
        )


@router.post("/account/calendar")
def renew(request: Request, viewer: SignedIn, db: DbDep, now: NowDep, settings: SettingsDep) -> Response:
    """Make the address, in the place of the one before, and show it this once."""
    with db.write() as session:
        token = addresses.renew(session, viewer.person_id or 0, now)
        return render(
            request,
            "pipeline/calendar.html",
            own=None,
            address=f"{settings.address}/calendar/{token}",
            rounds=rounds.visible(session, viewer)[:ROUNDS],
        )


@router.post("/account/calendar/end")
def end(viewer: SignedIn, db: DbDep) -> Response:
    """Let the address be known no more."""
    with db.write() as session:
        addresses.end(session, viewer.person_id or 0)
    return redirect("/account/calendar", "pipeline.calendar_ended")


@router.get("/calendar/{token}/deadlines.ics")
def deadlines(
    request: Request, token: str, db: DbDep, now: NowDep, settings: SettingsDep, note: DemoNote
) -> Response:
    """What the person of that address owes; 404 for nobody's and for one who cannot sign in any more."""
    viewer = _holder(db, token, now)
    with db.read() as session:
        found = feeds.of_person(session, viewer, now, Voice(settings, note))
    return _calendar(request, found, settings, _("%(fund)s: your deadlines") % {"fund": settings.fund_name})


@router.get("/calendar/{token}/rounds/{slug}.ics")
def of_round(
    request: Request, token: str, slug: str, db: DbDep, now: NowDep, settings: SettingsDep, note: DemoNote
) -> Response:
    """The days of a round and what is owed in it, as far as the person of that address may know."""
    return _round(request, _holder(db, token, now), slug, db, now, settings, note)


@router.get("/rounds/{slug}/calendar.ics")
def public(
    request: Request,
    slug: str,
    viewer: ViewerDep,
    db: DbDep,
    now: NowDep,
    settings: SettingsDep,
    note: DemoNote,
) -> Response:
    """The days of a round that everybody may know, whoever asks."""
    return _round(request, Viewer.anonymous(), slug, db, now, settings, note)


def _holder(db: DbDep, token: str, now: NowDep) -> Viewer:
    """Whose address it is; from then on her language is spoken, whatever her calendar asks for."""
    with db.read() as session:
        holder = addresses.holder(session, token, now)
    prefer(holder.viewer.locale)
    if holder.stale:
        with db.write() as session:
            addresses.note(session, holder.viewer.person_id or 0, now)
    return holder.viewer


def _round(
    request: Request, viewer: Viewer, slug: str, db: DbDep, now: NowDep, settings: Settings, note: str
) -> Response:
    with db.read() as session:
        round_ = rounds.round_by_slug(session, viewer, slug)
        found = feeds.of_round(session, viewer, round_, now, Voice(settings, note))
        return _calendar(request, found, settings, f"{settings.fund_name}: {round_.title}")


def _calendar(request: Request, found: list[Entry], settings: Settings, name: str) -> Response:
    """The feed, or only word that it is the same as the calendar has."""
    publisher = Publisher.of(settings.fund_name, settings.mail_from, settings.contact, speech().language)
    content = feed(found, publisher, name)
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if known & {tag, "*"}:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="text/calendar; charset=utf-8")
