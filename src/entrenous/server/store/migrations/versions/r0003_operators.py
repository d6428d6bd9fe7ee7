"""What operators need: an audit log, quotas, deleted accounts, blocked devices, counts of what was swept."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the tables."""
    op.add_column("accounts", sa.Column("deleted_at", sa.BigInteger(), nullable=True))
    op.create_index("ix_accounts_deleted_at", "accounts", ["deleted_at"], unique=False)
    op.add_column("devices", sa.Column("blocked", sa.SmallInteger(), nullable=False, server_default="0"))
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
    )
    op.create_table(
        "quotas",
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("rooms", sa.Integer(), nullable=True),
        sa.Column("kept_bytes", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_quotas_account"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_quotas")),
    )
    op.create_table(
        "swept",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_swept")),
    )
