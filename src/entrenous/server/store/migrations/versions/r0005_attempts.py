"""Attempts at passwords, which all nodes of a server count together."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "attempts",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("full_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_attempts")),
    )
    op.create_index("ix_attempts_full_at", "attempts", ["full_at"])
