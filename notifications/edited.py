"""The words that managers saved in the place of the shipped ones, as those who write mails know them.

Whoever writes a mail hears with its facts which saved version is the newest of all, and reads them again only when
that is another: so what is saved holds from the next mail on, in every process.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from jinja2 import Template
from sqlalchemy import func, select, update
from sqlmodel import Session

from notifications.wording import Sandbox, Words
from schema.mails import MailTemplate
from schema.rows import table_of

SAVED = table_of(MailTemplate)
NEWEST = select(func.coalesce(func.max(SAVED.c.id), 0)).scalar_subquery()
"""The newest saved version of all mails; 0 where there is none."""


@dataclass(frozen=True, slots=True)
class Saved:
    """The newest version of one mail in one language, ready to be written with."""

    id: int
    parts: dict[str, Template]


@dataclass(frozen=True, slots=True)
class Failure:
    """A saved version that a mail could not be written with, and why."""

    version_id: int
    why: str


class Edited:
    """Every version that holds, by mail and language. Safe to share between threads."""

    def __init__(self, sandbox: Callable[[str], Sandbox]) -> None:
        self._sandbox = sandbox
        self._newest = 0
        self._saved: dict[tuple[str, str], Saved | Failure] = {}

    def refresh(self, session: Session, newest: int) -> None:
        """Read them, unless ``newest`` is the newest that was known."""
        if newest == self._newest:
            return
        self._saved = {key: self._compiled(key, *row) for key, row in holding(session).items()}
        self._newest = newest

    def get(self, template: str, language: str) -> Saved | Failure | None:
        """The version that holds; a Failure where it cannot be used; None where the shipped words do."""
        return self._saved.get((template, language))

    def _compiled(self, key: tuple[str, str], version_id: int, words: Words) -> Saved | Failure:
        try:
            return Saved(version_id, self._sandbox(key[1]).compiled(words))
        except Exception as error:  # stored by an older version of the product, it may be wrong in any way
            return Failure(version_id, in_words(error))


def holding(session: Session) -> dict[tuple[str, str], tuple[int, Words]]:
    """The newest version of each mail in each language, without those that went back to the shipped words."""
    newest = select(func.max(SAVED.c.id)).group_by(SAVED.c.template, SAVED.c.language)
    found = session.connection().execute(
        select(
            SAVED.c.id, SAVED.c.template, SAVED.c.language, SAVED.c.subject, SAVED.c.text, SAVED.c.html
        ).where(SAVED.c.id.in_(newest), SAVED.c.shipped.is_(False))
    )
    return {(row.template, row.language): (row.id, Words(row.subject, row.text, row.html)) for row in found}


def in_words(error: Exception) -> str:
    """An error in words, as it is kept."""
    return f"{type(error).__name__}: {error}"[:500]


def note(session: Session, failure: Failure, now: datetime) -> None:
    """Keep on record that a mail went out with the shipped words since these could not be used; the first time only."""
    c = SAVED.c
    session.connection().execute(
        update(SAVED)
        .where(c.id == failure.version_id, c.failed_at.is_(None))
        .values(failed_at=now, failure=failure.why)
    )
