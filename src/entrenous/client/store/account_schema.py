"""The tables of who this profile is, whom it knows, and what it keeps for being invited."""

ACCOUNT_TABLES: tuple[str, ...] = (
    # One row: this device, its account and its server. `state` is 'pending' until the server is known to have it.
    """
    CREATE TABLE account (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        state TEXT NOT NULL CHECK (state IN ('pending', 'active')),
        account_id BLOB NOT NULL,
        device_id BLOB NOT NULL,
        login_name TEXT NOT NULL,
        identity_seed BLOB NOT NULL,
        login_seed BLOB NOT NULL,
        mls_seed BLOB NOT NULL,
        device_list BLOB NOT NULL,
        device_list_version INTEGER NOT NULL,
        launch_counter INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    # One row. `server_id` is the pin; `identity_key` the newest key seen for it; the address may change.
    """
    CREATE TABLE server (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        server_id BLOB NOT NULL,
        identity_key BLOB NOT NULL,
        host TEXT NOT NULL,
        port INTEGER NOT NULL,
        suite INTEGER NOT NULL
    ) STRICT
    """,
    # One row. `wraps` opens with the password or the recovery code; `recovery_code` is there until it was shown.
    """
    CREATE TABLE vault (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        vault_key BLOB NOT NULL,
        wraps BLOB NOT NULL,
        version INTEGER NOT NULL,
        recovery_code BLOB
    ) STRICT
    """,
    # What the vault keeps of each room, so that a new device can come back and a rolled-back server is noticed.
    """
    CREATE TABLE vault_rooms (
        room_id BLOB PRIMARY KEY,
        access_key BLOB NOT NULL,
        generation INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        sequence INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    # Everybody ever met. `identity_key` is pinned at first sight; another key waits in `offered_key` to be accepted.
    # Zeros stand for a key not seen yet, of somebody an invite link or a block named: `expected` is its fingerprint.
    """
    CREATE TABLE contacts (
        account_id BLOB PRIMARY KEY,
        identity_key BLOB NOT NULL,
        offered_key BLOB,
        expected BLOB,
        login_name TEXT NOT NULL,
        verified INTEGER NOT NULL DEFAULT 0 CHECK (verified IN (0, 1)),
        blocked INTEGER NOT NULL DEFAULT 0 CHECK (blocked IN (0, 1)),
        first_seen INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX contacts_by_name ON contacts (login_name)",
    # Private parts of KeyPackages that may still be claimed. `replaced_at`: a former last-resort package's end.
    """
    CREATE TABLE key_packages (
        reference BLOB PRIMARY KEY,
        bundle BLOB NOT NULL,
        last_resort INTEGER NOT NULL CHECK (last_resort IN (0, 1)),
        uploaded INTEGER NOT NULL DEFAULT 0 CHECK (uploaded IN (0, 1)),
        made_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        replaced_at INTEGER
    ) STRICT
    """,
)
