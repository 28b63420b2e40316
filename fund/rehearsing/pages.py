"""The page that shows what a round would send, before it does, and the same as a file to keep."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from fund.base.errors import Invalid
from fund.rehearsing import telling
from fund.rehearsing.asked import AskedDep
from fund.rehearsing.queries import AT_MOST, AT_ONCE, Rehearsal
from fund.rehearsing.scenario import LATE, LATEST, Manner, Scenario
from fund.web.deps import DemoNote
from fund.web.forms import Form
from fund.web.page import render
from fund.web.words import month_name

router = APIRouter(include_in_schema=False)
UNTIL = ("until-day", "until-month", "until-year")
BYTE_ORDER = "\ufeff"
"""Without it spreadsheet programs take names with accents for something else."""


class As(StrEnum):
    """What a rehearsal is looked at as."""

    PAGE = "page"
    CSV = "csv"
    JSON = "json"


FORMATS = {As.CSV: "text/csv; charset=utf-8", As.JSON: "application/json"}


@router.get("/rounds/{slug}/rehearsal")
def show(
    request: Request,
    asked: AskedDep,
    note: DemoNote,
    scenario: Manner = Manner.IN_TIME,
    late: str = str(LATE),
    most: Annotated[int, Query(ge=1, le=AT_MOST)] = AT_ONCE,
    kind: Annotated[As, Query(alias="as")] = As.PAGE,
) -> Response:
    """Every mail of one scenario, by month; how much each person gets; what nobody could do. Or all that as a file.

    With a number of days or a last day that is none, only what is wrong with it: nothing is rehearsed then.
    ``most``: so many proposals of the round take part at most; the more there are, the longer it takes.
    """
    form = Form({name: [text] for name, text in request.query_params.items()} | {"late": [late]})
    days = form.integer("late", least=1, most=LATEST)
    until = form.date("until", required=False)
    chosen = Scenario(
        Manner.LATE if form.error("late") else scenario, late=LATE if form.errors else days or LATE
    )
    rehearsal = None if form.errors else _rehearsed(asked, chosen, until, most, form)
    if rehearsal and kind is not As.PAGE:
        return _file(rehearsal, f"{asked.round.slug}-{scenario.value}", kind, note)
    here = _leads_to(chosen.manner, chosen, most, form)
    return render(
        request,
        "rehearsing/rehearsal.html",
        round=asked.round,
        chosen=chosen,
        rehearsal=rehearsal,
        months=[(month_name(first), mails) for first, mails in rehearsal.months] if rehearsal else [],
        scenarios=[
            (one.value, telling.named(Scenario(one, late=chosen.late)), _leads_to(one, chosen, most, form))
            for one in Manner
        ],
        files={one.value: f"{here}&as={one.value}" for one in FORMATS},
        more=_leads_to(chosen.manner, chosen, AT_MOST, form),
        most=most,
        at_most=AT_MOST,
        form=form,
    )


def _rehearsed(
    asked: AskedDep, chosen: Scenario, until: date | None, most: int, form: Form
) -> Rehearsal | None:
    try:
        return asked.rehearse(chosen, until=until, most=most)
    except Invalid as invalid:
        form.refuse_all(invalid)
        return None


def _file(rehearsal: Rehearsal, name: str, kind: As, note: str) -> Response:
    """The rehearsal to be saved under that name."""
    written = telling.as_json([rehearsal])
    if kind is As.CSV:
        written = BYTE_ORDER + telling.as_csv([rehearsal], note)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind.value}"'}
    return Response(written, headers=headers, media_type=FORMATS[kind])


def _leads_to(manner: Manner, chosen: Scenario, most: int, form: Form) -> str:
    """The same question about another scenario, or about more proposals."""
    days = {name: form.value(name) for name in UNTIL if form.value(name)}
    return "?" + urlencode({"scenario": manner.value, "late": chosen.late, "most": most, **days})
