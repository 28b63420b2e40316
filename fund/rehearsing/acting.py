"""What people do at one moment: each owner of a deadline goes on by the workflow's own way, through the services."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fund.applying import service as applying
from fund.base import moves
from fund.base.definitions import definition_of
from fund.base.errors import FundError, MoveRefused
from fund.base.permissions import Viewer
from fund.base.subjects import KINDS, Subject, application_of, get
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


@dataclass(frozen=True, slots=True)
class _Step:
    """A move that somebody is about to make for the deadline of that key."""

    key: int
    viewer: Viewer
    wish: moves.Wish


class Acting:
    """One moment, in one unit of work. ``made`` are the deadlines for which something was done, ``refused`` why not."""

    def __init__(self, session: Session, cast: Cast, now: datetime) -> None:
        self._session, self._cast, self._now = session, cast, now
        self.made: set[int] = set()
        self.refused: dict[int, Trouble] = {}

    def begin(self, round_: Round, count: int, key: int) -> None:
        """Begin so many invented proposals, for one member after the other. ``key`` stands for this in ``refused``."""
        with self._noting(key, round_.title, _("Begin a proposal")):
            members = self._cast.proposing(self._session)
            if not members or not takes_proposals(round_, self._now):
                raise MoveRefused([_("Nobody can propose in this round.")])
            for number in range(count):
                self._draft(round_, number + 1, *members[number % len(members)])

    def act(self, keys: Sequence[int]) -> None:
        """Let the owners of these deadlines go on, wave after wave, until none of them can."""
        for turn in TURNS:
            left = list(keys)
            for _wave in range(IN_A_ROW):
                steps: dict[tuple[str, int], _Step] = {}
                for key in left:
                    self._prepare(turn, key, steps)
                if not steps:
                    break
                made = self._make(list(steps.values()))
                left = [key for key in left if key in made]

    def _draft(self, round_: Round, number: int, member: int, viewer: Viewer) -> None:
        begun = applying.start(self._session, viewer, round_.slug, member, self._now, another=True)
        edit = preparing.first_page(round_, _("Invented proposal %(number)s") % {"number": number})
        reference, version = begun.application.reference, begun.application.edit_version
        applying.save(self._session, viewer, reference, edit, edit_version=version, now=self._now)

    def _prepare(self, turn: frozenset[str], key: int, steps: dict[tuple[str, int], _Step]) -> None:
        """Find what the deadline's owner does now and do what comes before it; nothing if it is done already."""
        deadline = self._session.get_one(Deadline, key)
        name = (deadline.subject_kind, deadline.subject_id)
        if deadline.status != DeadlineStatus.OPEN or deadline.subject_kind not in turn or name in steps:
            return
        subject = get(self._session, *name)
        rule = definition_of(self._session, subject).deadline(deadline.key)
        move = self._choose(subject, rule)
        if move is None:
            return
        with self._noting(key, self._name(subject), rule.label):
            step = self._prepared(key, subject, rule, move)
            if choosing.takes_money(move):  # how much is left is known when those before have theirs
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
            label = self._session.get_one(Deadline, step.key).label
            with self._noting(step.key, self._name(step.wish.subject), label):
                moves.fire_all(self._session, [step.wish], step.viewer, self._now)
                made.add(step.key)
        return made

    @contextmanager
    def _noting(self, key: int, about: str, label: str) -> Iterator[None]:
        """Undo what cannot be done to its end, and note why."""
        try:
            with self._session.begin_nested():
                yield
        except FundError as refused:
            self._session.expire_all()
            self.refused[key] = Trouble(self._now, about, label, refused.message)

    def _name(self, subject: Subject) -> str:
        application = application_of(self._session, subject)
        if application is None:
            return subject.title if isinstance(subject, Round) else ""
        return application.title or application.reference
