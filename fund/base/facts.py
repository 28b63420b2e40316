"""What guards may look at. Each fact is read from the database only if a guard asks for it.

A fact is a function that is registered by ``fact``. What the fund knows of a kind of thing, and what a workflow may
ask for (``fund.base.fit``), are the same table.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, func, select

from fund.base.definitions import definition_by_id, definition_of
from fund.base.errors import FundError
from fund.base.subjects import KINDS, Child, Subject, children_among, id_of, kind_of, round_of
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
from workflows.guards import HANDED_ON

HANDED_ON += [SQLAlchemyError, FundError]
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

Find: TypeAlias = Callable[[Session, Any, datetime], Any]
Function = TypeVar("Function", bound=Find)
KNOWN: Mapping[str, dict[str, Find]] = {kind: {} for kind in KINDS}
"""By kind of subject the facts that guards can ask for, each with the function that finds it."""
SHARED: set[str] = set()
"""Facts about one subject that a move of another changes."""


def fact(name: str, *kinds: str, shared: bool = False) -> Callable[[Function], Function]:
    """Register a function ``(session, subject, now)`` that finds a fact, for these kinds of subject or for all.

    It reads, writes nothing, and answers plain values; ``now`` is in UTC. ``shared`` says that moves of other subjects
    change the fact as well: moves by many then ask for it one after the other. Raises ValueError for an unknown kind,
    and for a name that another function has.
    """

    def register(function: Function) -> Function:
        for kind in kinds or KINDS:
            if kind not in KNOWN:
                raise ValueError(f"there is no kind of thing called {kind!r}, only {', '.join(KINDS)}")
            if _place(KNOWN[kind].setdefault(name, function)) != _place(function):
                raise ValueError(f"a fact named {name!r} is registered for {kind!r} already")
            KNOWN[kind][name] = function
        if shared:
            SHARED.add(name)
        return function

    return register


def _place(function: Find) -> tuple[str, str]:
    return function.__module__, function.__qualname__


class Unknown(LookupError):
    """A guard asked for a fact that nobody registered: to the engine the guard failed, so its move is refused."""


class Facts(Mapping[str, Any]):
    """What is known of one subject: a mapping whose values are found once, when somebody asks."""

    __slots__ = ("_asked", "_known", "_now", "_session", "_subject")

    def __init__(self, session: Session, subject: Subject, now: datetime) -> None:
        self._session, self._subject, self._now = session, subject, now
        self._known = KNOWN[kind_of(subject)]
        self._asked: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._asked:
            if name not in self._known:
                raise Unknown(f"the fund knows no fact {name!r} of the subject {kind_of(self._subject)}")
            self._asked[name] = self._known[name](self._session, self._subject, self._now)
        return self._asked[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The fact, or ``default`` where there is none of that name."""
        return self[name] if name in self._known else default

    @property
    def shared(self) -> bool:
        """Whether something was looked at that moves of other subjects change as well."""
        return not SHARED.isdisjoint(self._asked)

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def facts_of(session: Session, subject: Subject, now: datetime) -> Facts:
    """Everything that guards of this subject's moves may ask. The table of names stands in docs/workflows.md."""
    return Facts(session, subject, now)


def standing(session: Session, subject: Subject) -> str:
    """Where the subject stands, as guards of its relatives are told: its state, with the stage before it."""
    return definition_of(session, subject).state(subject.state).standing


@fact("round")
def round_state(session: Session, subject: Subject, now: datetime) -> str:
    """Where the round stands. It is still open for whoever alone was given a later day than its closing."""
    round_ = round_of(session, subject)
    if not isinstance(subject, Application) or round_.state == OPEN:
        return standing(session, round_)
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
    return definition_of(session, round_).state(OPEN).standing if given else standing(session, round_)


@fact("open_deadlines")
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


@fact("children", "application")
def child_states(session: Session, application: Application, _now: datetime) -> dict[str, tuple[str, ...]]:
    """Where the application's reviews, reports and lessons stand, by kind."""
    found: dict[str, list[str]] = {"review": [], "report": [], "lesson": []}
    for child in children_among(session, [id_of(application)]):
        state = definition_by_id(session, child.workflow_id).state(child.state)
        found[child.kind].append(state.standing)
    return {kind: tuple(standings) for kind, standings in found.items()}


@fact("children", "round")
def application_states(session: Session, round_: Round, _now: datetime) -> dict[str, tuple[str, ...]]:
    """Where the round's applications stand, each place named once."""
    rows = session.exec(
        select(Application.workflow_id, Application.state).where(Application.round_id == round_.id).distinct()
    )
    found = {definition_by_id(session, workflow).state(state).standing for workflow, state in rows}
    return {"application": tuple(sorted(found))}


@fact("parent", "review", "report", "lesson")
def parent_state(session: Session, child: Child, _now: datetime) -> str:
    """Where the application stands that it belongs to."""
    return standing(session, session.get_one(Application, child.application_id))


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


@fact("missing_answers", "application")
def missing_answers(session: Session, application: Application, _now: datetime) -> tuple[str, ...]:
    """Names of what still has to be answered before the proposal can be submitted, in the order of the form."""
    return tuple(gap.label for gap in gaps(session, application))


@fact("award_missing", "application")
def award_missing(session: Session, application: Application, _now: datetime) -> tuple[str, ...]:
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


@fact("over_budget", "application", shared=True)
def _over_budget(session: Session, application: Application, _now: datetime) -> str:
    return over_budget(session, application)


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


@fact("missing_scores", "review")
def missing_scores(session: Session, review: Review, _now: datetime) -> tuple[str, ...]:
    """Criteria without a score or without its reason, and the recommendation if it is missing."""
    scores = {s.criterion: s for s in session.exec(select(Score).where(Score.review_id == review.id))}
    missing = []
    for criterion in round_of(session, review).criteria:
        score = scores.get(criterion.key)
        if score is None or score.value is None or not score.reason.strip():
            missing.append(criterion.label)
    return tuple(missing if review.recommendation else [*missing, _n("Recommendation")])


@fact("conflict", "review")
def conflict(session: Session, review: Review, _now: datetime) -> str:
    """The conflict of interest that the system itself can see, in words, or nothing."""
    application = session.get_one(Application, review.application_id)
    same = session.get(Membership, (review.reviewer_id, application.member_id))
    return "you belong to the member that applies" if same else ""


@fact("missing_report", "report")
def _missing_report(_session: Session, report: Report, _now: datetime) -> tuple[str, ...]:
    return missing_report(report)


def missing_report(report: Report) -> tuple[str, ...]:
    """Parts of the report that are still empty."""
    return tuple(label for name, label in REPORT_PARTS.items() if _empty(getattr(report, name)))


@fact("missing_lesson", "lesson")
def _missing_lesson(_session: Session, lesson: Lesson, _now: datetime) -> tuple[str, ...]:
    return missing_lesson(lesson)


def missing_lesson(lesson: Lesson) -> tuple[str, ...]:
    """Texts of the lesson that are still empty, and the theme."""
    missing = [label for name, label in TEXTS.items() if _empty(getattr(lesson, name))]
    return tuple(missing if lesson.theme else [*missing, _n("Theme")])


@fact("uncleared_fields", "lesson")
def uncleared_fields(_session: Session, lesson: Lesson, _now: datetime) -> tuple[str, ...]:
    """Fields that the grantee lets out of the fund and on which the fund has not decided; the title must be public."""
    waiting = [
        label
        for name, label in CLEARED_ONE_BY_ONE.items()
        if lesson.consent.get(name, Reach.FUND) != Reach.FUND and name not in lesson.clearance
    ]
    if lesson.reach("title") == Reach.FUND and TEXTS["title"] not in waiting:
        waiting.insert(0, f"{TEXTS['title']} (nothing can be shared without it)")
    return tuple(waiting)


@fact("round_missing", "round")
def round_missing(_session: Session, round_: Round, now: datetime) -> tuple[str, ...]:
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
