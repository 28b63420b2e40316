"""What people do at one moment: each owner of a deadline goes on by the workflow's own way, through the services."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from fund.applying import service as applying
from fund.base import moves
from fund.base.definitions import definition_of
from fund.base.errors import FundError, MoveRefused
from fund.base.permissions import Viewer
from fund.base.subjects import KINDS, Subject, application_of, get_all, member_of
from fund.rehearsing import choosing, preparing
from fund.rehearsing.cast import Cast
from fund.rehearsing.preparing import WORDS, Making
from fund.rounds.queries import takes_proposals
from fund.web.i18n import gettext as _
from schema.applications import Application
from schema.deadlines import Deadline, DeadlineStatus
from schema.rounds import Round
from workflows import DeadlineRule, Move

IN_A_ROW = 8
"""More moves than anybody makes one after the other for one deadline: begin, then submit."""
TURNS = (frozenset(KINDS) - {"application", "round"}, frozenset({"application"}), frozenset({"round"}))
"""Who acts first at one moment: reviewers before whoever decides, and both before whoever ends the round."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What somebody wanted to do and could not, and why."""

    at: datetime
    about: str
    deadline: str
    reason: str
    member_id: int | None = None
    """Whose proposal it is about."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A move that somebody is about to make for the deadline of that key."""

    key: int
    viewer: Viewer
    wish: moves.Wish


@dataclass(frozen=True, slots=True)
class Owed:
    """A deadline and what it is about, held in hand: a session forgets what nobody holds, and reads it again."""

    deadline: Deadline
    subject: Subject
    application: Application | None


def owed_among(session: Session, keys: Iterable[int]) -> dict[int, Owed]:
    """The deadlines of these keys by them, in order, each with its subject. A few questions for all of them."""
    rows = session.exec(select(Deadline).where(col(Deadline.id).in_(keys)).order_by(col(Deadline.id))).all()
    names = [(one.subject_kind, one.subject_id) for one in rows]
    parents = {one.application_id for one in rows if one.application_id is not None}
    applications = {
        one.id: one for one in session.exec(select(Application).where(col(Application.id).in_(parents)))
    }
    subjects = get_all(session, names)
    return {
        row.id or 0: Owed(row, subject, applications.get(row.application_id))
        for row, subject in zip(rows, subjects, strict=True)
    }


class Acting:
    """One moment, in one unit of work. ``made`` are the deadlines for which something was done, ``refused`` why not."""

    def __init__(self, session: Session, cast: Cast, now: datetime) -> None:
        self._session, self._cast, self._now = session, cast, now
        self.made: set[int] = set()
        self.refused: dict[int, Trouble] = {}
        self._owed: dict[int, Owed] = {}

    def begin(self, round_: Round, count: int, key: int) -> None:
        """Begin so many invented proposals, for one member after the other. ``key`` stands for this in ``refused``."""
        with self._noting(key, _("Begin a proposal"), round_):
            members = self._cast.proposing(self._session)
            if not members or not takes_proposals(round_, self._now):
                raise MoveRefused([_("Nobody can propose in this round.")])
            for number in range(count):
                self._draft(round_, number + 1, *members[number % len(members)])

    def act(self, keys: Sequence[int]) -> None:
        """Let the owners of these deadlines go on, wave after wave, until none of them can."""
        self._owed = owed_among(self._session, keys)
        for turn in TURNS:
            left = [key for key, one in self._owed.items() if one.deadline.subject_kind in turn]
            for _wave in range(IN_A_ROW):
                steps: dict[tuple[str, int], _Step] = {}
                for key in left:
                    self._prepare(key, self._owed[key], steps)
                if not steps:
                    break
                made = self._make(list(steps.values()))
                left = [key for key in left if key in made]

    def _draft(self, round_: Round, number: int, member: int, viewer: Viewer) -> None:
        begun = applying.start(self._session, viewer, round_.slug, member, self._now, another=True)
        edit = preparing.first_page(round_, _("Invented proposal %(number)s") % {"number": number})
        reference, version = begun.application.reference, begun.application.edit_version
        applying.save(self._session, viewer, reference, edit, edit_version=version, now=self._now)

    def _prepare(self, key: int, owed: Owed, steps: dict[tuple[str, int], _Step]) -> None:
        """Find what the deadline's owner does now and do what comes before it; nothing if it is done already."""
        deadline, subject = owed.deadline, owed.subject
        name = (deadline.subject_kind, deadline.subject_id)
        if deadline.status != DeadlineStatus.OPEN or name in steps:
            return
        rule = definition_of(self._session, subject).deadline(deadline.key)
        move = self._choose(subject, rule)
        if move is None:
            return
        takes_money = choosing.takes_money(move)
        with self._noting(key, rule.label, subject, writes=takes_money or preparing.is_needed(move)):
            step = self._prepared(key, subject, rule, move)
            if takes_money:  # how much is left is known when those before have theirs
                moves.fire_all(self._session, [step.wish], step.viewer, self._now)
                self.made.add(key)
            else:
                steps[name] = step

    def _prepared(self, key: int, subject: Subject, rule: DeadlineRule, move: Move) -> _Step:
        viewer = self._cast.who(self._session, subject, rule.owner)
        if viewer is None:
            raise MoveRefused([_("There is nobody who could do this.")])
        making = Making(self._session, self._cast, viewer, subject, self._now)
        preparing.prepare(making, move)
        wish = moves.Wish(
            subject=subject,
            trigger=move.trigger,
            version=subject.version,
            reason=WORDS if move.reason == "required" else None,
            data=preparing.given(making, move.asks),
        )
        return _Step(key, viewer, wish)

    def _choose(self, subject: Subject, rule: DeadlineRule) -> Move | None:
        definition = definition_of(self._session, subject)
        move = choosing.forward(definition, subject.state, rule)
        if move is None or not isinstance(subject, Application) or not choosing.takes_money(move):
            return move
        if preparing.affordable(self._session, subject):
            return move
        return choosing.instead(definition, subject.state, rule) or move

    def _make(self, steps: Sequence[_Step]) -> set[int]:
        """Make the moves, those of one person together; the deadlines of those that were made."""
        by_viewer: dict[Viewer, list[_Step]] = {}
        for step in steps:
            by_viewer.setdefault(step.viewer, []).append(step)
        made: set[int] = set()
        for viewer, together in by_viewer.items():
            try:
                with self._session.begin_nested():
                    moves.fire_all(self._session, [step.wish for step in together], viewer, self._now)
            except FundError:
                self._session.expire_all()
                made |= self._one_by_one(together)
            else:
                made |= {step.key for step in together}
        self.made |= made
        return made

    def _one_by_one(self, steps: Sequence[_Step]) -> set[int]:
        made = set()
        for step in steps:
            label = self._owed[step.key].deadline.label
            with self._noting(step.key, label, step.wish.subject):
                moves.fire_all(self._session, [step.wish], step.viewer, self._now)
                made.add(step.key)
        return made

    @contextmanager
    def _noting(self, key: int, label: str, subject: Subject, *, writes: bool = True) -> Iterator[None]:
        """Undo what cannot be done to its end (if it ``writes`` at all), and note why."""
        about, member = self._name(subject), member_of(self._session, subject)
        try:
            with self._session.begin_nested() if writes else nullcontext():
                yield
        except FundError as refused:
            self._session.expire_all()
            self.refused[key] = Trouble(self._now, about, label, refused.message, member)

    def _name(self, subject: Subject) -> str:
        application = application_of(self._session, subject)
        if application is None:
            return subject.title if isinstance(subject, Round) else ""
        return application.title or application.reference
