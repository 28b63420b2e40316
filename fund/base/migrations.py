"""Bringing a database to the schema of this version, and telling whether it is there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

import schema
from fund.base.database import Database
from fund.base.errors import Misconfigured

SCRIPTS = Path(schema.__file__).parent / "migrations"


def upgrade(database: Database) -> list[str]:
    """Bring the database to this version's schema, all or nothing; answers the revisions that were applied.

    Two processes at once: on SQLite the second waits; on PostgreSQL an advisory lock makes it wait.
    Raises Misconfigured where a newer version made the schema.
    """
    with database.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7461901)")
        before = _revision(connection)
        _require_known(before)
        command.upgrade(_config(connection), "head")
        script = ScriptDirectory.from_config(_config(connection))
        applied = script.iterate_revisions("head", before or "base")
        return [step.revision for step in reversed(list(applied)) if step.revision != before]


def is_current(database: Database) -> bool:
    """Whether the database has exactly the schema of this version. Raises Misconfigured where it has a newer one."""
    with database.engine.connect() as connection:
        found = _revision(connection)
    _require_known(found)
    return found == ScriptDirectory(str(SCRIPTS)).get_current_head()


def _require_known(revision: str | None) -> None:
    known = {step.revision for step in ScriptDirectory(str(SCRIPTS)).walk_revisions()}
    if revision is not None and revision not in known:
        raise Misconfigured(
            f"The database has the schema {revision} of a newer version of the fund. Install that version."
        )


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
