"""The first schema: accounts, invites, KeyPackages, rooms and their logs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

#: SQLite counts rows by itself only in a column of type INTEGER.
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("login_name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("identity_key", sa.LargeBinary(), nullable=False),
        sa.Column("password_record", sa.LargeBinary(), nullable=False),
        sa.Column("recovery_record", sa.LargeBinary(), nullable=False),
        sa.Column("ksf_memory_kib", sa.Integer(), nullable=False),
        sa.Column("ksf_iterations", sa.Integer(), nullable=False),
        sa.Column("ksf_lanes", sa.Integer(), nullable=False),
        sa.Column("device_list", sa.LargeBinary(), nullable=False),
        sa.Column("device_list_version", sa.BigInteger(), nullable=False),
        sa.Column("vault", sa.LargeBinary(), nullable=False),
        sa.Column("vault_version", sa.BigInteger(), nullable=False),
        sa.Column("disabled", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("disabled IN (0, 1)", name=op.f("ck_accounts_disabled")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("name_key", name=op.f("uq_accounts_name_key")),
    )
    op.create_table(
        "invites",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_invites")),
    )
    op.create_table(
        "rooms",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("newest", sa.BigInteger(), nullable=False),
        sa.Column("newest_commit", sa.BigInteger(), nullable=False),
        sa.Column("first_available", sa.BigInteger(), nullable=False),
        sa.Column("retention_seconds", sa.BigInteger(), nullable=False),
        sa.Column("creator", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rooms")),
    )
    op.create_table(
        "sent",
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("message_id", sa.LargeBinary(), nullable=False),
        sa.Column("room", sa.LargeBinary(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("forget_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device", "message_id", name=op.f("pk_sent")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_sent_forget_at"), "sent", ["forget_at"], unique=False)
    op.create_table(
        "devices",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("login_key", sa.LargeBinary(), nullable=False),
        sa.Column("launch_counter", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_devices_account"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
    )
    op.create_index(op.f("ix_devices_account"), "devices", ["account"], unique=False)
    op.create_table(
        "entries",
        sa.Column("room", sa.LargeBinary(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name=op.f("fk_entries_room"), ondelete="CASCADE"),
        sa.UniqueConstraint("room", "sequence", name=op.f("uq_entries_room_sequence")),
    )
    op.create_table(
        "group_states",
        sa.Column("room", sa.LargeBinary(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("group_info", sa.LargeBinary(), nullable=False),
        sa.Column("node_changes", sa.LargeBinary(), nullable=False),
        sa.Column("tree", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name=op.f("fk_group_states_room"), ondelete="CASCADE"),
        sa.UniqueConstraint("room", "sequence", name=op.f("uq_group_states_room_sequence")),
    )
    op.create_table(
        "roster",
        sa.Column("room", sa.LargeBinary(), nullable=False),
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("may_manage", sa.SmallInteger(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("readable_after", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_roster_account"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name=op.f("fk_roster_room"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("room", "account", name=op.f("pk_roster")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_roster_account"), "roster", ["account"], unique=False)
    op.create_table(
        "cursors",
        sa.Column("room", sa.LargeBinary(), nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["devices.id"], name=op.f("fk_cursors_device"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name=op.f("fk_cursors_room"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("room", "device", name=op.f("pk_cursors")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_cursors_device"), "cursors", ["device"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("number", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("room", sa.LargeBinary(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("welcome", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["devices.id"], name=op.f("fk_inbox_device"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name=op.f("fk_inbox_room"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_inbox")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_inbox_device"), "inbox", ["device"], unique=False)
    op.create_index(op.f("ix_inbox_room"), "inbox", ["room"], unique=False)
    op.create_table(
        "key_packages",
        sa.Column("number", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("last_resort", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["devices.id"], name=op.f("fk_key_packages_device"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_key_packages")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_key_packages_pool", "key_packages", ["device", "last_resort"], unique=False)
