"""Moving many applications at once: choose the move, look at what it would do, do it, and read what became of each."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from fund.base.errors import Invalid
from fund.pipeline import bulk, queries
from fund.pipeline.bulk import Pick, Result
from fund.pipeline.wanted import WantedDep, Words
from fund.web import flash, parse
from fund.web.deps import DbDep, FormDep, ManagerDep, NowDep
from fund.web.forms import Form
from fund.web.i18n import lazy
from fund.web.page import redirect, render

router = APIRouter(include_in_schema=False)
flash.register(
    "pipeline.none_ticked",
    lazy("Tick the applications that you want to move, then press the button."),
    "info",
)
RESULTS = {
    Result.DONE: (lazy("Done"), "good"),
    Result.BEFORE: (lazy("Done already"), "good"),
    Result.REFUSED: (lazy("Not possible"), "bad"),
    Result.CHANGED: (lazy("Changed meanwhile"), "warn"),
    Result.LEFT: (lazy("Left as it was"), "neutral"),
}
"""What became of an application, for people, and how that is dressed."""

Chosen = Annotated[tuple[str, ...], Query(max_length=bulk.MOST)]


@router.get("/pipeline/moves")
def prepare(
    request: Request,
    viewer: ManagerDep,
    db: DbDep,
    now: NowDep,
    wanted: WantedDep,
    chosen: Chosen = (),
    trigger: Words = "",
    every: Annotated[bool, Query(alias="all")] = False,
) -> Response:
    """The moves that lead on from the ticked ones or from all that fit; with one chosen, what it would do."""
    back = "/pipeline" + wanted.link().removesuffix("?")
    with db.read() as session:
        names = queries.fitting(session, viewer, wanted, now, bulk.MOST) if every else chosen
        found = bulk.picked(session, viewer, map(Pick, names))
        choices = bulk.choices(session, viewer, found)
    if not found:
        return redirect(back, done="pipeline.none_ticked")
    hidden = [("all", "1"), *_filled(wanted)] if every else [("chosen", name) for name in names]
    if not trigger:
        return render(
            request, "pipeline/bulk_choose.html", choices=choices, total=len(found), hidden=hidden, back=back
        )
    return _preview(
        request, viewer, db, now, [Pick(one.reference) for one in found], trigger, Form.of(how="each"), back
    )


@router.post("/pipeline/moves")
def move(request: Request, viewer: ManagerDep, db: DbDep, now: NowDep, form: FormDep) -> Response:
    """Make the move for all that were looked at, and say what became of each."""
    picks, trigger = [_pick(text) for text in form.values("seen")[: bulk.MOST]], form.value("trigger")
    all_or_none = form.choice("how", ("each", "all")) == "all"
    reason = form.long_text("reason")
    try:
        form.check()
        lines = bulk.run(db, viewer, picks, trigger, now, reason=reason or None, all_or_none=all_or_none)
    except Invalid as invalid:
        form.refuse_all(invalid)
        fresh = [replace(pick, version=None) for pick in picks]
        return _preview(request, viewer, db, now, fresh, trigger, form, "/pipeline")
    return render(request, "pipeline/bulk_result.html", lines=lines, results=RESULTS, counts=_counts(lines))


def _preview(
    request: Request,
    viewer: Any,
    db: DbDep,
    now: NowDep,
    picks: list[Pick],
    trigger: str,
    form: Form,
    back: str,
) -> Response:
    found = bulk.preview(db, viewer, picks, trigger, now)
    return render(request, "pipeline/bulk_preview.html", preview=found, form=form, back=back)


def _pick(text: str) -> Pick:
    """``PIF-2021-004:7``: an application and the version that was on the screen."""
    reference, _, version = text.rpartition(":")
    return Pick(reference, parse.number(version))


def _filled(wanted: queries.Filter) -> list[tuple[str, str]]:
    return [(name, "1" if value is True else str(value)) for name, value in vars(wanted).items() if value]


def _counts(lines: list[bulk.Line]) -> dict[Result, int]:
    return {result: count for result in RESULTS if (count := sum(line.result == result for line in lines))}
