"""The page that shows what a round would send, before it does."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from fund.rehearsing import queries, telling
from fund.rehearsing.scenario import LATE, Manner, Scenario
from fund.rounds.queries import round_by_slug
from fund.web.deps import DbDep, DemoNote, NowDep, ReadsEverything, SettingsDep
from fund.web.forms import Form
from fund.web.page import render
from fund.web.words import month_name

router = APIRouter(include_in_schema=False)


@router.get("/rounds/{slug}/rehearsal")
def show(
    request: Request,
    slug: str,
    viewer: ReadsEverything,
    db: DbDep,
    now: NowDep,
    settings: SettingsDep,
    note: DemoNote,
    scenario: Manner = Manner.IN_TIME,
    late: str = "7",
) -> Response:
    """Every mail of one scenario, by month; how much each person gets; what nobody could do."""
    with db.read() as session:
        round_ = round_by_slug(session, viewer, slug)
    form = Form.of(late=late)
    days = form.integer("late", least=1, most=365)
    if form.errors or days is None:
        days, scenario = LATE, Manner.LATE
    chosen = Scenario(scenario, late=days)
    rehearsal = queries.rehearse(
        db, settings, slug, chosen, now, most=queries.AT_ONCE, demo=bool(note)
    ).apart_from(viewer.member_ids)
    return render(
        request,
        "rehearsing/rehearsal.html",
        round=round_,
        rehearsal=rehearsal,
        months=[(month_name(first), mails) for first, mails in rehearsal.months],
        scenarios=[(one.value, telling.named(Scenario(one, late=days))) for one in Manner],
        form=form,
    )
