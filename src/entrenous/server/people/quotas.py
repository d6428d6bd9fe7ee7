"""How much single accounts may make this server keep, where an operator has set it.

What an account keeps is counted from the store at each sweep, and what it sends in between is added. So a quota may be
passed by what several nodes take from an account between two sweeps, never by more.
"""

from dataclasses import dataclass, field

from entrenous.server.refusal import RefusedError
from entrenous.server.store import Storage, Transaction, accounts, quotas
from entrenous.server.store.quotas import Quota
from entrenous.wire import ErrorCode

#: Entries that one operation adds up.
PAGE = 2_000
#: Seconds after which a client may try again: entries go with time.
RETRY_AFTER = 600


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account has, beside what it may have."""

    account: bytes
    rooms: int
    kept_bytes: int
    quota: Quota


async def kept_bytes(storage: Storage, account: bytes) -> int:
    """Bytes that an account makes the server keep: entries that its devices have sent, its vault, its KeyPackages."""
    total = await storage.read(lambda tx: quotas.kept_beside_entries(tx, account))
    for device in await storage.read(lambda tx: accounts.device_ids(tx, account)):
        total += await _kept_entries(storage, device)
    return total


async def _kept_entries(storage: Storage, device: bytes) -> int:
    total, after = 0, b""
    while True:

        def operation(tx: Transaction, start: bytes = after) -> tuple[bytes | None, int]:
            return quotas.kept_entries(tx, device, start, limit=PAGE)

        following, size = await storage.read(operation)
        total += size
        if following is None:
            return total
        after = following


@dataclass(slots=True)
class Quotas:
    """The quotas of bytes, and what is left of each."""

    storage: Storage
    _left: dict[bytes, int] = field(default_factory=dict)

    async def refresh(self) -> None:
        """Count anew."""
        limits = await self.storage.read(quotas.with_bytes)
        self._left = {account: limit - await kept_bytes(self.storage, account) for account, limit in limits}

    def charge(self, account: bytes, size: int) -> None:
        """Count what an account sends to be kept.

        Raises:
            RefusedError: it has a quota, and this does not fit into it.
        """
        left = self._left.get(account)
        if left is None:
            return
        if size > left:
            detail = "your account keeps as much here as the operator allows; older messages go with time"
            raise RefusedError("DS-QUOTA", ErrorCode.LIMIT, detail, RETRY_AFTER)
        self._left[account] = left - size
