"""The migrations lead to the tables as the code declares them, on both databases, and back."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect
from sqlmodel import SQLModel

import schema
from fund.base import migrations
from fund.base.database import Database


@pytest.fixture
def empty(database_url):
    """A database without any table."""
    engine = create_engine(database_url)
    SQLModel.metadata.drop_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
    engine.dispose()
    database = Database(database_url)
    yield database
    database.close()


def test_the_migrations_lead_to_what_the_code_declares(empty):
    assert schema.__all__
    assert not migrations.is_current(empty)
    files = Path(schema.__file__).parent.glob("migrations/versions/0*.py")
    assert migrations.upgrade(empty) == sorted(file.name[:4] for file in files)
    assert migrations.is_current(empty)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_migrating_again_changes_nothing(empty):
    migrations.upgrade(empty)
    assert migrations.upgrade(empty) == []


def test_every_migration_can_be_taken_back(empty):
    migrations.upgrade(empty)
    with empty.engine.begin() as connection:
        command.downgrade(migrations._config(connection), "base")
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
