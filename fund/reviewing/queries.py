"""What reviewers see of their reviews, and managers of all reviews. Who may not see a thing gets NotFound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session, col, func, select

from fund.applying.submitted import last_submission
from fund.base import access
from fund.base.audience import left_to
from fund.base.definitions import definition_by_id, definition_of
from fund.base.moved import Moved, last_moves
from fund.base.permissions import Viewer
from fund.reviewing import service
from fund.reviewing.about import CAME_IN, deadlines, notes
from fund.reviewing.opinions import judged, values_of
from fund.reviewing.scoring import Summary, points, share, summary
from schema.applications import Application
from schema.deadlines import Deadline
from schema.people import Member, Person
from schema.reviews import Review, Score
from schema.rounds import Criterion, Round
from workflows import State


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
    note: str
    scored: int
    """How many criteria have a score and a reason."""

    @property
    def waits(self) -> bool:
        """Whether the reviewer still has to do something about it."""
        return not self.state.final


def brief(session: Session, application: Application) -> Brief:
    """The application with its member and its round. Two queries."""
    return Brief(
        application.reference,
        application,
        session.get_one(Member, application.member_id),
        session.get_one(Round, application.round_id),
    )


def reference_of(session: Session, review: Review) -> str:
    """The reference of the review's application."""
    return session.get_one(Application, review.application_id).reference


def all_asked(session: Session, application: Application, people: Sequence[int]) -> bool:
    """Whether each of these people (at least one) has a review of the application."""
    asked = session.exec(select(Review.reviewer_id).where(Review.application_id == application.id)).all()
    return bool(people) and set(people) <= set(asked)


def mine(session: Session, viewer: Viewer) -> list[Task]:
    """The viewer's reviews: what waits first, the nearest deadline on top; then what is over, the latest on top.

    Four queries, however many there are.
    """
    rows = session.exec(
        select(Review, Application, Member, Round)
        .join(Application, col(Application.id) == col(Review.application_id))
        .join(Member, col(Member.id) == col(Application.member_id))
        .join(Round, col(Round.id) == col(Application.round_id))
        .where(Review.reviewer_id == viewer.person_id)
    ).all()
    reviews = [review for review, *_ in rows]
    known = (deadlines(session, reviews), notes(session, reviews), _scored(session, reviews))
    tasks = [
        _task(session, viewer, review, Brief(application.reference, application, member, round_), *known)
        for review, application, member, round_ in rows
    ]
    return sorted(tasks, key=_by_urgency)


def next_waiting(session: Session, viewer: Viewer) -> Task | None:
    """The review that the viewer owes next."""
    return next((task for task in mine(session, viewer) if task.waits), None)


def _task(
    session: Session,
    viewer: Viewer,
    review: Review,
    brief: Brief,
    due: Mapping[int, Deadline],
    reasons: Mapping[int, str],
    scored: Mapping[int, int],
) -> Task:
    key = review.id or 0
    state = definition_by_id(session, review.workflow_id).state(review.state)
    opened = "reviewer" in state.read and brief.application.member_id not in viewer.member_ids
    return Task(review, state, brief, due.get(key), opened, reasons.get(key, ""), scored.get(key, 0))


def _scored(session: Session, reviews: Sequence[Review]) -> dict[int, int]:
    found = session.exec(
        select(Score.review_id, func.count())
        .where(
            col(Score.review_id).in_([review.id for review in reviews]),
            col(Score.value).is_not(None),
            Score.reason != "",
        )
        .group_by(col(Score.review_id))
    )
    return dict(found.all())


def _by_urgency(task: Task) -> tuple[bool, float, int]:
    far = datetime.max.replace(tzinfo=UTC)
    moment = (task.deadline.due_at if task.deadline else far) if task.waits else task.review.state_since
    sign = 1 if task.waits else -1
    return (not task.waits, sign * moment.timestamp(), task.review.id or 0)


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

    @property
    def begun(self) -> bool:
        """Whether there is a score or a reason."""
        return self.value is not None or bool(self.reason)

    @property
    def done(self) -> bool:
        """Whether there are both, as a review needs to be submitted."""
        return self.value is not None and bool(self.reason)


@dataclass(frozen=True)
class Reading:
    """One review with the proposal beside it.

    ``open`` tells whether the answers are there to read; ``written`` whether the viewer sees what was written in the
    review; ``others`` is what the other reviews come to, for a reviewer whose own is in; ``moved`` how the deadline was
    given another day, if it was.
    """

    review: Review
    reviewer: Person
    state: State
    brief: Brief
    deadline: Deadline | None
    moved: Mapping[int, Moved]
    own: bool
    open: bool
    written: bool
    editable: bool
    blocks: Sequence[Block]
    rest: Sequence[Answered]
    """Answers that no criterion is judged by."""
    share: float | None
    others: Summary | None = None
    note: str = ""
    """Why it was last opened again, cancelled or given back, if a reason was given."""
    left: str = ""
    """Who runs the round, for a manager who does not."""

    @property
    def points(self) -> int | None:
        """The weighted score as points of 100; None while a criterion has no score."""
        return points(self.share)


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
    deadline = deadlines(session, [review]).get(review.id or 0)
    return Reading(
        review=review,
        reviewer=session.get_one(Person, review.reviewer_id),
        state=state,
        brief=Brief(
            application.reference, application, session.get_one(Member, application.member_id), round_
        ),
        deadline=deadline,
        moved=last_moves(session, viewer, [deadline]),
        own=own,
        open=opened,
        written=written,
        editable=access.may_edit(session, review, viewer),
        blocks=_blocks(round_, scores if written else {}, answers[1]),
        rest=answers[0],
        share=share(round_.criteria, values_of(scores.values())) if written else None,
        others=_others(session, review) if own and came_in else None,
        note=notes(session, [review]).get(review.id or 0, ""),
        left=left_to(session, review, viewer),
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
    submitted = last_submission(session, application)
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
    return summary(one for found, one in judged(session, [application]) if found.id != review.id)
