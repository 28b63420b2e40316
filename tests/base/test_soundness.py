"""What is wrong with a workflow that the fund works by is said at the start, and nothing breaks."""

import logging
import signal

import pytest
from sqlmodel import select

from fund.base import definitions, soundness
from fund.base.database import Database
from schema.workflows import Workflow
from tests.support.processes import fund
from tests.support.versions import VERSION, later, sifting, sifting_too
from tests.support.world import world
from workflows import Definition, shipped


def kept(db: Database, text: str, name: str = "old") -> None:
    """Keep a text as a stored definition, whatever is in it."""
    with db.write() as session:
        row = Workflow(
            name=name,
            version=7,
            digest=name,
            source=text,
            stored_at=session.exec(select(Workflow)).first().stored_at,
        )
        session.add(row)


def test_nothing_is_wrong_with_what_is_shipped_and_stored(db, clock, caplog):
    world(db, clock.now())
    assert soundness.report(db) == 0
    assert caplog.records == []


def test_each_fault_is_one_line_with_workflow_version_line_and_state(db, clock, caplog):
    world(db, clock.now())
    text = shipped("lesson").source.replace('template = "lesson_received"', 'template = "lost"', 1)
    kept(db, text)
    kept(db, 'name = "broken"\n', "broken")
    assert soundness.report(db) > 1
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    line = text.split("\n").index("[moves.hand_in]") + 1
    assert (
        f'workflow old, version 7: line {line}: error: move hand_in: there is no mail template "lost"' in told
    )
    assert 'workflow broken, version 7: error: "label" is missing' in told
    assert all("\n" not in one for one in told)


def test_what_the_fund_cannot_carry_out_is_told_too(db, clock, caplog):
    world(db, clock.now())
    text = shipped("report").source.replace("report.due_on", "report.someday")
    with db.write() as session:
        definitions.store(session, Definition.parse(text), clock.now())
    assert soundness.report(db) == 1
    assert caplog.records[0].getMessage().endswith("deadline report: no day is kept as report.someday")


def test_versions_that_were_accepted_know_each_other(sqlite_db, clock, caplog):
    world(sqlite_db, clock.now())
    with sqlite_db.write() as session:
        for one in (sifting(), *sifting_too()):
            definitions.store(session, one, clock.now())
    assert soundness.report(sqlite_db) == 0
    with sqlite_db.write() as session:
        other = later("review", ("", '"screening"', '"nowhere"'), version=VERSION + 1)
        definitions.store(session, other, clock.now())
    assert soundness.report(sqlite_db) == 1
    assert all('has no state "nowhere"' in record.getMessage() for record in caplog.records)


def test_a_shipped_file_that_was_changed_under_the_same_version_is_told(sqlite_db, clock, caplog):
    kept_one = Definition.parse(shipped("review").source + "\n# As it was.\n")
    with sqlite_db.write() as session:
        definitions.store(session, kept_one, clock.now())
        definitions.store(session, later("lesson"), clock.now())
    assert soundness.report(sqlite_db) == 1
    version = shipped("review").version
    assert (
        caplog.records[0]
        .getMessage()
        .startswith(f"workflow review, as shipped: it is not the version {version} that the fund keeps")
    )
    with sqlite_db.write() as session:
        definitions.store(session, shipped("review"), clock.now())
    assert soundness.report(sqlite_db) == 0


def test_a_database_without_tables_stops_nothing(tmp_path):
    empty = Database(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    assert soundness.report(empty) == 0
    empty.close()


@pytest.mark.slow
def test_a_worker_by_itself_says_it_too(sqlite_db, clock, tmp_path):
    world(sqlite_db, clock.now())
    kept(sqlite_db, 'name = "broken"\n', "broken")
    with fund("worker", database_url=sqlite_db.url, data_dir=tmp_path) as running:
        running.wait_for('workflow broken, version 7: error: "label" is missing')
        running.wait_for("the worker sweeps")
        assert running.end(signal.SIGTERM) == 0
