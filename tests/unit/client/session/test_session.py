import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from entrenous.client.keyfile import StoreKey
from entrenous.client.session import (
    Connected,
    Connection,
    Disconnected,
    EventQueue,
    RefusedError,
    Session,
    Timings,
)
from entrenous.client.store import Store, account, server, vault
from entrenous.client.store.account import AccountRow, AccountState
from entrenous.client.store.server import ServerRow
from entrenous.client.store.vault import VaultRow
from entrenous.crypto import SigningKey, SigningSeed
from entrenous.errors import RejectedError, UnavailableError, UsageError
from entrenous.identity import ServerIdentityKey
from entrenous.wire import ErrorCode, encode_answer, events, replies, requests
from scripted_server import ScriptedServer, environment, virtual

LOGGED_IN = replies.DeviceLoginDone("alice", 3, 5, 100, ())
ROOM = b"r" * 16


def obliging(request: requests.Request) -> replies.Reply | None:
    return LOGGED_IN if isinstance(request, requests.DeviceLogin) else replies.Done()


async def log_in(connection: Connection, store: Store) -> replies.DeviceLoginDone:
    request = requests.DeviceLogin(b"a" * 16, b"d" * 16, 1, bytes(64))
    return await connection.call(request, replies.DeviceLoginDone)


@asynccontextmanager
async def running(
    path: Path,
    scripted: ScriptedServer,
    *,
    timings: Timings | None = None,
    versions: tuple[int, int] = (3, 5),
    state: AccountState = AccountState.ACTIVE,
) -> AsyncIterator[Session]:
    store = Store.open(path / "store.db", StoreKey(bytes(32)))
    seeds = SigningSeed(b"i" * 32), SigningSeed(b"l" * 32), SigningSeed(b"m" * 32)
    with store.transaction() as tx:
        account.put(tx, AccountRow(state, b"a" * 16, b"d" * 16, "alice", *seeds, b"", versions[0]))
        vault.put(tx, VaultRow(bytes(32), b"", versions[1]))
        identity = scripted.identity
        server.put(tx, ServerRow(identity.server_id, identity.signing_key.public, "host", 7443, 1))
    session = Session(store, scripted, environment(), timings=timings or Timings(), log_in=log_in)
    session.start()
    try:
        yield session
    finally:
        await session.close()
        store.close()


async def until_disconnected(session: Session) -> Disconnected:
    while not isinstance(event := await session.next_event(), Disconnected):
        pass
    return event


@virtual
async def test_a_session_connects_logs_in_and_tells(tmp_path: Path) -> None:
    scripted = ScriptedServer(obliging)
    async with running(tmp_path, scripted) as session:
        event = await session.next_event()
        assert isinstance(event, Connected)
        assert event.login == LOGGED_IN
        assert not event.rotated
        assert not event.rolled_back
        await session.wait_until_connected()
        assert session.is_connected
        assert await session.call(requests.Ping(), replies.Done) == replies.Done()
        scripted.newest.say(events.LogAdvanced(ROOM, 7))
        assert await session.next_event() == events.LogAdvanced(ROOM, 7)
    with pytest.raises(UnavailableError):
        await session.call(requests.Ping(), replies.Done)
    await asyncio.sleep(1)
    assert scripted.newest.is_lost
    assert scripted.newest.error is None  # it was told goodbye


@virtual
async def test_a_lost_connection_is_told_and_comes_back(tmp_path: Path) -> None:
    scripted = ScriptedServer(obliging)
    async with running(tmp_path, scripted) as session:
        await session.wait_until_connected()
        scripted.wires[-1].cut()
        down = await until_disconnected(session)
        assert down.retry_in is not None
        assert "lost" in down.reason
        with pytest.raises(UnavailableError):
            await session.call(requests.Ping(), replies.Done)
        assert isinstance(await session.next_event(), Connected)
        assert await session.call(requests.Ping(), replies.Done) == replies.Done()
    assert len(scripted.connections) == 2


@virtual
async def test_waits_grow_while_the_server_is_down_and_shrink_after_a_steady_connection(tmp_path: Path) -> None:
    scripted = ScriptedServer(obliging, is_down=True)
    async with running(tmp_path, scripted) as session:
        waits = [(await until_disconnected(session)).retry_in or 0.0 for _ in range(40)]
        for number, wait in enumerate(waits):
            assert 0 <= wait <= min(60, 0.5 * 2**number)
        assert max(waits) > 30
        scripted.is_down = False
        await session.wait_until_connected()
        await asyncio.sleep(40)
        scripted.is_down = True
        scripted.wires[-1].cut()
        assert ((await until_disconnected(session)).retry_in or 0.0) <= 0.5
    started = asyncio.get_running_loop().time()
    await asyncio.sleep(1000)
    assert [moment for moment in scripted.attempts if moment > started] == []  # closed is closed


@virtual
async def test_a_server_that_drops_every_login_at_once_is_not_hammered(tmp_path: Path) -> None:
    scripted = ScriptedServer(obliging)
    async with running(tmp_path, scripted) as session:
        for _ in range(12):
            await session.wait_until_connected()
            scripted.wires[-1].cut()
            await until_disconnected(session)
        before = len(scripted.attempts)
        await asyncio.sleep(600)
        assert len(scripted.attempts) - before < 2
    assert len(scripted.attempts) < 20


@virtual
async def test_waiting_can_be_cut_short(tmp_path: Path) -> None:
    scripted = ScriptedServer(obliging, is_down=True)
    async with running(tmp_path, scripted) as session:
        for _ in range(12):
            await until_disconnected(session)
        scripted.is_down = False
        now = asyncio.get_running_loop().time()
        session.retry_now()
        await session.wait_until_connected()
        assert asyncio.get_running_loop().time() - now < 0.1


@virtual
async def test_a_busy_server_decides_how_long_to_wait(tmp_path: Path) -> None:
    scripted = ScriptedServer(lambda request: replies.Error(ErrorCode.LIMIT, "too many logins", 300))
    async with running(tmp_path, scripted) as session:
        assert (await until_disconnected(session)).retry_in == 300


@virtual
async def test_another_server_identity_is_final_and_clearly_worded(tmp_path: Path) -> None:
    scripted = ScriptedServer(obliging)
    async with running(tmp_path, scripted) as session:
        await session.wait_until_connected()
        scripted.identity = ServerIdentityKey(SigningKey.from_seed(b"x" * 32))
        scripted.certify()
        scripted.wires[-1].cut()
        await until_disconnected(session)
        last = await until_disconnected(session)
        assert last.retry_in is None
        assert "not the server that this profile trusts" in last.reason
        attempts = len(scripted.attempts)
        await asyncio.sleep(10_000)
        assert len(scripted.attempts) == attempts
        for attempt in (session.wait_until_connected(), session.call(requests.Ping(), replies.Done)):
            with pytest.raises(RejectedError) as caught:
                await attempt
            assert caught.value.rule == "CHAN-PIN"
    assert not scripted.newest.calls  # and it was told nothing


@virtual
@pytest.mark.parametrize(("code", "words"), [(ErrorCode.CLONED, "copy"), (ErrorCode.BAD_CREDENTIALS, "revoked")])
async def test_a_device_that_may_not_log_in_any_more_gives_up(tmp_path: Path, code: ErrorCode, words: str) -> None:
    scripted = ScriptedServer(lambda request: replies.Error(code, "no"))
    async with running(tmp_path, scripted) as session:
        last = await until_disconnected(session)
        assert last.retry_in is None
        assert words in last.reason
        with pytest.raises(RejectedError):
            await session.wait_until_connected()


@virtual
async def test_a_pending_account_is_settled_by_its_first_login(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedServer(obliging), state=AccountState.PENDING) as session:
        await session.wait_until_connected()
        row = account.get(session._store)
        assert row is not None
        assert row.state is AccountState.ACTIVE


@virtual
async def test_a_pending_account_that_does_not_exist_says_that_joining_was_interrupted(tmp_path: Path) -> None:
    scripted = ScriptedServer(lambda request: replies.Error(ErrorCode.BAD_CREDENTIALS, "no"))
    async with running(tmp_path, scripted, state=AccountState.PENDING) as session:
        assert "interrupted" in (await until_disconnected(session)).reason


@virtual
async def test_other_refusals_at_login_are_tried_again(tmp_path: Path) -> None:
    scripted = ScriptedServer(lambda request: replies.Error(ErrorCode.UNAVAILABLE, "starting up"))
    async with running(tmp_path, scripted) as session:
        assert (await until_disconnected(session)).retry_in is not None
        scripted.answer = obliging
        await session.wait_until_connected()


@virtual
async def test_a_rotated_identity_is_followed_once_shown_and_never_taken_back(tmp_path: Path) -> None:
    scripted = ScriptedServer(obliging)
    former = scripted.identity
    async with running(tmp_path, scripted) as session:
        assert isinstance(await session.next_event(), Connected)
        scripted.identity = former.rotate(SigningKey.from_seed(b"n" * 32))
        scripted.certify()
        for rotated in (True, False):
            scripted.wires[-1].cut()
            await until_disconnected(session)
            event = await session.next_event()
            assert isinstance(event, Connected)
            assert event.rotated is rotated
            assert event.server.rotations == 1
        scripted.identity = former  # whoever stole the former key
        scripted.certify()
        scripted.wires[-1].cut()
        await until_disconnected(session)
        assert "has replaced" in (await until_disconnected(session)).reason


@virtual
@pytest.mark.parametrize(("versions", "expected"), [((3, 5), False), ((2, 4), False), ((4, 5), True), ((3, 6), True)])
async def test_a_server_that_forgot_newer_versions_is_noticed(
    tmp_path: Path, versions: tuple[int, int], expected: bool
) -> None:
    async with running(tmp_path, ScriptedServer(obliging), versions=versions) as session:
        event = await session.next_event()
        assert isinstance(event, Connected)
        assert event.rolled_back is expected


@virtual
async def test_a_quiet_connection_is_pinged_and_kept(tmp_path: Path) -> None:
    scripted = ScriptedServer(obliging)
    async with running(tmp_path, scripted) as session:
        await session.wait_until_connected()
        await asyncio.sleep(600)
        assert len(scripted.connections) == 1
        pings = [request for _, request in scripted.newest.calls if isinstance(request, requests.Ping)]
        assert len(pings) == 600 // 45


@virtual
async def test_a_dead_connection_is_found_out_and_replaced(tmp_path: Path) -> None:
    scripted = ScriptedServer(obliging)
    async with running(tmp_path, scripted) as session:
        await session.wait_until_connected()
        scripted.wires[-1].tamper = lambda data, upward: b""  # a line that swallows everything
        now = asyncio.get_running_loop().time()
        down = await until_disconnected(session)
        assert "ping" in down.reason
        assert asyncio.get_running_loop().time() - now == pytest.approx(45 + 15, abs=1)
        await session.wait_until_connected()


@virtual
async def test_a_long_answer_is_not_disturbed_by_pings(tmp_path: Path) -> None:
    scripted = ScriptedServer(obliging)
    async with running(tmp_path, scripted) as session:
        await session.wait_until_connected()
        scripted.answer = lambda request: None
        calling = asyncio.ensure_future(session.call(requests.Fetch(ROOM, 0, 10), replies.Entries))
        for _ in range(20):
            await asyncio.sleep(20)  # longer in all than any silence is borne
            scripted.newest.say(events.InboxChanged())
        number = scripted.newest.calls[-1][0]
        entries = replies.Entries(ROOM, 1, 0, ())
        scripted.newest.say_bytes(encode_answer(number, entries))
        assert await calling == entries
        assert len(scripted.connections) == 1


@virtual
async def test_a_name_that_was_changed_at_the_server_is_taken_over(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedServer(obliging)) as session:
        with session._store.transaction() as tx:
            account.rename(tx, "alicia")
        await session.wait_until_connected()
        row = account.get(session._store)
        assert row is not None
        assert row.login_name == "alice"


@virtual
async def test_keys_are_new_every_day(tmp_path: Path) -> None:
    scripted = ScriptedServer(obliging)
    async with running(tmp_path, scripted) as session:
        await session.wait_until_connected()
        await asyncio.sleep(86_400 + 60)
        assert session.is_connected
        assert len(scripted.connections) == 2
        assert scripted.connections[0].error is None
        assert len(set(scripted.handshake_hashes)) == 2


@virtual
async def test_closing_while_waiting_connecting_or_never_started_ends_at_once(tmp_path: Path) -> None:
    for number, scripted in enumerate((ScriptedServer(is_down=True), ScriptedServer(is_deaf=True))):
        (tmp_path / str(number)).mkdir()
        async with running(tmp_path / str(number), scripted):
            await asyncio.sleep(1)
        assert asyncio.get_running_loop().time() < 5


@virtual
async def test_an_empty_profile_has_nowhere_to_connect_to(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db", StoreKey(bytes(32)))
    session = Session(store, ScriptedServer(obliging), environment())
    await session.close()  # not started: nothing to do
    session.start()
    with pytest.raises(UsageError):
        session.start()
    with pytest.raises(UsageError):
        await session.wait_until_connected()
    await session.close()
    store.close()


@virtual
async def test_a_refused_call_leaves_the_session_as_it_is(tmp_path: Path) -> None:
    scripted = ScriptedServer(obliging)
    async with running(tmp_path, scripted) as session:
        await session.wait_until_connected()
        scripted.answer = lambda request: replies.Error(ErrorCode.NOT_FOUND, "no such room")
        with pytest.raises(RefusedError):
            await session.call(requests.Fetch(ROOM, 0, 10), replies.Entries)
        assert session.is_connected


def test_the_queue_of_a_session_is_bounded() -> None:
    assert EventQueue()._capacity <= 4096
