"""A worker is alive as long as it holds its lock, and not a moment longer."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fund.base.database import Database
from notifications.alive import FilePresence, PostgresPresence, Presence, presence, register
from schema.outbox import Worker
from tests.notifications.world import NOW, is_let_go, later

HOLDER = """
import sys, time
from pathlib import Path
from fund.base.database import Database
from notifications.alive import presence
present = presence(Database(sys.argv[1]), Path(sys.argv[2]))
present.hold()
print(present.name, flush=True)
time.sleep(600)
"""


@pytest.fixture
def present(db: Database, tmp_path: Path):
    mine = presence(db, tmp_path)
    yield mine
    mine.leave()


def test_each_database_has_its_own_kind_of_lock(db: Database, present: Presence) -> None:
    kinds = {"sqlite": FilePresence, "postgresql": PostgresPresence}
    assert type(present) is kinds[db.dialect]


def test_a_worker_is_alive_while_it_holds_its_lock(db: Database, present: Presence, tmp_path: Path) -> None:
    other = presence(db, tmp_path)
    assert present.name != other.name
    assert not present.is_alive(other.name)
    assert other.hold()
    assert other.hold()
    assert present.is_alive(other.name)
    other.leave()
    assert is_let_go(present, other.name)


@pytest.mark.parametrize("name", ["", "nobody", "host-1-zz", "../../etc/passwd"])
def test_a_name_that_nobody_holds_is_dead(present: Presence, name: str) -> None:
    assert not present.is_alive(name)


@pytest.mark.chaos
def test_kill_9_lets_go_of_the_lock_and_stop_does_not(
    db: Database, present: Presence, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, db.url, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    name = process.stdout.readline().strip()
    assert present.is_alive(name)
    process.send_signal(signal.SIGSTOP)
    assert present.is_alive(name)
    process.kill()
    process.wait()
    process.stdout.close()
    assert is_let_go(present, name)


def test_a_lost_session_is_noticed_and_a_new_name_taken(postgres_url: str) -> None:
    database = Database(postgres_url)
    mine, other = PostgresPresence(database.engine), PostgresPresence(database.engine)
    assert mine.hold()
    old = mine.name
    with database.write() as session:
        session.connection().exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        )
    assert not other.is_alive(old)
    assert not mine.hold()
    assert mine.name != old
    assert other.is_alive(mine.name)
    assert mine.hold()
    mine.leave()
    other.leave()
    database.close()


def test_managers_see_who_works_since_when(db: Database, present: Presence) -> None:
    present.hold()
    for moment in (NOW, later(minutes=1)):
        with db.write() as session:
            register(session, present, moment)
    with db.read() as session:
        worker = session.get_one(Worker, present.name)
        assert (worker.started_at, worker.beat_at, worker.lock) == (NOW, later(minutes=1), present.lock)
