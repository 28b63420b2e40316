"""The migrations lead to the tables as the code declares them, on both databases, and back."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text
from sqlmodel import SQLModel, select

import schema
from fund.base import migrations
from fund.base.database import Database
from schema.rounds import Round


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


def test_rounds_that_were_there_before_get_days_off_and_no_reminders_of_their_own(empty):
    told = {
        "slug": "old", "title": "Old", "summary": "", "eligibility": "[]", "zone": "UTC", "currency": "USD",
        "opens_on": "2021-01-01", "closes_on": "2021-02-01", "review_due_on": "2021-03-01",
        "decision_on": "2021-04-01", "pot_minor": 1, "ceiling_minor": 1, "project_months": 9, "form": "[]",
        "scorecard": "[]", "created_at": "2021-01-01 00:00:00.000000", "workflow_id": 1, "state": "planned",
        "state_since": "2021-01-01 00:00:00.000000", "version": 1,
    }  # fmt: skip
    with empty.engine.begin() as connection:
        command.upgrade(migrations._config(connection), "0005")
        connection.exec_driver_sql(
            "INSERT INTO workflow (id, name, version, digest, source, stored_at)"
            " VALUES (1, 'round', 1, 'd', '', '2021-01-01 00:00:00.000000')"
        )
        columns, values = ", ".join(told), ", ".join(f":{name}" for name in told)
        connection.execute(text(f"INSERT INTO round ({columns}) VALUES ({values})"), told)
    migrations.upgrade(empty)
    with empty.read() as session:
        found = session.exec(select(Round)).one()
        assert (found.weekend, found.holidays, found.reminders) == (["saturday", "sunday"], [], {})
