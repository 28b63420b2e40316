"""The monthly newsletter: drafted from what is public, edited by people, released once to all who did not decline it.

A lesson may stand in it as far as everybody may read it, and only while it is what was seen: ``seen`` and ``state``
are kept beside it, and whoever sends a mail leaves out what changed since (``notifications.truth``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from posixpath import normpath
from typing import Any
from urllib.parse import unquote, urlsplit

from babel.dates import format_date
from sqlmodel import Session, col, func, select

from fund.base import ledger
from fund.base.errors import Conflict, Forbidden, Invalid, MoveRefused, NotFound
from fund.base.permissions import Viewer
from fund.base.turns import take_turn
from fund.rounds.queries import RoundView, open_rounds
from fund.sharing import reach
from fund.web.i18n import formats
from fund.web.i18n import gettext as _
from fund.web.words import local_date
from notifications.dates import local_day
from notifications.outbox import message_row, queue_rows
from schema.applications import Application
from schema.lessons import Lesson, Reach
from schema.newsletters import Newsletter
from schema.people import DeclinedMail, Member, Person, Role

TEMPLATE = "newsletter"
FIRST_LOOKS_BACK = timedelta(days=31)
LONGEST_SUBJECT = 150
LONGEST_HEADING = 200
LONGEST_TEXT = 2_000
MOST_ITEMS = 40
LESSONS = "/lessons/"
"""Where the page of each lesson is found, by its slug."""


@dataclass(frozen=True)
class Edited:
    """A newsletter as somebody wants it. An item has ``heading``, ``text`` and ``path``, and keeps what else it has."""

    subject: str
    intro: str
    items: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class LetterView:
    """A newsletter for its editors: what of it may not go out as it is, and whom it would go to."""

    letter: Newsletter
    stale: frozenset[str]
    """Slugs of lessons that changed, or are no longer for everybody, since they were put in."""
    readers: int
    declined: int


def may_edit(viewer: Viewer) -> bool:
    """Managers and facilitators write it."""
    return viewer.is_manager or Role.FACILITATOR in viewer.roles


def all_letters(session: Session, viewer: Viewer) -> Sequence[Newsletter]:
    """Every newsletter, the latest first. Raises Forbidden for others than editors and auditors."""
    _readers_only(viewer)
    return session.exec(select(Newsletter).order_by(col(Newsletter.month).desc())).all()


def view(session: Session, viewer: Viewer, letter_id: int) -> LetterView:
    """One newsletter. Raises Forbidden as ``all_letters`` does, and NotFound."""
    _readers_only(viewer)
    letter = session.get(Newsletter, letter_id)
    if letter is None:
        raise NotFound
    readers = session.exec(select(func.count()).select_from(Person).where(_acts())).one()
    declined = session.exec(
        select(func.count())
        .select_from(Person)
        .join(DeclinedMail)
        .where(_acts(), DeclinedMail.topic == TEMPLATE)
    ).one()
    return LetterView(letter, _stale(session, letter.items), readers - declined, declined)


def make(session: Session, viewer: Viewer, fund_name: str, zone: str, now: datetime) -> Newsletter:
    """This month's draft, made now if there is none. Raises Forbidden for others than editors."""
    _editors_only(viewer)
    return _make(session, fund_name, zone, now)


def make_due(session: Session, fund_name: str, zone: str, now: datetime) -> Newsletter | None:
    """The same as time passes: at the beginning of each month, if there is anything to tell."""
    if _of_month(session, _month(zone, now)) is not None or not _drafted(session, now):
        return None
    return _make(session, fund_name, zone, now)


def edit(session: Session, viewer: Viewer, letter_id: int, edited: Edited, edit_version: int) -> Newsletter:
    """Keep what somebody wrote. Raises Forbidden, NotFound, MoveRefused once it is released, Conflict where somebody
    else was faster, Invalid (``subject``, ``intro``, ``heading-1`` …) for what is wrong.
    """
    _editors_only(viewer)
    letter = _locked(session, letter_id, edit_version)
    _check(edited)
    letter.subject, letter.intro = edited.subject, edited.intro
    letter.items = _about(session, edited.items)
    letter.edit_version += 1
    return _stored(session, letter)


def _about(session: Session, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Items, of which those that lead to a lesson are about it however they were written.

    So what an editor wrote of a lesson herself goes out only as long as everybody may read that lesson as it was seen.
    Raises Invalid (``path-1`` …) for one that not everybody may read.
    """
    led = {number: slug for number, item in enumerate(items, 1) if (slug := _lesson_at(item))}
    public = {one["lesson"]: one for one in _lessons(session, col(Lesson.slug).in_(led.values()))}
    if gone := [number for number, slug in led.items() if slug not in public]:
        wrong = _("Lead to a lesson that everybody may read, or leave this out")
        raise Invalid({f"path-{number}": wrong for number in gone})
    words = ("heading", "text")
    return [
        public[led[number]] | {name: item[name] for name in words} if number in led else dict(item)
        for number, item in enumerate(items, 1)
    ]


def _lesson_at(item: Mapping[str, Any]) -> str:
    """The slug of the lesson whose page an item leads to that is not about a lesson yet; else nothing."""
    where = normpath(unquote(urlsplit(item["path"]).path))
    return where.removeprefix(LESSONS) if where.startswith(LESSONS) and not item.get("lesson") else ""


def with_lessons(
    session: Session, letter_id: int, items: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Items as a program sends them, with what is kept beside those about lessons. Raises Invalid (``items``) for a
    lesson that does not stand in the letter.
    """
    letter = session.get(Newsletter, letter_id)
    held = {item["lesson"]: item for item in (letter.items if letter else ()) if item.get("lesson")}
    if any(item.get("lesson") and item["lesson"] not in held for item in items):
        raise Invalid({"items": _("Choose from the lessons in this letter")})
    return [
        held[item["lesson"]] | {"heading": item["heading"], "text": item["text"]}
        if item.get("lesson")
        else {name: item[name] for name in ("heading", "text", "path")}
        for item in items
    ]


def refresh(session: Session, viewer: Viewer, letter_id: int, edit_version: int) -> Newsletter:
    """Take anew the texts of lessons that changed, and leave out those that are no longer for everybody.

    Raises what ``edit`` raises.
    """
    _editors_only(viewer)
    letter = _locked(session, letter_id, edit_version)
    stale = _stale(session, letter.items)
    now_public = {item["lesson"]: item for item in _lessons(session, col(Lesson.slug).in_(stale))}
    items = [now_public.get(i["lesson"]) if i.get("lesson") in stale else i for i in letter.items]
    letter.items = [item for item in items if item is not None]
    letter.edit_version += 1
    return _stored(session, letter)


def release(session: Session, viewer: Viewer, letter_id: int, edit_version: int, now: datetime) -> int:
    """Send it to everybody, once; whose mail it is not wanted by is called off there. Answers to how many people.

    Raises Forbidden for others than managers, NotFound, Conflict, and MoveRefused where it was released already, is
    empty, or holds what is no longer for everybody.
    """
    if not viewer.is_manager:
        raise Forbidden(_("Only a fund manager can do this."))
    letter = _locked(session, letter_id, edit_version)
    if not letter.items:
        raise MoveRefused([_("There is nothing in it yet.")])
    if _stale(session, letter.items):
        raise MoveRefused([_("A lesson in it changed or was taken back since. Take its text anew first.")])
    letter.released_at, letter.released_by = now, viewer.person_id
    _stored(session, letter)
    people = session.exec(select(Person.id).where(_acts()).order_by(col(Person.id))).all()
    queue_rows(session, [_message(letter, person, now) for person in people if person is not None])
    ledger.append(
        session,
        chain=f"newsletter:{letter.id}",
        actor=viewer,
        role=Role.MANAGER.value,
        subject_kind="newsletter",
        subject_id=letter_id,
        action="newsletter_released",
        now=now,
        data={"month": letter.month, "people": len(people)},
    )
    return len(people)


def _message(letter: Newsletter, person_id: int, now: datetime) -> dict[str, Any]:
    return message_row(
        key=f"newsletter:{letter.id}:{person_id}",
        kind="notice",
        template=TEMPLATE,
        person_id=person_id,
        subject_kind="newsletter",
        subject_id=letter.id,
        path="/lessons",
        now=now,
        next_at=now,
    )


def _make(session: Session, fund_name: str, zone: str, now: datetime) -> Newsletter:
    take_turn(session, "newsletters")
    month = _month(zone, now)
    if (there := _of_month(session, month)) is not None:
        return there
    letter = Newsletter(
        month=month,
        subject=_("%(fund)s: news of %(month)s") % {"fund": fund_name, "month": _named(now, zone)},
        intro=_("These lessons are new since the last letter, and these rounds are open for proposals."),
        items=_drafted(session, now),
        created_at=now,
    )
    return _stored(session, letter)


def _drafted(session: Session, now: datetime) -> list[dict[str, Any]]:
    """What there is to tell: lessons that were published since the last letter, and open rounds."""
    last = session.exec(select(Newsletter.created_at).order_by(col(Newsletter.created_at).desc())).first()
    since = last or now - FIRST_LOOKS_BACK
    lessons = _lessons(session, col(Lesson.published_at) > since)
    return [*lessons, *(_round(one) for one in open_rounds(session, now))][:MOST_ITEMS]


def _lessons(session: Session, which: Any) -> list[dict[str, Any]]:
    """Lessons as far as everybody may read them, as items of a letter."""
    found = session.exec(
        select(Lesson, Member)
        .join(Application, col(Application.id) == Lesson.application_id)
        .join(Member, col(Member.id) == Application.member_id)
        .where(which, reach.listed(session, Reach.PUBLIC))
        .order_by(col(Lesson.published_at).desc(), col(Lesson.id).desc())
    ).all()
    return [_lesson(lesson, reach.card(lesson, member, Reach.PUBLIC)) for lesson, member in found]


def _lesson(lesson: Lesson, card: reach.Card) -> dict[str, Any]:
    whose = ", ".join(text for text in (card.text("grantee"), card.text("city")) if text)
    return {
        "heading": card.title,
        "text": "\n".join(text for text in (whose, card.beginning) if text),
        "path": LESSONS + lesson.slug,
        "lesson": lesson.slug,
        "seen": lesson.edit_version,
        "state": lesson.state,
    }


def _round(found: RoundView) -> dict[str, Any]:
    round_ = found.round
    until = _("Open for proposals until %(day)s.") % {"day": local_date(round_.closes_on)}
    return {
        "heading": round_.title,
        "text": "\n".join(text for text in (round_.summary, until) if text),
        "path": f"/rounds/{round_.slug}",
    }


def _stale(session: Session, items: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    held = [item for item in items if item.get("lesson")]
    if not held:
        return frozenset()
    slugs = {item["lesson"] for item in held}
    public = select(Lesson.slug, Lesson.edit_version, Lesson.state).where(
        col(Lesson.slug).in_(slugs), reach.listed(session, Reach.PUBLIC)
    )
    fresh = set(session.exec(public))
    return frozenset(
        item["lesson"] for item in held if (item["lesson"], item["seen"], item["state"]) not in fresh
    )


def _check(edited: Edited) -> None:
    wrong: dict[str, str] = {}
    _check_text(wrong, "subject", edited.subject, LONGEST_SUBJECT, _("Write what it is about"))
    _check_text(wrong, "intro", edited.intro, LONGEST_TEXT)
    for number, item in enumerate(edited.items, 1):
        _check_text(wrong, f"heading-{number}", item["heading"], LONGEST_HEADING, _("Write a heading"))
        _check_text(wrong, f"text-{number}", item["text"], LONGEST_TEXT)
        if item["path"] and not _leads_here(item["path"]):
            wrong[f"path-{number}"] = _("Enter an address within the fund that begins with /")
    if len(edited.items) > MOST_ITEMS:
        wrong["items"] = _("At most %(limit)s items fit") % {"limit": MOST_ITEMS}
    if wrong:
        raise Invalid(wrong)


def _check_text(wrong: dict[str, str], name: str, text: str, limit: int, missing: str = "") -> None:
    if missing and not text.strip():
        wrong[name] = missing
    elif len(text) > limit:
        wrong[name] = _("Shorten this to %(limit)s characters") % {"limit": limit}


def _leads_here(path: str) -> bool:
    # Browsers read a backslash as a slash, and //host is elsewhere.
    fine = path.isprintable() and " " not in path and "\\" not in path
    return fine and path.startswith("/") and not path.startswith("//")


def _locked(session: Session, letter_id: int, edit_version: int) -> Newsletter:
    letter = session.exec(select(Newsletter).where(Newsletter.id == letter_id).with_for_update()).first()
    if letter is None:
        raise NotFound
    if letter.released_at is not None:
        raise MoveRefused([_("It was released already.")])
    if letter.edit_version != edit_version:
        raise Conflict
    return letter


def _stored(session: Session, letter: Newsletter) -> Newsletter:
    session.add(letter)
    session.flush()
    return letter


def _acts() -> Any:
    return col(Person.disabled_at).is_(None)


def _month(zone: str, now: datetime) -> str:
    return local_day(now, zone).isoformat()[:7]


def _named(now: datetime, zone: str) -> str:
    return format_date(local_day(now, zone), "LLLL y", locale=formats())


def _of_month(session: Session, month: str) -> Newsletter | None:
    return session.exec(select(Newsletter).where(Newsletter.month == month)).first()


def _readers_only(viewer: Viewer) -> None:
    if not (may_edit(viewer) or viewer.is_auditor):
        raise Forbidden(_("This is for the people who manage the fund."))


def _editors_only(viewer: Viewer) -> None:
    if not may_edit(viewer):
        raise Forbidden(_("This is for the people who manage the fund."))
