"""KeyPackages have an end: the server hands out none that nobody may add any more."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("key_packages", sa.Column("expires_at", sa.BigInteger(), nullable=False, server_default="0"))
    # What was stored before has no known end. It is handed out as until now, and replaced by its devices in time.
    op.execute("UPDATE key_packages SET expires_at = 4611686018427387904")
