"""What was handed in, word for word, for every later step that reads it."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from schema.applications import Application, Submission


def submissions(session: Session, application: Application) -> Sequence[Submission]:
    """The proposal as it was handed in, each time, the first one first."""
    return session.exec(
        select(Submission).where(Submission.application_id == application.id).order_by(col(Submission.number))
    ).all()


def last_submission(session: Session, application: Application) -> Submission | None:
    """The proposal as it was handed in last, if it was."""
    found = select(Submission).where(Submission.application_id == application.id)
    return session.exec(found.order_by(col(Submission.number).desc()).limit(1)).first()
