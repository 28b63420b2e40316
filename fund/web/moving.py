"""Moves as forms and the JSON API of every room speak them: which can be made now, and what is given with one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fund.base.undo import Offer
from fund.web.forms import LONGEST_TEXT, Form
from fund.web.i18n import gettext, ngettext
from schema.values import Money
from workflows import Ask, Option, Reason
from workflows.asks import missing


class Asked(BaseModel):
    """Something that a move asks for: a line of text, ``true``, a day (ISO 8601), an amount in minor units."""

    name: str
    label: str
    kind: Literal["text", "tick", "date", "amount"]


class MoveOption(BaseModel):
    """A move that is the caller's to make here, allowed or with every reason why not yet."""

    trigger: str
    label: str
    allowed: bool
    reasons: list[str]
    reason: Literal["required", "optional", "none"]
    """Whether the move asks for a reason."""
    reason_label: str
    confirm: str | None
    """What a person is asked before it is done."""
    asks: list[Asked]
    """What else is to be given with it, in ``data``: all of it."""


class UndoOption(BaseModel):
    """The last move, where it is of a kind that can be undone and the caller's to undo."""

    event: int
    """Its number, to send back."""
    trigger: str
    label: str
    state: str
    """Where the thing goes back to."""
    until: datetime
    allowed: bool
    reasons: list[str]
    followed: list[str]
    """Labels of the moves that followed by themselves and are undone with it."""
    mails_unsent: int
    """Mails that do not go out any more."""
    mails_gone: int
    """Mails that went out already; their readers get a word that it was undone."""


class UndoRequest(BaseModel):
    """The move to be undone, by the number of its event, and the version of the thing that the caller saw."""

    model_config = ConfigDict(extra="forbid")

    event: int = Field(ge=0, lt=2**31)
    version: int = Field(ge=0, lt=2**31)


class MoveOptions(BaseModel):
    """Where a thing stands, the version to send back with a move, the moves, and the last one if it can be undone."""

    state: str
    version: int
    moves: list[MoveOption]
    undo: UndoOption | None


class MoveRequest(BaseModel):
    """The move wanted, and the version of the thing that the caller saw."""

    model_config = ConfigDict(extra="forbid")

    trigger: str = Field(max_length=100)
    version: int = Field(ge=0, lt=2**31)
    reason: str | None = Field(default=None, max_length=LONGEST_TEXT)
    data: dict[str, Any] = Field(default_factory=dict)
    """What some moves ask for besides: ``declaration`` (true) on submitting, ``signed_name`` on accepting an offer."""


class Moved(BaseModel):
    """Where the thing stands after the move and after all that followed by itself."""

    state: str
    version: int


def given(form: Form, asks: Iterable[Ask], currency: str) -> dict[str, Any]:
    """What was typed of all that a move asks for, by name, as the engine wants it; None where nothing was."""
    readers: dict[str, Callable[[str], Any]] = {
        "text": form.text,
        "tick": form.ticked,
        "date": partial(form.date, required=False),
        "amount": lambda name: _minor(form.money(name, currency, required=False)),
    }
    return {ask.name: readers[ask.kind](ask.name) for ask in asks}


def _minor(amount: Money | None) -> int | None:
    return amount.minor if amount else None


def note_missing(form: Form, asks: Iterable[Ask], data: Mapping[str, Any]) -> None:
    """Note on the form what is asked for and missing, in the words of the workflow."""
    for name, sentence in missing(asks, data).items():
        form.refuse(
            name, sentence.translated(gettext, ngettext) if isinstance(sentence, Reason) else sentence
        )


def offered(state: str, version: int, options: Sequence[Option], undo: Offer | None = None) -> MoveOptions:
    """What ``fund.base.moves.options`` and ``fund.base.undo.offer`` answered, as the API shows it."""
    listed = [_option(option) for option in options]
    return MoveOptions(state=state, version=version, moves=listed, undo=_undo(undo) if undo else None)


def _undo(offer: Offer) -> UndoOption:
    return UndoOption(
        event=offer.event,
        trigger=offer.move.trigger,
        label=offer.move.label,
        state=offer.source.name,
        until=offer.until,
        allowed=offer.allowed,
        reasons=[str(reason) for reason in offer.reasons],
        followed=list(offer.followed),
        mails_unsent=offer.unsent,
        mails_gone=len(offer.gone),
    )


def _option(option: Option) -> MoveOption:
    move = option.move
    return MoveOption(
        trigger=move.trigger,
        label=move.label,
        allowed=option.allowed,
        reasons=[str(reason) for reason in option.reasons],
        reason=move.reason,  # type: ignore[arg-type]
        reason_label=move.reason_label,
        confirm=move.confirm,
        asks=[Asked(name=ask.name, label=ask.label, kind=ask.kind) for ask in move.asks],  # type: ignore[arg-type]
    )
