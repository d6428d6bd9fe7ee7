"""What a running server does about what operators do beside it: it reads it in the audit log, every few seconds.

So a command needs no way to the server but the store, and every node that serves the store hears of it.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from entrenous.server.audit import PAGE, Action
from entrenous.server.network.host import Connections
from entrenous.server.people.login import Login
from entrenous.server.people.quotas import Quotas
from entrenous.server.rooms.fanout import Fanout
from entrenous.server.store import Storage, accounts, audit
from entrenous.server.store.audit import AuditRow

#: Seconds between two looks.
LOOK_EVERY = 2.0
_LOCKED = "the operator has locked this account"
_BLOCKED = "the operator has blocked this device"
_ROOM_GONE = "the operator has deleted a room: connect again"

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Notices:
    """Follows the audit log.

    Attributes:
        storage: where it is.
        fanout: knows the devices' connections.
        connections: all connections, also of accounts whose device has not logged in.
        login: counts attempts at passwords.
        quotas: what single accounts may keep.
        renew_identity: called when the server's identity key was rotated.
    """

    storage: Storage
    fanout: Fanout
    connections: Connections
    login: Login
    quotas: Quotas
    renew_identity: Callable[[], None]
    _seen: int | None = field(init=False, default=None)

    async def look(self) -> int:
        """Follow what is new since the last look, the first of which only notes the place; returns how much it was."""
        if self._seen is None:
            self._seen = await self.storage.read(audit.newest_number)
            return 0
        rows = await self.storage.read(functools.partial(audit.after, number=self._seen, limit=PAGE))
        for row in rows:
            # Also what cannot be followed is not looked at again.
            self._seen = row.number
            _log.info("operator.acted", number=row.number, action=row.action, digest=row.digest.hex())
            try:
                await self._follow(row, bytes.fromhex(row.target))
            except ValueError:  # a row that no command of ours has written
                _log.warning("operator.unclear", number=row.number)
        return len(rows)

    async def _follow(self, row: AuditRow, target: bytes) -> None:
        match row.action:
            case Action.USERS_DISABLE | Action.USERS_DELETE:
                self._end_account(target)
            case Action.DEVICES_REVOKE:
                connection = self.fanout.connection(target)
                if connection is not None:
                    connection.end(_BLOCKED)
            case Action.ROOMS_DELETE:
                # They come back and hear from ListRooms that it is gone.
                for listener in self.fanout.listeners(target):
                    listener.end(_ROOM_GONE)
            case Action.USERS_RESET:
                await self._forget_attempts(target)
            case Action.QUOTAS_SET:
                await self.quotas.refresh()
            case Action.KEYS_ROTATE:
                self.renew_identity()

    def _end_account(self, account: bytes) -> None:
        for connection in self.connections:
            if connection.account == account:
                connection.end(_LOCKED)

    async def _forget_attempts(self, account: bytes) -> None:
        found = await self.storage.read(lambda tx: accounts.by_id(tx, account))
        if found is not None:
            await self.login.forget_attempts(found.login_name)
