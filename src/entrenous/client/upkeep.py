"""What is done in the background: KeyPackages in the server's pool, the vault up to date, used keys off the disk."""

import asyncio
from collections.abc import Callable

from entrenous.client.accounts import save_vault
from entrenous.client.alarms import IdentityChanged, ServerChanged
from entrenous.client.events import BlockChanged, Event, MemberRemoved, RemovedFromRoom, RoomChanged, RoomJoined
from entrenous.client.key_packages import refill
from entrenous.client.rooms.repeater import RETRY_LEAST, RETRY_MOST, Repeater
from entrenous.client.rooms.services import Services
from entrenous.client.session import Backoff
from entrenous.client.store import Store
from entrenous.crypto import draw
from entrenous.errors import CryptoError, MalformedError, RejectedError, UnavailableError

#: Seconds after a transaction until what it has overwritten or deleted is gone from the disk (protocol §6 asks for 5).
SCRUB_AFTER = 2.0
#: The rules under which an old vault is refused.
_SET_BACK = ("ID-VAULT-ROLLBACK", "AUTH-VAULT-VERSION")
#: Seconds over which the members of a room spread what they do after one and the same Commit.
SPREAD = 30.0


class Scrubber:
    """Empties the store's log soon after anything was written, since what that replaced may have been a key.

    Soon after the start too: a process before this one may have died before it did.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._timer: asyncio.TimerHandle | None = None
        store.on_write = self._soon
        self._soon()

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SCRUB_AFTER, self._scrub)

    def close(self) -> None:
        """Do it now, and no more."""
        self._store.on_write = lambda: None
        if self._timer is not None:
            self._timer.cancel()
        self._store.scrub()

    def _scrub(self) -> None:
        self._timer = None
        try:
            self._store.scrub()
        except UnavailableError:
            self._soon()


class Upkeep:
    """Keeps the server's pool of KeyPackages full, and the vault at what this device knows."""

    def __init__(self, services: Services, *, on_bug: Callable[[Exception], None]) -> None:
        self._services = services
        self._vault_is_due = True
        self._timer: asyncio.TimerHandle | None = None
        entropy = services.environment.entropy
        self._repeater = Repeater(self._work, Backoff(entropy, least=RETRY_LEAST, most=RETRY_MOST), on_bug)

    def nudge(self) -> None:
        """Look what is due."""
        self._repeater.nudge()

    def notice(self, event: Event) -> None:
        """Something happened that the vault may have to keep, or that has used a KeyPackage."""
        match event:
            case RoomJoined() | RoomChanged(epoch=0):
                self._vault_is_due = True
                self.nudge()
            case MemberRemoved() | RemovedFromRoom() | IdentityChanged() | BlockChanged():
                self._vault_is_due = True
                self._nudge_later()

    async def quiet(self) -> None:
        """Wait until nothing is left to do."""
        await self._repeater.quiet()

    async def close(self) -> None:
        """Stop."""
        if self._timer is not None:
            self._timer.cancel()
        await self._repeater.close()

    def _nudge_later(self) -> None:
        if self._timer is None:
            part = int.from_bytes(draw(self._services.environment.entropy, 4), "big") / (1 << 32)
            self._timer = asyncio.get_running_loop().call_later(SPREAD * part, self._nudge_now)

    def _nudge_now(self) -> None:
        self._timer = None
        self.nudge()

    async def _work(self) -> None:
        services = self._services
        try:
            await refill(services.caller, services.store, services.environment, services.device)
            if self._vault_is_due:
                await save_vault(services.caller, services.store, services.environment)
                self._vault_is_due = False
        except (RejectedError, MalformedError, CryptoError) as error:
            if isinstance(error, RejectedError) and error.rule in _SET_BACK:
                services.emit(ServerChanged())
            # Nothing is lost: both are tried again after the next login.
            services.environment.trace.step("client.upkeep.refused", reason=str(error))
