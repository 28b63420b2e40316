"""What a newsletter tells of: lessons as far as everybody may read them, and rounds that take proposals.

An item about one of them keeps what was seen of it: ``seen`` and ``state`` of a ``lesson``, ``state`` and
``closes_on`` of a ``round``. So it is known later whether it is still as the letter says.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from posixpath import normpath
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

from sqlmodel import Session, col, select

from fund.base.errors import Invalid
from fund.rounds.queries import RoundView, open_rounds
from fund.sharing import reach
from fund.web.i18n import gettext as _
from fund.web.words import local_date
from schema.applications import Application
from schema.lessons import Lesson, Reach
from schema.newsletters import Newsletter
from schema.people import Member

Item: TypeAlias = Mapping[str, Any]
LESSON, ROUND = "lesson", "round"
"""Under which of these an item has the slug of what it is about; one that has neither is about nothing."""
LESSONS = "/lessons/"
"""Where the page of each lesson is found, by its slug."""
WORDS = ("heading", "text")
"""What an editor may change of an item about something."""


def lessons(session: Session, which: Any) -> list[dict[str, Any]]:
    """Lessons as far as everybody may read them, as items, the latest first."""
    found = session.exec(
        select(Lesson, Member)
        .join(Application, col(Application.id) == Lesson.application_id)
        .join(Member, col(Member.id) == Application.member_id)
        .where(which, reach.listed(session, Reach.PUBLIC))
        .order_by(col(Lesson.published_at).desc(), col(Lesson.id).desc())
    ).all()
    return [_lesson(lesson, reach.card(lesson, member, Reach.PUBLIC)) for lesson, member in found]


def rounds(session: Session, now: datetime) -> list[dict[str, Any]]:
    """The rounds that take proposals at ``now`` as items, the nearest closing day first."""
    return [_round(one) for one in open_rounds(session, now)]


def subject(item: Item) -> tuple[str, str] | None:
    """What an item is about: of which kind, and its slug."""
    return next(((kind, item[kind]) for kind in (LESSON, ROUND) if item.get(kind)), None)


def stale(session: Session, items: Sequence[Item], now: datetime) -> frozenset[str]:
    """Slugs of lessons that changed or are no longer for everybody, and of rounds that moved or are no longer open."""
    slugs = [item[LESSON] for item in items if item.get(LESSON)]
    held = [*lessons(session, col(Lesson.slug).in_(slugs)), *rounds(session, now)]
    fresh = [_seen(item) for item in held]
    return frozenset(about[1] for item in items if (about := subject(item)) and _seen(item) not in fresh)


def anew(session: Session, items: Sequence[Item], now: datetime) -> list[dict[str, Any]]:
    """The items with those that are stale taken anew, or left out where everybody may not read of them any more."""
    old = stale(session, items, now)
    held = [*lessons(session, col(Lesson.slug).in_(old)), *rounds(session, now)]
    fresh = {subject(item): item for item in held}
    kept = []
    for item in items:
        about = subject(item)
        now_is = fresh.get(about) if about and about[1] in old else dict(item)
        kept += [now_is] if now_is else []
    return kept


def told(session: Session, letter: Newsletter) -> frozenset[str]:
    """Slugs of lessons that another letter told of that went out since this one was drafted; none once it went out.

    A lesson that was published again after that is news again.
    """
    since = (col(Newsletter.released_at) > letter.created_at, Newsletter.id != letter.id)
    others = session.exec(select(Newsletter).where(*since)).all() if letter.released_at is None else ()
    went_out = {(item[LESSON], one.released_at) for one in others for item in one.items if item.get(LESSON)}
    mine = [item[LESSON] for item in letter.items if item.get(LESSON)]
    query = select(Lesson.slug, Lesson.published_at).where(col(Lesson.slug).in_(mine))
    published = dict(session.exec(query).all())
    return frozenset(
        slug for slug, at in went_out if at and slug in published and (published[slug] or at) <= at
    )


def without(items: Sequence[Item], told: Collection[str]) -> list[dict[str, Any]]:
    """The items but for those about these lessons."""
    return [dict(item) for item in items if item.get(LESSON) not in told]


def about_lessons(session: Session, items: Mapping[int, Item]) -> list[dict[str, Any]]:
    """Items by their numbers, of which those that lead to a lesson are about it however they were written.

    So what an editor wrote of a lesson herself goes out only as long as everybody may read that lesson as it was seen.
    Raises Invalid (``path-1`` …) for one that not everybody may read.
    """
    led = {number: slug for number, item in items.items() if (slug := _lesson_at(item))}
    public = {one[LESSON]: one for one in lessons(session, col(Lesson.slug).in_(led.values()))}
    if gone := [number for number, slug in led.items() if slug not in public]:
        wrong = _("Lead to a lesson that everybody may read, or leave this out")
        raise Invalid({f"path-{number}": wrong for number in gone})
    return [
        public[led[number]] | {name: item[name] for name in WORDS} if number in led else dict(item)
        for number, item in items.items()
    ]


def with_subjects(session: Session, letter_id: int, items: Sequence[Item]) -> list[dict[str, Any]]:
    """Items as a program sends them, with what is kept beside those about something. Raises Invalid (``items``) for a
    lesson or a round that does not stand in the letter.
    """
    letter = session.get(Newsletter, letter_id)
    held = {about: item for item in (letter.items if letter else ()) if (about := subject(item))}
    if any((about := subject(item)) and about not in held for item in items):
        raise Invalid({"items": _("Choose from the lessons and rounds in this letter")})
    return [
        held[about] | {name: item[name] for name in WORDS}
        if (about := subject(item))
        else {name: item[name] for name in (*WORDS, "path")}
        for item in items
    ]


def _seen(item: Item) -> tuple[Any, ...]:
    """What an item about something says that may change."""
    return (subject(item), item["state"], item["seen"] if item.get(LESSON) else item["closes_on"])


def _lesson_at(item: Item) -> str:
    """The slug of the lesson whose page an item leads to that is not about a lesson yet; else nothing."""
    where = normpath(unquote(urlsplit(item["path"]).path))
    return where.removeprefix(LESSONS) if where.startswith(LESSONS) and not item.get(LESSON) else ""


def _lesson(lesson: Lesson, card: reach.Card) -> dict[str, Any]:
    whose = ", ".join(text for text in (card.text("grantee"), card.text("city")) if text)
    return {
        "heading": card.title,
        "text": "\n".join(text for text in (whose, card.beginning) if text),
        "path": LESSONS + lesson.slug,
        LESSON: lesson.slug,
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
        ROUND: round_.slug,
        "state": round_.state,
        "closes_on": round_.closes_on.isoformat(),
    }
