"""Reports in the JSON API."""

from datetime import date, datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from fund.base import undo
from fund.base.database import Database
from fund.base.permissions import Viewer
from fund.reporting import queries, service
from fund.reporting.wire import MoneyOut, StateOut, Text, Whole
from fund.web import moving
from fund.web.deps import DbDep, NowDep, SignedIn
from fund.web.problems import responses

PATH = "/api/v1/applications/{reference}/reports/{kind}"
router = APIRouter(tags=["reports"], responses=responses(401, 403, 404, 409, 422))


class AnswerOut(BaseModel):
    """One answer of the proposal."""

    question: str
    label: str
    text: str


class PromisedOut(BaseModel):
    """What was proposed and agreed."""

    title: str
    theme: str
    awarded: MoneyOut | None
    starts_on: date | None
    ends_on: date | None
    answers: list[AnswerOut]


class ReportOut(BaseModel):
    """A report as it is stored, and what stands beside it."""

    application: str
    kind: str
    due_on: date
    state: StateOut
    version: int = Field(description="Counts changes of state: send it with a step.")
    edit_version: int = Field(description="Counts saves of the text: send it with a change.")
    done: str
    changed: str
    difficulties: str
    next_steps: str
    people_reached: int | None
    spent_minor: int | None
    currency: str
    handed_in_at: datetime | None
    missing: dict[str, str] = Field(description="Parts that are still empty, by name.")
    promised: PromisedOut


class ReportIn(BaseModel):
    """Parts to save; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    edit_version: int
    done: Text = ""
    changed: Text = ""
    difficulties: Text = ""
    next_steps: Text = ""
    people_reached: Whole | None = None
    spent_minor: Whole | None = None


@router.get(PATH)
def read_report(reference: str, kind: str, viewer: SignedIn, db: DbDep, now: NowDep) -> ReportOut:
    """The application's report of that kind (`interim` or `final`)."""
    return _answer(db, viewer, reference, kind, now)


@router.patch(PATH)
def change_report(
    reference: str, kind: str, body: ReportIn, viewer: SignedIn, db: DbDep, now: NowDep
) -> ReportOut:
    """Save parts of the report, complete or not."""
    fields = body.model_dump(exclude_unset=True, exclude={"edit_version"})
    with db.write() as session:
        report = queries.report(session, viewer, reference, kind)
        service.save_report(session, viewer, report, fields, body.edit_version)
    return _answer(db, viewer, reference, kind, now)


@router.get(f"{PATH}/moves")
def report_moves(reference: str, kind: str, viewer: SignedIn, db: DbDep, now: NowDep) -> moving.MoveOptions:
    """The steps that are yours from here, and why not where one cannot be taken."""
    with db.read() as session:
        view = queries.view(session, viewer, reference, kind, now)
        taken = undo.offer(session, view.report, viewer, now)
    return moving.offered(view.report.state, view.report.version, view.standing.options, taken)


@router.post(f"{PATH}/moves")
def move_report(
    reference: str, kind: str, body: moving.MoveRequest, viewer: SignedIn, db: DbDep, now: NowDep
) -> moving.Moved:
    """Take a step: hand in, accept, return …"""
    with db.write() as session:
        report = queries.report(session, viewer, reference, kind)
        service.move(session, viewer, report, body.trigger, body.version, now, body.reason, body.data)
        return moving.Moved(state=report.state, version=report.version)


def _answer(db: Database, viewer: Viewer, reference: str, kind: str, now: datetime) -> ReportOut:
    with db.read() as session:
        view = queries.view(session, viewer, reference, kind, now)
    report, promised = view.report, view.promised
    return ReportOut(
        application=view.application.reference,
        state=StateOut.of(view.standing),
        missing=queries.missing(report),
        promised=PromisedOut(
            title=promised.title,
            theme=promised.theme,
            awarded=MoneyOut.of(promised.awarded),
            starts_on=promised.starts_on,
            ends_on=promised.ends_on,
            answers=[AnswerOut(question=k, label=label, text=text) for k, label, text in promised.answers],
        ),
        **report.model_dump(include=set(ReportOut.model_fields) - {"state"}),
    )
