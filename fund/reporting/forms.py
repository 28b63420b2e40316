"""The report as a form: what is stored into fields, and what was typed into parts to save.

Fields bear the names of the parts; money spent is typed in whole units.
"""

from collections.abc import Mapping

from fund.reporting.fields import MOST, NUMBERS, TEXTS
from fund.reporting.queries import ReportView, beginning
from fund.web.forms import Form
from fund.web.i18n import gettext as _
from schema.values import Money

ORDER = (*TEXTS, *NUMBERS)


def filled(view: ReportView) -> Form:
    """The form with what is stored, or with what a final report begins with."""
    return _form(beginning(view), view.report.currency)


def typed(form: Form, currency: str) -> dict[str, str | int | None]:
    """The parts that can be saved as they were typed; what cannot be read is noted in the form's errors."""
    parts: dict[str, str | int | None] = {name: form.long_text(name) for name in TEXTS}
    parts["people_reached"] = form.integer(
        "people_reached", required=False, least=0, most=MOST["people_reached"]
    )
    spent = form.money("spent_minor", currency, required=False)
    parts["spent_minor"] = spent.minor if spent else None
    return {name: value for name, value in parts.items() if name not in form.errors}


def refuse_missing(form: Form, missing: Mapping[str, str]) -> None:
    """Note each part that is still empty, in words that say what to do; all that is noted in the form's order."""
    for name, label in missing.items():
        form.refuse(name, _("Fill in: %(part)s") % {"part": _(label)})
    form.errors = {name: form.errors[name] for name in ORDER if name in form.errors}


def clashes(view: ReportView, form: Form) -> dict[str, str]:
    """What is stored now, by field, where something else was typed."""
    now = _form(vars(view.report), view.report.currency)
    mine = typed(Form(form.typed), view.report.currency)
    differ = [name for name in ORDER if name not in mine or mine[name] != getattr(view.report, name)]
    return {name: now.value(name) for name in differ}


def _form(values: Mapping[str, str | int | None], currency: str) -> Form:
    minor = values["spent_minor"]
    spent = Money(minor, currency) if isinstance(minor, int) else None
    return Form.of(**{name: values[name] for name in ORDER} | {"spent_minor": spent})
