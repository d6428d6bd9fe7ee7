"""The audit log: every operator's action, chained by hashes so that a silent edit shows.

    digest_0 = 32 zero bytes
    digest_i = SHA-256(label ‖ digest_(i-1) ‖ AuditEntry i)

Whoever can write the database can also make the whole chain anew, or cut off its end. Against that helps to keep a
digest elsewhere: a running server logs each as it sees it, and ``verify`` compares with one that was noted.
"""

import enum
import functools
from dataclasses import dataclass

from entrenous.codec import Struct, Text, UInt64, encode_length, struct
from entrenous.crypto import Hash, constant_time_equal
from entrenous.server.store import Storage, Transaction, audit
from entrenous.server.store.audit import AuditRow

#: What stands in front of everything that the chain hashes. It is the server's own affair, no part of the protocol.
LABEL = b"entrenous server audit"
#: The digest before the first row.
START = bytes(32)
#: Characters of a name or a detail that are kept.
MAX_TEXT = 200
#: Rows that are read at once.
PAGE = 500


class Action(enum.StrEnum):
    """What operators do. A running server follows some of it: see ``server.notices``."""

    USERS_DISABLE = "users.disable"
    USERS_ENABLE = "users.enable"
    USERS_DELETE = "users.delete"
    USERS_RESET = "users.reset"
    INVITES_CREATE = "invites.create"
    INVITES_REVOKE = "invites.revoke"
    ROOMS_DELETE = "rooms.delete"
    DEVICES_REVOKE = "devices.revoke"
    DEVICES_ALLOW = "devices.allow"
    QUOTAS_SET = "quotas.set"
    RETENTION_SWEEP = "retention.sweep"
    BACKUP = "backup"
    RESTORE = "restore"
    KEYS_BACKUP = "keys.backup"
    KEYS_ROTATE = "keys.rotate"


@struct
class AuditEntry(Struct):
    """What a digest covers of one action."""

    number: UInt64
    at_ms: UInt64
    actor: Text
    action: Text
    target: Text
    detail: Text


@dataclass(frozen=True, slots=True)
class Deed:
    """An action before it is stored."""

    actor: str
    action: Action
    target: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What looking through the chain came to.

    Attributes:
        rows: how many there are up to the first wrong one.
        head: the digest of the last right one.
        broken_at: the number of the first row that does not follow from those before it; None if all do.
        knows_noted: whether the digest that was noted elsewhere is among them; None if none was given.
    """

    rows: int
    head: bytes
    broken_at: int | None
    knows_noted: bool | None


def append(tx: Transaction, deed: Deed, now: float) -> AuditRow:
    """Store an action, in the transaction that carries it out."""
    before = audit.newest(tx)
    entry = AuditEntry(
        number=1 if before is None else before.number + 1,
        at_ms=int(now * 1000),
        actor=deed.actor[:MAX_TEXT],
        action=deed.action.value,
        target=deed.target,
        detail=deed.detail[:MAX_TEXT],
    )
    digest = _digest(START if before is None else before.digest, entry)
    row = AuditRow(entry.number, entry.at_ms, entry.actor, entry.action, entry.target, entry.detail, digest)
    audit.add(tx, row)
    return row


async def verify(storage: Storage, noted: bytes | None = None) -> Verdict:
    """Look through the whole chain.

    Args:
        storage: the store.
        noted: a digest that was shown or logged before; it must still be there.
    """
    number, head, knows = 0, START, noted is None or noted == START
    while True:
        rows = await storage.read(functools.partial(audit.after, number=number, limit=PAGE))
        for row in rows:
            entry = AuditEntry(row.number, row.at_ms, row.actor, row.action, row.target, row.detail)
            digest = _digest(head, entry)
            if row.number != number + 1 or not constant_time_equal(digest, row.digest):
                return Verdict(number, head, number + 1, None if noted is None else knows)
            number, head = row.number, digest
            knows = knows or head == noted
        if len(rows) < PAGE:
            return Verdict(number, head, None, None if noted is None else knows)


def _digest(before: bytes, entry: AuditEntry) -> bytes:
    return Hash.SHA256.digest(encode_length(len(LABEL)) + LABEL + before + entry.encode())
