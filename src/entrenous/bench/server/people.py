"""The people of a measurement, written straight into the server's store.

Registering thousands of accounts by the protocol would take minutes and is not what is measured. What the server never
reads of them (device lists, records of passwords, vaults) is left blank: they log in as devices.
"""

import functools
import math
import time
from collections.abc import Sequence
from pathlib import Path

from entrenous.bench.guest import RETENTION, Guest, Place
from entrenous.crypto import FLOOR, system_entropy
from entrenous.identity import DeviceKeys
from entrenous.server.store import Storage, Transaction, accounts, rooms, rosters, sqlite_engine
from entrenous.wire.limits import ID_SIZE, ROOM_ID_SIZE
from entrenous.wire.types import KsfParameters

_COST = KsfParameters(FLOOR.memory_kib, FLOOR.iterations, FLOOR.lanes)

Group = tuple[Guest, ...]


async def settle(database: Path, place: Place, groups: int, members: int) -> tuple[Group, ...]:
    """Make ``groups`` rooms with ``members`` accounts in each, in the store of a server that may run.

    Args:
        database: the server's SQLite file.
        place: where the server is.
        groups: how many rooms.
        members: accounts in each, with one device; each account is in one room.
    """
    now = math.floor(time.time())
    storage = Storage(sqlite_engine(database))
    try:
        made = []
        for _ in range(groups):
            devices = [DeviceKeys.generate(system_entropy) for _ in range(members)]
            made.append(await storage.write(functools.partial(_store_group, place=place, devices=devices, now=now)))
        return tuple(made)
    finally:
        await storage.close()


def _store_group(tx: Transaction, *, place: Place, devices: Sequence[DeviceKeys], now: int) -> Group:
    room = system_entropy(ROOM_ID_SIZE)
    ids = [_store_account(tx, keys, now) for keys in devices]
    rooms.create(tx, room, ids[0], RETENTION, now)
    for account in ids:
        rosters.add(tx, room, account, may_manage=account is ids[0], added_at=0, readable_after=0, now=now)
    return tuple(
        Guest(place, account, keys.login.seed.reveal(), keys.mls.seed.reveal(), keys.device_id, room=room)
        for account, keys in zip(ids, devices, strict=True)
    )


def _store_account(tx: Transaction, keys: DeviceKeys, now: int) -> bytes:
    account = system_entropy(ID_SIZE)
    row = accounts.NewAccount(
        id=account,
        login_name=account.hex(),
        name_key=account.hex(),
        identity_key=b"",
        password_record=b"",
        recovery_record=b"",
        ksf=_COST,
        device_list=b"",
        device_list_version=1,
        vault=b"",
        vault_version=1,
        created_at=now,
    )
    accounts.add(tx, row)
    accounts.add_device(tx, account, keys.device_id, keys.entry.login_key, now)
    return account
