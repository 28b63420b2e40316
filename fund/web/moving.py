"""Moves as the JSON API of every room speaks them: which can be made now, and the request to make one."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fund.web.forms import LONGEST_TEXT
from workflows import Option


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


class MoveOptions(BaseModel):
    """Where a thing stands, the version to send back with a move, and the moves."""

    state: str
    version: int
    moves: list[MoveOption]


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


def offered(state: str, version: int, options: Sequence[Option]) -> MoveOptions:
    """What ``fund.base.moves.options`` answered, as the API shows it."""
    return MoveOptions(state=state, version=version, moves=[_option(option) for option in options])


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
    )
