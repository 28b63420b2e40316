"""Deadlines of a subject

Revision: 0010
Follows: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What somebody owes is found by what it belongs to, however many deadlines there are"""
    op.create_index("ix_deadline_subject", "deadline", ["subject_kind", "subject_id"])


def downgrade() -> None:
    """Back to what was before."""
    op.drop_index("ix_deadline_subject", table_name="deadline")
