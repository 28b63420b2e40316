"""Whether the product can do its work: the process is there, the database answers, the worker sweeps."""

from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import func, select

from fund.base import migrations
from fund.base.database import Database
from fund.base.errors import Misconfigured
from schema.outbox import Worker

STANDS_STILL_AFTER = timedelta(minutes=5)
"""A worker that has not swept for so long is taken for standing still."""


def problems(database: Database, now: datetime) -> list[str]:
    """What keeps the fund from working, in words; empty if nothing does."""
    try:
        if not migrations.is_current(database):
            return ["the database does not have this version's schema; run: fund migrate"]
        with database.read() as session:
            beat: datetime | None = session.exec(select(func.max(Worker.beat_at))).one()
    except Misconfigured as error:
        return [error.message]
    except SQLAlchemyError:
        return ["the database does not answer"]
    if beat is None:
        return ["no worker has ever swept; run: fund worker"]
    if now - beat > STANDS_STILL_AFTER:
        return [f"the worker has not swept since {beat.isoformat(timespec='seconds')}"]
    return []
