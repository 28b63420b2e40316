"""The forms of a lesson and of a project's public face: what is stored into fields, and what was typed into parts.

Texts stand under their names; who may read a part stands under ``consent-`` or ``clearance-`` and its name.
"""

from collections.abc import Mapping

from fund.base.errors import Invalid
from fund.sharing.fields import LONGEST, LONGEST_TEXT, ORDER, PUBLIC_FIELDS
from fund.sharing.queries import LessonView, PublicView
from fund.web.forms import Form
from fund.web.i18n import gettext as _
from schema.lessons import CLEARED_ONE_BY_ONE, TEXTS
from schema.rounds import THEMES

ALL = "all"
"""Stands for the name of a part where one choice counts for all of them."""
FIELDS = (*TEXTS, "theme", *(f"consent-{name}" for name in CLEARED_ONE_BY_ONE))


def filled(view: LessonView) -> Form:
    """The lesson's form with what is stored, or with the first draft."""
    return Form.of(**view.beginning, **{f"consent-{part.name}": part.consent for part in view.parts})


def typed(form: Form) -> tuple[dict[str, str], dict[str, str]]:
    """Texts and consent that can be saved; what cannot be is noted in the form's errors, and left out.

    A part for which no readers were sent keeps the consent that it has; what is chosen for all counts for each.
    """
    texts = {name: form.long_text(name, limit=LONGEST.get(name, LONGEST_TEXT)) for name in TEXTS}
    texts["title"] = " ".join(texts["title"].split())
    texts["theme"] = form.choice("theme", THEMES, required=False)
    fine = {name: text for name, text in texts.items() if name not in form.errors}
    return fine, levels(form, "consent")


def levels(form: Form, kind: str) -> dict[str, str]:
    """Who may read which part, of what was sent: ``kind`` is consent or clearance. One choice may count for all."""
    allowed = [level.value for level in ORDER]
    same = form.choice(f"{kind}-{ALL}", allowed, required=False)
    chosen = {n: form.choice(f"{kind}-{n}", allowed, required=False) for n in CLEARED_ONE_BY_ONE}
    return {name: same or level for name, level in chosen.items() if same or level}


def clashes(view: LessonView, form: Form) -> dict[str, str]:
    """What is stored now, by field, where something else was typed or chosen."""
    texts, consent = typed(Form(form.typed))
    now = {part.name: part for part in view.parts}
    differ = {
        n: getattr(view.lesson, n) for n in (*TEXTS, "theme") if texts.get(n) != getattr(view.lesson, n)
    }
    chosen = {n: now[n].consent for n, level in consent.items() if level != now[n].consent}
    return differ | {f"consent-{name}": level for name, level in chosen.items()}


def refuse_missing(form: Form, missing: Mapping[str, str]) -> None:
    """Note each part that is still empty; all that is noted in the form's order."""
    for name, label in missing.items():
        form.refuse(name, _("Fill in: %(part)s") % {"part": _(label)})
    form.errors = {name: form.errors[name] for name in FIELDS if name in form.errors}


def clearing(view: LessonView) -> Form:
    """The fund's form: what has been decided so far; what has not, is not ticked."""
    return Form.of(**{f"clearance-{part.name}": part.clearance for part in view.parts if part.clearance})


def refuse_levels(form: Form, invalid: Invalid, kind: str) -> None:
    """Note a service's errors about parts at their radios."""
    for name, message in invalid.fields.items():
        form.refuse(f"{kind}-{name}", message)


def shown(view: PublicView) -> Form:
    """What everybody may read of a project."""
    return Form.of(
        public_fields=view.application.public_fields, public_summary=view.application.public_summary
    )


def ticked(form: Form) -> list[str]:
    """What is to be shown of a project; where anything is, the danger has to have been looked for."""
    chosen = form.choices("public_fields", PUBLIC_FIELDS)
    if chosen and not form.ticked("safe"):
        form.refuse("safe", _("Confirm that the grantee agrees and that nobody is put in danger."))
    return chosen
