"""Two processes want different things of one application, again and again: one wins each time, the other is told.

``FUND_LONG=1`` makes ten thousand moves on each; what came of them is said at the end of the run.
"""

import json
import os
import sys
from contextlib import ExitStack
from subprocess import PIPE, Popen

import pytest
from sqlmodel import select

from fund.base import definitions, ledger
from schema.ledger import LedgerEvent
from tests.support.world import draft, world
from workflows import Definition

RACES = 10_000 if os.environ.get("FUND_LONG") else 150
WAYS = (
    ("left_here", "here", "there"),
    ("right_here", "here", "end"),
    ("left_there", "there", "here"),
    ("right_there", "there", "here"),
    ("left_end", "end", "here"),
    ("right_end", "end", "here"),
)
"""Moves of the two, each with where it leads from and to: both can be made wherever it stands."""
BACK_AND_FORTH = """
name = "application"
label = "Back and forth"
version = 99
subject = "application"
initial = "here"
[stages.all]
label = "All"
[states.here]
stage = "all"
label = "Here"
[states.there]
stage = "all"
label = "There"
[states.end]
stage = "all"
label = "End"
outcome = "end"
"""
BACK_AND_FORTH += "".join(
    f'[moves.{name}]\nlabel = "{name}"\nfrom = ["{source}"]\nto = "{target}"\nby = ["manager"]\n'
    for name, source, target in WAYS
)


@pytest.fixture
def raced(db, clock):
    """Key of an application that can be moved without end."""
    here = world(db, clock.now())
    with db.write() as session:
        application = draft(session, here, clock.now())
        application.workflow_id = definitions.store(session, Definition.parse(BACK_AND_FORTH), clock.now())
        application.state = "here"
        return application.id


@pytest.mark.slow
def test_of_two_processes_one_wins_each_time_and_the_other_is_told(db, raced, figure):
    command = [sys.executable, "-m", "tests.base.racer", db.url, str(raced)]
    with ExitStack() as stack:
        racers = [
            stack.enter_context(Popen([*command, side, str(RACES)], stdout=PIPE, text=True))
            for side in ("left", "right")
        ]
        told = [json.loads(racer.communicate(timeout=3600)[0]) for racer in racers]

    won = [version for one in told for version in one["won"]]
    assert sorted(won) == list(range(1, RACES + 1)), "each version was moved once, by one of them"
    with db.read() as session:
        events = session.exec(
            select(LedgerEvent).where(LedgerEvent.chain == f"application:{raced}").order_by(LedgerEvent.seq)
        ).all()
        assert [event.seq for event in events] == list(range(1, RACES + 2)), "no gap and nothing twice"
        moved = events[1:]
        for one, side in zip(told, ("left", "right"), strict=True):
            versions = [e.data["version"] - 1 for e in moved if e.action.startswith(side)]
            assert versions == one["won"], "the ledger says what each was told"
        assert [e.source for e in moved[1:]] == [e.target for e in moved[:-1]]
        assert ledger.verify(session).broken is None
    won, lost = ([one[what] for one in told] for what in ("won", "lost"))
    figure(f"races, {db.dialect}: {RACES} moves, won {[len(one) for one in won]}, told to look again {lost}")
