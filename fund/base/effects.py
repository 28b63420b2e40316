"""What a move writes besides the state, in the same transaction: receipts of the moment, signatures, snapshots.

They hang on the move and not on a page, so that whichever door the move is made through writes the same.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from fund.base.permissions import Viewer
from fund.base.subjects import Subject, kind_of
from schema.applications import Answer, Application, Submission
from schema.awards import Award
from schema.lessons import Lesson
from schema.reports import Report
from schema.reviews import Review

Effect = Callable[[Session, Any, Viewer | None, Mapping[str, Any], datetime], None]


def write(
    session: Session,
    subject: Subject,
    records: Iterable[str],
    viewer: Viewer | None,
    data: Mapping[str, Any],
    now: datetime,
) -> None:
    """Write what the move records, as its workflow declares. ``data`` holds what it asks for; the engine looked at it.

    Raises ValueError for a record that this kind of subject cannot leave.
    """
    for record in records:
        effect = EFFECTS.get((kind_of(subject), record))
        if effect is None:
            raise ValueError(f"a {kind_of(subject)} leaves no {record} on record")
        effect(session, subject, viewer, data, now)


def _submitted(
    session: Session, application: Application, viewer: Viewer | None, data: Mapping[str, Any], now: datetime
) -> None:
    assert viewer is not None
    assert viewer.person_id is not None
    number = session.exec(
        select(func.count()).select_from(Submission).where(col(Submission.application_id) == application.id)
    ).one()
    answers = session.exec(select(Answer).where(Answer.application_id == application.id)).all()
    session.add(
        Submission(
            application_id=application.id or 0,
            number=number + 1,
            content={
                "title": application.title,
                "theme": application.theme,
                "requested_minor": application.requested_minor,
                "currency": application.currency,
                "answers": {answer.question: answer.text for answer in answers},
            },
            submitted_at=now,
            submitted_by_id=viewer.person_id,
        )
    )
    application.submitted_at = application.submitted_at or now
    if data.get("declaration"):
        application.declared_by_id = viewer.person_id


def _signed(
    session: Session, application: Application, viewer: Viewer | None, data: Mapping[str, Any], now: datetime
) -> None:
    award = session.exec(select(Award).where(Award.application_id == application.id)).one()
    award.signed_at, award.signed_name = now, str(data.get("signed_name", "")).strip()
    award.signed_by_id = viewer.person_id if viewer else None


def _review_in(
    _session: Session, review: Review, _viewer: Viewer | None, _data: Mapping[str, Any], now: datetime
) -> None:
    review.submitted_at = now


def _report_in(
    _session: Session, report: Report, _viewer: Viewer | None, _data: Mapping[str, Any], now: datetime
) -> None:
    report.handed_in_at = now


def _published(
    _session: Session, lesson: Lesson, _viewer: Viewer | None, _data: Mapping[str, Any], now: datetime
) -> None:
    lesson.published_at = now


EFFECTS: Mapping[tuple[str, str], Effect] = {
    ("application", "submission"): _submitted,
    ("application", "signature"): _signed,
    ("review", "arrival"): _review_in,
    ("report", "arrival"): _report_in,
    ("lesson", "publication"): _published,
}
