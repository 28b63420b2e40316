"""Working days and reminders of a round

Revision: 0006
Follows: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = {"weekend": '["saturday", "sunday"]', "holidays": "[]", "reminders": "{}"}
"""With what stands in them for the rounds that are there already."""


def upgrade() -> None:
    """Each round has its days off, and may remind otherwise than its workflow says"""
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    for name, default in COLUMNS.items():
        op.add_column("round", sa.Column(name, json, nullable=False, server_default=default))


def downgrade() -> None:
    """Back to what was before."""
    for name in reversed(COLUMNS):
        op.drop_column("round", name)
