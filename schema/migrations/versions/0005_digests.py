"""Digests, what people choose to get, and newsletters

Revision: 0005
Follows: 0004
"""

from secrets import token_urlsafe

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BEFORE = "status IN ('pending', 'claimed')"
AFTER = "status IN ('pending', 'claimed', 'gathered')"


def upgrade() -> None:
    """What one person gets on one day can come in one mail"""
    _of_people()
    op.add_column("message", sa.Column("digest_id", sa.Integer(), nullable=True))
    _index_of_deadlines(AFTER)
    gone_out = sa.text("digest_id IS NOT NULL")
    op.create_index(
        "ix_message_digest", "message", ["digest_id"], sqlite_where=gone_out, postgresql_where=gone_out
    )
    op.create_table(
        "newsletter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("month", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("subject", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("intro", sa.Text(), nullable=False),
        sa.Column("items", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("edit_version", sa.Integer(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("released_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("released_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["released_by"], ["person.id"], name=op.f("fk_newsletter_released_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_newsletter")),
        sa.UniqueConstraint("month", name=op.f("uq_newsletter_month")),
    )


def _of_people() -> None:
    for name, default in (("digest", sa.false()), ("calendar_files", sa.true())):
        op.add_column("person", sa.Column(name, sa.Boolean(), nullable=False, server_default=default))
    text = sqlmodel.sql.sqltypes.AutoString()
    op.add_column("person", sa.Column("mail_key", text, nullable=False, server_default=""))
    person = sa.table("person", sa.column("id", sa.Integer()), sa.column("mail_key", sa.String()))
    for key in op.get_bind().execute(sa.select(person.c.id)).scalars().all():
        op.execute(sa.update(person).where(person.c.id == key).values(mail_key=token_urlsafe(18)))
    op.create_index("ix_person_mail_key", "person", ["mail_key"], unique=True)
    op.create_table(
        "declined_mail",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("topic", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_declined_mail_person_id")),
        sa.PrimaryKeyConstraint("person_id", "topic", name=op.f("pk_declined_mail")),
    )


def _index_of_deadlines(which: str) -> None:
    op.drop_index("ix_message_deadline", "message")
    condition = sa.text(which)
    op.create_index(
        "ix_message_deadline",
        "message",
        ["deadline_id"],
        sqlite_where=condition,
        postgresql_where=condition,
    )


def downgrade() -> None:
    """Back to what was before. What was gathered goes out by itself."""
    op.drop_table("newsletter")
    op.execute("UPDATE message SET status = 'pending' WHERE status = 'gathered'")
    op.execute(
        "UPDATE message SET status = 'cancelled', reason = 'Digests are gone' WHERE kind = 'digest' AND status = 'pending'"
    )
    op.drop_index("ix_message_digest", "message")
    op.drop_column("message", "digest_id")
    _index_of_deadlines(BEFORE)
    op.drop_table("declined_mail")
    op.drop_index("ix_person_mail_key", "person")
    for name in ("mail_key", "calendar_files", "digest"):
        op.drop_column("person", name)
