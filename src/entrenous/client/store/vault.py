"""The rows of the vault as this device knows it: its key, its wraps, its version, and what it keeps of each room."""

from dataclasses import dataclass, field

from entrenous.client.store.store import Rows, Transaction


@dataclass(frozen=True, slots=True)
class VaultRow:
    """What a device needs to seal the next version of the vault without anybody's password.

    Attributes:
        vault_key: opens the vault.
        wraps: the vault key under the password's and under the recovery code's export key, encoded.
        version: the newest version known to be stored at the server.
    """

    vault_key: bytes = field(repr=False)
    wraps: bytes
    version: int


@dataclass(frozen=True, slots=True)
class VaultRoomRow:
    """What the vault keeps of one room."""

    room_id: bytes
    access_key: bytes = field(repr=False)
    generation: int
    epoch: int
    sequence: int


def get(rows: Rows) -> VaultRow | None:
    """This profile's vault; None in an empty profile."""
    row = rows.one("SELECT vault_key, wraps, version FROM vault")
    return None if row is None else VaultRow(*row)


def put(tx: Transaction, row: VaultRow, recovery_code: bytes | None = None) -> None:
    """Keep a vault, over the one before; with the recovery code until it was shown."""
    tx.execute(
        "INSERT OR REPLACE INTO vault (one, vault_key, wraps, version, recovery_code) VALUES (1, ?, ?, ?, ?)",
        (row.vault_key, row.wraps, row.version, recovery_code),
    )


def put_version(tx: Transaction, version: int) -> None:
    """The server has stored this version."""
    tx.execute("UPDATE vault SET version = ?", (version,))


def update(tx: Transaction, wraps: bytes, version: int) -> None:
    """The server has this version, with these wraps."""
    tx.execute("UPDATE vault SET wraps = ?, version = ?", (wraps, version))


def recovery_code(rows: Rows) -> bytes | None:
    """The recovery code's 16 bytes, as long as nobody has said that they were shown."""
    row = rows.one("SELECT recovery_code FROM vault")
    return None if row is None else row[0]


def forget_recovery_code(tx: Transaction) -> None:
    """It was shown: from now on it exists on paper only."""
    tx.execute("UPDATE vault SET recovery_code = NULL")


def rooms(rows: Rows) -> list[VaultRoomRow]:
    """Every room in the vault, by id."""
    found = rows.all("SELECT room_id, access_key, generation, epoch, sequence FROM vault_rooms ORDER BY room_id")
    return [VaultRoomRow(*row) for row in found]


def put_room(tx: Transaction, row: VaultRoomRow) -> None:
    """What the next version of the vault keeps of a room."""
    tx.execute(
        "INSERT OR REPLACE INTO vault_rooms (room_id, access_key, generation, epoch, sequence) VALUES (?, ?, ?, ?, ?)",
        (row.room_id, row.access_key, row.generation, row.epoch, row.sequence),
    )


def delete_room(tx: Transaction, room_id: bytes) -> None:
    """The next version of the vault has nothing of this room."""
    tx.execute("DELETE FROM vault_rooms WHERE room_id = ?", (room_id,))
