"""Reading reports, and what their writers need beside them so that nothing is asked twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from fund.applying.submitted import last_submission
from fund.base import access
from fund.base.errors import NotFound
from fund.base.facts import REPORT_PARTS, missing_report
from fund.base.permissions import Viewer
from fund.base.subjects import id_of
from fund.reporting.fields import NUMBERS, TEXTS
from fund.reporting.standing import Standing, standing
from schema.applications import Answer, Application
from schema.awards import Award
from schema.reports import Report, ReportKind
from schema.rounds import Round
from schema.values import Money

CARRIED = ("done", "changed", "difficulties", "people_reached", "spent_minor")
"""What a final report begins with from the interim one: it tells of the whole project."""


@dataclass(frozen=True)
class Promised:
    """What was proposed and agreed: the ground that a report stands on."""

    title: str
    theme: str
    requested: Money | None
    awarded: Money | None
    starts_on: date | None
    ends_on: date | None
    conditions: str
    answers: Sequence[tuple[str, str, str]]
    """Key, label and text of each question that was answered, in the order of the form, as last submitted."""

    def answer(self, *keys: str) -> str:
        """The text in answer to the first of the questions ``keys`` that has one."""
        texts = {key: text for key, _label, text in self.answers}
        return next((texts[key] for key in keys if texts.get(key)), "")


@dataclass(frozen=True)
class ReportView:
    """Everything that a page about a report shows."""

    application: Application
    report: Report
    standing: Standing
    promised: Promised
    interim: Report | None
    """For a final report: the interim one."""

    @property
    def path(self) -> str:
        """Where the report is found."""
        return f"/applications/{self.application.reference}/reports/{self.report.kind}"

    @property
    def spent(self) -> Money | None:
        """The money spent, if it was said."""
        return (
            None if self.report.spent_minor is None else Money(self.report.spent_minor, self.report.currency)
        )


def report(session: Session, viewer: Viewer, reference: str, kind: str) -> Report:
    """The application's report of that kind, for a viewer who may read it. Raises NotFound otherwise."""
    application = access.application(session, viewer, reference)
    found = _of_kind(session, application, kind)
    if found is None or not access.may_read(session, found, viewer):
        raise NotFound
    return found


def reports_of(session: Session, viewer: Viewer, application: Application) -> list[Report]:
    """The application's reports that the viewer may read, in the order in which they are due."""
    found = session.exec(
        select(Report)
        .where(Report.application_id == application.id)
        .order_by(col(Report.due_on), col(Report.id))
    ).all()
    return [one for one in found if access.may_read(session, one, viewer)]


def view(session: Session, viewer: Viewer, reference: str, kind: str, now: datetime) -> ReportView:
    """The report with all that stands beside it. Raises NotFound."""
    found = report(session, viewer, reference, kind)
    application = session.get_one(Application, found.application_id)
    is_final = found.kind == ReportKind.FINAL
    return ReportView(
        application=application,
        report=found,
        standing=standing(session, found, viewer, now),
        promised=promised(session, application),
        interim=_of_kind(session, application, ReportKind.INTERIM) if is_final else None,
    )


def promised(session: Session, application: Application) -> Promised:
    """What was proposed (as last submitted, else as it stands) and what was agreed."""
    award = session.exec(select(Award).where(Award.application_id == application.id)).first()
    return Promised(
        title=application.title,
        theme=application.theme,
        requested=application.requested,
        awarded=award.amount if award else None,
        starts_on=award.starts_on if award else None,
        ends_on=award.ends_on if award else None,
        conditions=award.conditions if award else "",
        answers=_answers(session, application),
    )


def beginning(view: ReportView) -> dict[str, str | int | None]:
    """What the form of a report begins with: what is stored; in a final report nobody has saved yet, the interim one's.

    Nothing of it is stored before the grantee saves.
    """
    stored = {name: getattr(view.report, name) for name in (*TEXTS, *NUMBERS)}
    if view.interim is None or view.report.edit_version:
        return stored
    return stored | {name: stored[name] or getattr(view.interim, name) for name in CARRIED}


def missing(report: Report) -> dict[str, str]:
    """Name and label of each part that is still empty."""
    empty = missing_report(report)
    return {name: label for name, label in REPORT_PARTS.items() if label in empty}


def _of_kind(session: Session, application: Application, kind: str) -> Report | None:
    return session.exec(
        select(Report).where(Report.application_id == id_of(application), Report.kind == kind)
    ).first()


def _answers(session: Session, application: Application) -> list[tuple[str, str, str]]:
    submitted = last_submission(session, application)
    if submitted is not None:
        texts = dict(submitted.content.get("answers", {}))
    else:
        rows = session.exec(select(Answer).where(Answer.application_id == application.id))
        texts = {row.question: row.text for row in rows}
    questions = session.get_one(Round, application.round_id).questions
    return [(q.key, q.label, texts[q.key]) for q in questions if texts.get(q.key, "").strip()]
