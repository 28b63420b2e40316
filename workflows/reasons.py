"""Reasons: sentences that say why something is refused and what to do about it.

A reason is an English string that remembers how it was made, so that whoever shows it can show it in another
language: ``reason.translated(gettext, ngettext)``.
"""

from collections.abc import Callable, Sequence
from typing import Any

SHOWN = 5
"""How many names a sentence lists before it says how many more there are."""


class Reason(str):
    """An English sentence with its message id and what was put into it. It is a plain ``str`` otherwise."""

    msgid: str
    plural: str | None
    number: int
    params: dict[str, Any]

    def __new__(cls, msgid: str, *, plural: str | None = None, count: int = 1, **params: Any) -> "Reason":
        """A reason from ``%(name)s`` placeholders; with ``plural`` the form follows ``count``."""
        if plural is not None:
            params["count"] = count
        chosen = msgid if plural is None or count == 1 else plural
        self = super().__new__(cls, chosen % params if params else chosen)
        self.msgid, self.plural, self.number, self.params = msgid, plural, count, params
        return self

    def translated(
        self, gettext: Callable[[str], str], ngettext: Callable[[str, str, int], str] | None = None
    ) -> str:
        """The same sentence in the language of the given functions (those of a gettext catalogue)."""
        if self.plural is None or ngettext is None:
            text = gettext(self.msgid)
        else:
            text = ngettext(self.msgid, self.plural, self.number)
        return text % self.params if self.params else text


def listed(names: Sequence[str]) -> str:
    """The first names joined by semicolons, and an ellipsis where there are more than a sentence can hold."""
    shown = "; ".join(names[:SHOWN])
    return f"{shown}; …" if len(names) > SHOWN else shown
