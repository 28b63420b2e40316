"""The report as a form: what is stored into fields, and what was typed into parts to save."""

from collections.abc import Mapping

from fund.reporting.fields import MOST, TEXTS
from fund.reporting.queries import ReportView, beginning
from fund.web.forms import Form
from fund.web.i18n import gettext as _
from schema.values import Money

SPENT = "spent"
"""The field in which the money spent is typed; it is stored as ``spent_minor``."""


def filled(view: ReportView) -> Form:
    """The form with what is stored, or with what a final report begins with."""
    return _form(beginning(view), view.report.currency)


def stored(view: ReportView) -> Form:
    """The form with what is stored now, and nothing else."""
    return _form(vars(view.report), view.report.currency)


def typed(form: Form, currency: str) -> dict[str, str | int | None]:
    """The parts that can be saved as they were typed; what cannot be read is noted in the form's errors."""
    parts: dict[str, str | int | None] = {name: form.long_text(name) for name in TEXTS}
    parts["people_reached"] = form.integer(
        "people_reached", required=False, least=0, most=MOST["people_reached"]
    )
    spent = form.money(SPENT, currency, required=False)
    parts["spent_minor"] = spent.minor if spent else None
    wrong = {"spent_minor" if name == SPENT else name for name in form.errors}
    return {name: value for name, value in parts.items() if name not in wrong}


def refuse_missing(form: Form, missing: Mapping[str, str]) -> None:
    """Note each part that is still empty, in words that say what to do."""
    for name, label in missing.items():
        form.refuse(SPENT if name == "spent_minor" else name, _("Fill in: %(part)s") % {"part": _(label)})


def clashes(stored: Form, form: Form) -> dict[str, str]:
    """What is stored now, by field, where something else was typed."""
    names = (*TEXTS, "people_reached", SPENT)
    return {name: stored.value(name) for name in names if stored.value(name) != form.value(name)}


def _form(values: Mapping[str, str | int | None], currency: str) -> Form:
    minor = values["spent_minor"]
    spent = Money(minor, currency) if isinstance(minor, int) else None
    return Form.of(**{name: values[name] for name in (*TEXTS, "people_reached")}, **{SPENT: spent})
