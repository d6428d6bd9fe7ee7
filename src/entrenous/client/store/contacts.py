"""The rows of contacts: everybody ever met, each pinned to the identity key first seen."""

import enum
from dataclasses import dataclass

from entrenous.client.store.store import Rows, Transaction
from entrenous.identity import AccountCredential

#: Stands for the identity key of somebody we have only heard of. Nobody's: it is a point of low order.
UNSEEN = bytes(32)


@dataclass(frozen=True, slots=True)
class Contact:
    """Another account.

    Attributes:
        identity_key: the one we trust: of first contact, or accepted since.
        offered_key: another one that was seen and waits to be accepted; None where nothing changed.
        login_name: the server's word; empty until it was asked.
        is_verified: a person compared safety numbers under ``identity_key``.
        first_seen: seconds since 1970.
    """

    account_id: bytes
    identity_key: bytes
    offered_key: bytes | None
    login_name: str
    is_verified: bool
    is_blocked: bool
    first_seen: int


class Sighting(enum.Enum):
    """What seeing an account's identity key meant."""

    FIRST = "first"
    KNOWN = "known"
    #: Another key than the pinned one: warn, and hold back what would be sent.
    CHANGED = "changed"


_SELECT = "SELECT account_id, identity_key, offered_key, login_name, verified, blocked, first_seen FROM contacts"
_INSERT = (
    "INSERT OR REPLACE INTO contacts"
    " (account_id, identity_key, offered_key, login_name, verified, blocked, first_seen) VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def get(rows: Rows, account_id: bytes) -> Contact | None:
    """An account by its id; None if never met."""
    row = rows.one(_SELECT + " WHERE account_id = ?", (account_id,))
    return None if row is None else _contact(row)


def by_name(rows: Rows, login_name: str) -> Contact | None:
    """The account last known by a login name; None if there is none."""
    row = rows.one(_SELECT + " WHERE login_name = ? ORDER BY first_seen DESC LIMIT 1", (login_name,))
    return None if row is None else _contact(row)


def every(rows: Rows) -> list[Contact]:
    """All contacts, by id."""
    return [_contact(row) for row in rows.all(_SELECT + " ORDER BY account_id")]


def see(tx: Transaction, account_id: bytes, identity_key: bytes, now: int) -> Sighting:
    """Note that an account showed ``identity_key``: pin it at first sight, keep another one apart until accepted.

    First sight is not blind where a link named the account: a key of another fingerprint is a changed one.
    """
    known = get(tx, account_id)
    if known is None:
        hear_of(tx, account_id, now)
    elif known.identity_key == identity_key:
        return Sighting.CHANGED if known.offered_key == identity_key else Sighting.KNOWN
    if known is None or _may_pin(tx, known, identity_key):
        sql = "UPDATE contacts SET identity_key = ?, offered_key = NULL WHERE account_id = ?"
        tx.execute(sql, (identity_key, account_id))
        return Sighting.FIRST
    tx.execute("UPDATE contacts SET offered_key = ? WHERE account_id = ?", (identity_key, account_id))
    return Sighting.CHANGED


def doubt(tx: Transaction, account_id: bytes, identity_key: bytes, now: int) -> None:
    """An account goes by a name that another one is known by: whatever key it shows waits to be accepted."""
    hear_of(tx, account_id, now)
    tx.execute("UPDATE contacts SET offered_key = ? WHERE account_id = ?", (identity_key, account_id))


def hear_of(tx: Transaction, account_id: bytes, now: int, *, expected: bytes | None = None) -> None:
    """Note an account whose key was not seen yet; does nothing about one that is known.

    Args:
        tx: the transaction.
        account_id: of the account.
        now: seconds since 1970.
        expected: its ``AccountCredential.fingerprint``, if an invite link told it.
    """
    tx.execute(
        "INSERT INTO contacts (account_id, identity_key, expected, login_name, first_seen) VALUES (?, ?, ?, '', ?)"
        " ON CONFLICT (account_id) DO NOTHING",
        (account_id, UNSEEN, expected, now),
    )


def accept(tx: Transaction, account_id: bytes) -> None:
    """Trust the key that an account offers. Who verified the former one has not verified this one."""
    tx.execute(
        "UPDATE contacts SET identity_key = offered_key, offered_key = NULL, verified = 0"
        " WHERE account_id = ? AND offered_key IS NOT NULL",
        (account_id,),
    )


def holder_of(rows: Rows, *names: str) -> Contact | None:
    """The account whose key we trust under one of some names, however they are written; None if there is none."""
    wanted = {name.casefold() for name in names}
    pinned = (contact for contact in every(rows) if contact.identity_key != UNSEEN)
    return next((contact for contact in pinned if contact.login_name.casefold() in wanted), None)


def put_name(tx: Transaction, account_id: bytes, login_name: str) -> None:
    """Keep what the server calls an account. A name belongs to one account at a time."""
    tx.execute("UPDATE contacts SET login_name = '' WHERE login_name = ? AND account_id <> ?", (login_name, account_id))
    tx.execute("UPDATE contacts SET login_name = ? WHERE account_id = ?", (login_name, account_id))


def set_verified(tx: Transaction, account_id: bytes, *, verified: bool) -> None:
    """A person compared safety numbers, or takes that back."""
    tx.execute("UPDATE contacts SET verified = ? WHERE account_id = ?", (verified, account_id))


def set_blocked(tx: Transaction, account_id: bytes, *, blocked: bool) -> None:
    """A person does not want to hear from this account, or does again."""
    tx.execute("UPDATE contacts SET blocked = ? WHERE account_id = ?", (blocked, account_id))


def restore(tx: Transaction, contact: Contact) -> None:
    """Take a contact from the vault into an empty profile."""
    tx.execute(
        _INSERT,
        (
            contact.account_id,
            contact.identity_key,
            contact.offered_key,
            contact.login_name,
            contact.is_verified,
            contact.is_blocked,
            contact.first_seen,
        ),
    )


def _contact(row: tuple[bytes, bytes, bytes | None, str, int, int, int]) -> Contact:
    account_id, identity_key, offered_key, name, verified, blocked, first_seen = row
    return Contact(account_id, identity_key, offered_key, name, bool(verified), bool(blocked), first_seen)


def _may_pin(tx: Transaction, known: Contact, identity_key: bytes) -> bool:
    """Whether the key of an account that we have only heard of is taken at first sight."""
    row = tx.one("SELECT expected FROM contacts WHERE account_id = ?", (known.account_id,))
    expected = None if row is None else row[0]
    if known.identity_key != UNSEEN:
        return False
    if expected is None:
        return known.offered_key is None
    return bool(expected == AccountCredential(known.account_id, identity_key).fingerprint())
