"""Where each try went

Revision: 0011
Follows: 0010
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Each try says to which address it went: a person's may be corrected in between. Of older ones it is not known"""
    op.add_column("delivery_attempt", sa.Column("address", sqlmodel.sql.sqltypes.AutoString(), nullable=True))


def downgrade() -> None:
    """Back to what was before."""
    op.drop_column("delivery_attempt", "address")
