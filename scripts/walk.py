"""Who looks at which pages of the demonstration: the list behind ``make pictures``, and what the tests visit."""

from collections.abc import Iterator, Sequence

from sqlmodel import Session, col, select

from schema.applications import Application
from schema.lessons import Lesson
from schema.outbox import Message
from schema.people import Member, Membership, Person, PersonRole, Role
from schema.reports import Report
from schema.reviews import Review
from schema.rounds import Round

Page = tuple[str, str]
"""A name for the picture, and the path."""
Walk = tuple[Person | None, list[Page]]
WRITTEN = ("draft", "returned")
"""States in which the applicant writes."""


def walks(session: Session) -> Iterator[Walk]:
    """Every page in every state that the demonstration shows, each by somebody who sees it."""
    slugs = session.exec(select(Round.slug).order_by(col(Round.opens_on))).all()
    yield None, list(_public(session, slugs))
    manager, auditor = _holders(session, Role.MANAGER)[0], _holders(session, Role.AUDITOR)[0]
    yield manager, [*_office(session), *_rounds(slugs), *_files(session)]
    read = ("home", "pipeline", "people", "members")
    yield auditor, [(f"auditor-{name}", f"/{name}") for name in read]
    seen: set[str] = set()
    for reviewer in _holders(session, Role.REVIEWER):
        yield reviewer, list(_reviews(session, reviewer, seen))
    for person in session.exec(select(Person).join(Membership).order_by(col(Person.id))).all():
        yield person, list(_proposals(session, person, seen))


def _public(session: Session, slugs: Sequence[str]) -> Iterator[Page]:
    yield from (("front", "/"), ("rounds", "/rounds"), ("projects", "/projects"), ("lessons", "/lessons"))
    yield from (("sign-in", "/sign-in"), ("not-found", "/nowhere"))
    yield "round-open", f"/rounds/{slugs[-1]}"
    yield "round-past", f"/rounds/{slugs[0]}"
    yield "round-form", f"/rounds/{slugs[-1]}/form"
    lesson = session.exec(select(Lesson.slug).where(Lesson.state == "published")).first()
    yield "lesson", f"/lessons/{lesson}"


def _office(session: Session) -> Iterator[Page]:
    names = ("home", "mail", "members", "people", "workflows", "account")
    yield from ((f"manager-{name}", f"/{name}") for name in names)
    yield from (("pipeline", "/pipeline"), ("demo-mail", "/demo/mail"), ("demo-mail-one", "/demo/mail/1"))
    yield "manager-mail-one", f"/mail/{session.exec(select(Message.id)).first()}"
    yield from (("member-new", "/members/new"), ("person-new", "/people/new"))
    yield "member", f"/members/{session.exec(select(Member.slug)).first()}"
    yield "person", f"/people/{session.exec(select(Person.id)).first()}"


def _rounds(slugs: Sequence[str]) -> Iterator[Page]:
    yield "round-new", "/rounds/new"
    for name, slug in (("past", slugs[0]), ("open", slugs[-1])):
        yield from (
            (f"round-{name}-{part}", f"/rounds/{slug}/{part}") for part in ("manage", "decisions", "workflow")
        )
    yield "round-open-edit", f"/rounds/{slugs[-1]}/edit"
    for part in ("days", "reminders", "working-days"):
        yield f"round-open-{part}", f"/rounds/{slugs[-1]}/{part}"
    yield "round-open-reminder", f"/rounds/{slugs[-1]}/reminders/application/submission"


def _files(session: Session) -> Iterator[Page]:
    """The manager's file on one application in each state, with its lesson and its reports."""
    seen: set[str] = {*WRITTEN[:1]}
    for row in session.exec(select(Application).order_by(col(Application.id))):
        if row.state in seen:
            continue
        seen.add(row.state)
        base = f"/pipeline/{row.reference}"
        yield f"file-{row.state}", base
        yield f"file-{row.state}-history", f"{base}/history"
        if row.state in ("in_review", "completed"):
            parts = ("proposal", "workflow", "mail", "reviewers", "award", "public")
            yield from ((f"file-{row.state}-{part}", f"{base}/{part}") for part in parts)
        for trigger in {"submitted": ["start_screening"], "in_review": ["close_review"]}.get(row.state, []):
            yield f"file-{row.state}-move", f"/applications/{row.reference}/moves/{trigger}"
        for report in session.exec(
            select(Report).where(Report.application_id == row.id, Report.state == "under_review")
        ):
            yield "file-report-under_review", f"/applications/{row.reference}/reports/{report.kind}"
        for lesson in session.exec(select(Lesson).where(Lesson.application_id == row.id)):
            yield f"file-lesson-{lesson.state}", f"/applications/{row.reference}/lesson"


def _reviews(session: Session, reviewer: Person, seen: set[str]) -> Iterator[Page]:
    if "reviews" not in seen:
        seen.add("reviews")
        yield from (("reviewer-home", "/home"), ("reviewer-reviews", "/reviews"))
    for review in session.exec(select(Review).where(Review.reviewer_id == reviewer.id)):
        if review.state == "conflict":
            continue  # the page is closed to her from then on
        if f"review-{review.state}" not in seen:
            seen.add(f"review-{review.state}")
            yield f"reviewer-review-{review.state}", f"/reviews/{review.id}"
            if review.state == "assigned":
                yield "reviewer-review-conflict-ask", f"/reviews/{review.id}/moves/declare_conflict"


def _proposals(session: Session, person: Person, seen: set[str]) -> Iterator[Page]:
    if "home" not in seen:
        seen.add("home")
        open_round = session.exec(select(Round.slug).order_by(col(Round.opens_on).desc())).first()
        yield from (("applicant-home", "/home"), ("applicant-proposals", "/applications"))
        yield "applicant-start", f"/rounds/{open_round}/start"
    for row in session.exec(select(Application).where(Application.author_id == person.id)):
        base = f"/applications/{row.reference}"
        if f"proposal-{row.state}" not in seen:
            seen.add(f"proposal-{row.state}")
            yield f"applicant-proposal-{row.state}", base
            if row.state in WRITTEN:
                yield from _writing(row, base)
            if row.state == "submitted":
                yield "applicant-submitted", f"{base}/submitted"
                yield "applicant-withdraw", f"{base}/moves/withdraw"
            if row.state == "agreement_signed":
                yield "applicant-offer-signed", f"{base}/offer"
        yield from _owed(session, row, base, seen)


def _writing(row: Application, base: str) -> Iterator[Page]:
    yield f"applicant-tasks-{row.state}", f"{base}/edit"
    yield f"applicant-page-{row.state}", f"{base}/edit/the-project"
    yield f"applicant-check-{row.state}", f"{base}/check"


def _owed(session: Session, row: Application, base: str, seen: set[str]) -> Iterator[Page]:
    """Reports and the lesson, one in each state."""
    for report in session.exec(select(Report).where(Report.application_id == row.id)):
        if f"report-{report.state}" not in seen:
            seen.add(f"report-{report.state}")
            yield f"applicant-report-{report.state}", f"{base}/reports/{report.kind}"
    for lesson in session.exec(select(Lesson).where(Lesson.application_id == row.id)):
        if f"lesson-{lesson.state}" not in seen:
            seen.add(f"lesson-{lesson.state}")
            yield f"applicant-lesson-{lesson.state}", f"{base}/lesson"


def _holders(session: Session, role: Role) -> list[Person]:
    people = select(Person).join(PersonRole).where(PersonRole.role == role).order_by(col(Person.id))
    return list(session.exec(people).all())
