"""The row of this profile's server: who it is, which never changes, and where it was last reached, which may."""

from dataclasses import dataclass

from entrenous.client.store.store import Rows, Transaction


@dataclass(frozen=True, slots=True)
class ServerRow:
    """The pinned server.

    Attributes:
        server_id: the pin.
        identity_key: the newest identity key seen of it; an older one may not come back.
        suite: the number of the channel's suite.
    """

    server_id: bytes
    identity_key: bytes
    host: str
    port: int
    suite: int


def get(rows: Rows) -> ServerRow | None:
    """This profile's server; None in an empty profile."""
    row = rows.one("SELECT server_id, identity_key, host, port, suite FROM server")
    return None if row is None else ServerRow(*row)


def put(tx: Transaction, row: ServerRow) -> None:
    """Pin a server, over the one before."""
    tx.execute(
        "INSERT OR REPLACE INTO server (one, server_id, identity_key, host, port, suite) VALUES (1, ?, ?, ?, ?, ?)",
        (row.server_id, row.identity_key, row.host, row.port, row.suite),
    )


def put_identity_key(tx: Transaction, identity_key: bytes) -> None:
    """The server has rotated its identity key."""
    tx.execute("UPDATE server SET identity_key = ?", (identity_key,))


def put_address(tx: Transaction, host: str, port: int) -> None:
    """The server is reached elsewhere now; it is the same one, the pin says so."""
    tx.execute("UPDATE server SET host = ?, port = ?", (host, port))
