"""How the form of a newsletter becomes what is to be kept, and how what is kept fills it."""

from collections.abc import Mapping, Sequence
from typing import Any

from fund.sharing.newsletter import LONGEST_HEADING, LONGEST_SUBJECT, LONGEST_TEXT, Edited
from fund.sharing.newsletter_items import subject
from fund.web.forms import Form
from schema.newsletters import Newsletter


def letter_form(letter: Newsletter) -> Form:
    """The form filled with a newsletter, with room for one item more."""
    values: dict[str, Any] = {"subject": letter.subject, "intro": letter.intro}
    for number, item in enumerate(letter.items, 1):
        values |= {f"{name}-{number}": item[name] for name in ("heading", "text", "path")}
    return Form.of(**values)


def edited(form: Form, items: Sequence[Mapping[str, Any]]) -> Edited:
    """The newsletter as typed: items that were there without those to be left out, and one more if there is any.

    Where an item leads is kept with what it is about; only one that stands for nothing else may lead elsewhere.
    """
    kept = {
        number: {**item, **_typed(form, number, fixed=subject(item) is not None)}
        for number, item in enumerate(items, 1)
        if not form.ticked(f"out-{number}")
    }
    more = _typed(form, len(items) + 1, fixed=False)
    if more["heading"] or more["text"]:
        kept[len(items) + 1] = more
    return Edited(
        form.text("subject", limit=LONGEST_SUBJECT),
        form.long_text("intro", limit=LONGEST_TEXT),
        list(kept.values()),
        list(kept),
    )


def _typed(form: Form, number: int, *, fixed: bool) -> dict[str, str]:
    typed = {
        "heading": form.text(f"heading-{number}", limit=LONGEST_HEADING),
        "text": form.long_text(f"text-{number}", limit=LONGEST_TEXT),
    }
    return typed if fixed else typed | {"path": form.text(f"path-{number}")}
