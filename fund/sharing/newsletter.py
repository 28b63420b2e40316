"""The monthly newsletter: drafted from what is public, edited by people, released once to all who did not decline it.

Lessons and rounds stand in it only while they are what was seen (``newsletter_items``): what changed since holds the
release, and whoever sends a mail leaves it out (``notifications.truth``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from babel.dates import format_date
from sqlmodel import Session, col, func, select

from fund.base import ledger
from fund.base.errors import Conflict, Forbidden, Invalid, MoveRefused, NotFound
from fund.base.permissions import Viewer
from fund.base.turns import take_turn
from fund.sharing import newsletter_items as items
from fund.web.i18n import formats
from fund.web.i18n import gettext as _
from notifications.dates import local_day
from notifications.outbox import message_row, queue_rows
from schema.lessons import Lesson
from schema.newsletters import Newsletter
from schema.people import DeclinedMail, Person, Role

TEMPLATE = "newsletter"
FIRST_LOOKS_BACK = timedelta(days=31)
LONGEST_SUBJECT = 150
LONGEST_HEADING = 200
LONGEST_TEXT = 2_000
MOST_ITEMS = 40


@dataclass(frozen=True)
class Edited:
    """A newsletter as somebody wants it. An item has ``heading``, ``text`` and ``path``, and keeps what else it has."""

    subject: str
    intro: str
    items: Sequence[Mapping[str, Any]]
    places: Sequence[int] = ()
    """By which number somebody knows each item, if not by its place among them."""

    @property
    def numbered(self) -> dict[int, Mapping[str, Any]]:
        """The items by these numbers."""
        return dict(zip(self.places or range(1, len(self.items) + 1), self.items, strict=True))


@dataclass(frozen=True)
class LetterView:
    """A newsletter for its editors: what of it may not go out as it is, and whom it would go to."""

    letter: Newsletter
    stale: frozenset[str]
    """Slugs of lessons and rounds that are not what they were when they were put in (``newsletter_items.stale``)."""
    told: frozenset[str]
    """Slugs of lessons that another letter told of that went out since this one was drafted: they are left out."""
    readers: int
    declined: int


def may_edit(viewer: Viewer) -> bool:
    """Managers and facilitators write it."""
    return viewer.is_manager or Role.FACILITATOR in viewer.roles


def all_letters(session: Session, viewer: Viewer) -> Sequence[Newsletter]:
    """Every newsletter, the latest first. Raises Forbidden for others than editors and auditors."""
    _readers_only(viewer)
    return session.exec(select(Newsletter).order_by(col(Newsletter.month).desc())).all()


def waiting(session: Session, viewer: Viewer) -> Newsletter | None:
    """The newest letter where it is a draft that waits for the viewer, a manager, to release it."""
    if not viewer.is_manager:
        return None
    newest = session.exec(select(Newsletter).order_by(col(Newsletter.month).desc()).limit(1)).first()
    return newest if newest is not None and newest.released_at is None else None


def view(session: Session, viewer: Viewer, letter_id: int, now: datetime) -> LetterView:
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
    told = items.told(session, letter)
    stale = items.stale(session, items.without(letter.items, told), now)
    return LetterView(letter, stale, told, readers - declined, declined)


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
    else was faster, Invalid (``subject``, ``intro``, ``heading-1`` …, by the number of the item) for what is wrong.
    """
    _editors_only(viewer)
    letter = _locked(session, letter_id, edit_version)
    _check(edited)
    letter.subject, letter.intro = edited.subject, edited.intro
    letter.items = items.about_lessons(session, edited.numbered)
    letter.edit_version += 1
    return _stored(session, letter)


def refresh(session: Session, viewer: Viewer, letter_id: int, edit_version: int, now: datetime) -> Newsletter:
    """Take anew the texts of lessons and rounds that changed, and leave out those that are no longer for everybody.

    Raises what ``edit`` raises.
    """
    _editors_only(viewer)
    letter = _locked(session, letter_id, edit_version)
    letter.items = items.anew(session, letter.items, now)
    letter.edit_version += 1
    return _stored(session, letter)


def release(session: Session, viewer: Viewer, letter_id: int, edit_version: int, now: datetime) -> int:
    """Send it to everybody, once; whose mail it is not wanted by is called off there. Answers to how many people.

    Lessons that another letter told of that went out since it was drafted are left out. Raises Forbidden for others
    than managers, NotFound, Conflict, and MoveRefused where it was released already, is empty, or holds what is not
    as it says any more.
    """
    if not viewer.is_manager:
        raise Forbidden(_("Only a fund manager can do this."))
    take_turn(session, "newsletters")
    letter = _locked(session, letter_id, edit_version)
    if not letter.items:
        raise MoveRefused([_("There is nothing in it yet.")])
    letter.items = items.without(letter.items, items.told(session, letter))
    if not letter.items:
        raise MoveRefused([_("Another newsletter told all of it already.")])
    if items.stale(session, letter.items, now):
        raise MoveRefused(
            [_("Something in it changed, was taken back or is over since. Take its text anew first.")]
        )
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
        intro=_("This is what the fund has to tell you."),
        items=_drafted(session, now),
        created_at=now,
    )
    return _stored(session, letter)


def _drafted(session: Session, now: datetime) -> list[dict[str, Any]]:
    """What there is to tell: lessons that no letter told of yet that went out, and open rounds."""
    lessons = items.lessons(session, col(Lesson.published_at) > _since(session, now))
    return [*lessons, *items.rounds(session, now)][:MOST_ITEMS]


def _since(session: Session, now: datetime) -> datetime:
    """When the newest letter was drafted that went out; a draft that nobody released told nobody anything."""
    drafted = select(Newsletter.created_at, Newsletter.released_at).order_by(col(Newsletter.created_at))
    letters = session.exec(drafted).all()
    first = letters[0][0] if letters else now
    return max((at for at, released in letters if released), default=first - FIRST_LOOKS_BACK)


def _check(edited: Edited) -> None:
    wrong: dict[str, str] = {}
    _check_text(wrong, "subject", edited.subject, LONGEST_SUBJECT, _("Write what it is about"))
    _check_text(wrong, "intro", edited.intro, LONGEST_TEXT)
    for number, item in edited.numbered.items():
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
