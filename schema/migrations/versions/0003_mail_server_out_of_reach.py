"""The mail server is out of reach

Revision: 0003
Follows: 0002
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Each worker says since when it cannot talk to the mail server, and why"""
    op.add_column(
        "worker", sa.Column("unreachable_since", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True)
    )
    op.add_column("worker", sa.Column("unreachable", sqlmodel.sql.sqltypes.AutoString(), nullable=True))


def downgrade() -> None:
    """Back to what was before."""
    op.drop_column("worker", "unreachable")
    op.drop_column("worker", "unreachable_since")
