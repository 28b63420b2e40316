"""What guards may look at. Each fact is read from the database only if a guard asks for it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_
from sqlmodel import Session, col, func, select

from fund.base.definitions import definition_by_id, definition_of
from fund.base.subjects import Subject, application_of, children_among, id_of, kind_of, round_of
from schema.applications import Answer, Application
from schema.awards import Award
from schema.deadlines import Deadline, DeadlineStatus
from schema.lessons import CLEARED_ONE_BY_ONE, TEXTS, Lesson, Reach
from schema.people import Membership
from schema.reports import Report
from schema.reviews import Review, Score
from schema.rounds import Round, Section
from schema.values import Money
from schema.wording import gettext_noop as _n

REPORT_PARTS = {
    "done": _n("What was done"),
    "changed": _n("What changed"),
    "difficulties": _n("What was difficult"),
    "next_steps": _n("What comes next"),
    "people_reached": _n("People reached"),
    "spent_minor": _n("Money spent"),
}
"""The parts of a report with their names for people; all are asked for."""


OPEN, CLOSING = "open", "round.closes_on"
"""The round's state in which proposals are taken, and the day until which they are, as workflows name them."""
SHARED = frozenset({"over_budget"})
"""Facts about one subject that a move of another changes."""


class Facts(Mapping[str, Any]):
    """A mapping whose values are computed once, when somebody asks."""

    def __init__(self, sources: Mapping[str, Callable[[], Any]]) -> None:
        self._sources = sources
        self._known: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = self._sources[name]()
        return self._known[name]

    @property
    def shared(self) -> bool:
        """Whether something was looked at that moves of other subjects change as well."""
        return not SHARED.isdisjoint(self._known)

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


def facts_of(session: Session, subject: Subject, now: datetime) -> Facts:
    """Everything that guards of this subject's moves may ask. The table of names stands in docs/workflows.md."""
    sources: dict[str, Callable[[], Any]] = {
        "round": partial(round_state, session, subject, now),
        "open_deadlines": partial(open_deadlines, session, subject, now),
    }
    application = application_of(session, subject)
    if isinstance(subject, Application):
        sources |= {
            "children": partial(child_states, session, subject),
            "missing_answers": partial(missing_answers, session, subject),
            "award_missing": partial(award_missing, session, subject),
            "over_budget": partial(over_budget, session, subject),
        }
    elif isinstance(subject, Round):
        sources["round_missing"] = partial(round_missing, subject, now)
        sources["children"] = partial(application_states, session, subject)
    elif application is not None:
        sources["parent"] = lambda: application.state
    if isinstance(subject, Review):
        sources["missing_scores"] = partial(missing_scores, session, subject)
        sources["conflict"] = partial(conflict, session, subject)
    elif isinstance(subject, Report):
        sources["missing_report"] = partial(missing_report, subject)
    elif isinstance(subject, Lesson):
        sources["missing_lesson"] = partial(missing_lesson, subject)
        sources["uncleared_fields"] = partial(uncleared_fields, subject)
    return Facts(sources)


def round_state(session: Session, subject: Subject, now: datetime) -> str:
    """Where the round stands. It is still open for whoever alone was given a later day than its closing."""
    round_ = round_of(session, subject)
    if not isinstance(subject, Application) or round_.state == OPEN:
        return round_.state
    definition = definition_of(session, subject)
    own = [
        key
        for key in definition.state(subject.state).deadlines
        if definition.deadline(key).due.field == CLOSING
    ]
    later = select(Deadline.id).where(
        Deadline.subject_kind == kind_of(subject),
        Deadline.subject_id == id_of(subject),
        col(Deadline.key).in_(own),
        Deadline.due_on > round_.closes_on,
    )
    given = own and set(own) & open_deadlines(session, subject, now) and session.exec(later).first()
    return OPEN if given else round_.state


def open_deadlines(session: Session, subject: Subject, now: datetime) -> frozenset[str]:
    """Keys of the subject's deadlines that are open and whose grace has not passed at ``now``, or when it was held."""
    runs = and_(col(Deadline.status) == DeadlineStatus.OPEN, col(Deadline.grace_until) > now)
    stands = and_(
        col(Deadline.status) == DeadlineStatus.HELD, col(Deadline.grace_until) > col(Deadline.held_at)
    )
    return frozenset(
        session.exec(
            select(Deadline.key).where(
                Deadline.subject_kind == kind_of(subject),
                Deadline.subject_id == id_of(subject),
                or_(runs, stands),
            )
        )
    )


def child_states(session: Session, application: Application) -> dict[str, tuple[str, ...]]:
    """The states of the application's reviews, reports and lessons, by kind."""
    states: dict[str, list[str]] = {"review": [], "report": [], "lesson": []}
    for child in children_among(session, [id_of(application)]):
        states[child.kind].append(child.state)
    return {kind: tuple(found) for kind, found in states.items()}


def application_states(session: Session, round_: Round) -> dict[str, tuple[str, ...]]:
    """The states in which the round's applications stand, each named once."""
    return {
        "application": tuple(
            session.exec(select(Application.state).where(Application.round_id == round_.id).distinct())
        )
    }


@dataclass(frozen=True)
class Gap:
    """Something of a proposal that still has to be filled in: ``key`` is its column or its question."""

    key: str
    label: str


def sections(session: Session, application: Application) -> list[Section]:
    """The sections of the round's form that are asked by now: those of the stage it stands in and of stages before."""
    definition = definition_of(session, application)
    order = list(definition.stages)
    reached = order[: order.index(definition.state(application.state).stage) + 1]
    later = set(order) - set(reached)
    round_ = session.get_one(Round, application.round_id)
    return [section for section in round_.sections if section.stage not in later]


def gaps(session: Session, application: Application) -> tuple[Gap, ...]:
    """What still has to be filled in before the proposal can be submitted, in the order of the form."""
    round_ = session.get_one(Round, application.round_id)
    answers = session.exec(select(Answer).where(Answer.application_id == application.id)).all()
    answered = {answer.question for answer in answers if answer.text.strip()}
    amount = _n("Amount, within what the round allows")
    checks = [
        (bool(application.title.strip()), Gap("title", _n("Title"))),
        (bool(application.theme), Gap("theme", _n("Theme"))),
        (0 < (application.requested_minor or 0) <= round_.ceiling_minor, Gap("requested_minor", amount)),
    ]
    questions = [q for section in sections(session, application) for q in section.questions]
    checks += [(q.key in answered, Gap(q.key, q.label)) for q in questions if q.required]
    return tuple(gap for filled, gap in checks if not filled)


def missing_answers(session: Session, application: Application) -> tuple[str, ...]:
    """Names of what still has to be answered before the proposal can be submitted, in the order of the form."""
    return tuple(gap.label for gap in gaps(session, application))


def award_missing(session: Session, application: Application) -> tuple[str, ...]:
    """What is missing of the award's terms."""
    award = session.exec(select(Award).where(Award.application_id == application.id)).first()
    return () if award else ("amount, start and end of the project",)


def committed(session: Session, round_: Round) -> Money:
    """What the round has promised: awards of applications whose offer stands, is signed or was carried out.

    Counted by the stages award, reporting and sharing, without the ends in which the money came free again.
    """
    rows = session.exec(
        select(Application.state, Application.workflow_id, func.sum(Award.amount_minor))
        .join(Award, col(Award.application_id) == col(Application.id))
        .where(Application.round_id == round_.id)
        .group_by(Application.state, col(Application.workflow_id))
    ).all()
    total = 0
    for state, workflow_id, minor in rows:
        definition = definition_by_id(session, workflow_id)
        total += int(minor) if holds_money(definition.state(state)) else 0
    return Money(total, round_.currency)


def holds_money(state: Any) -> bool:
    """Whether an award in this state is promised or paid: from the offer on, unless it was declined or lapsed."""
    return state.stage in ("award", "reporting", "sharing") and state.outcome not in (
        "offer_declined",
        "offer_lapsed",
    )


def over_budget(session: Session, application: Application) -> str:
    """By how much the prepared award exceeds what the round has left, or nothing."""
    award = session.exec(select(Award).where(Award.application_id == application.id)).first()
    round_ = session.get_one(Round, application.round_id, with_for_update=True)
    if award is None:
        return ""
    state = definition_of(session, application).state(application.state)
    already = award.amount_minor if holds_money(state) else 0
    over = committed(session, round_).minor - already + award.amount_minor - round_.pot_minor
    return str(Money(over, round_.currency)) if over > 0 else ""


def missing_scores(session: Session, review: Review) -> tuple[str, ...]:
    """Criteria without a score or without its reason, and the recommendation if it is missing."""
    scores = {s.criterion: s for s in session.exec(select(Score).where(Score.review_id == review.id))}
    missing = []
    for criterion in round_of(session, review).criteria:
        score = scores.get(criterion.key)
        if score is None or score.value is None or not score.reason.strip():
            missing.append(criterion.label)
    return tuple(missing if review.recommendation else [*missing, _n("Recommendation")])


def conflict(session: Session, review: Review) -> str:
    """The conflict of interest that the system itself can see, in words, or nothing."""
    application = session.get_one(Application, review.application_id)
    same = session.get(Membership, (review.reviewer_id, application.member_id))
    return "you belong to the member that applies" if same else ""


def missing_report(report: Report) -> tuple[str, ...]:
    """Parts of the report that are still empty."""
    return tuple(label for name, label in REPORT_PARTS.items() if _empty(getattr(report, name)))


def missing_lesson(lesson: Lesson) -> tuple[str, ...]:
    """Texts of the lesson that are still empty, and the theme."""
    missing = [label for name, label in TEXTS.items() if _empty(getattr(lesson, name))]
    return tuple(missing if lesson.theme else [*missing, _n("Theme")])


def uncleared_fields(lesson: Lesson) -> tuple[str, ...]:
    """Fields that the grantee lets out of the fund and on which the fund has not decided; the title must be public."""
    waiting = [
        label
        for name, label in CLEARED_ONE_BY_ONE.items()
        if lesson.consent.get(name, Reach.FUND) != Reach.FUND and name not in lesson.clearance
    ]
    if lesson.reach("title") == Reach.FUND and TEXTS["title"] not in waiting:
        waiting.insert(0, f"{TEXTS['title']} (nothing can be shared without it)")
    return tuple(waiting)


def round_missing(round_: Round, now: datetime) -> tuple[str, ...]:
    """What the round lacks before it can open."""
    today = now.astimezone(ZoneInfo(round_.zone)).date()
    checks = {
        "questions": bool(round_.questions),
        "criteria": bool(round_.criteria),
        "an amount to award": round_.pot_minor > 0 and round_.ceiling_minor > 0,
        "a closing day that lies ahead": round_.closes_on >= today,
        "days in order (close, review, decision)": round_.closes_on
        <= round_.review_due_on
        <= round_.decision_on,
    }
    return tuple(name for name, fine in checks.items() if not fine)


def _empty(value: str | int | None) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
