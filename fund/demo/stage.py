"""The stage of the demonstration: database, clock, mail catcher and worker in one folder, ready to be shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from sqlmodel import Session, col, select

from fund.base import migrations
from fund.base.database import Database
from fund.base.permissions import Viewer
from fund.base.settings import Settings
from fund.demo.catcher import Catcher
from fund.demo.clock import MovedClock
from fund.demo.folder import StageFolder
from fund.demo.story import OPENING, live_through
from fund.demo.travel import travel
from fund.rehearsing.living import next_event, settle
from fund.web.i18n import Lazy, lazy
from fund.worker import Worker
from notifications.calling import is_this_machine
from notifications.dates import local_day, reminder_moment
from schema.people import Membership, Person, PersonRole, Role

EDITION = "3"
"""Changes when the story does; data of another edition is made anew."""

ROLES = {
    Role.MANAGER: lazy("Fund managers"),
    Role.REVIEWER: lazy("Reviewers"),
    Role.AUDITOR: lazy("Auditors"),
}
APPLICANTS = lazy("Applicants")
SPANS = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}
STEPS = {
    "day": lazy("A day"),
    "week": lazy("A week"),
    "month": lazy("A month"),
    "next": lazy("To the next deadline or mail"),
}
"""How the clock can be moved."""


class DemoWorker(Worker):
    """A worker that also notes the moment, so that a demonstration that is killed goes on where it was."""

    def __init__(self, settings: Settings, database: Database, clock: MovedClock) -> None:
        super().__init__(settings, database, clock, demo=True)
        self._moved = clock

    def sweep(self) -> int:
        """Let deadlines pass, send what is due, note the moment. Answers how much was done."""
        done = super().sweep()
        self._moved.save()
        return done


@dataclass
class Stage:
    """Everything that the demonstration's pages need."""

    folder: StageFolder
    settings: Settings
    database: Database
    clock: MovedClock
    catcher: Catcher
    worker: Worker

    def move(self, step: str) -> None:
        """Move the clock by one of ``STEPS``; ``next`` is the next thing that is due."""
        now = self.clock.now()
        target = now + SPANS[step] if step in SPANS else next_event(self.database, now) or now
        for monday in _mondays(now, target, self.settings.zone):
            travel(self.worker, self.clock, monday)
            self.worker.letters()
            settle(self.worker)
        travel(self.worker, self.clock, target)

    def bar(self, _request: Request, viewer: Viewer) -> Mapping[str, Any]:
        """What the bar on every page shows."""
        with self.database.read() as session:
            groups = by_role(session)
        return {
            "now": self.clock.now(),
            "roles": [
                {"label": str(label), "people": [_button(person, viewer) for person in people]}
                for label, people in groups
            ],
            "moves": [{"label": str(label), "url": f"/demo/clock/{step}"} for step, label in STEPS.items()],
            "mailbox": {"url": "/demo/mail", "count": len(self.catcher)},
        }

    def close(self) -> None:
        """Remember the moment and stop everything."""
        self.worker.stop()
        self.clock.save()
        self.catcher.stop()
        self.database.close()
        self.folder.close()


def _mondays(now: datetime, target: datetime, zone: str) -> list[datetime]:
    """Nine o'clock on each Monday between the two: overviews of a week are written on its first morning only."""
    first = local_day(now, zone)
    mornings = (reminder_moment(first, days, zone) for days in range((target - now).days + 2))
    return [one for one in mornings if now < one <= target and local_day(one, zone).weekday() == 0]


def by_role(session: Session) -> list[tuple[Lazy, list[Person]]]:
    """The people of the demonstration that one may step into, under the name of what they are."""
    people = session.exec(select(Person).order_by(col(Person.id))).all()
    groups = [
        (label, set(session.exec(select(PersonRole.person_id).where(PersonRole.role == role))))
        for role, label in ROLES.items()
    ]
    groups.append((APPLICANTS, set(session.exec(select(Membership.person_id)))))
    return [(label, [person for person in people if person.id in ids]) for label, ids in groups]


def everybody(session: Session) -> list[Person]:
    """The same people, each once, in the same order."""
    return list({person.id: person for _label, people in by_role(session) for person in people}.values())


def _button(person: Person, viewer: Viewer) -> Mapping[str, Any]:
    name, _comma, _role = person.name.partition(",")
    return {
        "label": name,
        "url": f"/demo/become/{person.id}",
        "current": person.id == viewer.person_id,
    }


def set_up(settings: Settings, folder: Path, *, fresh: bool, tell: Callable[[str], None]) -> Stage:
    """Open the stage in ``folder``; without a whole one there, or if ``fresh``, the story is lived through first.

    Raises Misconfigured where the folder holds something else or another process shows it.
    """
    held = StageFolder(folder)
    if not fresh and held.has(EDITION):
        return _open(settings, held)
    tell("Living through the 2021 round, once (the next start takes a moment only)")
    held.clear()
    stage = _open(settings, held)
    try:
        live_through(stage.worker, stage.clock, tell)
    except BaseException:
        stage.close()
        raise
    held.keep(EDITION)
    return stage


def is_for_one(settings: Settings) -> bool:
    """Whether nobody but who sits at this machine sees the demonstration.

    Everybody can be a manager in it. Where others come as well, they must not have it call what stands beside it.
    """
    return all(is_this_machine(host or "") for host in (settings.host, urlsplit(settings.address).hostname))


def _open(settings: Settings, held: StageFolder) -> Stage:
    database = Database(f"sqlite:///{held.path / 'fund.sqlite3'}")
    migrations.upgrade(database)
    catcher = Catcher(held.path / "mail")
    catcher.start()
    own = settings.model_copy(
        update={
            "data_dir": held.path,
            "database_url": "",
            "smtp_host": "127.0.0.1",
            "smtp_port": catcher.port,
            "smtp_security": "none",
            "smtp_user": "",
            "mail_limits": "",
            "smtp_connections": 1,  # its list of mail stands in the order in which they fell due
            "webhook_private": settings.webhook_private or is_for_one(settings),
            "sweep_seconds": 2.0,
        }
    )
    clock = MovedClock(held.path / "clock.json", OPENING)
    return Stage(held, own, database, clock, catcher, DemoWorker(own, database, clock))
