"""Bringing a database to the schema of this version, and telling whether it is there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

import schema
from fund.base.database import Database

SCRIPTS = Path(schema.__file__).parent / "migrations"


def upgrade(database: Database) -> list[str]:
    """Bring the database to this version's schema, all or nothing; answers the revisions that were applied.

    Two processes at once: on SQLite the second waits; on PostgreSQL an advisory lock makes it wait.
    """
    with database.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7461901)")
        before = _revision(connection)
        command.upgrade(_config(connection), "head")
        script = ScriptDirectory.from_config(_config(connection))
        applied = script.iterate_revisions("head", before or "base")
        return [step.revision for step in reversed(list(applied)) if step.revision != before]


def is_current(database: Database) -> bool:
    """Whether the database has exactly the schema of this version."""
    with database.engine.connect() as connection:
        return _revision(connection) == ScriptDirectory(str(SCRIPTS)).get_current_head()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
