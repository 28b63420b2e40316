"""Reasons: sentences that say why something is refused and what to do about it.

A reason is an English string that remembers how it was made, so that whoever shows it can show it in another
language: ``reason.translated(gettext, ngettext)``. ``Reason`` and ``counted`` are what a collector of texts looks for.
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

    def __new__(cls, msgid: str, **params: Any) -> "Reason":
        """A reason from a sentence with ``%(name)s`` placeholders, or as it stands if there is nothing to fill in.

        What is filled in may be a reason itself: it is translated with the whole.
        """
        return cls._made(msgid, None, 1, params)

    @classmethod
    def _made(cls, msgid: str, plural: str | None, number: int, params: dict[str, Any]) -> "Reason":
        """A reason with all that it remembers."""
        chosen = msgid if plural is None or number == 1 else plural
        self = super().__new__(cls, chosen % params if params else chosen)
        self.msgid, self.plural, self.number, self.params = msgid, plural, number, params
        return self

    def translated(self, gettext: Callable[[str], str], ngettext: Callable[[str, str, int], str]) -> str:
        """The same sentence in the language of the given functions (those of a gettext catalogue)."""
        text = gettext(self.msgid) if self.plural is None else ngettext(self.msgid, self.plural, self.number)
        filled = {
            name: value.translated(gettext, ngettext) if isinstance(value, Reason) else value
            for name, value in self.params.items()
        }
        return text % filled if filled else text


def counted(singular: str, plural: str, number: int, **params: Any) -> Reason:
    """A reason whose form follows a number, which stands in it as ``%(count)d``."""
    return Reason._made(singular, plural, number, {"count": number, **params})


def in_a_row(parts: Sequence[str], between: str = "; ") -> str:
    """Parts one after the other, each (and what stands between them) in the reader's language where it has one."""
    if len(parts) == 1:
        return parts[0]
    if not any(isinstance(part, Reason) for part in (*parts, between)):
        return between.join(parts)
    named = {f"part{number}": part for number, part in enumerate(parts)}
    return Reason("%(between)s".join(f"%({name})s" for name in named), **named, between=between)


def listed(names: Sequence[str]) -> str:
    """The end of a sentence: the first names joined by semicolons; an ellipsis where it cannot hold them all."""
    shown = "; ".join(names[:SHOWN])
    return f"{shown}; …" if len(names) > SHOWN else f"{shown}."
