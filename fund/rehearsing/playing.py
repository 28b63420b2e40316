"""Everybody in a round, each acting when the scenario says."""

from datetime import datetime, timedelta
from heapq import heappop, heappush

from sqlalchemy import bindparam, select
from sqlmodel import Session

from fund.base.database import Database
from fund.base.deadlines import DEADLINES, IS_OPEN
from fund.base.definitions import definition_of
from fund.rehearsing import choosing
from fund.rehearsing.acting import Acting, Owed, Trouble, owed_among
from fund.rehearsing.cast import Cast
from fund.rehearsing.scenario import A_WHILE, Scenario
from fund.rounds.queries import takes_proposals
from notifications.dates import local_day
from schema.rounds import Round
from schema.statements import Prepared

OPEN_ONES = Prepared(
    select(DEADLINES.c.id, DEADLINES.c.generation).where(
        DEADLINES.c.round_id == bindparam("of_round"), IS_OPEN
    )
)
BEGINNING = 0
"""Stands for the moment at which invented proposals are begun, where otherwise the key of a deadline stands."""


class Play:
    """Those who owe something in one round. ``invented`` proposals are begun on the day after it is open."""

    def __init__(
        self, database: Database, round_id: int, scenario: Scenario, now: datetime, invented: int = 0
    ) -> None:
        self._database, self._round_id, self._scenario = database, round_id, scenario
        self._to_begin = invented
        self._coming: list[tuple[datetime, int]] = []
        self._known: dict[int, int] = {}
        self._tries: dict[int, int] = {}
        self._troubles: dict[int, Trouble] = {}
        with database.read() as session:
            self._cast = Cast(session)
            self._look(session, now)

    @property
    def troubles(self) -> list[Trouble]:
        """What nobody could do in the end, the first first."""
        return sorted(self._troubles.values(), key=lambda one: (one.at, one.about, one.deadline))

    def next_moment(self) -> datetime | None:
        """When somebody acts next; None if nobody will."""
        return self._coming[0][0] if self._coming else None

    def act(self, now: datetime) -> bool:
        """Let everybody act whose moment has come by ``now``, in one unit of work; then see who acts when next.

        Whether anybody's had.
        """
        if due := self._due(now):
            with self._database.write() as session:
                acting = Acting(session, self._cast, now)
                if BEGINNING in due:
                    acting.begin(session.get_one(Round, self._round_id), self._to_begin, BEGINNING)
                acting.act([key for key in due if key != BEGINNING])
            self._note(acting, now)
        with self._database.read() as session:
            self._look(session, now)
        return bool(due)

    def _due(self, now: datetime) -> list[int]:
        due = set()
        while self._coming and self._coming[0][0] <= now:
            due.add(heappop(self._coming)[1])
        return sorted(due)

    def _note(self, acting: Acting, now: datetime) -> None:
        """Whoever could not act tries again: tomorrow, then ever less often."""
        for key in acting.made:
            self._troubles.pop(key, None)
        for key, trouble in acting.refused.items():
            self._troubles[key] = trouble
            tries = self._tries[key] = self._tries.get(key, 0) + 1
            heappush(self._coming, (now + timedelta(days=2 ** (tries - 1)), key))

    def _look(self, session: Session, now: datetime) -> None:
        """Find deadlines that were opened or moved since, and note when their owners act."""
        if self._to_begin and BEGINNING not in self._known:
            self._look_at_round(session, now)
        found = dict(OPEN_ONES.rows(session, of_round=self._round_id))
        new = [key for key, generation in found.items() if self._known.get(key) != generation]
        for key, owed in owed_among(session, new).items() if new else ():
            self._known[key] = found[key]
            moment = self._moment(session, owed, now)
            if moment is not None:
                heappush(self._coming, (moment, key))

    def _look_at_round(self, session: Session, now: datetime) -> None:
        round_ = session.get_one(Round, self._round_id)
        if takes_proposals(round_, now):
            self._known[BEGINNING] = 1
            moment = self._scenario.on(local_day(now, round_.zone), 1, round_.zone, now)
            heappush(self._coming, (moment if takes_proposals(round_, moment) else now + A_WHILE, BEGINNING))

    def _moment(self, session: Session, owed: Owed, now: datetime) -> datetime | None:
        deadline, subject = owed.deadline, owed.subject
        definition = definition_of(session, subject)
        of_round = isinstance(subject, Round)
        if of_round and subject.state == definition.initial:
            return self._scenario.on(deadline.due_on, 0, deadline.zone, now)
        return self._scenario.moment(
            deadline.due_on,
            deadline.zone,
            now,
            lapses=choosing.lapses(definition, deadline.key),
            of_round=of_round,
        )
