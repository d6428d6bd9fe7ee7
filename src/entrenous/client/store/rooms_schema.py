"""The tables of rooms: group state and keys, the timeline, what waits to be sent.

What is written for each message is small: a room's place in its log, one entry, one ratchet. The group's public state
can be a megabyte and is written once per epoch, in a table of its own, so that no small write copies it.
"""

ROOM_TABLES: tuple[str, ...] = (
    # Where this device stands in each log. `base` is the newest Commit entry processed, `own_from` the last entry that
    # is only hashed because it precedes this device's time in the room. `tree_age` counts Commits since a whole tree;
    # `renewed_at` (ms) is when this device last gave itself new keys, and `said` counts its messages since.
    """
    CREATE TABLE rooms (
        room BLOB PRIMARY KEY,
        state TEXT NOT NULL CHECK (state IN ('creating', 'active', 'removed')),
        cursor INTEGER NOT NULL,
        log_hash BLOB NOT NULL,
        base INTEGER NOT NULL,
        own_from INTEGER NOT NULL,
        tree_age INTEGER NOT NULL,
        renewed_at INTEGER NOT NULL,
        said INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    # One epoch's state. `group_state` and `access_key` go when this device is removed; `settings` stay for the list.
    """
    CREATE TABLE room_epochs (
        room BLOB PRIMARY KEY REFERENCES rooms (room),
        epoch INTEGER NOT NULL,
        settings BLOB NOT NULL,
        access_generation INTEGER NOT NULL,
        access_key BLOB,
        group_state BLOB
    ) STRICT
    """,
    # Secrets of the epoch's secret tree that are not consumed yet.
    """
    CREATE TABLE secret_nodes (
        room BLOB NOT NULL,
        node INTEGER NOT NULL,
        secret BLOB NOT NULL,
        PRIMARY KEY (room, node)
    ) STRICT, WITHOUT ROWID
    """,
    # The sender ratchets of the epoch, one row per leaf and kind once the leaf has sent.
    """
    CREATE TABLE ratchets (
        room BLOB NOT NULL,
        leaf INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        ratchet BLOB NOT NULL,
        PRIMARY KEY (room, leaf, kind)
    ) STRICT, WITHOUT ROWID
    """,
    # The log as this device saw it. `log_hash` covers everything up to the entry. `body` is what `kind` says.
    """
    CREATE TABLE entries (
        room BLOB NOT NULL REFERENCES rooms (room),
        sequence INTEGER NOT NULL,
        log_hash BLOB NOT NULL,
        message_id BLOB NOT NULL,
        kind TEXT NOT NULL,
        sender BLOB,
        body TEXT NOT NULL,
        sent_at INTEGER NOT NULL,
        received_at INTEGER NOT NULL,
        PRIMARY KEY (room, sequence)
    ) STRICT, WITHOUT ROWID
    """,
    # An insider who repeats a message under a new key is found by (sender, message id).
    "CREATE INDEX entries_by_message ON entries (room, message_id)",
    # Contents to send, in order. `entry` is the ciphertext once protected, in `epoch`; it stands in the log at
    # `sequence` once the server said so. A row leaves when the log shows its entry.
    """
    CREATE TABLE outbox (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        room BLOB NOT NULL REFERENCES rooms (room),
        message_id BLOB NOT NULL UNIQUE,
        content BLOB NOT NULL,
        created_at INTEGER NOT NULL,
        epoch INTEGER,
        entry BLOB,
        sequence INTEGER,
        failure TEXT
    ) STRICT
    """,
    "CREATE INDEX outbox_by_room ON outbox (room, number)",
    # At most one intent per room is being carried out. Its staged Commit is there once made: `request` sends it,
    # `staged` is the epoch that it would begin. If another Commit comes first, the Commit goes and the intent stays.
    """
    CREATE TABLE stages (
        room BLOB PRIMARY KEY REFERENCES rooms (room),
        intent BLOB NOT NULL,
        message_id BLOB,
        request BLOB,
        staged BLOB
    ) STRICT
    """,
)

STAGED_TREES: tuple[str, ...] = (
    # A staged epoch's tree is the present one with these changes; NULL where `staged` holds it whole, as it once did.
    "ALTER TABLE stages ADD COLUMN tree_changes BLOB",
)
