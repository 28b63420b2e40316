"""Every command does what ``fund --help`` says of it."""

import pytest
from sqlalchemy import text, update
from sqlmodel import col, select

from fund.base.clock import SystemClock
from fund.base.database import Database
from fund.base.settings import Settings
from fund.worker import Worker
from notifications.outbox import queue
from notifications.wanted import KIND
from schema.ledger import LedgerEvent
from schema.outbox import Message
from schema.people import Person, PersonRole
from tests.support.doors import Doors
from tests.support.world import draft, submit, world

COMMANDS = (
    "demo",
    "serve",
    "worker",
    "migrate",
    "create-manager",
    "token",
    "audit",
    "mail",
    "rehearse",
    "workflow",
)
EMAIL = "mira@fund.example"


@pytest.fixture
def here(db, clock, fund, monkeypatch):
    """A fund with a submitted proposal, which the command line works on."""
    monkeypatch.setenv("FUND_DATABASE_URL", db.url)
    here = world(db, clock.now())
    with db.write() as session:
        submit(session, here, draft(session, here, clock.now()), clock.now())
    return here


def test_help_names_every_command(fund):
    said = fund("--help")
    assert said.code == 0
    assert [name for name in COMMANDS if f" {name} " not in said.out] == []
    for name in COMMANDS:
        assert fund(name, "--help").code == 0


def test_migrate_makes_the_database_and_a_second_time_does_nothing(fund, data):
    first = fund("migrate")
    assert (first.code, first.errors) == (0, [])
    assert first.out.startswith("Applied: 0001")
    assert fund("migrate").out == "The database is up to date.\n"
    assert [path.name for path in data.iterdir()] == ["fund.sqlite3"]


def test_a_manager_is_made_once(fund, data):
    fund("migrate")
    for name in ("Mira", "Somebody else"):
        said = fund("create-manager", EMAIL, "--name", name)
        assert said.code == 0
        assert said.out == f"{EMAIL} manages the fund. Sign in at http://127.0.0.1:8000/sign-in\n"
    database = Database(f"sqlite:///{data / 'fund.sqlite3'}")
    with database.read() as session:
        people = session.exec(select(Person)).all()
        assert [(person.email, person.name) for person in people] == [(EMAIL, "Mira")]
        assert session.exec(select(PersonRole.role)).all() == ["manager"]
    database.close()


def test_a_token_opens_the_api_to_its_person(fund, here, clock):
    said = fund("token", here.manager.email, "--label", "report")
    assert (said.code, said.errors) == (0, [])
    browser = Doors(here.db, SystemClock()).browser()
    mine = browser.get("/api/v1/me", headers={"Authorization": f"Bearer {said.out.strip()}"})
    assert mine.json()["email"] == here.manager.email


def test_mail_status_tells_mails_from_calls_of_webhooks(fund, here, clock):
    before = fund("mail", "status").out
    assert "webhook" not in before
    with here.db.write() as session:
        for number, status in enumerate(("sent", "dead")):
            key = f"call:{number}"
            queue(session, key=key, kind=KIND, template=KIND, address="receiver", now=clock.now())
            session.execute(update(Message).where(col(Message.dedup_key) == key).values(status=status))
    now = [line for line in fund("mail", "status").out.splitlines() if line not in before.splitlines()]
    assert now == [
        "Calls of webhooks: Could not be delivered: 1",
        "Calls of webhooks: Sent: 1",
        "A call that needs a decision: http://127.0.0.1:8000/mail/problems",
    ]


def test_mail_status_writes_dates_as_they_are_written_elsewhere(fund, here):
    assert "Due and waiting since 21 September 2021, 08:00 UTC\n" in fund("mail", "status").out


def test_mail_status_says_why_no_mail_goes_out(fund, here, mailbox, tmp_path):
    why = "No mail goes out: no worker has ever swept; run: fund worker\n"
    assert why in fund("mail", "status").out
    worker = Worker(Settings(data_dir=tmp_path, smtp_port=mailbox.port), here.db, SystemClock())
    worker.sweep()
    worker.stop()
    assert "No mail goes out" not in fund("mail", "status").out


def test_mail_status_counts_the_mail(fund, here):
    said = fund("mail", "status")
    assert (said.code, said.errors) == (0, [])
    counts = dict(line.split(": ") for line in said.out.splitlines() if line[-1].isdigit())
    with here.db.read() as session:
        assert (
            sum(map(int, counts.values())) == session.execute(text("SELECT count(*) FROM message")).scalar()
        )


def test_mail_status_says_which_limit_holds_mail_back(fund, here, mailbox, tmp_path, monkeypatch):
    sender = Worker(
        Settings(data_dir=tmp_path, smtp_port=mailbox.port, mail_limits="1/day"), here.db, SystemClock()
    )
    sender.sweep()
    sender.stop()
    monkeypatch.setenv("FUND_MAIL_LIMITS", "1/day, 5/day")
    assert (
        "Mail waits until the limit 1/day lets more through (FUND_MAIL_LIMITS)" in fund("mail", "status").out
    )


def test_the_ledger_is_sealed_and_holds(fund, here):
    sealed = fund("audit", "seal").out.removeprefix("Sealed: ").strip()
    assert len(sealed) == 64
    assert fund("audit", "seal").out == "Nothing happened since the last seal.\n"
    said = fund("audit", "verify")
    assert (said.code, said.errors) == (0, [])
    assert said.out.startswith("The ledger holds: ")
    assert said.out.endswith(f"1 seals. Latest seal: {sealed}\n")


def test_a_row_changed_by_hand_breaks_the_ledger_and_the_first_is_named(fund, here):
    with here.db.write() as session:
        events = session.exec(select(LedgerEvent).order_by(LedgerEvent.chain, LedgerEvent.seq)).all()
        chain = next(event.chain for event in events if event.seq == 2)
        session.execute(
            text("UPDATE ledger_event SET action = 'decline' WHERE chain = :chain"), {"chain": chain}
        )
    said = fund("audit", "verify")
    assert (said.code, said.out) == (1, "")
    assert said.errors == [
        f"fund: The ledger is broken at event 1 of {chain}: it was changed after it was written."
    ]
