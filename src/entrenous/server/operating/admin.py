"""What operators do to users, invites, rooms, devices and quotas: each action is one transaction with its audit row."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from entrenous.errors import RejectedError
from entrenous.server.audit import PAGE, Action, Deed, append
from entrenous.server.clock import Clock
from entrenous.server.people.names import name_key
from entrenous.server.people.quotas import Usage, kept_bytes
from entrenous.server.store import Storage, Transaction, audit, operators, overview, quotas
from entrenous.server.store.audit import AuditRow
from entrenous.server.store.overview import Device, Invite, Room, User
from entrenous.server.store.quotas import Quota
from entrenous.wire.limits import ID_SIZE

T = TypeVar("T")
#: Things that are read at once for a list.
LIST_PAGE = 100


@dataclass(frozen=True, slots=True)
class Admin:
    """An operator at work.

    Attributes:
        storage: the store, of a server that runs or not.
        clock: the time of day.
        actor: who it is, for the audit log.
    """

    storage: Storage
    clock: Clock
    actor: str

    async def users(self) -> AsyncIterator[User]:
        """Every account, by name; deleted ones that still stand in rooms come first."""
        async for user in _pages(
            lambda last: self.storage.read(
                lambda tx: overview.users(tx, "" if last is None else last.name_key, LIST_PAGE)
            )
        ):
            yield user

    async def user(self, name_or_id: str) -> User:
        """The account with this login name, or with this id in hexadecimal.

        Raises:
            RejectedError: rule SRV-ADMIN-TARGET, there is none.
        """
        account, key = _id(name_or_id), name_key(name_or_id)

        def operation(tx: Transaction) -> User | None:
            found = overview.user_named(tx, key)
            return overview.user(tx, account) if found is None and account is not None else found

        return _existing(await self.storage.read(operation), f"no user {name_or_id}")

    async def devices(self, user: User | None = None) -> AsyncIterator[Device]:
        """Every device, or one account's."""
        if user is not None:
            for device in await self.storage.read(lambda tx: overview.devices_of(tx, user.account)):
                yield device
            return
        async for device in _pages(
            lambda last: self.storage.read(
                lambda tx: overview.devices_after(tx, b"" if last is None else last.device, LIST_PAGE)
            )
        ):
            yield device

    async def rooms(self) -> AsyncIterator[Room]:
        """Every room, by id."""
        async for room in _pages(
            lambda last: self.storage.read(
                lambda tx: overview.rooms_after(tx, b"" if last is None else last.room, LIST_PAGE)
            )
        ):
            yield room

    async def invites(self) -> AsyncIterator[Invite]:
        """Every invite, by the hash of its token."""
        async for invite in _pages(
            lambda last: self.storage.read(
                lambda tx: overview.invites_after(tx, b"" if last is None else last.token_hash, LIST_PAGE)
            )
        ):
            yield invite

    async def audit(self, after: int = 0) -> AsyncIterator[AuditRow]:
        """The audit log behind the row ``after``, oldest first."""
        while True:
            rows = await self.storage.read(functools.partial(audit.after, number=after, limit=PAGE))
            for row in rows:
                yield row
            if len(rows) < PAGE:
                return
            after = rows[-1].number

    async def set_disabled(self, user: User, *, is_disabled: bool) -> None:
        """Lock an account, whose sessions end, or let it in again.

        Raises:
            RejectedError: rule SRV-ADMIN-TARGET, it is gone.
        """
        action = Action.USERS_DISABLE if is_disabled else Action.USERS_ENABLE

        def operation(tx: Transaction) -> None:
            done = operators.set_disabled(tx, user.account, is_disabled=is_disabled)
            _existing(done or None, "the account is deleted")
            self._record(tx, action, user.account.hex(), user.login_name)

        await self.storage.write(operation)

    async def delete_user(self, user: User) -> None:
        """Delete an account: name, password and recovery records, vault, devices, invites. See ``operators``.

        Raises:
            RejectedError: rule SRV-ADMIN-TARGET, it is gone.
        """

        def operation(tx: Transaction) -> None:
            done = operators.delete_account(tx, user.account, int(self.clock.now()))
            _existing(done or None, "the account is deleted already")
            # Its name leaves the database with it: the log keeps the id alone.
            self._record(tx, Action.USERS_DELETE, user.account.hex())

        await self.storage.write(operation)

    async def reset_attempts(self, user: User) -> None:
        """Let a running server forget how often the account's password was tried lately."""
        await self.storage.write(lambda tx: self._record(tx, Action.USERS_RESET, user.account.hex(), user.login_name))

    async def find_device(self, identifier: str) -> Device:
        """The device with this id, in hexadecimal.

        Raises:
            RejectedError: rule SRV-ADMIN-TARGET, there is none.
        """
        wanted = _id(identifier)
        found = None if wanted is None else await self.storage.read(lambda tx: overview.device(tx, wanted))
        return _existing(found, f"no device {identifier}")

    async def set_blocked(self, device: Device, *, is_blocked: bool) -> None:
        """End a device's session and let it in no more, or let it in again.

        Raises:
            RejectedError: rule SRV-ADMIN-TARGET, its account has revoked it meanwhile.
        """
        action = Action.DEVICES_REVOKE if is_blocked else Action.DEVICES_ALLOW

        def operation(tx: Transaction) -> None:
            _existing(operators.set_blocked(tx, device.device, is_blocked=is_blocked) or None, "the device is gone")
            self._record(tx, action, device.device.hex(), device.login_name)

        await self.storage.write(operation, devices=[device.device])

    async def find_room(self, identifier: str) -> Room:
        """The room with this id, in hexadecimal.

        Raises:
            RejectedError: rule SRV-ADMIN-TARGET, there is none.
        """
        wanted = _id(identifier)
        found = None if wanted is None else await self.storage.read(lambda tx: overview.room(tx, wanted))
        return _existing(found, f"no room {identifier}")

    async def delete_room(self, room: Room) -> None:
        """Delete a room's log, roster and all that waits for its members.

        Raises:
            RejectedError: rule SRV-ADMIN-TARGET, it is gone.
        """

        def operation(tx: Transaction) -> None:
            _existing(operators.delete_room(tx, room.room) or None, "the room is gone")
            self._record(tx, Action.ROOMS_DELETE, room.room.hex(), f"{room.members} members, {room.entries} entries")

        await self.storage.write(operation, rooms=[room.room])

    async def find_invite(self, identifier: str) -> Invite:
        """The invite whose id, the hash of its token in hexadecimal, begins like this.

        Raises:
            RejectedError: rule SRV-ADMIN-TARGET, there is none, or more than one.
        """
        found = [each async for each in self.invites() if each.token_hash.hex().startswith(identifier.lower())]
        if len(found) != 1 or not identifier:
            raise RejectedError("SRV-ADMIN-TARGET", f"{len(found) or 'no'} invites begin with {identifier!r}")
        return found[0]

    async def revoke_invite(self, invite: Invite) -> None:
        """Let nobody register with an invite any more.

        Raises:
            RejectedError: rule SRV-ADMIN-TARGET, it is gone.
        """

        def operation(tx: Transaction) -> None:
            _existing(operators.delete_invite(tx, invite.token_hash) or None, "the invite is gone")
            self._record(tx, Action.INVITES_REVOKE, invite.token_hash.hex(), f"{invite.uses_left} uses left")

        await self.storage.write(operation)

    async def quota(self, user: User) -> Quota:
        """What the account may have."""
        return await self.storage.read(lambda tx: quotas.of_account(tx, user.account))

    async def usage(self, user: User) -> Usage:
        """What the account may have, and what it has."""
        kept = await kept_bytes(self.storage, user.account)
        return Usage(user.account, user.rooms, kept, await self.quota(user))

    async def set_quota(self, user: User, quota: Quota) -> None:
        """Set what the account may have."""

        def operation(tx: Transaction) -> None:
            quotas.put(tx, user.account, quota)
            detail = f"rooms={_or_default(quota.rooms)} bytes={_or_default(quota.kept_bytes)}"
            self._record(tx, Action.QUOTAS_SET, user.account.hex(), detail)

        await self.storage.write(operation)

    async def record(self, action: Action, target: str = "", detail: str = "") -> None:
        """Note an action that was carried out elsewhere."""
        await self.storage.write(lambda tx: self._record(tx, action, target, detail))

    def _record(self, tx: Transaction, action: Action, target: str, detail: str = "") -> None:
        append(tx, Deed(self.actor, action, target, detail), self.clock.now())


async def _pages(read: Callable[[T | None], Awaitable[Sequence[T]]]) -> AsyncIterator[T]:
    """Everything, a page at a time, so that the store is never kept from its users for long."""
    last: T | None = None
    while True:
        page = await read(last)
        for each in page:
            yield each
        if len(page) < LIST_PAGE:
            return
        last = page[-1]


def _id(text: str) -> bytes | None:
    """An id in hexadecimal; None if it is none."""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        return None
    return found if len(found) == ID_SIZE else None


def _existing(found: T | None, otherwise: str) -> T:
    if found is None:
        raise RejectedError("SRV-ADMIN-TARGET", f"there is {otherwise}" if otherwise.startswith("no ") else otherwise)
    return found


def _or_default(value: int | None) -> str:
    return "default" if value is None else str(value)
