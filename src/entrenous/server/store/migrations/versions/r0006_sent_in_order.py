"""What was published is kept in the order in which it came: a message changes fewer pages of a SQLite file."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table anew, with row ids. Other databases have it so already."""
    if op.get_bind().dialect.name != "sqlite":
        return
    op.drop_index("ix_sent_forget_at", "sent")
    op.rename_table("sent", "sent_by_id")
    op.create_table(
        "sent",
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("message_id", sa.LargeBinary(), nullable=False),
        sa.Column("room", sa.LargeBinary(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("forget_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device", "message_id", name=op.f("pk_sent")),
    )
    op.execute(
        "INSERT INTO sent (device, message_id, room, sequence, forget_at)"
        " SELECT device, message_id, room, sequence, forget_at FROM sent_by_id ORDER BY forget_at, device, message_id"
    )
    op.drop_table("sent_by_id")
    op.create_index("ix_sent_forget_at", "sent", ["forget_at"], unique=False)
