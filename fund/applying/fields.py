"""What the fields of a proposal may hold while it is written. Pure; completeness is asked for on submitting only."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from fund.base.errors import Invalid
from fund.web.i18n import gettext as _
from fund.web.parse import LARGEST, tidy
from schema.rounds import THEMES, Question

LONGEST_TITLE = 200
LONGEST_LINE = 500
LONGEST_TEXT = 20_000
ANSWER = "answers."
"""Begins the name of a field that holds the answer to a question."""


class Keep(Enum):
    """Stands for a field that is left as it is, where None means empty."""

    KEEP = "keep"


@dataclass(frozen=True)
class Edit:
    """What to change of a proposal; what is not named stays. The amount is in minor units of the round's currency."""

    title: str | None = None
    theme: str | None = None
    requested_minor: int | Keep | None = Keep.KEEP
    answers: Mapping[str, str] = field(default_factory=dict)


def checked(edit: Edit, questions: Iterable[Question]) -> Edit:
    """``edit`` tidied. Raises Invalid for what cannot be stored: too long, not among the choices, not asked at all."""
    asked = {question.key: question for question in questions}
    answers = {key: _tidied(asked.get(key), text) for key, text in edit.answers.items()}
    right = Edit(
        title=None if edit.title is None else _line(edit.title),
        theme=edit.theme,
        requested_minor=edit.requested_minor,
        answers=answers,
    )
    wrong = dict(_wrong_columns(right)) | dict(_wrong_answers(asked, answers))
    if wrong:
        raise Invalid(wrong)
    return right


Wrong = Iterator[tuple[str, str]]


def _wrong_columns(edit: Edit) -> Wrong:
    if edit.title is not None and len(edit.title) > LONGEST_TITLE:
        yield "title", too_long(len(edit.title), LONGEST_TITLE)
    if edit.theme and edit.theme not in THEMES:
        yield "theme", _("Choose one of the themes")
    amount = edit.requested_minor
    if isinstance(amount, int) and not 0 <= amount <= LARGEST:
        yield "requested_minor", _("Enter an amount in figures, like 1500 or 1,500.50")


def _wrong_answers(asked: Mapping[str, Question], answers: Mapping[str, str]) -> Wrong:
    for key, text in answers.items():
        question = asked.get(key)
        if question is None:
            yield ANSWER + key, _("This round does not ask that question")
        elif len(text) > longest(question):
            yield ANSWER + key, too_long(len(text), longest(question))
        elif text and (allowed := choices(question)) and text not in allowed:
            yield ANSWER + key, _("Choose one of the answers")


def longest(question: Question) -> int:
    """How many characters an answer may have."""
    return LONGEST_LINE if question.kind == "text" else LONGEST_TEXT


def choices(question: Question) -> dict[str, str]:
    """What can be chosen, with its name for people; nothing where the answer is free."""
    if question.kind == "theme":
        return THEMES
    return {choice: choice for choice in question.choices} if question.kind == "choice" else {}


def too_long(count: int, limit: int) -> str:
    """What is said of a text of ``count`` characters where at most ``limit`` fit."""
    over = _("Shorten this: it has %(count)s characters, and at most %(limit)s fit")
    return over % {"count": f"{count:,}", "limit": f"{limit:,}"}


def _tidied(question: Question | None, text: str) -> str:
    return _line(text) if question is not None and question.kind == "text" else tidy(text)


def _line(text: str) -> str:
    return " ".join(tidy(text).split())
