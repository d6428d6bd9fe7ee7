"""Every table of the server's database. Ids are the raw bytes of ``wire``; times are unix seconds unless said.

What stands here is all that the server knows. Message bodies, GroupInfos, trees, Welcomes and vaults are ciphertext.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

#: The revision of store/migrations that makes exactly these tables.
REVISION = "0006"

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

#: SQLite counts rows by itself only in a column of type INTEGER.
RowNumber = BigInteger().with_variant(Integer, "sqlite")

accounts = Table(
    "accounts",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("login_name", Text, nullable=False, comment="as the person wrote it, NFC"),
    Column("name_key", Text, nullable=False, unique=True, comment="what two names are compared by"),
    Column("identity_key", LargeBinary, nullable=False, comment="Ed25519 public key"),
    Column("password_record", LargeBinary, nullable=False, comment="OPAQUE RegistrationRecord of the password"),
    Column("recovery_record", LargeBinary, nullable=False, comment="OPAQUE RegistrationRecord of the recovery code"),
    Column("ksf_memory_kib", Integer, nullable=False),
    Column("ksf_iterations", Integer, nullable=False),
    Column("ksf_lanes", Integer, nullable=False),
    Column("device_list", LargeBinary, nullable=False, comment="signed by the identity key"),
    Column("device_list_version", BigInteger, nullable=False),
    Column("vault", LargeBinary, nullable=False, comment="sealed by the client"),
    Column("vault_version", BigInteger, nullable=False),
    Column("disabled", SmallInteger, nullable=False, comment="1: an operator locked the account"),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger, nullable=True, comment="what is left keeps a place in rooms until it is removed"),
    CheckConstraint("disabled IN (0, 1)", name="disabled"),
    Index("ix_accounts_deleted_at", "deleted_at"),
    comment="One row per account",
)

devices = Table(
    "devices",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("account", LargeBinary, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("login_key", LargeBinary, nullable=False, comment="Ed25519 public key"),
    Column("launch_counter", BigInteger, nullable=False, comment="of the newest login; a later login has a higher one"),
    Column("last_seen", BigInteger, nullable=False, comment="newest login, or when the device was listed"),
    Column("blocked", SmallInteger, nullable=False, server_default="0", comment="1: an operator lets it in no more"),
    comment="The devices of each account's current device list",
)

invites = Table(
    "invites",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True, comment="SHA-256; the token itself is not kept"),
    Column("uses_left", Integer, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("created_by", LargeBinary, nullable=True, comment="account; NULL for the operator"),
    Column("created_at", BigInteger, nullable=False),
    comment="Tokens that let somebody register",
)

key_packages = Table(
    "key_packages",
    metadata,
    Column("number", RowNumber, primary_key=True, autoincrement=True),
    Column("device", LargeBinary, ForeignKey("devices.id", ondelete="CASCADE"), nullable=False),
    Column("last_resort", SmallInteger, nullable=False, comment="1: handed out when nothing else is left, and kept"),
    Column("body", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False, server_default="0", comment="after it nobody may add it"),
    Index("ix_key_packages_pool", "device", "last_resort"),
    comment="Each device's pool of KeyPackages",
    sqlite_autoincrement=True,
)

rooms = Table(
    "rooms",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("newest", BigInteger, nullable=False, comment="sequence number of the newest entry, 0 before the first"),
    Column("newest_commit", BigInteger, nullable=False, comment="of the newest Commit entry, 0 before the first"),
    Column("first_available", BigInteger, nullable=False, comment="entries before it are deleted"),
    Column("retention_seconds", BigInteger, nullable=False),
    Column("creator", LargeBinary, nullable=False, comment="account"),
    Column("created_at", BigInteger, nullable=False),
    comment="Where each room's log stands",
)

entries = Table(
    "entries",
    metadata,
    Column("room", LargeBinary, ForeignKey("rooms.id", ondelete="CASCADE"), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("message_id", LargeBinary, nullable=False),
    Column("received_at", BigInteger, nullable=False, comment="unix milliseconds, never falling within a room"),
    Column("body", LargeBinary, nullable=False, comment="an MLSMessage"),
    UniqueConstraint("room", "sequence"),
    comment="Each room's log",
)

sent = Table(
    "sent",
    metadata,
    Column("device", LargeBinary, primary_key=True),
    Column("message_id", LargeBinary, primary_key=True),
    Column("room", LargeBinary, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("forget_at", BigInteger, nullable=False, index=True),
    comment="What was published under which id, so that publishing twice is publishing once; outlives the entries",
    # With row ids, unlike its neighbours: rows and their times are added at the end, whoever sends, and only the small
    # index of ids is changed on a page for each sender. A commit writes every page that it has changed.
)

roster = Table(
    "roster",
    metadata,
    Column("room", LargeBinary, ForeignKey("rooms.id", ondelete="CASCADE"), primary_key=True),
    Column("account", LargeBinary, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("may_manage", SmallInteger, nullable=False),
    Column("added_at", BigInteger, nullable=False, comment="the Commit entry that added the account; 0: the creator"),
    Column("readable_after", BigInteger, nullable=False, comment="entries up to it were never the account's"),
    Column("removed_at", BigInteger, nullable=True, comment="the entry that removed the account; NULL for a member"),
    Column("changed_at", BigInteger, nullable=False),
    comment="Which accounts are, or lately were, in which room",
    sqlite_with_rowid=False,
)

cursors = Table(
    "cursors",
    metadata,
    Column("room", LargeBinary, ForeignKey("rooms.id", ondelete="CASCADE"), primary_key=True),
    Column("device", LargeBinary, ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("sequence", BigInteger, nullable=False, comment="everything up to it is on the device's disk"),
    comment="What each device has acknowledged",
    sqlite_with_rowid=False,
)

inbox = Table(
    "inbox",
    metadata,
    Column("number", RowNumber, primary_key=True, autoincrement=True),
    Column("device", LargeBinary, ForeignKey("devices.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("room", LargeBinary, ForeignKey("rooms.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("sequence", BigInteger, nullable=False, comment="the Commit entry that made the Welcome"),
    Column("welcome", LargeBinary, nullable=False),
    comment="Welcomes on their way to devices",
    sqlite_autoincrement=True,
)

group_states = Table(
    "group_states",
    metadata,
    Column("room", LargeBinary, ForeignKey("rooms.id", ondelete="CASCADE"), nullable=False),
    Column("sequence", BigInteger, nullable=False, comment="the Commit entry after which this holds; 0: at creation"),
    Column("size", BigInteger, nullable=False, comment="bytes of an answer: this GroupInfo, last tree, changes since"),
    Column("changes", Integer, nullable=False, comment="Commits since the last whole tree"),
    Column("group_info", LargeBinary, nullable=False),
    Column("node_changes", LargeBinary, nullable=False),
    Column("tree", LargeBinary, nullable=True),
    UniqueConstraint("room", "sequence"),
    comment="What joiners need, sealed under the room access key",
)

audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False, comment="1, 2, 3, without gaps"),
    Column("at_ms", BigInteger, nullable=False, comment="unix milliseconds"),
    Column("actor", Text, nullable=False, comment="the operating system's name of who did it"),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False, comment="an id in hexadecimal, or empty"),
    Column("detail", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 over the digest before and this row"),
    comment="What operators have done; a running server reads here what concerns it",
)

quotas = Table(
    "quotas",
    metadata,
    Column("account", LargeBinary, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("rooms", Integer, nullable=True, comment="most rooms; NULL: as the server's limit"),
    Column("kept_bytes", BigInteger, nullable=True, comment="most bytes kept; NULL: as the server's limits"),
    comment="What an operator allows single accounts",
)

swept = Table(
    "swept",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("deleted", BigInteger, nullable=False, comment="rows, so far"),
    Column("last_at", BigInteger, nullable=False, comment="when it was looked for last"),
    comment="What the server has deleted by itself",
)

attempts = Table(
    "attempts",
    metadata,
    Column("mark", LargeBinary, primary_key=True, comment="of a name, keyed: the name itself is not kept"),
    Column("full_at", BigInteger, nullable=False, index=True, comment="unix microseconds: nothing is held back then"),
    comment="How often passwords of which name were tried lately, where several nodes count it",
)

facts = Table(
    "facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    comment="What the database says about itself",
)
