"""The page that shows what a round would send, before it does."""

from datetime import date
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.base.errors import Invalid
from fund.rehearsing import telling
from fund.rehearsing.asked import AskedDep
from fund.rehearsing.queries import Rehearsal
from fund.rehearsing.scenario import LATE, LATEST, Manner, Scenario
from fund.web.forms import Form
from fund.web.page import render
from fund.web.words import month_name

router = APIRouter(include_in_schema=False)
UNTIL = ("until-day", "until-month", "until-year")


@router.get("/rounds/{slug}/rehearsal")
def show(
    request: Request, asked: AskedDep, scenario: Manner = Manner.IN_TIME, late: str = str(LATE)
) -> Response:
    """Every mail of one scenario, by month; how much each person gets; what nobody could do.

    With a number of days or a last day that is none, only what is wrong with it: nothing is rehearsed then.
    """
    form = Form({name: [text] for name, text in request.query_params.items()} | {"late": [late]})
    days = form.integer("late", least=1, most=LATEST)
    until = form.date("until", required=False)
    chosen = Scenario(
        Manner.LATE if form.error("late") else scenario, late=LATE if form.errors else days or LATE
    )
    rehearsal = None if form.errors else _rehearsed(asked, chosen, until, form)
    return render(
        request,
        "rehearsing/rehearsal.html",
        round=asked.round,
        chosen=chosen,
        rehearsal=rehearsal,
        months=[(month_name(first), mails) for first, mails in rehearsal.months] if rehearsal else [],
        scenarios=[
            (one.value, telling.named(Scenario(one, late=chosen.late)), _leads_to(one, chosen, form))
            for one in Manner
        ],
        form=form,
    )


def _rehearsed(asked: AskedDep, chosen: Scenario, until: date | None, form: Form) -> Rehearsal | None:
    try:
        return asked.rehearse(chosen, until=until)
    except Invalid as invalid:
        form.refuse_all(invalid)
        return None


def _leads_to(manner: Manner, chosen: Scenario, form: Form) -> str:
    """The same question about another scenario."""
    days = {name: form.value(name) for name in UNTIL if form.value(name)}
    return "?" + urlencode({"scenario": manner.value, "late": chosen.late, **days})
