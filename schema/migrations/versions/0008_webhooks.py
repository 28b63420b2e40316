"""Webhooks

Revision: 0008
Follows: 0007
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TEXT = sqlmodel.sql.sqltypes.AutoString
MOMENT = sqlmodel.sql.sqltypes.UTCDateTime


def upgrade() -> None:
    """Programs that are called when something happens, and the messages to them"""
    op.create_table(
        "webhook",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", TEXT(), nullable=False),
        sa.Column("url", TEXT(), nullable=False),
        sa.Column("events", TEXT(), nullable=False),
        sa.Column("with_people", sa.Boolean(), nullable=False),
        sa.Column("secret", TEXT(), nullable=False),
        sa.Column("former_secret", TEXT(), nullable=True),
        sa.Column("former_until", MOMENT(), nullable=True),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT(), nullable=False),
        sa.Column("disabled_at", MOMENT(), nullable=True),
        sa.Column("reason", TEXT(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
    )
    op.add_column("message", sa.Column("webhook_id", sa.Integer(), nullable=True))
    op.create_index(
        "ix_message_webhook",
        "message",
        ["webhook_id", "next_at"],
        sqlite_where=sa.text("status = 'pending' AND webhook_id IS NOT NULL"),
        postgresql_where=sa.text("status = 'pending' AND webhook_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Back to what was before."""
    op.execute(
        "DELETE FROM delivery_attempt WHERE message_id IN (SELECT id FROM message WHERE kind = 'webhook')"
    )
    op.execute("DELETE FROM message WHERE kind = 'webhook'")
    op.drop_index("ix_message_webhook", table_name="message")
    op.drop_column("message", "webhook_id")
    op.drop_table("webhook")
