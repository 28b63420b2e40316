"""The form and the scorecard that a new round starts with, as files that a fund manager can read and change."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from schema.rounds import Criterion, Section

HERE = Path(__file__).parent


@cache
def form() -> tuple[Section, ...]:
    """The sections of ``form.toml``, in order. Raises pydantic's ValidationError where the file is wrong."""
    return tuple(Section.model_validate(item) for item in _read("form.toml")["sections"])


@cache
def scorecard() -> tuple[Criterion, ...]:
    """The criteria of ``scorecard.toml``, in order. Raises pydantic's ValidationError where the file is wrong."""
    return tuple(Criterion.model_validate(item) for item in _read("scorecard.toml")["criteria"])


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((HERE / name).read_text("utf-8"))
