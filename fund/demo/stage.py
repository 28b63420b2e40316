"""The stage of the demonstration: database, clock, mail catcher and worker in one folder, ready to be shown."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi import Request
from sqlmodel import Session, col, select

from fund.base import migrations
from fund.base.database import Database
from fund.base.permissions import Viewer
from fund.base.settings import Settings
from fund.demo.catcher import Catcher
from fund.demo.clock import MovedClock
from fund.demo.story import OPENING, live_through
from fund.demo.travel import next_event, travel
from fund.web.i18n import Lazy, lazy
from fund.web.i18n import gettext as _
from fund.worker import Worker
from schema.people import Membership, Person, PersonRole, Role

EDITION = "3"
"""Changes when the story does; data of another edition is made anew."""

ROLES = {
    Role.MANAGER: lazy("Fund managers"),
    Role.REVIEWER: lazy("Reviewers"),
    Role.AUDITOR: lazy("Auditors"),
}
APPLICANTS = lazy("Applicants")


@dataclass
class Stage:
    """Everything that the demonstration's pages need."""

    settings: Settings
    database: Database
    clock: MovedClock
    catcher: Catcher
    worker: Worker

    def move(self, step: str) -> None:
        """Move the clock by a ``day``, a ``week``, or to the ``next`` thing that is due."""
        now = self.clock.now()
        spans = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}
        target = now + spans[step] if step in spans else next_event(self.database, now) or now
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
            "moves": [
                {"label": _("A day"), "url": "/demo/clock/day"},
                {"label": _("A week"), "url": "/demo/clock/week"},
                {"label": _("A month"), "url": "/demo/clock/month"},
                {"label": _("To the next deadline or mail"), "url": "/demo/clock/next"},
            ],
            "mailbox": {"url": "/demo/mail", "count": len(self.catcher)},
        }

    def close(self) -> None:
        """Remember the moment and stop everything."""
        self.worker.stop()
        self.clock.save()
        self.catcher.stop()
        self.database.close()


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
    """Open the stage in ``folder``; without a whole one there, or if ``fresh``, the story is lived through first."""
    mark = folder / "ready"
    if fresh or not mark.is_file() or mark.read_text() != EDITION:
        tell("Living through the 2021 round, once (the next start takes a moment only)")
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        stage = _open(settings, folder)
        live_through(stage.worker, stage.clock, tell)
        mark.write_text(EDITION)
        return stage
    return _open(settings, folder)


def _open(settings: Settings, folder: Path) -> Stage:
    catcher = Catcher(folder / "mail")
    catcher.start()
    own = settings.model_copy(
        update={
            "data_dir": folder,
            "database_url": "",
            "smtp_host": "127.0.0.1",
            "smtp_port": catcher.port,
            "smtp_security": "none",
            "smtp_user": "",
            "mails_per_minute": 1_000_000,
            "sweep_seconds": 2.0,
        }
    )
    database = Database(own.database)
    migrations.upgrade(database)
    clock = MovedClock(folder / "clock.json", OPENING)
    return Stage(own, database, clock, catcher, Worker(own, database, clock, demo=True))
