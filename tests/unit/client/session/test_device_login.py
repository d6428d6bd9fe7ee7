from pathlib import Path

import pytest

from entrenous.client.keyfile import StoreKey
from entrenous.client.session import RefusedError, log_in_device, open_connection
from entrenous.client.store import Store, account
from entrenous.client.store.account import AccountRow, AccountState
from entrenous.crypto import SigningSeed
from entrenous.errors import UsageError
from entrenous.identity import DeviceKeys, DeviceLoginTBS, verify_device_login
from entrenous.wire import ErrorCode, replies, requests
from scripted_server import ScriptedServer, environment, virtual

LOGGED_IN = replies.DeviceLoginDone("alice", 1, 1, 0, ())
SEEDS = SigningSeed(b"i" * 32), SigningSeed(b"l" * 32), SigningSeed(b"m" * 32)
ROW = AccountRow(AccountState.ACTIVE, b"a" * 16, b"d" * 16, "alice", *SEEDS, b"", 1)


@virtual
async def test_the_login_key_signs_this_channel_and_the_counter_is_on_disk_before_it_is_sent(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db", StoreKey(bytes(32)))
    with store.transaction() as tx:
        account.put(tx, ROW)
    login_key = DeviceKeys.restore(ROW.device_id, b"l" * 32, b"m" * 32).login.public
    seen: list[requests.DeviceLogin] = []

    def judge(request: requests.Request) -> replies.Reply:
        assert isinstance(request, requests.DeviceLogin)
        seen.append(request)
        stored = store.one("SELECT launch_counter FROM account")
        assert stored == (request.launch_counter,)
        body = DeviceLoginTBS(
            server.handshake_hashes[-1], server.identity.server_id, b"a" * 16, b"d" * 16, request.launch_counter
        )
        verify_device_login(login_key, body, request.signature)
        return LOGGED_IN

    server = ScriptedServer(judge)
    for _ in range(2):
        connection = await open_connection(server, environment(), pin=server.identity.server_id)
        assert await log_in_device(connection, store) == LOGGED_IN
        connection.close()
    assert [request.launch_counter for request in seen] == [1, 2]
    assert seen[0].signature != seen[1].signature
    store.close()


@virtual
async def test_a_counter_that_was_refused_is_used_up_all_the_same(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db", StoreKey(bytes(32)))
    with store.transaction() as tx:
        account.put(tx, ROW)
    server = ScriptedServer(lambda request: replies.Error(ErrorCode.CLONED, "a copy"))
    connection = await open_connection(server, environment(), pin=server.identity.server_id)
    with pytest.raises(RefusedError) as caught:
        await log_in_device(connection, store)
    assert caught.value.rule == "DS-CLONED"
    assert store.one("SELECT launch_counter FROM account") == (1,)
    connection.close()
    store.close()


@virtual
async def test_an_empty_profile_sends_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db", StoreKey(bytes(32)))
    server = ScriptedServer()
    connection = await open_connection(server, environment(), pin=server.identity.server_id)
    with pytest.raises(UsageError):
        await log_in_device(connection, store)
    assert not server.newest.calls
    connection.close()
    store.close()
