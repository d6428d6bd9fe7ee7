"""The test kit itself: virtual time, seeded entropy, and connections in memory that behave like asyncio's."""

import asyncio
import time
from typing import Any

import pytest

from entrenous.errors import UnavailableError
from entrenous.testing import (
    MemoryConnector,
    SeededEntropy,
    VirtualClock,
    VirtualTimeLoop,
    connect_in_memory,
    run_virtual,
)
from entrenous.testing.clock import VIRTUAL_START
from entrenous.testing.memory import HIGH_WATER, LARGEST_PIECE


class Notes(asyncio.Protocol):
    """Writes down what happens to it."""

    def __init__(self) -> None:
        self.happened: list[Any] = []
        self.transport: asyncio.Transport | None = None
        self.got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.happened.append("made")

    def data_received(self, data: bytes) -> None:
        self.got += data
        self.happened.append(len(data))

    def eof_received(self) -> None:
        self.happened.append("eof")

    def pause_writing(self) -> None:
        self.happened.append("pause")

    def resume_writing(self) -> None:
        self.happened.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.happened.append(("lost", type(exc).__name__))


def test_hours_pass_at_once_and_in_order() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        clock, moments = VirtualClock(loop), []
        for seconds in (3_600, 0.001, 86_400):
            await asyncio.sleep(seconds)
            moments.append(clock.now() - VIRTUAL_START)
        return moments

    begun = time.monotonic()
    assert run_virtual(main()) == pytest.approx([3_600, 3_600.001, 90_000.001])
    assert time.monotonic() - begun < 5


def test_timers_fire_in_the_order_of_their_times() -> None:
    async def main() -> list[int]:
        order: list[int] = []
        loop = asyncio.get_running_loop()
        for seconds in (30, 10, 20):
            loop.call_later(seconds, order.append, seconds)
        await asyncio.sleep(60)
        return order

    assert run_virtual(main()) == [10, 20, 30]


def test_a_test_that_waits_for_ever_is_told_so() -> None:
    async def endless() -> None:
        while True:  # noqa: ASYNC110 waiting for ever is the point
            await asyncio.sleep(600)

    with pytest.raises(RuntimeError, match="virtual seconds"):
        run_virtual(endless(), latest=86_400)


def test_a_test_that_nothing_will_ever_wake_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrenous.testing.clock.STUCK_AFTER", 0.05)

    async def stuck() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="nothing will ever"):
        run_virtual(stuck())


def test_what_another_thread_brings_about_still_arrives() -> None:
    async def main() -> int:
        return await asyncio.to_thread(lambda: 42)

    assert run_virtual(main()) == 42


def test_a_clock_can_be_set_wrong_without_moving_time() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        clock = VirtualClock(loop)
        before = loop.time()
        clock.shift(-3_600)
        assert (clock.now() - VIRTUAL_START, loop.time()) == (before - 3_600, before)

    run_virtual(main())
    assert VirtualClock().now() == VIRTUAL_START


def test_seeded_entropy_repeats_itself_and_never_within_a_run() -> None:
    one, again, other = SeededEntropy("seed"), SeededEntropy("seed"), SeededEntropy("other")
    first = [one(32) for _ in range(50)]
    assert first == [again(32) for _ in range(50)]
    assert len(set(first)) == 50
    assert other(32) not in first
    assert [len(one(size)) for size in (0, 1, 1_000)] == [0, 1, 1_000]
    assert one.child("alice")(32) == SeededEntropy("seed").child("alice")(32) != one.child("bob")(32)


def test_what_is_written_in_one_turn_arrives_in_one_piece_in_a_later_one() -> None:
    async def main() -> None:
        client, server = Notes(), Notes()
        transport, wire = connect_in_memory(client, server)
        transport.write(b"hello ")
        transport.write(b"world")
        assert server.got == b""
        await asyncio.sleep(1)
        assert server.happened == ["made", 11]
        assert server.transport is not None
        assert server.transport.get_extra_info("peername")[0] == "192.0.2.1"
        server.transport.write(b"hi")
        await asyncio.sleep(1)
        assert client.happened == ["made", 2]
        assert (wire.upstream, wire.downstream) == ([b"hello ", b"world"], [b"hi"])

    run_virtual(main())


def test_a_piece_is_no_larger_than_asyncios() -> None:
    async def main() -> None:
        server = Notes()
        transport, _ = connect_in_memory(Notes(), server)
        for _ in range(10):
            transport.write(bytes(100_000))
        await asyncio.sleep(1)
        assert len(server.got) == 1_000_000
        assert max(size for size in server.happened if isinstance(size, int)) <= LARGEST_PIECE

    run_virtual(main())


def test_a_writer_is_paused_while_the_other_end_does_not_read() -> None:
    async def main() -> None:
        client, server = Notes(), Notes()
        transport, _ = connect_in_memory(client, server)
        await asyncio.sleep(1)
        assert server.transport is not None
        server.transport.pause_reading()
        transport.write(bytes(HIGH_WATER))
        assert client.happened == ["made"]
        transport.write(b"one more")
        assert client.happened == ["made", "pause"]
        await asyncio.sleep(1)
        assert server.got == b""
        assert transport.get_write_buffer_size() == HIGH_WATER + 8
        server.transport.resume_reading()
        await asyncio.sleep(1)
        assert client.happened == ["made", "pause", "resume"]
        assert len(server.got) == HIGH_WATER + 8
        assert transport.get_write_buffer_size() == 0

    run_virtual(main())


def test_a_close_arrives_after_everything_that_was_written() -> None:
    async def main() -> None:
        client, server = Notes(), Notes()
        transport, _ = connect_in_memory(client, server)
        await asyncio.sleep(1)
        transport.write(b"last words")
        transport.close()
        transport.write(b"too late")
        await asyncio.sleep(1)
        assert client.happened == ["made", ("lost", "NoneType")]
        assert server.happened == ["made", 10, "eof", ("lost", "NoneType")]

    run_virtual(main())


def test_a_cut_reaches_both_ends_as_an_error_and_only_once() -> None:
    async def main() -> None:
        client, server = Notes(), Notes()
        transport, wire = connect_in_memory(client, server)
        await asyncio.sleep(1)
        transport.write(b"on its way")
        wire.cut()
        wire.cut()
        await asyncio.sleep(1)
        assert client.happened == server.happened == ["made", ("lost", "ConnectionResetError")]

    run_virtual(main())


def test_a_test_can_change_and_swallow_what_crosses() -> None:
    async def main() -> None:
        client, server = Notes(), Notes()
        transport, wire = connect_in_memory(client, server)
        wire.tamper = lambda data, upward: data.upper() if upward else b""
        await asyncio.sleep(1)
        transport.write(b"quiet")
        assert server.transport is not None
        server.transport.write(b"never heard")
        await asyncio.sleep(1)
        assert (server.got, client.got) == (b"QUIET", b"")
        assert wire.downstream == [b"never heard"]

    run_virtual(main())


def test_a_server_can_be_taken_away() -> None:
    async def main() -> None:
        connector = MemoryConnector(Notes)
        client = await connector.connect(Notes)
        assert client.happened == ["made"]
        connector.server = None
        with pytest.raises(UnavailableError):
            await connector.connect(Notes)
        connector.wires[0].cut()
        await asyncio.sleep(1)
        assert client.happened[-1] == ("lost", "ConnectionResetError")

    run_virtual(main())
