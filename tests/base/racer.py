"""One of two processes that want different things of one application: ``tests.base.racer URL KEY SIDE TIMES``.

It makes its move on whatever version it sees, until the application was moved so many times; then it says in one line
of JSON which versions it won, and how often it was told that somebody else was faster.
"""

import json
import sys
from datetime import UTC, datetime

from sqlmodel import Session, select

from fund.base import moves
from fund.base.database import Database
from fund.base.errors import Conflict
from fund.base.permissions import Viewer
from schema.applications import Application
from schema.people import Person

NOW = datetime(2021, 9, 21, 8, tzinfo=UTC)


def main(url: str, key: int, side: str, times: int) -> None:
    """Race until the end."""
    database = Database(url)
    with database.read() as session:
        person = session.exec(select(Person).where(Person.name == "Amina Bello")).one()
    manager = Viewer(person_id=person.id, name=person.name, email=person.email, roles=frozenset({"manager"}))
    won, lost = [], 0
    while (seen := _seen(database, key))[1] <= times:
        state, version = seen
        try:
            with database.write() as session:
                _move(session, key, f"{side}_{state}", version, manager)
            won.append(version)
        except Conflict:
            lost += 1
    database.close()
    print(json.dumps({"won": won, "lost": lost}))


def _seen(database: Database, key: int) -> tuple[str, int]:
    with database.read() as session:
        row = session.get_one(Application, key)
        return row.state, row.version


def _move(session: Session, key: int, trigger: str, version: int, manager: Viewer) -> None:
    application = session.get_one(Application, key)
    moves.fire(session, application, trigger, manager, version=version, now=NOW)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
