"""What a newsletter still says: nothing of lessons and rounds that changed after somebody looked at them for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import bindparam, select
from sqlmodel import Session

from schema.lessons import Lesson
from schema.newsletters import Newsletter
from schema.rounds import Round
from schema.rows import table_of

LESSONS = table_of(Lesson)
LETTERS = table_of(Newsletter)
ROUNDS = table_of(Round)
_LETTER = select(LETTERS.c.subject, LETTERS.c.intro, LETTERS.c["items"]).where(
    LETTERS.c.id == bindparam("letter")
)


@dataclass(frozen=True, slots=True)
class Letter:
    """The newsletter that a mail brings."""

    subject: str
    intro: str
    items: tuple[dict[str, Any], ...]


def letter(session: Session, letter_id: int) -> Letter:
    """The newsletter with the items that are still as they were seen. Raises NoResultFound."""
    subject, intro, items = session.connection().execute(_LETTER, {"letter": letter_id}).one()
    lessons = _now(session, items, "lesson", LESSONS.c.slug, LESSONS.c.edit_version, LESSONS.c.state)
    rounds = _now(session, items, "round", ROUNDS.c.slug, ROUNDS.c.closes_on, ROUNDS.c.state)
    return Letter(subject, intro, tuple(item for item in items if _holds(item, lessons, rounds)))


def _now(
    session: Session, items: Sequence[Mapping[str, Any]], about: str, slug: Any, *columns: Any
) -> dict[str, tuple[Any, ...]]:
    """What these columns hold now of whatever the items are about, by slug."""
    slugs = [item[about] for item in items if item.get(about)]
    if not slugs:
        return {}
    rows = session.connection().execute(select(slug, *columns).where(slug.in_(slugs)))
    return {row[0]: tuple(row[1:]) for row in rows}


def _holds(
    item: Mapping[str, Any], lessons: Mapping[str, tuple[Any, ...]], rounds: Mapping[str, tuple[Any, ...]]
) -> bool:
    """Whether an item of a newsletter is about nothing that changed since it was seen."""
    if item.get("lesson"):
        return lessons.get(item["lesson"]) == (item["seen"], item["state"])
    if item.get("round"):
        return rounds.get(item["round"]) == (date.fromisoformat(item["closes_on"]), item["state"])
    return True
