import asyncio
from typing import Any

import pytest

from entrenous.channel import ALERT, CLASSIC
from entrenous.client.session import Connection, RefusedError, TcpConnector, Timings, open_connection
from entrenous.client.session.connection import MAX_IN_FLIGHT
from entrenous.crypto import SigningKey
from entrenous.errors import EntrenousError, MalformedError, RejectedError, UnavailableError
from entrenous.identity import ServerIdentityKey
from entrenous.wire import ErrorCode, encode_answer, events, replies, requests
from scripted_server import ScriptedServer, environment, virtual

PING = requests.Ping()


async def opened(server: ScriptedServer, **options: Any) -> Connection:
    return await open_connection(server, environment(), pin=server.identity.server_id, **options)


@virtual
async def test_a_call_is_answered_over_the_pinned_channel() -> None:
    server = ScriptedServer()
    connection = await opened(server)
    assert await connection.call(PING, replies.Done) == replies.Done()
    assert server.handshake_hashes == [connection.handshake_hash]
    assert connection.peer.server_id == server.identity.server_id
    connection.close()
    assert connection.is_closed


@virtual
async def test_the_classic_suite_works_as_well() -> None:
    server = ScriptedServer()
    connection = await opened(server, suite=CLASSIC)
    assert connection.suite is CLASSIC
    assert await connection.call(PING, replies.Done) == replies.Done()
    connection.close()


@virtual
async def test_another_server_identity_is_refused_before_anything_more_is_sent() -> None:
    server = ScriptedServer()
    pin = server.identity.server_id
    server.identity = ServerIdentityKey(SigningKey.from_seed(b"x" * 32))
    server.certify()
    with pytest.raises(RejectedError) as caught:
        await open_connection(server, environment(), pin=pin)
    assert caught.value.rule == "CHAN-PIN"
    assert len(server.wires[0].upstream) == 1  # the first handshake message, and no more
    assert not server.newest.calls


@virtual
async def test_a_server_that_says_nothing_is_unavailable_in_time() -> None:
    server = ScriptedServer(is_deaf=True)
    with pytest.raises(UnavailableError, match="within 15 s"):
        await opened(server)
    assert asyncio.get_running_loop().time() == pytest.approx(15)


@virtual
async def test_a_server_that_speaks_something_else_ends_in_one_of_our_errors() -> None:
    server = ScriptedServer(is_deaf=True)
    opening = asyncio.ensure_future(opened(server))
    await asyncio.sleep(1)
    server.wires[0].server.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 1000)
    with pytest.raises(EntrenousError):
        await opening


@virtual
async def test_calls_made_in_one_turn_of_the_loop_leave_in_one_write() -> None:
    server = ScriptedServer()
    connection = await opened(server)
    before = len(server.wires[0].upstream)
    await asyncio.gather(*(connection.call(PING, replies.Done) for _ in range(10)))
    assert len(server.wires[0].upstream) == before + 1
    connection.close()


@virtual
async def test_a_refusal_is_an_exception_and_the_connection_lives_on() -> None:
    server = ScriptedServer(lambda request: replies.Error(ErrorCode.DENIED, "not yours"))
    connection = await opened(server)
    with pytest.raises(RefusedError, match="not yours"):
        await connection.call(PING, replies.Done)
    server.answer = lambda request: replies.Done()
    await connection.call(PING, replies.Done)
    connection.close()


@virtual
async def test_a_cut_line_fails_calls_in_flight_and_later_ones() -> None:
    server = ScriptedServer(lambda request: None)
    connection = await opened(server)
    calling = asyncio.ensure_future(connection.call(PING, replies.Done))
    await asyncio.sleep(1)
    server.wires[0].cut()
    with pytest.raises(UnavailableError, match="ended before the answer came"):
        await calling
    with pytest.raises(UnavailableError, match="not connected"):
        await connection.call(PING, replies.Done)


@virtual
async def test_a_server_that_goes_silent_fails_the_call_and_the_connection() -> None:
    server = ScriptedServer(lambda request: None)
    connection = await opened(server, timings=Timings(call=30))
    started = asyncio.get_running_loop().time()
    with pytest.raises(UnavailableError, match="did not answer for 30 s"):
        await connection.call(PING, replies.Done)
    assert asyncio.get_running_loop().time() - started == pytest.approx(30, abs=0.1)
    assert connection.is_closed


@virtual
async def test_a_busy_server_is_waited_for_but_not_for_ever() -> None:
    server = ScriptedServer(lambda request: None)
    connection = await opened(server, timings=Timings(call=30, call_most=100))

    async def chatter() -> None:
        while not connection.is_closed:
            await asyncio.sleep(10)
            if not connection.is_closed:
                server.newest.say(events.InboxChanged())

    talking = asyncio.ensure_future(chatter())
    started = asyncio.get_running_loop().time()
    with pytest.raises(UnavailableError):
        await connection.call(PING, replies.Done)
    assert asyncio.get_running_loop().time() - started == pytest.approx(100, abs=0.1)
    await talking


@virtual
async def test_a_large_request_is_given_the_time_a_slow_line_needs() -> None:
    server = ScriptedServer(lambda request: None)
    connection = await opened(server, timings=Timings(call=30, slowest=1000))
    started = asyncio.get_running_loop().time()
    with pytest.raises(UnavailableError):
        await connection.call(requests.PutVault(1, bytes(60_000)), replies.Done)
    assert asyncio.get_running_loop().time() - started == pytest.approx(90, abs=0.1)


@virtual
async def test_a_caller_who_gives_up_harms_nobody_else() -> None:
    server = ScriptedServer(lambda request: None)
    connection = await opened(server)
    for _ in range(MAX_IN_FLIGHT * 3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await connection.call(PING, replies.Done)
    for number, _ in list(server.newest.calls):
        server.newest.say_bytes(encode_answer(number, replies.Done()))
    server.answer = lambda request: replies.Done()
    await connection.call(PING, replies.Done)
    assert connection.in_flight == 0
    connection.close()


@virtual
async def test_calls_beyond_the_limit_wait_for_their_turn() -> None:
    server = ScriptedServer(lambda request: None)
    connection = await opened(server)
    calls = [asyncio.ensure_future(connection.call(PING, replies.Done)) for _ in range(MAX_IN_FLIGHT + 5)]
    await asyncio.sleep(1)
    assert len(server.newest.calls) == MAX_IN_FLIGHT
    server.answer = lambda request: replies.Done()
    for number, _ in list(server.newest.calls):
        server.newest.say_bytes(encode_answer(number, replies.Done()))
    await asyncio.gather(*calls)
    connection.close()


@virtual
async def test_events_reach_their_owner_in_order() -> None:
    server = ScriptedServer()
    seen: list[events.AnyEvent] = []
    connection = await opened(server, on_event=seen.append)
    for sequence in range(5):
        server.newest.say(events.LogAdvanced(b"r" * 16, sequence))
    await connection.call(PING, replies.Done)
    assert seen == [events.LogAdvanced(b"r" * 16, sequence) for sequence in range(5)]
    connection.close()


@virtual
@pytest.mark.parametrize("data", [b"", b"\xc1", encode_answer(7, replies.Done()), encode_answer(1, replies.Rooms(()))])
async def test_what_no_server_of_ours_says_closes_the_connection(data: bytes) -> None:
    server = ScriptedServer(lambda request: None)
    connection = await opened(server)
    calling = asyncio.ensure_future(connection.call(PING, replies.Done))
    await asyncio.sleep(1)
    server.newest.say_bytes(data)
    with pytest.raises(UnavailableError):
        await calling
    assert isinstance(await connection.closed, MalformedError)
    await asyncio.sleep(1)
    assert server.newest.is_lost


@virtual
async def test_a_flipped_bit_on_the_way_ends_in_one_alert() -> None:
    server = ScriptedServer()
    connection = await opened(server)
    server.wires[0].tamper = lambda data, upward: data if upward else data[:-1] + bytes([data[-1] ^ 1])
    with pytest.raises(UnavailableError):
        await connection.call(PING, replies.Done)
    await asyncio.sleep(1)
    assert server.wires[0].upstream[-1] == ALERT
    assert server.newest.is_lost


@virtual
async def test_a_goodbye_of_the_server_is_told_apart_from_a_cut_line() -> None:
    server = ScriptedServer()
    connection = await opened(server)
    server.newest.goodbye()
    assert "the server closed the connection" in str(await connection.closed)
    connection = await opened(server)
    transport = server.newest.transport
    assert transport is not None
    transport.close()  # without a close record
    error = await connection.closed
    assert isinstance(error, RejectedError)
    assert error.rule == "CHAN-TRUNCATED"


@virtual
async def test_our_goodbye_reaches_the_server_behind_everything_we_said() -> None:
    server = ScriptedServer(lambda request: None)
    connection = await opened(server)
    calling = asyncio.ensure_future(connection.call(PING, replies.Done))
    await asyncio.sleep(0)
    connection.close()
    with pytest.raises(UnavailableError):
        await calling
    await asyncio.sleep(1)
    assert server.newest.error is None
    assert [request for _, request in server.newest.calls] == [PING]
    assert server.newest.is_lost
    connection.close()  # again


@virtual
async def test_a_server_that_does_not_read_makes_us_wait_and_then_gets_everything() -> None:
    server = ScriptedServer()
    connection = await opened(server)
    server.wires[0].server.pause_reading()
    calls = [
        asyncio.ensure_future(connection.call(requests.PutVault(1, bytes(100_000)), replies.Done)) for _ in range(10)
    ]
    await asyncio.sleep(10)
    assert not any(call.done() for call in calls)
    server.wires[0].server.resume_reading()
    server.newest.channel.max_message = 1 << 20
    await asyncio.gather(*calls)
    connection.close()


async def test_nobody_listening_is_unavailable() -> None:
    listener = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    with pytest.raises(UnavailableError, match=f"127.0.0.1 port {port} cannot be reached"):
        await TcpConnector("127.0.0.1", port).connect(asyncio.Protocol)


@pytest.mark.parametrize("host", ["a" * 70 + ".invalid", "..", "\x00"])
async def test_a_host_name_that_is_none_is_unavailable(host: str) -> None:
    with pytest.raises(UnavailableError):
        await TcpConnector(host, 1).connect(asyncio.Protocol)
