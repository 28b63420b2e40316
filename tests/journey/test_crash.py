"""kill -9 at any moment of the journey, then start again: state, deadlines and mail agree, and nothing is lost."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import datetime
from pathlib import Path

import httpx2
import pytest
from sqlmodel import select

from fund.people import tokens
from schema.applications import Application
from schema.outbox import Message
from tests.journey.server import START
from tests.journey.steps import Journey
from tests.journey.support import check_at_rest
from tests.support.live import address_of, free_socket
from tests.support.world import world

ROOT = Path(__file__).resolve().parent.parent.parent
KILLS = 8


class Server:
    """The process, started again whenever it was killed."""

    def __init__(self, url, smtp_port, folder):
        with free_socket() as listening:
            self.address = address_of(listening)
        arguments = [url, self.address.rpartition(":")[2], str(smtp_port), str(folder)]
        self._starter = subprocess.Popen(
            [sys.executable, "-m", "tests.journey.server", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._process = 0

    def start(self):
        """Start it and wait until it answers."""
        self._tell("start")
        said = {self._starter.stdout.readline(), self._starter.stdout.readline()}
        assert "ready\n" in said
        self._process = int((said - {"ready\n"}).pop())

    def kill(self):
        """As the system does it when memory runs out."""
        os.kill(self._process, signal.SIGKILL)

    def end(self, number):
        """Send it a signal and wait until it is gone."""
        os.kill(self._process, number)
        self._tell("wait")
        assert int(self._starter.stdout.readline()) == self._process

    def close(self):
        """No more will be started."""
        self._starter.communicate()

    def _tell(self, word):
        self._starter.stdin.write(f"{word}\n")
        self._starter.stdin.flush()


class Killer(threading.Thread):
    """Kills the server at random moments, so many times."""

    def __init__(self, server, kills, chance):
        super().__init__(daemon=True)
        self.server, self.left, self.chance = server, kills, chance
        self.stopping, self.alive = threading.Event(), threading.Event()

    def run(self):
        while self.left and not self.stopping.is_set():
            self.alive.wait(1)
            if self.stopping.wait(self.chance.uniform(0.05, 1.2)) or not self.alive.is_set():
                continue
            self.left -= 1
            self.alive.clear()
            self.server.kill()

    def revive(self):
        """Start the server again after a kill."""
        self.server.end(signal.SIGKILL)
        self.server.start()
        self.alive.set()


@pytest.mark.slow
@pytest.mark.chaos
def test_kill_at_any_moment_and_nothing_is_lost(db, clock, mailbox, tmp_path):
    here = world(db, START)
    who = {
        "applicant": here.applicant,
        "manager": here.manager,
        "first": here.reviewers[0],
        "second": here.reviewers[1],
    }
    with db.write() as session:
        keys = {
            name: tokens.create_token(session, viewer.person_id, "test", START)
            for name, viewer in who.items()
        }
    server = Server(db.url, mailbox.port, tmp_path)
    server.start()
    killer = Killer(server, KILLS, random.Random(2030))
    killer.alive.set()

    def request(method, path, body=None, key=keys["manager"]):
        with httpx2.Client(base_url=server.address, timeout=60, verify=False) as client:
            answer = client.request(method, path, json=body, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code < 300, (method, path, answer.text)
        return answer.json()

    def call(name, method, path, body=None):
        return request(method, f"/api/v1{path}", body, keys[name])

    def now():
        return _moment(request("GET", "/test/clock"))

    def travel(moment):
        request("POST", f"/test/clock/{moment.isoformat().replace('+00:00', 'Z')}")

    ids = [viewer.person_id for viewer in here.reviewers[:2]]
    journey = Journey(call, now, travel, here.round_slug, ids)
    killer.start()
    try:
        for step in journey.steps():
            _until_done(step, killer)
        killer.stopping.set()
        killer.join()
        _until_done(lambda: travel(now()), killer)
        end = now()
    finally:
        killer.stopping.set()
        killer.join()
        server.end(signal.SIGTERM)
        server.close()
    assert killer.left == 0, "every kill happened while the journey was under way"
    with db.read() as session:
        assert session.exec(select(Application.state)).all() == ["lesson_published"]
        statuses = Counter(session.exec(select(Message.status)).all())
    print(f"{KILLS} kills, mail: {dict(statuses)}")
    assert set(statuses) <= {"sent", "cancelled", "pending", "superseded", "expired"}
    check_at_rest(db, end, mailbox.messages)


def _moment(answer):
    return datetime.fromisoformat(answer["now"])


def _until_done(step, killer):
    """Do the step; where the server was killed meanwhile, start it again and do the step again."""
    while True:
        try:
            return step()
        except httpx2.TransportError:
            killer.revive()
