"""Who has a role

Revision: 0014
Follows: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The managers are found without reading all persons"""
    op.create_index("ix_person_role_role", "person_role", ["role"])


def downgrade() -> None:
    """Back to what was before."""
    op.drop_index("ix_person_role_role", "person_role")
