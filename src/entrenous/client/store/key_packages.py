"""The rows of KeyPackages: private parts, from before the upload until a Welcome used them or nobody can any more."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from entrenous.client.store.store import Rows, Transaction


@dataclass(frozen=True, slots=True)
class KeyPackageRow:
    """One KeyPackage of this device.

    Attributes:
        reference: its KeyPackageRef (RFC 9420 §5.2), by which a Welcome names it.
        bundle: the KeyPackage with its private keys, encoded.
        is_last_resort: handed out again and again once the others are gone.
        made_at: seconds since 1970.
        expires_at: seconds since 1970, when nobody accepts it any more.
    """

    reference: bytes
    bundle: bytes = field(repr=False)
    is_last_resort: bool
    made_at: int
    expires_at: int


_SELECT = "SELECT reference, bundle, last_resort, made_at, expires_at FROM key_packages"
_INSERT = "INSERT INTO key_packages (reference, bundle, last_resort, made_at, expires_at) VALUES (?, ?, ?, ?, ?)"


def get(rows: Rows, reference: bytes) -> KeyPackageRow | None:
    """The KeyPackage that a Welcome names; None if it is not ours, was used, or was too old."""
    row = rows.one(_SELECT + " WHERE reference = ?", (reference,))
    if row is None:
        return None
    reference, bundle, last_resort, made_at, expires_at = row
    return KeyPackageRow(reference, bundle, bool(last_resort), made_at, expires_at)


def add(tx: Transaction, packages: Sequence[KeyPackageRow]) -> None:
    """Keep new ones, before anybody else knows of them."""
    tx.many(
        _INSERT,
        [(one.reference, one.bundle, one.is_last_resort, one.made_at, one.expires_at) for one in packages],
    )


def mark_uploaded(tx: Transaction, references: Sequence[bytes]) -> None:
    """The server is known to have these."""
    tx.many("UPDATE key_packages SET uploaded = 1 WHERE reference = ?", [(reference,) for reference in references])


def remove(tx: Transaction, references: Sequence[bytes]) -> None:
    """Nobody has them and nobody will."""
    tx.many("DELETE FROM key_packages WHERE reference = ?", [(reference,) for reference in references])


def count_usable(rows: Rows, now: int) -> int:
    """How many one-time packages could still be handed out: uploaded, not used, not expired."""
    row = rows.one(
        "SELECT count(*) FROM key_packages WHERE uploaded = 1 AND last_resort = 0 AND expires_at > ?", (now,)
    )
    return 0 if row is None else int(row[0])


def newest_last_resort(rows: Rows) -> int | None:
    """When the last-resort package that the server has was made; None where it has none."""
    row = rows.one(
        "SELECT max(made_at) FROM key_packages WHERE last_resort = 1 AND uploaded = 1 AND replaced_at IS NULL"
    )
    return None if row is None else row[0]


def replace_last_resort(tx: Transaction, reference: bytes, now: int) -> None:
    """From now on this is the last-resort package; former ones only answer Welcomes that are on their way."""
    tx.execute(
        "UPDATE key_packages SET replaced_at = ? WHERE last_resort = 1 AND replaced_at IS NULL AND reference <> ?",
        (now, reference),
    )


def use(tx: Transaction, reference: bytes, now: int) -> None:
    """A Welcome has used it: its private keys go; a last-resort package is marked to be replaced at the next refill."""
    tx.execute("DELETE FROM key_packages WHERE reference = ? AND last_resort = 0", (reference,))
    tx.execute("UPDATE key_packages SET replaced_at = ? WHERE reference = ? AND replaced_at IS NULL", (now, reference))


def purge(tx: Transaction, *, expired_before: int, replaced_before: int) -> None:
    """Delete what nobody can use any more: too old by its own lifetime, or replaced long enough ago."""
    tx.execute("DELETE FROM key_packages WHERE expires_at < ? OR replaced_at < ?", (expired_before, replaced_before))
