"""The page that shows what a round would send, before it does."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.rehearsing import telling
from fund.rehearsing.asked import AskedDep
from fund.rehearsing.scenario import LATE, LATEST, Manner, Scenario
from fund.web.forms import Form
from fund.web.page import render
from fund.web.words import month_name

router = APIRouter(include_in_schema=False)


@router.get("/rounds/{slug}/rehearsal")
def show(
    request: Request, asked: AskedDep, scenario: Manner = Manner.IN_TIME, late: str = str(LATE)
) -> Response:
    """Every mail of one scenario, by month; how much each person gets; what nobody could do.

    With a number of days that is none, only what is wrong with it: nothing is rehearsed then.
    """
    form = Form.of(late=late)
    days = form.integer("late", least=1, most=LATEST)
    chosen = Scenario(Manner.LATE if form.errors else scenario, late=LATE if form.errors else days or LATE)
    rehearsal = None if form.errors else asked.rehearse(chosen)
    return render(
        request,
        "rehearsing/rehearsal.html",
        round=asked.round,
        chosen=chosen,
        rehearsal=rehearsal,
        months=[(month_name(first), mails) for first, mails in rehearsal.months] if rehearsal else [],
        scenarios=[(one.value, telling.named(Scenario(one, late=chosen.late))) for one in Manner],
        form=form,
    )
