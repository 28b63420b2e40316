"""Where a mail leads: straight to the page on which its reader acts, not to the one above it."""

from collections.abc import Mapping

from sqlmodel import Session

from fund.base.subjects import Subject, application_of, path_of

PROPOSAL = "/applications/{reference}"
REVIEWERS = "/pipeline/{reference}/reviewers"

STRAIGHT: Mapping[tuple[str, str], str] = {
    ("applicant", "submission"): f"{PROPOSAL}/edit",
    ("applicant", "returned"): f"{PROPOSAL}/edit",
    ("applicant", "resubmission"): f"{PROPOSAL}/edit",
    ("applicant", "offer"): f"{PROPOSAL}/offer",
    ("applicant", "agreement_receipt"): f"{PROPOSAL}/offer",
    ("applicant", "report_accepted"): PROPOSAL,
    ("applicant", "lesson_asked"): f"{PROPOSAL}/lesson",
    ("manager", "review_declined"): REVIEWERS,
    ("manager", "conflict_declared"): REVIEWERS,
    ("reviewer", "review_cancelled"): "/reviews",
    ("reviewer", "noted"): "/reviews",
}
"""By the reader's role and what it is about: a notice's template or a deadline's key. All else leads to its subject."""


def link_for(session: Session, subject: Subject, role: str, about: str) -> str:
    """The path, below the fund's address, for whoever stands in ``role`` to the subject."""
    application, path = application_of(session, subject), STRAIGHT.get((role, about))
    if path is None or application is None:
        return path_of(session, subject)
    return path.format(reference=application.reference)
