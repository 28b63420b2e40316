"""Bringing things to life that a workflow then moves: an application's reviews, reports and lesson."""

import secrets
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from fund.base import deadlines, ledger
from fund.base.audience import Audience
from fund.base.definitions import definition_by_id, definition_of, held
from fund.base.notices import News, told
from fund.base.permissions import Viewer
from fund.base.subjects import Subject, chain_of, id_of, kind_of
from notifications.dates import add_months
from notifications.outbox import queue_rows
from schema.applications import Application
from schema.awards import Award
from schema.lessons import Lesson
from schema.reports import Report, ReportKind
from workflows import Start

FINAL_REPORT_AFTER = timedelta(days=30)
"""A final report is due this long after the project's end."""


def born(
    session: Session,
    subject: Subject,
    now: datetime,
    *,
    viewer: Viewer | None,
    role: str,
    data: dict[str, Any] | None = None,
) -> None:
    """Finish the birth of a subject whose row has just been added: ledger event, deadlines, notices of its definition.

    The row's ``state`` must be its definition's first one.
    """
    session.add(subject)
    session.flush()
    definition = definition_of(session, subject)
    event = ledger.append(
        session,
        chain=chain_of(subject),
        actor=viewer,
        role=role,
        subject_kind=kind_of(subject),
        subject_id=id_of(subject),
        action="created",
        target=subject.state,
        now=now,
        data=data,
    )
    audience = Audience(session)
    reminders = deadlines.begin(session, audience, [subject], now)
    news = News(subject, event, definition.notices)
    queue_rows(session, [*reminders, *told(session, audience, [news], now)])


def moved_columns(session: Session, round_id: int, name: str, now: datetime) -> dict[str, Any]:
    """Columns that a new row of that definition starts with, as the round has pinned it."""
    workflow_id = held(session, round_id, name)
    definition = definition_by_id(session, workflow_id)
    return {"workflow_id": workflow_id, "state": definition.initial, "state_since": now}


def start(session: Session, application: Application, wanted: Start, now: datetime) -> None:
    """Bring to life what a move of the application starts. What is there already is left as it is."""
    if wanted.child == "report":
        _start_report(session, application, wanted, now)
    elif wanted.child == "lesson":
        _start_lesson(session, application, now)
    else:
        raise ValueError(f"a move cannot start a {wanted.child}")


def _start_report(session: Session, application: Application, wanted: Start, now: datetime) -> None:
    kind = ReportKind(wanted.kind)
    there = select(Report).where(Report.application_id == application.id, Report.kind == kind)
    if session.exec(there).first():
        return
    award = session.exec(select(Award).where(Award.application_id == application.id)).one()
    report = Report(
        application_id=id_of(application),
        kind=kind,
        due_on=_report_day(award, wanted),
        currency=award.currency,
        created_at=now,
        **moved_columns(session, application.round_id, "report", now),
    )
    born(
        session, report, now, viewer=None, role=ledger.CLOCK_ROLE, data={"due_on": report.due_on.isoformat()}
    )


def _start_lesson(session: Session, application: Application, now: datetime) -> None:
    if session.exec(select(Lesson).where(Lesson.application_id == application.id)).first():
        return
    lesson = Lesson(
        application_id=id_of(application),
        slug=secrets.token_hex(6),
        title=application.title,
        theme=application.theme,
        created_at=now,
        **moved_columns(session, application.round_id, "lesson", now),
    )
    born(session, lesson, now, viewer=None, role=ledger.CLOCK_ROLE)


def report_days(session: Session, application: Application, award: Award) -> dict[ReportKind, date]:
    """By kind the day on which each report of a project on these terms is due, as the application's workflow has it."""
    moves = definition_of(session, application).moves.values()
    wanted = {one.kind: one for move in moves for one in move.starts if one.child == "report"}
    return {kind: _report_day(award, wanted.get(kind, Start("report", kind))) for kind in ReportKind}


def _report_day(award: Award, wanted: Start) -> date:
    """Where the workflow says none, the interim report is due half-way, the final one a month after the end."""
    if wanted.after:
        first: date = getattr(award, wanted.after.removeprefix("award."))
        return add_months(first, wanted.months)
    if wanted.kind == ReportKind.FINAL:
        return award.ends_on + FINAL_REPORT_AFTER
    return award.starts_on + (award.ends_on - award.starts_on) / 2
