"""The pipeline in numbers and rows: where applications stand, since when, for how much money, and what is late.

Each function takes a fixed number of queries, however many applications there are. A viewer's own members'
applications are left out of all: others look after them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlmodel import Session, col

from fund.base.definitions import APPLICATION, definition_by_id, newest, where_state
from fund.base.permissions import Viewer
from fund.reviewing.about import CAME_IN
from fund.web.i18n import lazy
from schema.applications import Application
from schema.awards import Award
from schema.deadlines import Deadline, DeadlineStatus
from schema.people import Member, Role
from schema.reviews import Review
from schema.rounds import Round
from schema.values import Money
from schema.workflows import RoundWorkflow
from workflows import Definition, State

PAGE = 50
NONE, WEEK = timedelta(0), timedelta(days=7)
ORDERS = {
    "": lazy("Next deadline"),
    "longest": lazy("Longest in its state"),
    "amount": lazy("Largest amount"),
    "title": lazy("Title"),
}
"""In what order applications can be listed."""
EVER = datetime(2000, 1, 1, tzinfo=UTC)
TOLD = {"overdue": (-WEEK, NONE), "still": (None, -WEEK), "due": (NONE, WEEK), "moved": (-WEEK, NONE)}
"""What a weekly overview tells of, and from when (None: ever) until when it looks, from its Monday morning."""
ENDS = {
    "overdue": col(Deadline.grace_until),
    "still": col(Deadline.grace_until),
    "due": col(Deadline.due_at),
}
"""Which end of a deadline has to fall into that time."""


@dataclass
class StateCount:
    """One state: how many stand in it, for how much money, how long, and how many are late."""

    state: State
    count: int = 0
    requested: dict[str, int] = field(default_factory=dict)
    awarded: dict[str, int] = field(default_factory=dict)
    oldest: datetime | None = None
    overdue: int = 0

    @property
    def private(self) -> bool:
        """Whether the text is the applicant's own here: counted, never listed, searched or summed."""
        return not _listed(self.state)

    @property
    def money(self) -> list[Money]:
        """What is awarded where something is, else what is asked for; one amount per currency."""
        amounts = {} if self.private else self.awarded or self.requested
        return [Money(minor, currency) for currency, minor in sorted(amounts.items()) if minor]

    def longest_days(self, now: datetime) -> int:
        """Days since the first of them came here, counted by the calendar in UTC."""
        return (now.date() - self.oldest.date()).days if self.oldest else 0


@dataclass
class StageCount:
    """One stage with its states, in the order of the definition."""

    name: str
    label: str
    states: list[StateCount]

    @property
    def count(self) -> int:
        """How many applications stand in the stage."""
        return sum(state.count for state in self.states)

    @property
    def amount(self) -> Money | None:
        """What it is about in all, where that is one currency: awards where there are some, else what is asked for."""
        amounts = [money for state in self.states for money in state.money]
        if len({money.currency for money in amounts}) != 1:
            return None
        return Money(sum(money.minor for money in amounts), amounts[0].currency)

    @property
    def overdue(self) -> int:
        """How many of them have a deadline that has gone by."""
        return sum(state.overdue for state in self.states)


@dataclass(frozen=True)
class Filter:
    """What the manager looks at. Empty means all. Every value comes from a link."""

    round: str = ""
    stage: str = ""
    state: str = ""
    overdue: bool = False
    words: str = ""
    order: str = ""
    """One of ORDERS."""
    told: str = ""
    """One of TOLD, in the week that an overview told of."""
    week: str = ""
    """The moment of that overview, as ISO 8601 with its offset."""

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """After which moment and up to which one (UTC) it fell due or moved; None where all is looked at."""
        try:
            monday, (since, until) = datetime.fromisoformat(self.week), TOLD[self.told]
        except (ValueError, KeyError):
            return None
        if monday.tzinfo is None or not 2000 <= monday.year < 3000:
            return None
        monday = monday.astimezone(UTC)
        return (EVER if since is None else monday + since), monday + until

    @property
    def without_week(self) -> "Filter":
        """The same, whenever it happened."""
        return replace(self, told="", week="")

    def link(self, **changes: Any) -> str:
        """Query string of this filter with some values changed."""
        values = {**self.__dict__, **changes}
        return "?" + urlencode({name: int(v) if v is True else v for name, v in values.items() if v})


@dataclass(frozen=True)
class Row:
    """One application in a list."""

    application: Application
    member: Member
    round: Round
    state: State
    award: Money | None
    deadline: Deadline | None
    """The open deadline of it, or of something that belongs to it, that comes next."""
    reviews: tuple[int, int]
    """How many reviews are under way or in, and how many of them are in."""


def stages(session: Session, viewer: Viewer, round_slug: str, now: datetime) -> list[StageCount]:
    """Every stage and state with its numbers, for one round or for all: of the workflows that their applications go
    through (four queries)."""
    known = _workflows(session, round_slug)
    counted = {(one.stage, one.name): StateCount(one) for each in known for one in each.states.values()}
    late = _late_application_ids(now)
    query = (
        select(
            col(Application.state),
            col(Application.currency),
            col(Application.workflow_id),
            func.count(col(Application.id)),
            func.coalesce(func.sum(col(Application.requested_minor)), 0),
            func.coalesce(func.sum(col(Award.amount_minor)), 0),
            func.min(col(Application.state_since)),
            func.sum(case((col(Application.id).in_(late), 1), else_=0)),
        )
        .join(Round, col(Round.id) == col(Application.round_id))
        .join(Award, col(Award.application_id) == col(Application.id), isouter=True)
        .where(col(Application.member_id).not_in(viewer.member_ids))
        .group_by(col(Application.state), col(Application.currency), col(Application.workflow_id))
    )
    if round_slug:
        query = query.where(col(Round.slug) == round_slug)
    for state, currency, workflow_id, count, requested, awarded, oldest, overdue in session.execute(query):
        here = definition_by_id(session, workflow_id).state(state)
        count_of = counted.setdefault((here.stage, here.name), StateCount(here))
        _add(count_of, currency, int(count), int(requested), int(awarded), oldest, int(overdue))
    return _by_stage(known, counted.values())


def _workflows(session: Session, round_slug: str) -> list[Definition]:
    """The workflows that applications of the round go through, or of all rounds; the fund's own without any."""
    keys = select(col(RoundWorkflow.workflow_id)).where(col(RoundWorkflow.name) == APPLICATION)
    if round_slug:
        keys = keys.join(Round, col(Round.id) == col(RoundWorkflow.round_id)).where(
            col(Round.slug) == round_slug
        )
    known = [
        definition_by_id(session, key)
        for key in session.scalars(keys.distinct().order_by(col(RoundWorkflow.workflow_id)))
    ]
    return known or [newest(session, APPLICATION)]


def _listed(state: State) -> bool:
    """Whether managers read what stands in this state."""
    return Role.MANAGER in state.read


def _add(
    known: StateCount, currency: str, count: int, requested: int, awarded: int, oldest: datetime, overdue: int
) -> None:
    known.count += count
    known.overdue += overdue
    known.oldest = min(known.oldest or oldest, oldest)
    if requested:
        known.requested[currency] = known.requested.get(currency, 0) + requested
    if awarded:
        known.awarded[currency] = known.awarded.get(currency, 0) + awarded


def _by_stage(known: Iterable[Definition], counted: Iterable[StateCount]) -> list[StageCount]:
    """The stages of all these workflows, each after those that it follows in one of them."""
    order: list[str] = []
    found: dict[str, StageCount] = {}
    for definition in known:
        place = 0
        for stage in definition.stages.values():
            if stage.name not in found:
                order.insert(place, stage.name)
                found[stage.name] = StageCount(stage.name, stage.label, [])
            place = order.index(stage.name) + 1
    for one in counted:
        found.setdefault(one.state.stage, StageCount(one.state.stage, one.state.stage.title(), []))
        found[one.state.stage].states.append(one)
    return [found[name] for name in [*order, *(name for name in found if name not in order)]]


def rows(
    session: Session, viewer: Viewer, wanted: Filter, now: datetime, page: int = 1
) -> tuple[list[Row], int]:
    """One page of applications that fit the filter, as ordered, and how many fit in all (four queries)."""
    found = session.execute(
        _fit(session, viewer, wanted, now, Application, Member, Round, col(Award.amount_minor))
        .join(Award, col(Award.application_id) == col(Application.id), isouter=True)
        .order_by(*_order(wanted.order), col(Application.id))
        .limit(PAGE)
        .offset((max(page, 1) - 1) * PAGE)
    ).all()
    keys = [application.id for application, *_ in found]
    nearest, reviews = _nearest(session, keys), _reviews(session, keys)
    return [
        Row(
            application,
            member,
            round_,
            definition_by_id(session, application.workflow_id).state(application.state),
            None if minor is None else Money(minor, application.currency),
            nearest.get(application.id),
            reviews.get(application.id, (0, 0)),
        )
        for application, member, round_, minor in found
    ], total(session, viewer, wanted, now)


def total(session: Session, viewer: Viewer, wanted: Filter, now: datetime) -> int:
    """How many applications fit the filter."""
    found = session.execute(_fit(session, viewer, wanted, now, func.count(col(Application.id))))
    return int(found.scalar_one())


def fitting(session: Session, viewer: Viewer, wanted: Filter, now: datetime, most: int) -> list[str]:
    """References of all that fit the filter, in its order, at most so many."""
    found = session.execute(
        _fit(session, viewer, wanted, now, col(Application.reference))
        .join(Award, col(Award.application_id) == col(Application.id), isouter=True)
        .order_by(*_order(wanted.order), col(Application.id))
        .limit(most)
    )
    return list(found.scalars())


def _fit(session: Session, viewer: Viewer, wanted: Filter, now: datetime, *columns: Any) -> Select[Any]:
    """These columns of applications that fit the filter, with their member and round."""
    return (
        select(*columns)
        .select_from(Application)
        .join(Member, col(Member.id) == col(Application.member_id))
        .join(Round, col(Round.id) == col(Application.round_id))
        .where(*_conditions(session, viewer, wanted, now))
    )


def _order(name: str) -> list[Any]:
    if name == "longest":
        return [col(Application.state_since)]
    if name == "title":
        return [func.lower(col(Application.title))]
    if name == "amount":
        amount = func.coalesce(col(Award.amount_minor), col(Application.requested_minor), 0)
        return [amount.desc()]
    next_due = (
        select(func.min(col(Deadline.due_at)))
        .where(
            col(Deadline.application_id) == col(Application.id), col(Deadline.status) == DeadlineStatus.OPEN
        )
        .correlate(Application)
        .scalar_subquery()
    )
    return [next_due.is_(None), next_due]


def rounds(session: Session) -> Sequence[Round]:
    """Every round, the newest first."""
    return session.scalars(select(Round).order_by(col(Round.opens_on).desc(), col(Round.id).desc())).all()


def _conditions(session: Session, viewer: Viewer, wanted: Filter, now: datetime) -> list[ColumnElement[bool]]:
    in_stage = wanted.stage if not wanted.state else ""
    found = [
        where_state(session, lambda state: _listed(state) and in_stage in ("", state.stage)),
        col(Application.member_id).not_in(viewer.member_ids),
    ]
    if wanted.span:
        found.append(_happened(wanted.told, *wanted.span))
    if wanted.round:
        found.append(col(Round.slug) == wanted.round)
    if wanted.state:
        found.append(col(Application.state) == wanted.state)
    if wanted.overdue:
        found.append(col(Application.id).in_(_late_application_ids(now)))
    if wanted.words:
        like = f"%{_literal(wanted.words)}%"
        columns = (Application.title, Application.reference, Member.name, Member.city)
        found.append(or_(*(col(column).ilike(like, escape="\\") for column in columns)))
    return found


def _literal(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def open_within(told: str, since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    """Which deadlines are open and fall due, or pass with their grace, after ``since`` and up to ``until``."""
    ends = ENDS[told]
    return (col(Deadline.status) == DeadlineStatus.OPEN, ends > since, ends <= until)


def _happened(told: str, since: datetime, until: datetime) -> ColumnElement[bool]:
    """Which applications moved after ``since`` and up to ``until``, or have an open deadline that fell in between."""
    if told == "moved":
        return (col(Application.state_since) > since) & (col(Application.state_since) <= until)
    within = (*open_within(told, since, until), col(Deadline.application_id).is_not(None))
    return col(Application.id).in_(select(col(Deadline.application_id)).where(*within))


def _late_application_ids(now: datetime) -> Any:
    return select(col(Deadline.application_id)).where(
        col(Deadline.status) == DeadlineStatus.OPEN,
        col(Deadline.grace_until) <= now,
        col(Deadline.application_id).is_not(None),
    )


def _nearest(session: Session, keys: Sequence[int | None]) -> dict[int | None, Deadline]:
    open_ones = session.scalars(
        select(Deadline)
        .where(and_(col(Deadline.application_id).in_(keys), col(Deadline.status) == DeadlineStatus.OPEN))
        .order_by(col(Deadline.due_at).desc())
    )
    return {deadline.application_id: deadline for deadline in open_ones}


def _reviews(session: Session, keys: Sequence[int | None]) -> dict[int | None, tuple[int, int]]:
    found = session.execute(
        select(col(Review.application_id), col(Review.workflow_id), col(Review.state), func.count())
        .where(col(Review.application_id).in_(keys))
        .group_by(col(Review.application_id), col(Review.workflow_id), col(Review.state))
    )
    counted: dict[int | None, tuple[int, int]] = {}
    for key, workflow_id, name, number in found:
        outcome = definition_by_id(session, workflow_id).state(name).outcome
        asked, came_in = counted.get(key, (0, 0))
        counted[key] = (
            asked + number * (outcome in (None, CAME_IN)),
            came_in + number * (outcome == CAME_IN),
        )
    return counted
