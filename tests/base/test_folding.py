"""Whatever workflow, whatever way: folding the ledger gives the state that is stored, and buttons do what they say."""

from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from fund.base import children, definitions, ledger, moves, passing, undo
from fund.base.errors import FundError
from fund.base.permissions import Viewer
from schema.applications import Application
from schema.ledger import LedgerEvent
from tests.support.world import world
from workflows import Definition, Option

HEAD = """\
name = "application"
label = "Any"
version = {version}
subject = "application"
initial = "s0"
[stages.one]
label = "One"
[deadlines.due]
label = "Do it"
owner = "manager"
due = {{ days = 2 }}
reminders = [-1]
"""
MOVE = """\
[moves.m{number}]
label = "Move {number}"
from = {sources}
to = "s{target}"
by = {by}
guards = [{guards}]
{extra}
"""
VERSIONS = count(100)
STATES = 4
KINDS = ["", 'deadlines = ["due"]', "hold = true", 'outcome = "over"']
EXTRAS = ["", "undo = { hours = 30 }", 'automatic = { deadline = "due" }', "revert = true", 'meets = ["due"]']
GUARDS = [
    "",
    "",
    '"form_complete"',
    '{ deadline_open = "due" }',
    '{ round_in = ["closed"], otherwise = "No." }',
]
numbers = st.integers(0, STATES - 1)


@st.composite
def _moves(draw: st.DrawFn, number: int) -> str:
    sources = {number % STATES, *draw(st.lists(numbers, max_size=2))}  # every state can be left
    extra, target = draw(st.sampled_from(EXTRAS)), draw(numbers)
    if draw(st.integers(0, 4)) == 0 and target > max(sources):  # only ever onwards, so that it comes to rest
        extra = 'automatic = "facts"'
    return MOVE.format(
        number=number,
        sources=[f"s{one}" for one in sorted(sources)],
        target=target,
        by=draw(st.sampled_from([["manager"], ["applicant"], ["applicant", "manager"]])),
        guards=draw(st.sampled_from(GUARDS)),
        extra=extra,
    )


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A workflow of applications, sound or not, whose version is still to be put in."""
    states = [
        f'[states.s{n}]\nlabel = "S{n}"\nstage = "one"\nread = ["applicant", "manager"]\n'
        f"{draw(st.sampled_from(KINDS if n else KINDS[:2]))}\n"
        for n in range(STATES)
    ]
    return "".join([*states, *[draw(_moves(n)) for n in range(draw(st.integers(STATES, 8)))]])


steps = st.lists(
    st.one_of(
        st.tuples(st.just("try"), st.integers(0, 7)),
        st.tuples(st.just("move"), st.integers(0, 7)),
        st.tuples(st.just("move"), st.integers(0, 7)),
        st.tuples(st.just("undo"), st.just(0)),
        st.tuples(st.just("wait"), st.sampled_from([1, 20, 60])),
    ),
    min_size=3,
    max_size=12,
)


@pytest.fixture
def here(sqlite_db, clock):
    return world(sqlite_db, clock.now())


def _folded(events: list[LedgerEvent]) -> str:
    """Where the events lead, one by one, each from where the one before left off."""
    state = ""
    for event in events:
        if event.target:
            assert event.source == state, "each goes on from where it stood"
            state = event.target
    return state


class Walk:
    """An application that goes its way through a workflow of its own."""

    def __init__(self, here, clock, text: str) -> None:
        self.here, self.clock = here, clock
        definition = Definition.parse(HEAD.format(version=next(VERSIONS)) + text)
        with here.db.write() as session:
            application = Application(
                reference=f"PIF-{definition.version}",
                round_id=here.round_id,
                member_id=here.member_id,
                author_id=here.applicant.person_id,
                title="Anything",
                workflow_id=definitions.store(session, definition, clock.now()),
                state=definition.initial,
                state_since=clock.now(),
                created_at=clock.now(),
            )
            children.born(session, application, clock.now(), viewer=here.applicant, role="applicant")
            self.key = application.id

    def go(self, step: str, how: int) -> None:
        """Some time goes by, somebody moves it or tries to, or the last move is taken back."""
        if step == "wait":
            self.clock.advance(timedelta(hours=how))
            passing.sweep(self.here.db, self.clock)
        elif step == "undo":
            self._undo()
        elif step == "try":
            self._move(f"m{how}", self.here.applicant if how % 2 else self.here.manager)
        else:
            viewers = (self.here.manager, self.here.applicant)
            can = [(one.move.trigger, who) for who in viewers for one in self._offered(who) if one.allowed]
            if can:
                self._move(*can[how % len(can)])

    def _offered(self, viewer: Viewer) -> list[Option]:
        with self.here.db.read() as session:
            application = session.get_one(Application, self.key)
            return moves.options(session, application, viewer, self.clock.now())

    def _move(self, trigger: str, viewer: Viewer) -> None:
        allowed = any(one.allowed for one in self._offered(viewer) if one.move.trigger == trigger)
        try:
            with self.here.db.write() as session:
                subject = session.get_one(Application, self.key)
                moves.fire(session, subject, trigger, viewer, version=subject.version, now=self.clock.now())
            assert allowed, "what no button offers cannot be done"
        except FundError:
            assert not allowed, "what a button offers can be done"

    def _undo(self) -> None:
        with self.here.db.write() as session:
            application = session.get_one(Application, self.key)
            offered = undo.offer(session, application, self.here.manager, self.clock.now())
            if offered and offered.allowed:
                seen = {"event": offered.event, "version": offered.version}
                undo.undo(session, application, self.here.manager, now=self.clock.now(), **seen)
                assert application.state == offered.source.name

    def check(self) -> None:
        """The ledger alone tells where it stands, since when, and how often it was moved."""
        with self.here.db.read() as session:
            application = session.get_one(Application, self.key)
            chain = select(LedgerEvent).where(LedgerEvent.chain == f"application:{self.key}")
            events = session.exec(chain.order_by(LedgerEvent.seq)).all()
            assert [one.seq for one in events] == list(range(1, len(events) + 1))
            assert _folded(events) == application.state
            assert ledger.fault_in(session, f"application:{self.key}") is None


@settings(
    max_examples=min(25, settings().max_examples // 2),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(texts(), steps)
def test_folding_the_ledger_gives_the_stored_state(here, clock, text, taken) -> None:
    walk = Walk(here, clock, text)
    for step, how in taken:
        walk.go(step, how)
        walk.check()
