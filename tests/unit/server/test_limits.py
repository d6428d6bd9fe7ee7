"""Every limit is reached once: what it refuses or closes, when, and that it was counted under its own name."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import fields
from typing import Any

import pytest

from entrenous.channel import ALERT, HYBRID, ClientConnection
from entrenous.errors import UsageError
from entrenous.opaque import start_login
from entrenous.server import Limits, Rate
from entrenous.server.watching.counters import Count, Counters
from entrenous.testing import SeededEntropy, run_virtual
from entrenous.wire import ErrorCode, RosterAction, RosterChange, decode_call, encode_call, events, replies, requests
from server_people import RETENTION, RawClient, World, link_of, silent

Scenario = Callable[[World], Coroutine[Any, Any, None]]
Reach = Callable[[World], Coroutine[Any, Any, None]]

ONCE = Rate(1, 3_600.0)
FOREVER = 1e6


def play(scenario: Scenario, limits: Limits) -> None:
    async def main() -> None:
        async with await World.start(limits=limits) as world:
            await scenario(world)

    run_virtual(main())


def counters(world: World) -> Counters:
    return world.memory.server.services.counters


async def elapsed(ended: asyncio.Event) -> float:
    """Virtual seconds until the connection is gone."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await ended.wait()
    return loop.time() - begun


def login_start(world: World, name: str) -> requests.LoginStart:
    return requests.LoginStart(name, False, start_login(b"a guess", world.entropy)[1])


async def guess(world: World, name: str, address: str) -> Any:
    client = await world.connect(address=address)
    return await client.call(login_start(world, name))


# Reaching each limit.


async def connect_twice(world: World) -> None:
    await world.connect(address="192.0.2.1")
    refused, _, _ = silent(world, "192.0.2.1")
    await refused.ended.wait()
    assert refused.got == b""


async def half_open_twice(world: World) -> None:
    silent(world, "192.0.2.1")
    refused, _, _ = silent(world, "192.0.2.1")
    assert await elapsed(refused.ended) < 1
    # Who has finished the handshake does not count, and the silent one's time is over.
    await asyncio.sleep(11)
    for _ in range(3):
        await world.connect(address="192.0.2.1")


async def begin_no_handshake(world: World) -> None:
    peer, _, _ = silent(world)
    assert await elapsed(peer.ended) == pytest.approx(Limits().handshake_seconds, abs=0.1)
    assert peer.got == b""


async def dribble_a_handshake(world: World) -> None:
    """One byte a second: talking is no handshake."""
    peer, transport, _ = silent(world)
    now = world.memory.clock.now()
    first = ClientConnection(HYBRID, pin=None, entropy=SeededEntropy("slow"), now=now).data_to_send(now)
    seconds = 0
    while not peer.ended.is_set():
        transport.write(first[seconds : seconds + 1])
        await asyncio.sleep(1)
        seconds += 1
    assert seconds == pytest.approx(Limits().handshake_seconds, abs=1)


async def never_log_in(world: World) -> None:
    client = await world.connect()
    assert await elapsed(client.ended) == pytest.approx(Limits().login_seconds, abs=0.1)


async def fall_silent(world: World) -> None:
    alice = await world.person("alice")
    assert await elapsed(alice.client.ended) == pytest.approx(Limits().idle_seconds, abs=0.1)


async def fall_silent_and_deaf(world: World) -> None:
    """A peer that is gone without a word: nothing it was sent is ever taken."""
    alice, bob = await world.person("alice"), await world.person("bob")
    room = await alice.create_room()
    base = await alice.add(room, bob)
    bob.client.transport.pause_reading()
    for _ in range(3):
        await alice.publish(room, bytes(50_000), base)
    await asyncio.sleep(Limits().stall_seconds - 1)
    assert world.memory.server.connections == 2
    await asyncio.sleep(2)
    assert world.memory.server.connections == 1


async def come_from_everywhere(world: World) -> None:
    """Every address is another one, and all of them are one customer's."""
    for number in range(2):
        await world.connect(address=f"2001:db8:1:{number}::1")
    refused, _, _ = silent(world, "2001:db8:1:2::1")
    assert await elapsed(refused.ended) < 1
    await world.connect(address="2001:db8:2::1")


async def half_open_from_everywhere(world: World) -> None:
    for number in range(2):
        silent(world, f"192.0.2.{number}")
    refused, _, _ = silent(world, "192.0.2.200")
    assert await elapsed(refused.ended) < 1
    await world.connect(address="198.51.100.1")


async def guess_from_everywhere(world: World) -> None:
    guesses = [await guess(world, f"name{number}", f"192.0.2.{number}") for number in range(4)]
    assert [is_limited(reply) for reply in guesses] == [False, False, True, True]
    assert isinstance(await guess(world, "name4", "198.51.100.1"), replies.LoginChallenge)


async def dribble_a_message(world: World) -> None:
    """One byte every ten seconds is a word, but it makes no message."""
    alice = await world.person("alice")
    alice.client.channel.queue_framed((1_000).to_bytes(4, "big"))
    begun = asyncio.get_running_loop().time()
    while not alice.client.ended.is_set():
        alice.client.channel.queue_framed(b"\x00")
        alice.client.flush()
        await asyncio.sleep(10)
    assert asyncio.get_running_loop().time() - begun == pytest.approx(Limits().message_seconds, abs=11)
    assert isinstance(await alice.client.event(), events.GoingAway)


async def send_empty_records(world: World) -> None:
    """Records that carry nothing cost what others cost: they are opened a few at a time, and others go on."""
    alice, stranger = await world.person("alice"), await world.connect()
    room = await alice.create_room()
    writer = stranger.channel._writer
    assert writer is not None
    records = [writer._seal(b"\x03") for _ in range(13_000)]  # what no client of ours sends
    opened = []
    stranger.transport.write(b"".join(records))
    channel = link_of(world.connectors[-1].wires[0])._channel
    assert channel is not None
    for number in range(5):
        before = channel.unread
        assert await alice.publish(room) == replies.Published(number + 1)
        opened.append((before - channel.unread) // len(records[0]))
    assert max(opened) <= 20 * Limits().records_per_turn
    assert await stranger.call(requests.Ping()) == replies.Done()


async def hold_much_together(world: World) -> None:
    """Each of them keeps within what one may hold; the one who holds most goes."""
    people = [await world.person(name) for name in ("alice", "bob", "carol")]
    for person, size in zip(people, (200_000, 400_000, 300_000), strict=True):
        person.client.channel.queue_framed((500_000).to_bytes(4, "big") + bytes(size))
        person.client.flush()
    await people[1].client.ended.wait()
    assert world.memory.server.connections == 2


async def add_again_and_again(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    room = await alice.create_room()
    base = await alice.add(room, bob)
    assert is_limited(await alice.client.call(alice.commit_request(room, base, welcome=[bob])))
    assert isinstance(await alice.client.call(alice.commit_request(room, base)), replies.Published)


async def change_much_at_once(world: World) -> None:
    """A Commit of many changes counts as many: the store has to look all of them up."""
    alice = await world.person("alice")
    room = await alice.create_room()
    changes = tuple(RosterChange(number.to_bytes(16, "big"), RosterAction.REMOVE) for number in range(64))
    request = alice.commit_of(room, 0, changes)
    # It is counted by its size: what is too much is not even read.
    unreadable = encode_call(1, request).replace(changes[0].encode(), b"\xff" * 17)
    assert is_limited(await alice.client.call(decode_call(unreadable)[1]))
    assert is_limited(await alice.client.call(request))


async def upload_much(world: World) -> None:
    """Whatever is kept counts: the same bytes in messages, rooms, packages and vaults."""
    alice, bob = await world.person("alice"), await world.person("bob")
    room = await alice.create_room()
    for number in range(4):
        assert await alice.publish(room, bytes(20_000)) == replies.Published(number + 1)
    big = bytes(30_000)
    for request in (
        alice.publish_request(room, big),
        requests.CreateRoom(bytes(16), RETENTION, big, b"tree"),
        requests.PutVault(1, big),
        requests.PutKeyPackages((bytes(16_000), bytes(16_000)), None),
        requests.PutDeviceList(1, big),
    ):
        assert is_limited(await alice.client.call(request)), request
    assert await alice.client.call(requests.Ping()) == replies.Done()
    assert isinstance(await bob.client.call(requests.PutVault(1, big)), replies.Done)


async def shake_hands_all_at_once(world: World) -> None:
    clients = await asyncio.gather(*(world.connect() for _ in range(5)))
    assert all(client.handshake for client in clients)


async def ask_much_at_once(world: World) -> None:
    alice = await world.person("alice")
    room = await alice.create_room()
    got = await asyncio.gather(*(alice.client.start(alice.publish_request(room)) for _ in range(200)))
    assert [reply.sequence for reply in got] == list(range(1, 201))


async def give_megabytes(world: World) -> None:
    """Over any of its devices and connections, an account's large requests come one after the other, with rests."""
    loop = asyncio.get_running_loop()
    alice, bob = await world.person("alice"), await world.person("bob")
    begun = loop.time()
    vaults = [alice.client.start(requests.PutVault(number, bytes(1 << 20))) for number in (1, 2)]
    ping = alice.client.start(requests.Ping())
    assert await vaults[0] == replies.Done()
    assert await bob.client.call(requests.PutVault(1, bytes(1 << 20))) == replies.Done()
    assert loop.time() - begun < 0.1
    assert await vaults[1] == await ping == replies.Done()
    assert loop.time() - begun == pytest.approx(0.5, abs=0.1)
    assert alice.client.answered[-3:] == sorted(alice.client.answered[-3:])
    await alice.reconnect()
    assert await alice.client.call(requests.PutVault(3, bytes(1 << 20))) == replies.Done()
    assert loop.time() - begun == pytest.approx(1.0, abs=0.1)


async def leave_pushes_unread(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    room = await alice.create_room()
    base = await alice.add(room, bob)
    await bob.client.event()
    bob.client.transport.pause_reading()
    link = world.memory.server.services.fanout.connection(bob.device)
    assert link is not None
    worst = 0
    for _ in range(400):
        await alice.publish(room, bytes(50_000), base)
        worst = max(worst, link.outlet.backlog)
    # 20 MB went through the room; what is kept for who does not read is the limit, and what came in the same turn.
    assert worst < Limits().push_backlog + 2 * 51_000
    assert counters(world)[Count.PUSH_BACKLOG] == 1
    await asyncio.sleep(Limits().stall_seconds + 1)
    assert world.memory.server.connections == 1
    assert counters(world)[Count.STALL_SECONDS] == 1


async def leave_replies_unread(world: World) -> None:
    alice = await world.person("alice")
    room = await alice.create_room()
    for _ in range(5):
        await alice.publish(room, bytes(50_000))
    alice.client.transport.pause_reading()
    pending = []
    for _ in range(2):
        pending += [alice.client.start(requests.Fetch(room, 0, 500)) for _ in range(14)]
        await asyncio.sleep(1)
    link = world.memory.server.services.fanout.connection(alice.device)
    assert link is not None
    assert link.outlet.backlog < 2_000_000
    alice.client.transport.resume_reading()
    assert len(await asyncio.gather(*pending)) == 28


async def announce_much(client: RawClient, size: int) -> None:
    client.channel.queue_framed(size.to_bytes(4, "big"))
    client.flush()
    await client.ended.wait()


async def announce_before_login(world: World) -> None:
    await announce_much(await world.connect(), 1_001)


async def announce_after_login(world: World) -> None:
    await announce_much((await world.person("alice")).client, 100_001)


async def announce_a_long_record(world: World) -> None:
    """The protocol's own bound: a handshake message has its exact size, a record at most what its u16 can say."""
    peer, transport, _ = silent(world)
    transport.write(b"ENTR\x01\x01\xff\xff")
    assert await elapsed(peer.ended) < 1
    assert peer.got == ALERT


def is_limited(reply: Any) -> bool:
    return isinstance(reply, replies.Error) and reply.code is ErrorCode.LIMIT and bool(reply.number)


async def guess_one_name(world: World) -> None:
    """A name that exists and one that does not are counted alike, from whatever address."""
    await world.register("alice")
    waits = []
    for name in ("alice", "nobody"):
        assert isinstance(await guess(world, name, "192.0.2.1"), replies.LoginChallenge)
        refused = await guess(world, name.upper(), "198.51.100.1")
        assert is_limited(refused)
        waits.append(refused.number)
    assert waits[0] == waits[1] == 3_600
    assert counters(world)[Count.LOGINS_PER_NAME] == 2


async def guess_many_names(world: World) -> None:
    assert isinstance(await guess(world, "one", "2001:db8::1"), replies.LoginChallenge)
    assert is_limited(await guess(world, "two", "2001:db8::2"))
    assert isinstance(await guess(world, "two", "2001:db8:0:1::1"), replies.LoginChallenge)


async def register_twice(world: World) -> None:
    await world.register("alice")
    token = (await world.memory.server.create_invite(1, 3_600)).token
    client = await world.connect()
    assert is_limited(await client.call(requests.RegisterStart(token, "bob", bytes(32), bytes(32))))


async def come_twice(world: World) -> None:
    alice = await world.person("alice")
    again = await world.connect()
    assert is_limited(await again.call(alice.login_request(again)))


async def claim_twice(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    await bob.client.call(requests.PutKeyPackages((b"one", b"two"), None))
    claim = requests.ClaimKeyPackages(bob.account)
    assert isinstance(await alice.client.call(claim), replies.KeyPackages)
    assert is_limited(await alice.client.call(claim))


async def commit_twice(world: World) -> None:
    alice = await world.person("alice")
    room = await alice.create_room()
    assert await alice.client.call(alice.commit_request(room)) == replies.Published(1)
    assert is_limited(await alice.client.call(alice.commit_request(room, 1)))


async def publish_twice(world: World) -> None:
    alice = await world.person("alice")
    room = await alice.create_room()
    assert await alice.publish(room) == replies.Published(1)
    assert is_limited(await alice.publish(room))


async def look_up_twice(world: World) -> None:
    alice = await world.person("alice")
    assert isinstance(await alice.client.call(requests.FindAccount("alice")), replies.Account)
    assert is_limited(await alice.client.call(requests.FindAccount("alice")))


async def fill_a_pool(world: World) -> None:
    alice = await world.person("alice")
    packages = requests.PutKeyPackages((b"one", b"two"), None)
    assert (await alice.client.refused(packages)).code is ErrorCode.TOO_LARGE


async def open_two_rooms(world: World) -> None:
    alice = await world.person("alice")
    await alice.create_room()
    await alice.client.refused(requests.CreateRoom(bytes(16), RETENTION, b"info", b"tree"))


async def crowd_a_room(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    room = await alice.create_room()
    await alice.client.refused(alice.commit_request(room, 0, {bob: RosterAction.ADD}))


async def fill_an_inbox(world: World) -> None:
    alice, bob = await world.person("alice"), await world.person("bob")
    room = await alice.create_room()
    base = await alice.add(room, bob)
    refused = await alice.client.refused(alice.commit_request(room, base, welcome=[bob]))
    assert refused.code is ErrorCode.LIMIT


async def fetch_megabytes(world: World) -> None:
    """Large answers to an account come one after the other, with rests, over any of its connections."""
    loop = asyncio.get_running_loop()
    alice, bob = await world.person("alice"), await world.person("bob")
    for person in (alice, bob):
        assert await person.client.call(requests.PutVault(1, bytes(4 << 20))) == replies.Done()
    begun = loop.time()
    vaults = [alice.client.start(requests.GetVault()) for _ in range(2)]
    assert isinstance(await vaults[0], replies.Vault)
    assert isinstance(await bob.client.call(requests.GetVault()), replies.Vault)
    assert loop.time() - begun < 0.1
    assert isinstance(await vaults[1], replies.Vault)
    assert loop.time() - begun == pytest.approx(0.25, abs=0.1)


async def invite_twice(world: World) -> None:
    alice = await world.person("alice")
    await alice.client.call(requests.CreateInvite(1, 3_600))
    await alice.client.refused(requests.CreateInvite(1, 3_600))


async def send_no_tree(world: World) -> None:
    alice = await world.person("alice")
    room = await alice.create_room()
    await alice.client.call(alice.commit_request(room))
    await alice.client.refused(alice.commit_request(room, 1))


#: What reaches a limit, and the limits under which it is reached quickly.
REACHED: list[tuple[Count, Reach, Limits]] = [
    (Count.CONNECTIONS, connect_twice, Limits(connections=1)),
    (Count.CONNECTIONS_PER_ADDRESS, connect_twice, Limits(connections_per_address=1)),
    (Count.HANDSHAKES, half_open_twice, Limits(handshakes=1)),
    (Count.HANDSHAKES_PER_ADDRESS, half_open_twice, Limits(handshakes_per_address=1)),
    (Count.ADDRESSES_PER_NETWORK, come_from_everywhere, Limits(connections_per_address=1, addresses_per_network=2)),
    (Count.ADDRESSES_PER_NETWORK, half_open_from_everywhere, Limits(handshakes_per_address=1, addresses_per_network=2)),
    (Count.ADDRESSES_PER_NETWORK, guess_from_everywhere, Limits(logins_per_address=ONCE, addresses_per_network=2)),
    (Count.HANDSHAKE_SECONDS, begin_no_handshake, Limits()),
    (Count.HANDSHAKE_SECONDS, dribble_a_handshake, Limits()),
    (Count.LOGIN_SECONDS, never_log_in, Limits()),
    (Count.IDLE_SECONDS, fall_silent, Limits()),
    (Count.MESSAGE_SECONDS, dribble_a_message, Limits()),
    (Count.STALL_SECONDS, fall_silent_and_deaf, Limits()),
    (Count.HANDSHAKES_PER_TURN, shake_hands_all_at_once, Limits()),
    (Count.REQUESTS_PER_TURN, ask_much_at_once, Limits()),
    (Count.RECORDS_PER_TURN, send_empty_records, Limits()),
    (Count.REQUESTS_IN_FLIGHT, ask_much_at_once, Limits(requests_in_flight=4)),
    (Count.LARGE_UPLOADS, give_megabytes, Limits()),
    (Count.LARGE_ANSWERS, fetch_megabytes, Limits()),
    (Count.PUSH_BACKLOG, leave_pushes_unread, Limits(idle_seconds=FOREVER)),
    (Count.REPLY_BACKLOG, leave_replies_unread, Limits(reply_backlog=1 << 20)),
    (Count.HELD_BYTES, hold_much_together, Limits(held_bytes=700_000)),
    (Count.MESSAGE_BYTES_BEFORE_LOGIN, announce_before_login, Limits(message_bytes_before_login=1_000)),
    (Count.MESSAGE_BYTES, announce_after_login, Limits(message_bytes=100_000)),
    (Count.FAILED_CONNECTIONS, announce_a_long_record, Limits()),
    (Count.LOGINS_PER_NAME, guess_one_name, Limits(logins_per_name=ONCE)),
    (Count.LOGINS_PER_ADDRESS, guess_many_names, Limits(logins_per_address=ONCE)),
    (Count.REGISTRATIONS_PER_ADDRESS, register_twice, Limits(registrations_per_address=ONCE)),
    (Count.DEVICE_LOGINS_PER_ADDRESS, come_twice, Limits(device_logins_per_address=ONCE)),
    (Count.CLAIMS, claim_twice, Limits(claims=ONCE)),
    (Count.CLAIMS_PER_TARGET, claim_twice, Limits(claims_per_target=ONCE)),
    (Count.ADDS_PER_TARGET, add_again_and_again, Limits(adds_per_target=ONCE)),
    (Count.UPLOADS, upload_much, Limits(message_bytes=100_000, uploads=Rate(100_000, 1e6))),
    (Count.COMMITS, commit_twice, Limits(commits=ONCE)),
    (Count.COMMITS, change_much_at_once, Limits(commits=ONCE)),
    (Count.PUBLISHES, publish_twice, Limits(publishes=ONCE)),
    (Count.LOOKUPS, look_up_twice, Limits(lookups=ONCE)),
    (Count.KEY_PACKAGES, fill_a_pool, Limits(key_packages=1)),
    (Count.ROOMS_PER_ACCOUNT, open_two_rooms, Limits(rooms_per_account=1)),
    (Count.MEMBERS_PER_ROOM, crowd_a_room, Limits(members_per_room=1)),
    (Count.INBOX_ITEMS, fill_an_inbox, Limits(inbox_items=1)),
    (Count.INVITES_PER_ACCOUNT, invite_twice, Limits(invites_per_account=1)),
    (Count.COMMITS_WITHOUT_TREE, send_no_tree, Limits(commits_without_tree=1)),
]


@pytest.mark.parametrize(("count", "reach", "limits"), REACHED, ids=[f"{c}-{r.__name__}" for c, r, _ in REACHED])
def test_a_limit_that_is_reached_is_counted(count: Count, reach: Reach, limits: Limits) -> None:
    async def scenario(world: World) -> None:
        assert counters(world)[count] == 0
        await reach(world)
        assert counters(world)[count] >= 1

    play(scenario, limits)


def test_every_limit_has_its_count_and_its_test() -> None:
    assert {count.value for count in Count} == {field.name for field in fields(Limits)} | {"failed_connections"}
    # What TCP alone reaches is in test_listening.
    assert {count for count, _, _ in REACHED} == set(Count) - {Count.ACCEPTS_PER_TURN}


def test_what_stays_within_the_limits_counts_nothing() -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        room = await alice.create_room()
        await alice.publish(room)
        await alice.client.close()
        assert set(counters(world).values().values()) == {0}
        assert set(counters(world).values()) == {count.value for count in Count}

    play(scenario, Limits())


@pytest.mark.parametrize(
    "wrong",
    [
        {"message_bytes": 0},
        {"message_bytes": 9 << 20},
        {"message_bytes_before_login": 0},
        {"connections": 0},
        {"idle_seconds": float("nan")},
        {"uploads": Rate(1_000, 1.0)},
    ],
)
def test_limits_keep_to_the_protocol_and_to_each_other(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Limits(**wrong)


def test_a_device_that_sends_one_message_for_ever_is_sent_away_after_a_day() -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        alice.client.channel.queue_framed((1_000).to_bytes(4, "big"))
        loop, begun = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        while not alice.client.ended.is_set():
            alice.client.channel.queue_framed(b"\x00")
            alice.client.flush()
            await asyncio.sleep(200)
        assert loop.time() - begun == pytest.approx(86_400, abs=600)
        assert isinstance(await alice.client.event(), events.GoingAway)

    play(scenario, Limits(message_seconds=FOREVER))


def test_a_flood_of_requests_leaves_the_loop_to_others_in_every_turn() -> None:
    async def scenario(world: World) -> None:
        alice, bob = await world.person("alice"), await world.person("bob")
        flood = [alice.client.start(requests.Ping()) for _ in range(400)]
        assert await bob.client.call(requests.Ping()) == replies.Done()
        answered = sum(call.done() for call in flood)
        # Bob came last, and waited for a few of Alice's turns, not for all of hers.
        assert answered <= 4 * Limits().requests_per_turn.count
        await asyncio.gather(*flood)

    play(scenario, Limits())


def test_bytes_that_come_before_a_handshake_has_its_turn_are_not_gathered() -> None:
    async def scenario(world: World) -> None:
        others = [silent(world) for _ in range(50)]
        for _, transport, _ in others:
            transport.write(b"ENTR\x01\x01\x04")
        peer, transport, wire = silent(world)
        await asyncio.sleep(0)
        transport.write(b"ENTR\x01\x01\x04\xc0")
        for _ in range(20):
            await asyncio.sleep(0)
            transport.write(bytes(100_000))
        channel = link_of(wire)._channel
        assert channel is not None
        assert len(channel._inbox) <= 200_000
        await peer.ended.wait()

    play(scenario, Limits())


def test_strangers_who_hold_much_together_end_before_anybody_who_has_logged_in() -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        alice.client.channel.queue_framed((500_000).to_bytes(4, "big") + bytes(200_000))
        alice.client.flush()
        strangers = [await world.connect(address=f"192.0.{number}.1") for number in range(20)]
        for stranger in strangers:
            stranger.channel.queue_framed((60_000).to_bytes(4, "big") + bytes(50_000))
            stranger.flush()
        await asyncio.sleep(1)
        assert sum(stranger.ended.is_set() for stranger in strangers) == 10
        assert not alice.client.ended.is_set()

    play(scenario, Limits(held_bytes=725_000))


def test_what_waits_for_its_turn_is_held_as_well() -> None:
    async def scenario(world: World) -> None:
        flooders = [silent(world, f"198.51.{number}.9") for number in range(20)]
        for _, transport, _ in flooders:
            transport.write(b"ENTR\x01\x01" + bytes(200_000))
        holdings = world.memory.server._host.holdings
        # Somebody who is in waits for an answer: newcomers take their time.
        courtesy = world.memory.server.services.courtesy
        courtesy.began()
        worst = 0
        while not all(peer.ended.is_set() for peer, _, _ in flooders):
            worst = max(worst, holdings.total)
            await asyncio.sleep(0.0005)
        assert 500_000 < worst <= 1_000_000
        assert counters(world)[Count.HELD_BYTES] > 0
        assert holdings.total == 0
        courtesy.ended()

    play(scenario, Limits(held_bytes=1_000_000))


def test_a_flood_of_connections_keeps_neither_friends_nor_newcomers_out() -> None:
    async def scenario(world: World) -> None:
        alice = await world.person("alice")
        flood = [silent(world, f"198.51.100.{number}")[0] for number in range(50)]
        await asyncio.sleep(0.1)
        assert sum(not each.ended.is_set() for each in flood) == 4
        bob = await world.person("bob")
        room = await alice.create_room()
        assert await alice.publish(room) == replies.Published(1)
        assert await bob.client.call(requests.Ping()) == replies.Done()
        assert world.memory.server.connections <= 5
        assert counters(world)[Count.CONNECTIONS] > 0

    play(scenario, Limits(connections=5))


def test_handshakes_of_one_network_delay_those_of_another_by_a_few_turns() -> None:
    async def scenario(world: World) -> None:
        loop = asyncio.get_running_loop()
        flood = [world.connect(address=f"192.0.2.{number % 250}") for number in range(300)]
        everybody = asyncio.gather(*flood)
        await asyncio.sleep(0)
        begun = loop.time()
        await world.connect(address="198.51.100.1")
        # One turn of the flood's for each of the newcomer's.
        assert loop.time() - begun <= 6 * Limits().handshakes_per_turn.seconds
        assert not everybody.done()
        assert len(await everybody) == 300

    play(scenario, Limits())


def test_who_stops_sending_or_is_reset_leaves_nothing_behind() -> None:
    async def scenario(world: World) -> None:
        host = world.memory.server._host
        for number in range(60):
            _, transport, wire = silent(world, f"192.0.{number}.1")
            if number % 3:
                now = world.memory.clock.now()
                hello = ClientConnection(HYBRID, pin=None, entropy=SeededEntropy(f"gone {number}"), now=now)
                transport.write(hello.data_to_send(now))
            if number % 2:
                wire.cut()
            else:
                transport.close()
        alice = await world.person("alice")
        await alice.client.close()
        await asyncio.sleep(1)
        assert (host.admission.total, host.admission.handshakes, host.holdings.total, len(host.pacer)) == (0, 0, 0, 0)
        assert len(host.connections) == 0

    play(scenario, Limits())
