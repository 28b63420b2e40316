"""What reviewers see of their reviews, and managers of all reviews. Who may not see a thing gets NotFound."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlmodel import Session, col, select

from fund.base import access
from fund.base.audience import actor_of
from fund.base.definitions import definition_by_id, definition_of
from fund.base.permissions import Viewer
from fund.reviewing import service
from fund.reviewing.scoring import Summary, share, summary
from schema.applications import Application, Submission
from schema.deadlines import Deadline, DeadlineStatus
from schema.people import Member, Person
from schema.reviews import Review, Score
from schema.rounds import Criterion, Round
from workflows import State

CAME_IN = "submitted"
"""The declared outcome of a review that counts."""


@dataclass(frozen=True)
class Brief:
    """What a reviewer may know of a proposal before she has said that she has no conflict of interest."""

    reference: str
    application: Application
    member: Member
    round: Round


@dataclass(frozen=True)
class Task:
    """One review of a reviewer's list. Only what can be ``opened`` leads anywhere."""

    review: Review
    state: State
    brief: Brief
    deadline: Deadline | None
    opened: bool

    @property
    def waits(self) -> bool:
        """Whether the reviewer still has to do something about it."""
        return not self.state.final


def mine(session: Session, viewer: Viewer) -> list[Task]:
    """The viewer's reviews: what waits first, the nearest deadline on top; then what is over, the latest on top.

    Two queries, however many there are.
    """
    rows = session.exec(
        select(Review, Application, Member, Round)
        .join(Application, col(Application.id) == col(Review.application_id))
        .join(Member, col(Member.id) == col(Application.member_id))
        .join(Round, col(Round.id) == col(Application.round_id))
        .where(Review.reviewer_id == viewer.person_id)
    ).all()
    due = deadlines(session, [review for review, *_ in rows])
    tasks = [
        _task(session, viewer, review, Brief(application.reference, application, member, round_), due)
        for review, application, member, round_ in rows
    ]
    return sorted(tasks, key=_by_urgency)


def _task(
    session: Session, viewer: Viewer, review: Review, brief: Brief, due: Mapping[int, Deadline]
) -> Task:
    state = definition_by_id(session, review.workflow_id).state(review.state)
    opened = "reviewer" in state.read and brief.application.member_id not in viewer.member_ids
    return Task(review, state, brief, due.get(review.id or 0), opened)


def _by_urgency(task: Task) -> tuple[bool, float, int]:
    far = datetime.max.replace(tzinfo=UTC)
    moment = (task.deadline.due_at if task.deadline else far) if task.waits else task.review.state_since
    sign = 1 if task.waits else -1
    return (not task.waits, sign * moment.timestamp(), task.review.id or 0)


def deadlines(session: Session, reviews: Iterable[Review]) -> dict[int, Deadline]:
    """The nearest open deadline of each of the reviews that has one. One query."""
    found = session.exec(
        select(Deadline)
        .where(
            Deadline.subject_kind == "review",
            col(Deadline.subject_id).in_([review.id for review in reviews]),
            Deadline.status == DeadlineStatus.OPEN,
        )
        .order_by(col(Deadline.due_at).desc())
    )
    return {deadline.subject_id: deadline for deadline in found}


@dataclass(frozen=True)
class Answered:
    """A question of the form and what the applicant answered, as it was submitted."""

    key: str
    label: str
    text: str


@dataclass(frozen=True)
class Block:
    """A criterion, the answers it is judged by, and what this reviewer gave."""

    criterion: Criterion
    answers: Sequence[Answered]
    score: Score | None

    @property
    def value(self) -> int | None:
        """The score, if there is one yet."""
        return self.score.value if self.score else None

    @property
    def reason(self) -> str:
        """The reason for the score."""
        return self.score.reason if self.score else ""


@dataclass(frozen=True)
class Reading:
    """One review with the proposal beside it.

    ``open`` tells whether the answers are there to read; ``written`` whether the viewer sees what was written in the
    review; ``others`` is what the other reviews come to, for a reviewer whose own is in.
    """

    review: Review
    reviewer: Person
    state: State
    brief: Brief
    deadline: Deadline | None
    own: bool
    open: bool
    written: bool
    editable: bool
    blocks: Sequence[Block]
    rest: Sequence[Answered]
    """Answers that no criterion is judged by."""
    share: float | None
    others: Summary | None = None
    reopened_for: str = ""


def reading(session: Session, viewer: Viewer, review_id: int) -> Reading:
    """The review with the answers beside the criteria, as far as the viewer may see either. Raises NotFound.

    The reviewer reads the answers once she has begun (which says that she has no conflict of interest), and only
    while both workflows let a reviewer read. What she writes is seen by others once it is in.
    """
    review = service.of(session, viewer, review_id)
    application = session.get_one(Application, review.application_id)
    round_ = session.get_one(Round, application.round_id)
    state = definition_of(session, review).state(review.state)
    own = review.reviewer_id == viewer.person_id
    came_in = state.outcome == CAME_IN
    opened = answers_open(session, review, viewer)
    scores = {
        score.criterion: score for score in session.exec(select(Score).where(Score.review_id == review.id))
    }
    answers = _answers(session, application, round_) if opened else ([], {})
    written = own or came_in
    return Reading(
        review=review,
        reviewer=session.get_one(Person, review.reviewer_id),
        state=state,
        brief=Brief(
            application.reference, application, session.get_one(Member, application.member_id), round_
        ),
        deadline=deadlines(session, [review]).get(review.id or 0),
        own=own,
        open=opened,
        written=written,
        editable=access.may_edit(session, review, viewer),
        blocks=_blocks(round_, scores if written else {}, answers[1]),
        rest=answers[0],
        share=share(round_.criteria, _values(scores.values())) if written else None,
        others=_others(session, review) if own and came_in else None,
    )


def answers_open(session: Session, review: Review, viewer: Viewer) -> bool:
    """Whether the viewer may read the application's answers beside this review."""
    application = session.get_one(Application, review.application_id)
    return access.may_read(session, application, viewer)


def _blocks(
    round_: Round, scores: Mapping[str, Score], answers: Mapping[str, Sequence[Answered]]
) -> list[Block]:
    return [
        Block(criterion, answers.get(criterion.key, ()), scores.get(criterion.key))
        for criterion in round_.criteria
    ]


def _answers(
    session: Session, application: Application, round_: Round
) -> tuple[list[Answered], dict[str, list[Answered]]]:
    """The answers as they were last submitted: those without a criterion, and the others by criterion."""
    submitted = session.exec(
        select(Submission)
        .where(Submission.application_id == application.id)
        .order_by(col(Submission.number).desc())
        .limit(1)
    ).first()
    texts = submitted.content["answers"] if submitted else {}
    criteria = {criterion.key for criterion in round_.criteria}
    rest: list[Answered] = []
    beside: dict[str, list[Answered]] = {}
    for question in round_.questions:
        answered = Answered(question.key, question.label, texts.get(question.key, ""))
        (beside.setdefault(question.criterion, []) if question.criterion in criteria else rest).append(
            answered
        )
    return rest, beside


def _others(session: Session, review: Review) -> Summary:
    application = session.get_one(Application, review.application_id)
    return summary(one for found, one in _judged(session, [application]) if found.id != review.id)


def _values(scores: Iterable[Score]) -> dict[str, int | None]:
    return {score.criterion: score.value for score in scores}


def _judged(session: Session, applications: Sequence[Application]) -> list[tuple[Review, float | None]]:
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
        (review, share(criteria[review.application_id], _values(scores.get(review.id or 0, ()))))
        for review in reviews
    ]


def _came_in(session: Session, applications: Sequence[Application]) -> list[Review]:
    reviews = session.exec(
        select(Review)
        .where(col(Review.application_id).in_([one.id for one in applications]))
        .order_by(col(Review.id))
    )
    return [review for review in reviews if outcome(session, review) == CAME_IN]


def outcome(session: Session, review: Review) -> str | None:
    """How the review ended, as its workflow declares it (``submitted``, ``conflict`` …); None while it goes on."""
    return definition_by_id(session, review.workflow_id).state(review.state).outcome


@dataclass(frozen=True)
class Opinion:
    """What the reviews of one application come to, and what they recommend (recommendation → how many)."""

    summary: Summary = field(default_factory=Summary)
    recommended: Mapping[str, int] = field(default_factory=dict)


def opinions(session: Session, applications: Sequence[Application]) -> dict[int, Opinion]:
    """What the reviews that came in say of each application, by its key. Three queries, however many there are.

    For managers: the caller has made sure of that.
    """
    judged: dict[int, list[tuple[Review, float | None]]] = {one.id or 0: [] for one in applications}
    for review, reached in _judged(session, applications):
        judged[review.application_id].append((review, reached))
    return {
        key: Opinion(
            summary(reached for _, reached in found), Counter(review.recommendation for review, _ in found)
        )
        for key, found in judged.items()
    }


@dataclass(frozen=True)
class Row:
    """One review of an application as managers see it. Its share and words are there once it has come in."""

    review: Review
    reviewer: Person
    state: State
    deadline: Deadline | None
    share: float | None
    recommendation: str


def of_application(session: Session, viewer: Viewer, application: Application) -> list[Row]:
    """Every review of the application, in the order in which they were asked for; for managers and auditors.

    Empty for everybody else, and for a manager who acts for the applicant. Five queries.
    """
    if not reads_reviews(session, viewer, application):
        return []
    rows = session.exec(
        select(Review, Person)
        .join(Person, col(Person.id) == col(Review.reviewer_id))
        .where(Review.application_id == application.id)
        .order_by(col(Review.id))
    ).all()
    due = deadlines(session, [review for review, _ in rows])
    shares = {review.id: reached for review, reached in _judged(session, [application])}
    return [_row(session, review, person, due, shares) for review, person in rows]


def reads_reviews(session: Session, viewer: Viewer, application: Application) -> bool:
    """Whether the viewer sees who reviews the application and what they say."""
    return viewer.reads_everything and "applicant" not in actor_of(session, application, viewer).roles


def _row(
    session: Session,
    review: Review,
    person: Person,
    due: Mapping[int, Deadline],
    shares: Mapping[int | None, float | None],
) -> Row:
    key = review.id or 0
    state = definition_by_id(session, review.workflow_id).state(review.state)
    said = review.recommendation if state.outcome == CAME_IN else ""
    return Row(review, person, state, due.get(key), shares.get(key), said)
