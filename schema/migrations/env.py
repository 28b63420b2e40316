"""How Alembic reaches the database: over the connection that ``fund.base.migrations`` hands in."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import JSON
from sqlmodel import SQLModel

import schema

assert schema.__all__


def render_item(kind: str, item: Any, autogen: Any) -> str | Literal[False]:
    """Write JSON columns the way this project declares them; leave everything else to Alembic."""
    if kind == "type" and isinstance(item, JSON):
        autogen.imports.add("from sqlalchemy.dialects import postgresql")
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=render_item,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
