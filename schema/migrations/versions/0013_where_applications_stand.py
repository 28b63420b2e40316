"""Where the applications of a round stand

Revision: 0013
Follows: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Where a round's applications stand, each by its own version, is read from the index alone"""
    op.create_index("ix_application_round_id_standing", "application", ["round_id", "state", "workflow_id"])
    op.drop_index("ix_application_round_id_state", "application")


def downgrade() -> None:
    """Back to what was before."""
    op.create_index("ix_application_round_id_state", "application", ["round_id", "state"])
    op.drop_index("ix_application_round_id_standing", "application")
