"""Deadlines on hold

Revision: 0002
Follows: 0001
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Deadlines on hold"""
    op.add_column("deadline", sa.Column("held_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))


def downgrade() -> None:
    """Back to what was before. A deadline that stands still runs again, with the day that it had."""
    op.execute("UPDATE deadline SET status = 'open' WHERE status = 'held'")
    op.drop_column("deadline", "held_at")
