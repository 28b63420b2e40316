"""A fund with one round that is planned, and its life as it really is: real mail server, real database."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session, SQLModel

from fund.base.clock import FixedClock
from fund.base.database import Database
from fund.base.permissions import Viewer
from fund.base.settings import Settings
from fund.governing import service as governing
from fund.rehearsing.living import live
from fund.rehearsing.playing import Play
from fund.rehearsing.queries import HORIZON, Rehearsal, rehearse
from fund.rehearsing.scenario import Scenario
from fund.rounds import service as rounds
from fund.worker import Worker
from schema.people import Member
from tests.rounds.support import DRAFT
from tests.support.smtp import Mailbox
from tests.support.world import person
from workflows import shipped

Told = tuple[datetime, str, str]
"""A mail by moment, recipient and subject."""
ZONES = ("America/Bogota", "Africa/Nairobi", "Europe/Brussels")


@dataclass(frozen=True)
class Fund:
    """A fund with people and one round."""

    db: Database
    manager: Viewer
    round_id: int
    slug: str


def planned_fund(
    db: Database,
    now: datetime,
    *,
    members: int = 2,
    reviewers: int = 3,
    workflow_text: str = "",
    **changes: Any,
) -> Fund:
    """A manager, so many members with one person each and so many reviewers; a round planned from DRAFT.

    ``workflow_text`` is a version of a workflow that the fund is given before.
    """
    with db.write() as session:
        if workflow_text:
            governing.accept(session, None, workflow_text, now)
        manager = person(session, "Amina Bello", now, roles=["manager"], zone="Africa/Lagos")
        for number in range(reviewers):
            person(session, f"Reviewer {number}", now, roles=["reviewer"])
        for number in range(members):
            key = _member(session, number, now)
            person(session, f"Applicant {number}", now, members=[key], zone=ZONES[number % len(ZONES)])
        round_ = rounds.create_round(session, manager, replace(DRAFT, **changes), now)
        return Fund(db, manager, round_.id or 0, round_.slug)


def _member(session: Session, number: int, now: datetime) -> int:
    row = Member(slug=f"city-{number}", name=f"City {number}", kind="city", country="Nowhere", joined_at=now)
    session.add(row)
    session.flush()
    return row.id or 0


def rehearsed(fund: Fund, scenario: Scenario, now: datetime, **options: Any) -> Rehearsal:
    """The rehearsal of the fund's round."""
    return rehearse(fund.db, Settings(), fund.slug, scenario, now, **options)


def lived(
    fund: Fund, mailbox: Mailbox, folder: Path, scenario: Scenario, now: datetime, invented: int
) -> list[Told]:
    """What really arrives when the same people live through the round under a moved clock."""
    settings = Settings(
        data_dir=folder, smtp_host=mailbox.host, smtp_port=mailbox.port, mail_limits="", log_level="error"
    )
    clock = FixedClock(now)
    worker = Worker(settings, fund.db, clock)
    play = Play(fund.db, fund.round_id, scenario, now, invented)
    live(worker, clock, play, now + HORIZON)
    worker.sender.stop()
    return sorted((mail.parsed["Date"].datetime, mail.recipient, mail.subject) for mail in mailbox.messages)


def told(rehearsal: Rehearsal) -> list[Told]:
    """The mails of a rehearsal in the same form."""
    return sorted((mail.at, mail.recipient, mail.subject) for mail in rehearsal.mails)


def everything(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with db.read() as session:
        return {
            table.name: [
                tuple(row)
                for row in session.connection().execute(table.select().order_by(*table.primary_key))
            ]
            for table in SQLModel.metadata.sorted_tables
        }


NOT_LONG = {"opens_on": date(2021, 10, 1), "closes_on": date(2021, 10, 20), "project_months": 2}
"""A round of which everything is over in a year."""

VISITED = (
    shipped("application")
    .source.replace("version = 1", "version = 2", 1)
    .replace(
        'from = ["deliberation", "reserve"]\nto = "offered"',
        'from = ["site_visit", "reserve"]\nto = "offered"',
    )
    .replace(
        'meets = ["decision", "reserve_decision"]',
        'meets = ["decision", "reserve_decision", "site_visit"]',
        1,
    )
    + """
[states.site_visit]
stage = "decision"
label = "Site visit"
applicant_label = "We come to see you"
help = "Somebody visits you."
read = ["applicant", "manager", "auditor"]
hides = { applicant = ["feedback", "offer"] }
deadlines = ["site_visit"]

[moves.visit]
label = "Visit the applicant"
from = ["deliberation"]
to = "site_visit"
by = ["manager"]
meets = ["decision"]
style = "primary"

[deadlines.site_visit]
label = "Visit the applicant"
owner = "manager"
due = { days = 14 }
reminders = [-7, { days = -2, to = "applicant" }, 1]
"""
)
"""The workflow of applications with a visit before each offer: a state that the fund's makers know nothing of."""
