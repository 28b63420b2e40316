"""Whether the fund says of itself that it works: the sweep, the mail server, and the numbers about both."""

from datetime import timedelta

import pytest

from fund.base.settings import Settings
from fund.worker import Worker
from notifications.alive import presence, register
from tests.support.doors import Doors, shown
from tests.support.world import draft, submit, world


@pytest.fixture
def here(db, clock):
    made = world(db, clock.now())
    with db.write() as session:
        submit(session, made, draft(session, made, clock.now()), clock.now())
    return made


@pytest.fixture
def worker(here, clock, mailbox, tmp_path):
    made = Worker(Settings(data_dir=tmp_path, smtp_host=mailbox.host, smtp_port=mailbox.port), here.db, clock)
    yield made
    made.stop()


@pytest.fixture
def ready(here, clock):
    """Asks /readyz, as a stranger, for the problems; none where it answers 200."""
    browser = Doors(here.db, clock).browser()

    def ask() -> list[str]:
        answer = browser.get("/readyz")
        assert answer.status_code == (503 if answer.json()["problems"] else 200)
        return answer.json()["problems"]

    return ask


def numbers(here, clock) -> dict[str, float]:
    """What Prometheus reads."""
    answer = Doors(here.db, clock, metrics=True).browser().get("/metrics")
    assert (answer.status_code, answer.headers["content-type"][:10]) == (200, "text/plain")
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _space, value in lines}


def test_it_is_not_ready_while_the_sweep_stands_still(here, clock, worker, ready):
    assert ready() == ["no worker has ever swept; run: fund worker"]
    assert numbers(here, clock)["fund_worker_sweep_age_seconds"] == float("inf")
    worker.sweep()
    assert ready() == []
    swept = clock.now().isoformat(timespec="seconds")
    clock.advance(timedelta(minutes=6))
    assert ready() == [f"the worker has not swept since {swept}"]
    worker.sweep()
    assert ready() == []


def test_it_is_not_ready_where_the_worker_lives_but_sends_nothing(here, clock, ready, tmp_path):
    clock.advance(timedelta(minutes=6))
    present = presence(here.db, tmp_path)
    with here.db.write() as session:
        register(session, present, clock.now())
    (problem,) = ready()
    assert problem.startswith("mail has been due since 2021-09-21T08:00:00")
    assert problem.endswith("and the worker sends none")


def test_a_mail_server_out_of_reach_is_shown_and_is_no_standstill(here, clock, mailbox, worker, ready):
    mailbox.down()
    worker.sweep()
    clock.advance(timedelta(minutes=10))
    worker.sweep()
    assert ready() == []
    told = numbers(here, clock)
    waiting = told['fund_mail_messages{status="pending"}']
    assert (told["fund_mail_circuit_open"], told['fund_mail_messages{status="sent"}']) == (1, 0)
    assert told["fund_mail_oldest_due_seconds"] == told["fund_mail_unreachable_seconds"] == 600
    page = shown(Doors(here.db, clock).browser(here.auditor).get("/mail").text)
    assert "The mail server is out of reach." in page
    assert f"127.0.0.1:{mailbox.port}" in page
    mailbox.up()
    clock.advance(timedelta(minutes=10))
    worker.sweep()
    clock.advance(timedelta(seconds=15))
    worker.sweep()
    told = numbers(here, clock)
    sent = told['fund_mail_messages{status="sent"}']
    assert sent == len(mailbox.messages) > 0
    assert told['fund_mail_messages{status="pending"}'] == waiting - sent
    assert told["fund_mail_circuit_open"] == told["fund_mail_oldest_due_seconds"] == 0


def test_a_limit_that_is_used_up_is_shown_and_is_no_standstill(here, clock, mailbox, tmp_path):
    settings = {
        "mail_limits": "1/day, 2/day example.org",
        "smtp_host": mailbox.host,
        "smtp_port": mailbox.port,
    }
    worker = Worker(Settings(data_dir=tmp_path, **settings), here.db, clock)
    worker.sweep()
    clock.advance(timedelta(minutes=10))
    worker.sweep()
    assert len(mailbox.messages) == 1
    doors = Doors(here.db, clock, metrics=True, **settings)
    assert doors.browser().get("/readyz").json()["problems"] == []
    told = doors.browser().get("/metrics").text
    assert 'fund_mail_limit_left{limit="1/day"} 0.0' in told
    assert 'fund_mail_limit_left{limit="2/day example.org"} 1.0' in told
    page = shown(doors.browser(here.auditor).get("/mail").text)
    assert "Mail waits for its turn. The fund sends no more than this: 1/day." in page
    worker.stop()


def test_the_numbers_are_closed_unless_a_setting_opens_them(here, clock):
    assert Doors(here.db, clock).browser().get("/metrics").status_code == 404
