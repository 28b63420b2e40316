"""A lesson's first draft, from what the grantee has told the fund already: a proposal for her to change."""

from fund.reporting.queries import Promised
from fund.web.i18n import gettext as _
from schema.reports import Report
from schema.values import Money


def draft(promised: Promised, final: Report | None) -> dict[str, str]:
    """Texts for the parts that proposal and final report speak of. The theme is the proposal's."""
    texts = {
        "title": promised.title,
        "theme": promised.theme,
        "problem": promised.answer("problem"),
        "approach": promised.answer("activities", "plan", "summary"),
        "evidence": promised.answer("change", "evidence"),
    }
    if final is not None:
        texts["approach"] = final.done or texts["approach"]
        texts |= {"worked": final.changed, "failed": final.difficulties, "advice": _costs(final)}
    return {name: text for name, text in texts.items() if text.strip()}


def _costs(final: Report) -> str:
    """What the final report says of cost and size, as a beginning for the advice to another city."""
    if final.spent_minor is None or final.people_reached is None:
        return ""
    spent = str(Money(final.spent_minor, final.currency))
    return _("It cost %(spent)s and reached %(people)s people.") % {
        "spent": spent,
        "people": final.people_reached,
    }
