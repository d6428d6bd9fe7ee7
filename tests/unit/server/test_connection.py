"""Connections: garbage, silence, slow readers, floods and goodbyes. Whatever one client does, the others go on."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from entrenous.channel import ALERT, CLASSIC, HYBRID, MAX_AGE, SMALL_MESSAGE, Suite
from entrenous.server import Limits, Rate
from entrenous.server.network.sending import FLUSH_BYTES, Outgoing
from entrenous.server.people.login import Binding
from entrenous.server.rooms.delivery import FETCH_BYTES
from entrenous.server.sessions.session import Link, Session
from entrenous.server.watching.counters import Count
from entrenous.testing import SeededEntropy, VirtualClock, run_virtual
from entrenous.wire import ErrorCode, events, replies, requests
from entrenous.wire.limits import MAX_FRAME_BEFORE_LOGIN, MAX_MESSAGE_SIZE
from handlers import handlers
from server_people import RETENTION, Person, World, link_of, silent

Scenario = Callable[[World], Coroutine[Any, Any, None]]

#: Forty requests in one turn of the loop.
ONE_TURN = Limits(requests_in_flight=64, requests_per_turn=Rate(64, 0.001))


def play(scenario: Scenario, **options: Any) -> None:
    async def main() -> None:
        async with await World.start(**options) as world:
            await scenario(world)

    run_virtual(main())


def garbage() -> list[bytes]:
    source = SeededEntropy("garbage")
    return [
        b"GET / HTTP/1.1\r\n\r\n",
        b"ENTR\x01\x09",
        b"ENTR\x02\x01",
        b"ENTR\x01\x01\x00\x00",
        b"ENTR\x01\x02\xff\xff" + bytes(70_000),
        *(source(size) for size in (6, 7, 100, 5_000, 100_000)),
        *(b"ENTR\x01" + source(size) for size in (1, 2, 1_300)),
        b"ENTR\x01\x01\x04\xc0" + source(1_216),
        b"ENTR\x01\x02\x01\x00" + bytes(256),
    ]


def test_garbage_on_the_port_ends_in_one_alert_and_leaves_others_unharmed() -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        room = await alice.create_room()
        for number, data in enumerate(garbage()):
            peer, transport, _ = silent(world)
            transport.write(data)
            await asyncio.wait_for(peer.ended.wait(), 11)
            assert peer.got in (ALERT, b""), data[:10]
            assert await alice.publish(room) == replies.Published(number + 1)
        assert world.memory.server.connections == 1

    play(scenario)


@pytest.mark.parametrize("suite", [HYBRID, CLASSIC])
def test_bytes_changed_after_the_handshake_end_the_connection(suite: Suite) -> None:
    async def scenario(world: World) -> None:
        client = await world.connect(suite=suite)
        wire = world.connectors[-1].wires[0]
        wire.tamper = lambda data, upward: data[:-1] + bytes([data[-1] ^ 1]) if upward else data
        client.start(requests.Ping())
        await client.ended.wait()
        assert wire.downstream[-1] == ALERT
        assert world.memory.server.connections == 0

    play(scenario)


def test_who_does_not_finish_the_handshake_or_log_in_is_sent_away() -> None:
    async def scenario(world: World) -> None:
        loop = asyncio.get_running_loop()
        speechless, _, _ = silent(world)
        anonymous = await world.connect()
        begun = loop.time()
        await speechless.ended.wait()
        assert loop.time() - begun == pytest.approx(10, abs=0.1)
        # Talking does not help who does not log in.
        while not anonymous.ended.is_set():
            await asyncio.wait([anonymous.start(requests.Ping())], timeout=1)
            await asyncio.sleep(5)
        assert loop.time() - begun == pytest.approx(120, abs=6)
        assert isinstance(await anonymous.event(), events.GoingAway)

    play(scenario)


def test_a_device_may_stay_as_long_as_it_says_something() -> None:
    async def scenario(world: World) -> None:
        loop = asyncio.get_running_loop()
        alice = await world.person("alice")
        for _ in range(20):
            await asyncio.sleep(290)
            assert await alice.client.call(requests.Ping()) == replies.Done()
        begun = loop.time()
        await alice.client.ended.wait()
        assert loop.time() - begun == pytest.approx(300, abs=1)

    play(scenario)


def test_a_connection_gives_way_to_a_new_handshake_after_a_day() -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        for _ in range(MAX_AGE // 250):
            await asyncio.sleep(250)
            await alice.client.call(requests.Ping())
        await asyncio.sleep(250)
        alice.client.now = world.memory.clock.now()
        alice.client.start(requests.Ping())
        await alice.client.ended.wait()
        assert "a day old" in (await alice.client.event()).reason
        # The channel's keys were renewed meanwhile, and the certificate is good.
        await alice.reconnect()

    play(scenario)


def test_a_message_that_is_no_request_closes_the_connection() -> None:
    async def scenario(world: World) -> None:
        for data in (b"", b"\xc1", b"\x92\x01", b"\x92\x01\x92\x63\x01", b"\x92\x00\x91\x27", b"\x91" * 5_000):
            client = await world.connect()
            client.channel.send_message(data)
            client.flush()
            await client.ended.wait()
        assert world.memory.server.connections == 0

    play(scenario)


def test_a_length_that_asks_for_too_much_is_refused_before_the_bytes_come() -> None:
    async def scenario(world: World) -> None:
        client = await world.connect()
        client.channel.queue_framed((MAX_FRAME_BEFORE_LOGIN + 1).to_bytes(4, "big"))
        client.flush()
        await client.ended.wait()
        alice = await world.person("alice")
        room = await alice.create_room()
        assert await alice.publish(room, bytes(MAX_MESSAGE_SIZE - 200)) == replies.Published(1)
        alice.client.channel.queue_framed(b"\xff\xff\xff\xff")
        alice.client.flush()
        await alice.client.ended.wait()
        assert SMALL_MESSAGE <= MAX_FRAME_BEFORE_LOGIN

    play(scenario)


def test_there_are_only_so_many_connections_in_all_and_from_one_address() -> None:
    async def scenario(world: World) -> None:
        first = [await world.connect(address="192.0.2.1") for _ in range(2)]
        refused, _, _ = silent(world, "192.0.2.1")
        await refused.ended.wait()
        assert refused.got == b""
        third = await world.connect(address="2001:db8::1")
        assert third.handshake is not None
        late, _, _ = silent(world, "198.51.100.7")
        await late.ended.wait()
        await first[0].close()
        again = await world.connect(address="192.0.2.1")
        assert again.handshake is not None
        assert world.memory.server.connections == 3

    play(scenario, limits=Limits(connections=3, connections_per_address=2))


def test_requests_are_answered_in_their_order() -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        room = await alice.create_room()
        alice.client.answered.clear()
        wanted = [
            request
            for n in range(10)
            for request in (
                alice.publish_request(room, b"%d" % n),
                requests.Ping(),
                requests.Fetch(room, 0, 5),
                requests.Fetch(bytes(16), 0, 5),
                requests.Acknowledge(room, 0),
            )
        ]
        got = await asyncio.gather(*(alice.client.start(request) for request in wanted))
        assert alice.client.answered == sorted(alice.client.answered)
        assert [type(reply).__name__ for reply in got] == ["Published", "Done", "Entries", "Error", "Done"] * 10
        assert [len(reply.entries) for reply in got[2::5]] == [1, 2, 3, 4, 5, 5, 5, 5, 5, 5]

    play(scenario)


def test_a_devices_requests_share_commits() -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        room = await alice.create_room()
        storage = world.memory.server.storage
        before = storage.commits
        await asyncio.gather(*(alice.client.start(alice.publish_request(room)) for _ in range(40)))
        assert storage.commits - before <= 3

    play(scenario, limits=ONE_TURN)


def test_what_comes_together_takes_effect_in_its_order_whatever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        room = await alice.create_room()
        asked = [
            alice.commit_request(room, 0),
            alice.publish_request(room, base=1),
            requests.FetchRoster(room),
            alice.publish_request(room, base=1),
            alice.commit_request(room, 1),
            alice.publish_request(room, base=4),
        ]
        with monkeypatch.context() as patch:
            patch.setattr(alice.client, "flush", lambda: None)
            pending = [alice.client.start(request) for request in asked]
        alice.client.flush()
        got = await asyncio.gather(*pending)
        assert [got[each].sequence for each in (0, 1, 3, 4, 5)] == [1, 2, 3, 4, 5]
        assert got[2].newest_commit == 1

    play(scenario)


def test_nothing_ends_before_what_is_worked_on() -> None:
    async def scenario(world: World) -> None:
        services = world.memory.server.services
        services.courtesy.began()
        settled = asyncio.ensure_future(services.settle())
        await asyncio.sleep(5)
        assert not settled.done()
        services.courtesy.ended()
        await asyncio.wait_for(settled, 1)

    play(scenario)


def test_more_requests_than_may_be_in_flight_wait_their_turn() -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        room = await alice.create_room()
        pending = [alice.client.start(alice.publish_request(room)) for _ in range(300)]
        got = await asyncio.gather(*pending)
        assert [reply.sequence for reply in got] == list(range(1, 301))

    play(scenario, limits=Limits(requests_in_flight=4))


async def slow_reader(world: World) -> tuple[Person, Person, bytes, int]:
    """Alice, and Bob in the same room, who reads nothing from the network."""
    alice, bob = await world.person("alice"), await world.person("bob")
    room = await alice.create_room()
    base = await alice.add(room, bob)
    await bob.client.event()
    bob.client.transport.pause_reading()
    return alice, bob, room, base


def test_what_is_pushed_to_who_only_listens_is_counted_while_he_does_not_take_it() -> None:
    async def scenario(world: World) -> None:
        alice, bob = await world.person("alice"), await world.person("bob")
        room = await alice.create_room()
        base = await alice.add(room, bob)
        await bob.client.event()
        await asyncio.sleep(1)
        held = world.memory.server._host.holdings._held
        link = link_of(world.connectors[-1].wires[0])
        assert link not in held
        bob.client.transport.pause_reading()
        for _ in range(4):
            await alice.publish(room, bytes(50_000), base)
            await asyncio.sleep(1)
        assert 200_000 < held[link] < 201_000
        bob.client.transport.resume_reading()
        await asyncio.sleep(1)
        await alice.publish(room, b"small", base)
        await asyncio.sleep(1)
        assert link not in held

    play(scenario)


def test_a_slow_reader_is_told_once_to_fetch_and_then_pushed_to_again() -> None:
    async def scenario(world: World) -> None:
        alice, bob, room, base = await slow_reader(world)
        for _ in range(60):
            await alice.publish(room, bytes(50_000), base)
        session = world.memory.server.services.fanout.connection(bob.device)
        assert session is not None
        assert session.outlet.backlog < (1 << 20) + 60_000
        bob.client.transport.resume_reading()
        heard = [await bob.client.event()]
        while isinstance(heard[-1], events.NewEntry):
            heard.append(await bob.client.event())
        advanced = heard[-1]
        assert isinstance(advanced, events.LogAdvanced)
        # It names the entry that was not pushed; all before it were.
        assert [event.entry.sequence for event in heard[:-1]] == list(range(2, advanced.newest))
        assert bob.client.events.empty()
        after, got = advanced.newest - 1, []
        while after < 61:
            entries = (await bob.fetch(room, after)).entries
            got += entries
            after = entries[-1].sequence
        assert [entry.sequence for entry in got] == list(range(advanced.newest, 62))
        await alice.publish(room, base=base)
        assert (await bob.client.event()).entry.sequence == 62

    play(scenario, limits=Limits(stall_seconds=1e6, idle_seconds=1e6))


def test_who_leaves_what_he_was_sent_unread_for_too_long_is_cut_off() -> None:
    async def scenario(world: World) -> None:
        alice, _, room, base = await slow_reader(world)
        for _ in range(10):
            await alice.publish(room, bytes(50_000), base)
        await asyncio.sleep(58)
        assert world.memory.server.connections == 2
        await asyncio.sleep(4)
        assert world.memory.server.connections == 1
        assert await alice.publish(room, base=base) == replies.Published(12)

    play(scenario)


def test_replies_to_who_does_not_read_are_bounded_and_all_come_when_he_does() -> None:
    async def scenario(world: World) -> None:
        alice, bob, room, base = await slow_reader(world)
        for _ in range(20):
            await alice.publish(room, bytes(100_000), base)
        pending = [bob.client.start(requests.Fetch(room, 0, 500)) for _ in range(50)]
        await asyncio.sleep(10)
        session = world.memory.server.services.fanout.connection(bob.device)
        assert session is not None
        assert session.outlet.backlog < (4 << 20) + FETCH_BYTES + (1 << 20)
        bob.client.transport.resume_reading()
        got = await asyncio.gather(*pending)
        assert [len(reply.entries) for reply in got] == [2] * 50

    play(scenario, limits=Limits(stall_seconds=1e6, idle_seconds=1e6))


def test_nothing_more_is_read_from_who_has_enough_waiting_for_him() -> None:
    async def scenario(world: World) -> None:
        limits = Limits()
        for backlog, held in ((limits.reply_backlog - 1, None), (limits.reply_backlog, Count.REPLY_BACKLOG)):
            link = SimpleNamespace(backlog=backlog)
            session = Session(world.memory.server.services, Binding(1, bytes(32), ""), cast("Link", link))
            assert session.held is held

    play(scenario)


def test_a_connection_that_breaks_in_the_middle_of_a_publish_loses_nothing_that_others_hear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        alice, bob = await world.person("alice"), await world.person("bob")
        room = await alice.create_room()
        base = await alice.add(room, bob)
        await bob.client.event()
        alice.client.start(alice.publish_request(room, base=base))
        wire = world.connectors[0].wires[0]
        storage, is_cut = world.memory.server.storage, False
        offer = storage.offer

        def cutting(*offered: Any, **options: Any) -> None:
            nonlocal is_cut
            wire.cut()
            is_cut = True
            offer(*offered, **options)

        monkeypatch.setattr(storage, "offer", cutting)
        assert (await bob.client.event()).entry.sequence == 2
        assert is_cut

    play(scenario)


def test_a_client_that_just_hangs_up_is_forgotten() -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        alice.client.transport.close()
        await alice.client.ended.wait()
        await asyncio.sleep(1)
        assert world.memory.server.connections == 0
        assert world.memory.server.services.fanout.connection(alice.device) is None

    play(scenario)


def test_closing_says_goodbye_after_what_was_asked_before() -> None:
    async def scenario() -> None:
        world = await World.start()
        alice = await world.person("alice")
        room = await alice.create_room()
        pending = alice.client.start(alice.publish_request(room))
        await asyncio.sleep(0.001)
        await world.memory.server.close("see you later")
        assert await pending == replies.Published(1)
        assert isinstance(await alice.client.event(), events.NewEntry)
        assert await alice.client.event() == events.GoingAway("see you later")
        await alice.client.ended.wait()
        assert alice.client.failure is None
        assert world.memory.server.connections == 0

    run_virtual(scenario())


def test_closing_does_not_wait_for_who_does_not_read() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        world = await World.start(limits=Limits(stall_seconds=1e6))
        alice, _, room, base = await slow_reader(world)
        await alice.publish(room, bytes(100_000), base)
        begun = loop.time()
        await world.memory.server.close()
        assert loop.time() - begun <= 6
        assert world.memory.server.connections == 0

    run_virtual(scenario())


def test_closing_does_not_wait_for_who_goes_on_asking() -> None:
    """What was taken is answered; what comes later is not taken, or a busy server would never end."""

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        world = await World.start()
        alice = await world.person("alice")

        async def takes_a_second(*_: object) -> replies.Reply:
            await asyncio.sleep(1)
            return replies.Done()

        handlers(world.memory.server.services)[requests.DropInbox] = takes_a_second
        answered = 0

        async def go_on_asking(begin: float) -> None:
            nonlocal answered
            await asyncio.sleep(begin)
            with contextlib.suppress(ConnectionResetError):
                while not alice.client.ended.is_set() and answered < 200:
                    assert await alice.client.call(requests.DropInbox(1)) == replies.Done()
                    answered += 1

        async with asyncio.TaskGroup() as group:
            for begin in (0.0, 0.5):
                group.create_task(go_on_asking(begin))
            await asyncio.sleep(5.25)
            begun, before = loop.time(), answered
            await world.memory.server.close()
            assert loop.time() - begun <= 2
        assert answered == before + 2
        assert await alice.client.event() == events.GoingAway("the server is going down")

    run_virtual(scenario())


def test_a_bug_in_a_handler_costs_one_reply_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        table = handlers(world.memory.server.services)

        async def broken(*_: object) -> replies.Reply:
            raise ZeroDivisionError

        monkeypatch.setitem(table, requests.ListRooms, broken)
        assert (await alice.client.refused(requests.ListRooms())).code is ErrorCode.UNAVAILABLE
        assert await alice.client.call(requests.Ping()) == replies.Done()

    play(scenario)


def test_the_bytes_of_a_new_entry_are_made_once_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: World) -> None:
        people = [await world.person(f"person{n}") for n in range(6)]
        room = await people[0].create_room()
        base = await people[0].add(room, *people[1:])
        pushed: list[bytes] = []

        def push(_outlet: Outgoing, framed: bytes, _most: int | None = None) -> bool:
            pushed.append(framed)
            return True

        monkeypatch.setattr(Outgoing, "push", push)
        await people[0].publish(room, base=base)
        assert len(pushed) == 6
        assert len({id(framed) for framed in pushed}) == 1

    play(scenario)


def test_what_is_dear_to_answer_is_worked_on_one_at_a_time() -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        session = cast("Session", world.memory.server.services.fanout.connection(alice.device))
        for dear in (requests.ListRooms(), requests.GetAccount(alice.account), requests.Fetch(bytes(16), 0, 500)):
            calls = [alice.client.start(dear) for _ in range(8)]
            most = 0
            while not all(call.done() for call in calls):
                most = max(most, len(session._running))
                await asyncio.sleep(0.001)
                most = max(most, len(session._running))
            assert most <= 1
        calls = [alice.client.start(requests.FindAccount("alice")) for _ in range(8)]
        together = 0
        for _ in range(100):
            together = max(together, len(session._running))
            await asyncio.sleep(0)
        assert together > 1
        await asyncio.gather(*calls)

    play(scenario)


@pytest.mark.parametrize("is_taken_at_once", [True, False])
def test_a_request_that_waits_for_an_answer_to_be_taken_is_begun_then(
    monkeypatch: pytest.MonkeyPatch, is_taken_at_once: bool
) -> None:
    """However little the client says meanwhile, and however little it was that had to be taken."""

    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        room = await alice.create_room()
        for _ in range(3):
            await alice.publish(room, bytes(10_000))
        if is_taken_at_once:
            monkeypatch.setattr(world.connectors[-1].wires[0].server, "get_write_buffer_size", lambda: 0)
        pending = [alice.client.start(requests.Fetch(room, after, 1)) for after in range(3)]
        got = await asyncio.wait_for(asyncio.gather(*pending), 5)
        assert [entry.sequence for reply in got for entry in reply.entries] == [1, 2, 3]

    play(scenario, limits=Limits(reply_backlog=5_000))


def test_a_smaller_backlog_of_replies_is_taken_over_by_connections_that_are_open() -> None:
    async def scenario(world: World) -> None:
        alice, server = await world.person("alice"), world.memory.server
        room = await alice.create_room()
        for _ in range(3):
            await alice.publish(room, bytes(10_000))
        server.reload(replace(server.settings, limits=replace(server.settings.limits, reply_backlog=5_000)))
        # Less than what the connection was once to be told of waits here for the client to read.
        alice.client.transport.pause_reading()
        pending = [alice.client.start(requests.Fetch(room, after, 1)) for after in range(3)]
        await asyncio.sleep(1)
        outlet = link_of(world.connectors[-1].wires[0]).outlet
        assert 10_000 < outlet.backlog < 12_000
        alice.client.transport.resume_reading()
        got = await asyncio.wait_for(asyncio.gather(*pending), 5)
        assert [entry.sequence for reply in got for entry in reply.entries] == [1, 2, 3]

    play(scenario)


def test_a_dear_request_stands_back_anew_when_its_connection_has_answered_the_one_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        sharing, seen = world.memory.server.services.sharing, list[tuple[str, int]]()
        wait, answered = sharing.wait, sharing.answered

        def asked(call: Any, *rest: Any) -> float:
            seen.append(("asked", call.number))
            return wait(call, *rest)

        def done(call: Any, *rest: Any) -> None:
            seen.append(("answered", call.number))
            answered(call, *rest)

        monkeypatch.setattr(sharing, "wait", asked)
        monkeypatch.setattr(sharing, "answered", done)
        await asyncio.gather(*(alice.client.start(requests.ListRooms()) for _ in range(2)))
        first, second = sorted({number for _, number in seen})
        assert seen.index(("answered", first)) < seen.index(("asked", second))

    play(scenario)


def test_a_large_answer_is_sealed_in_pieces_and_others_are_answered_between_them() -> None:
    async def scenario(world: World) -> None:
        alice, bob = await world.person("alice"), await world.person("bob")
        room, half = bytes(16), bytes(4_190_000)
        await alice.client.call(requests.CreateRoom(room, RETENTION, half, half))
        wire = next(
            connector.wires[0] for connector in world.connectors if connector.wires[0].client is alice.client.transport
        )
        wire.downstream.clear()
        # The large request has had its turns, and virtual time stands still while Bob keeps the loop busy.
        await asyncio.sleep(1)
        large = alice.client.start(requests.FetchGroupState(room, 0))
        between = 0
        for _ in range(100):
            assert await bob.client.call(requests.Ping()) == replies.Done()
            between += len(wire.downstream) > 0 and not large.done()
        assert (await large).tree == half
        assert max(map(len, wire.downstream)) <= FLUSH_BYTES + 1_000
        assert between > 5

    play(scenario)


def test_what_is_answered_in_one_turn_of_the_loop_is_written_once() -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        room = await alice.create_room()
        wire = world.connectors[0].wires[0]
        before = len(wire.downstream)
        await asyncio.gather(*(alice.client.start(alice.publish_request(room)) for _ in range(40)))
        # 40 replies and 40 events; the requests came in pieces of their own.
        assert len(wire.downstream) - before <= 3

    play(scenario, limits=ONE_TURN)


@pytest.mark.parametrize("days", [5, -5])
def test_a_clock_that_is_set_leaves_no_newcomer_with_a_certificate_that_is_over(days: int) -> None:
    """The machine has slept, or its clock was wrong at the start: its certificate is made anew within a minute."""

    async def scenario(world: World) -> None:
        clock = world.memory.clock
        assert isinstance(clock, VirtualClock)
        before = world.memory.server._host.credentials
        await asyncio.sleep(3_600)
        assert world.memory.server._host.credentials is before
        clock.shift(days * MAX_AGE)
        await asyncio.sleep(61)
        assert world.memory.server._host.credentials is not before
        client = await world.connect()
        assert client.handshake is not None

    play(scenario)
