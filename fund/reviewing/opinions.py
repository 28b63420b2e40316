"""What the reviews of proposals come to, for those who decide, and for a reviewer whose own review is in."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from fund.base.audience import stands_as
from fund.base.definitions import definition_by_id
from fund.base.permissions import Viewer
from fund.reviewing.about import CAME_IN, deadlines, notes, outcome
from fund.reviewing.scoring import Summary, points, share, summary
from schema.applications import Application
from schema.deadlines import Deadline
from schema.people import Person
from schema.reviews import Review, Score
from schema.rounds import Round
from workflows import State


def values_of(scores: Iterable[Score]) -> dict[str, int | None]:
    """The value given for each criterion by its key; None where the reviewer abstained or has not scored yet."""
    return {score.criterion: score.value for score in scores}


def judged(session: Session, applications: Sequence[Application]) -> list[tuple[Review, float | None]]:
    """The reviews of the applications that came in, each with its weighted share. Three queries."""
    wanted = {one.round_id for one in applications}
    rounds = {one.id: one for one in session.exec(select(Round).where(col(Round.id).in_(wanted)))}
    criteria = {one.id: rounds[one.round_id].criteria for one in applications}
    reviews = _came_in(session, applications)
    scores: dict[int, list[Score]] = {}
    for score in session.exec(
        select(Score).where(col(Score.review_id).in_([review.id for review in reviews]))
    ):
        scores.setdefault(score.review_id, []).append(score)
    return [
        (review, share(criteria[review.application_id], values_of(scores.get(review.id or 0, ()))))
        for review in reviews
    ]


def _came_in(session: Session, applications: Sequence[Application]) -> list[Review]:
    reviews = session.exec(
        select(Review)
        .where(col(Review.application_id).in_([one.id for one in applications]))
        .order_by(col(Review.id))
    )
    return [review for review in reviews if outcome(session, review) == CAME_IN]


@dataclass(frozen=True)
class Opinion:
    """What the reviews of one application come to, and what they recommend (recommendation → how many)."""

    summary: Summary = field(default_factory=Summary)
    recommended: Mapping[str, int] = field(default_factory=dict)


def opinions(session: Session, applications: Sequence[Application]) -> dict[int, Opinion]:
    """What the reviews that came in say of each application, by its key. Three queries, however many there are.

    For managers: the caller has made sure of that.
    """
    found_by: dict[int, list[tuple[Review, float | None]]] = {one.id or 0: [] for one in applications}
    for review, reached in judged(session, applications):
        found_by[review.application_id].append((review, reached))
    return {
        key: Opinion(
            summary(reached for _, reached in found), Counter(review.recommendation for review, _ in found)
        )
        for key, found in found_by.items()
    }


def opinion(session: Session, viewer: Viewer, application: Application) -> Opinion:
    """What the reviews of one application come to; an empty one for whoever may not read them."""
    if not reads_reviews(session, viewer, application):
        return Opinion()
    return opinions(session, [application])[application.id or 0]


@dataclass(frozen=True)
class Row:
    """One review of an application as managers see it. Its share and words are there once it has come in."""

    review: Review
    reviewer: Person
    state: State
    deadline: Deadline | None
    share: float | None
    recommendation: str
    note: str
    """The reason of its last move that had one: a conflict, a refusal, a cancellation."""

    @property
    def points(self) -> int | None:
        """The weighted score as points of 100."""
        return points(self.share)


def of_application(session: Session, viewer: Viewer, application: Application) -> list[Row]:
    """Every review of the application, in the order in which they were asked for; for managers and auditors.

    Empty for everybody else, and for a manager who acts for the applicant. Six queries.
    """
    if not reads_reviews(session, viewer, application):
        return []
    rows = session.exec(
        select(Review, Person)
        .join(Person, col(Person.id) == col(Review.reviewer_id))
        .where(Review.application_id == application.id)
        .order_by(col(Review.id))
    ).all()
    reviews = [review for review, _ in rows]
    known = (deadlines(session, reviews), notes(session, reviews))
    shares = {review.id: reached for review, reached in judged(session, [application])}
    return [_row(session, review, person, shares.get(review.id), *known) for review, person in rows]


def reads_reviews(session: Session, viewer: Viewer, application: Application) -> bool:
    """Whether the viewer sees who reviews the application and what they say."""
    return viewer.reads_everything and "applicant" not in stands_as(session, application, viewer)


def _row(
    session: Session,
    review: Review,
    person: Person,
    reached: float | None,
    due: Mapping[int, Deadline],
    reasons: Mapping[int, str],
) -> Row:
    key = review.id or 0
    state = definition_by_id(session, review.workflow_id).state(review.state)
    said = review.recommendation if state.outcome == CAME_IN else ""
    return Row(review, person, state, due.get(key), reached, said, reasons.get(key, ""))
