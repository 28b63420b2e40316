"""What somebody does before a move can be made: the answers, scores, terms and words that its guards ask for.

Each goes through the service that the page would call. What stands there already stays as it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from fund.applying import service as applying
from fund.applying.fields import Edit, Keep, choices
from fund.awarding import service as awarding
from fund.awarding.terms import Terms
from fund.base.definitions import definition_of
from fund.base.facts import REPORT_PARTS, gaps
from fund.base.permissions import Viewer
from fund.base.subjects import id_of, round_of
from fund.rehearsing.cast import Cast
from fund.reporting import service as reporting
from fund.reporting.fields import NUMBERS
from fund.reviewing import service as reviewing
from fund.reviewing.scorecard import Given, Scorecard
from fund.rounds.queries import purse
from fund.sharing import service as sharing
from notifications.dates import add_months
from schema.applications import Application
from schema.lessons import CLEARED_ONE_BY_ONE, TEXTS, Lesson
from schema.reports import Report
from schema.reviews import Review, Score
from schema.rounds import THEMES, Round
from schema.values import Money
from workflows import Ask, Move

WORDS = "(Rehearsed.)"
"""What stands wherever a person would have written something."""
THEME = next(iter(THEMES))


@dataclass(frozen=True)
class Making:
    """A move about to be made: by whom, of what, when."""

    session: Session
    cast: Cast
    viewer: Viewer
    subject: Any
    now: datetime


def is_needed(move: Move) -> bool:
    """Whether anything is done before the move."""
    return any(call.name in PREPARERS for call in move.guards)


def prepare(making: Making, move: Move) -> None:
    """Do what the guards of the move ask for, as far as somebody in this room knows how. Raises FundError."""
    for call in move.guards:
        if call.name in PREPARERS:
            PREPARERS[call.name](making, call.argument)


def given(making: Making, asks: tuple[Ask, ...]) -> dict[str, Any]:
    """What the move asks for besides a reason, by name."""
    values: Mapping[str, Any] = {
        "text": making.viewer.name or WORDS,
        "tick": True,
        "date": (making.now + timedelta(days=14)).date(),
        "amount": 1_00,
    }
    return {ask.name: values[ask.kind] for ask in asks}


def affordable(session: Session, application: Application) -> bool:
    """Whether what the proposal asks for still fits into the round's pot, or an award is prepared already."""
    round_ = round_of(session, application)
    return awarding.award_of(session, application) is not None or (
        _wanted(round_, application) <= purse(session, round_).left.minor
    )


def first_page(round_: Round, title: str) -> Edit:
    """The first page of an invented proposal."""
    return Edit(title=title, theme=THEME, requested_minor=round_.ceiling_minor)


def _answers(making: Making, _argument: Any) -> None:
    session, application = making.session, making.subject
    missing = {gap.key for gap in gaps(session, application)}
    if not missing:
        return
    round_ = round_of(session, application)
    edit = Edit(
        title=WORDS if "title" in missing else None,
        theme=THEME if "theme" in missing else None,
        requested_minor=round_.ceiling_minor if "requested_minor" in missing else Keep.KEEP,
        answers={
            question.key: next(iter(choices(question)), WORDS)
            for question in round_.questions
            if question.key in missing
        },
    )
    version = application.edit_version
    applying.save(session, making.viewer, application.reference, edit, edit_version=version, now=making.now)


def _reviewers(making: Making, wanted: int) -> None:
    """Ask as many reviewers as are missing, beginning with another one for each proposal."""
    session, application = making.session, making.subject
    if not reviewing.takes_reviews(session, application):
        return
    asked = session.exec(select(Review).where(col(Review.application_id) == application.id)).all()
    states = [definition_of(session, one).state(one.state) for one in asked]
    missing = wanted - sum(state.outcome in (None, "submitted") for state in states)
    there = {one.reviewer_id for one in asked}
    pool = making.cast.reviewers
    start = id_of(application) % max(len(pool), 1)
    free = [
        one
        for one in [*pool[start:], *pool[:start]]
        if one.person_id not in there and application.member_id not in one.member_ids
    ]
    if keys := [one.person_id or 0 for one in free[: max(missing, 0)]]:
        reviewing.assign(session, making.viewer, application, keys, now=making.now)


def _award(making: Making, _argument: Any) -> None:
    session, application = making.session, making.subject
    if awarding.award_of(session, application) is not None:
        return
    round_ = round_of(session, application)
    starts = max(round_.decision_on, making.now.astimezone(ZoneInfo(round_.zone)).date()) + timedelta(days=30)
    terms = Terms(
        Money(_wanted(round_, application), round_.currency),
        starts,
        add_months(starts, max(round_.project_months, 1)),
    )
    awarding.prepare_award(
        session, making.viewer, application, terms, version=application.version, now=making.now
    )


def _wanted(round_: Round, application: Application) -> int:
    return min(application.requested_minor or round_.ceiling_minor, round_.ceiling_minor)


def _scores(making: Making, _argument: Any) -> None:
    session, review = making.session, making.subject
    stored = {
        score.criterion: score
        for score in session.exec(select(Score).where(col(Score.review_id) == review.id))
    }
    scores = {}
    for criterion in round_of(session, review).criteria:
        there = stored.get(criterion.key)
        value = there.value if there is not None and there.value is not None else criterion.top
        scores[criterion.key] = Given(value, (there.reason if there is not None else "").strip() or WORDS)
    card = Scorecard(scores, review.recommendation or "fund", review.comment, review.feedback)
    reviewing.save_scores(session, making.viewer, id_of(review), card, edit_version=review.edit_version)


def _report(making: Making, _argument: Any) -> None:
    report: Report = making.subject
    empty = [name for name in REPORT_PARTS if getattr(report, name) in (None, "")]
    fields: dict[str, str | int | None] = {name: 0 if name in NUMBERS else WORDS for name in empty}
    reporting.save_report(making.session, making.viewer, report, fields, report.edit_version)


def _lesson(making: Making, _argument: Any) -> None:
    lesson: Lesson = making.subject
    fields = {name: WORDS for name in TEXTS if not getattr(lesson, name).strip()}
    if not lesson.theme:
        fields["theme"] = THEME
    consent = {"title": "public"} if lesson.consent else dict.fromkeys(CLEARED_ONE_BY_ONE, "public")
    sharing.save_lesson(
        making.session, making.viewer, lesson, fields, consent, lesson.edit_version, making.now
    )


def _clearance(making: Making, _argument: Any) -> None:
    lesson: Lesson = making.subject
    clearance = {name: level for name, level in lesson.consent.items() if name not in lesson.clearance}
    sharing.clear(making.session, making.viewer, lesson, clearance, lesson.edit_version, making.now)


PREPARERS: Mapping[str, Callable[[Making, Any], None]] = {
    "form_complete": _answers,
    "min_reviewers": _reviewers,
    "award_prepared": _award,
    "scorecard_complete": _scores,
    "report_complete": _report,
    "lesson_complete": _lesson,
    "publication_cleared": _clearance,
}
"""By guard. Guards that look at what others do, or at the clock, are waited for."""
