"""Who runs a round

Revision: 0012
Follows: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A round may name the managers who run it; those that are there already are run by all"""
    op.create_table(
        "round_manager",
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_round_manager_person_id")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_round_manager_round_id")),
        sa.PrimaryKeyConstraint("round_id", "person_id", name=op.f("pk_round_manager")),
    )


def downgrade() -> None:
    """Back to what was before."""
    op.drop_table("round_manager")
