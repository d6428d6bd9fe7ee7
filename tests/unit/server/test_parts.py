"""The small parts: rates, names, admission, pacing, fan-out, settings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.channel import SUITES, frame_message
from entrenous.errors import UsageError
from entrenous.server import Rate, Settings, rates
from entrenous.server.people.names import check_name, name_key
from entrenous.server.rates import AddressLimiter, RateLimiter, address_key, network_key
from entrenous.server.refusal import RefusedError
from entrenous.server.rooms.fanout import PUSH_BYTES, Arrival, Fanout, Offer
from entrenous.wire import Entry, encode_event, events

ROOM, OTHER = bytes(16), bytes([1]) * 16


def test_a_rate_allows_a_burst_and_then_what_its_refill_gives() -> None:
    limiter = RateLimiter(Rate(3, 60.0))
    assert [limiter.take("alice", 0.0) for _ in range(4)] == [0, 0, 0, pytest.approx(20)]
    assert limiter.take("alice", 19.0) == pytest.approx(1)
    assert limiter.take("alice", 20.0) == 0
    assert limiter.take("bob", 20.0) == 0
    # Long silence earns no more than one burst.
    assert [limiter.take("alice", 10_000.0) for _ in range(4)][:3] == [0, 0, 0]
    assert limiter.take("alice", 10_000.0) > 0


def test_a_clock_that_goes_back_neither_refills_nor_locks_out() -> None:
    limiter = RateLimiter(Rate(2, 60.0))
    assert limiter.take("alice", 1_000.0) == 0
    assert limiter.take("alice", 0.0) == 0
    assert limiter.take("alice", 0.0) == pytest.approx(30)
    assert limiter.take("alice", 30.0) == 0


def test_rates_of_any_number_of_keys_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MAX_BUCKETS", 10)
    limiter = RateLimiter(Rate(1, 60.0))
    for number in range(100):
        limiter.take(number, 0.0)
    assert len(limiter._buckets) == 10
    assert limiter.take(99, 0.0) > 0


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("not an address", "not an address"),
    ],
)
def test_what_counts_as_one_address(host: str, key: str) -> None:
    assert address_key(host) == key


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.1", "192.0.2.0"),
        ("::ffff:192.0.2.200", "192.0.2.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("2001:db8:1:ffff::9", "2001:db8:1::"),
        ("not an address", "not an address"),
    ],
)
def test_what_counts_as_one_network(host: str, key: str) -> None:
    assert network_key(address_key(host)) == key


def test_a_network_may_do_what_some_of_its_addresses_may() -> None:
    refused: list[str] = []
    limiter = AddressLimiter(Rate(2, 60.0), 3, lambda: refused.append("address"), lambda: refused.append("network"))
    mine = [address_key(f"2001:db8:1:{number}::1") for number in range(100)]
    assert [limiter.take(mine[0], 0.0) for _ in range(3)] == [0, 0, pytest.approx(30)]
    assert [limiter.take(address, 0.0) for address in mine[1:6]] == [0, 0, 0, 0, pytest.approx(10)]
    assert refused == ["address", "network"]
    assert limiter.take(address_key("2001:db8:2::1"), 0.0) == 0


def test_what_costs_more_takes_more_of_a_rate() -> None:
    limiter = RateLimiter(Rate(100, 100.0))
    assert limiter.take("alice", 0.0, 60) == 0
    assert limiter.take("alice", 0.0, 60) == pytest.approx(20)
    assert limiter.take("alice", 0.0, 0) == 0
    assert limiter.take("alice", 20.0, 60) == 0


@given(st.text(max_size=40))
def test_a_name_that_is_allowed_is_equal_to_itself_however_it_is_written(name: str) -> None:
    key = name_key(name)
    assert name_key(key) == key
    try:
        stored = check_name(name)
    except RefusedError:
        return
    assert check_name(stored) == stored
    assert name_key(stored) == key
    assert 2 <= len(stored) <= 32


@pytest.mark.parametrize("wrong", [{"suites": ()}, {"suites": (9,)}, {"port": -1}, {"port": 65_536}])
def test_settings_out_of_bounds_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Settings(data_dir=None, **wrong)
    assert set(Settings(data_dir=None).suites) == set(SUITES)


@dataclass(eq=False)
class Listener:
    account: bytes
    device: bytes
    backlog: int = 0
    heard: list[bytes] = field(default_factory=list)

    aborted: bool = False
    fails: bool = False

    @property
    def outlet(self) -> "Listener":
        return self

    def push(self, framed: bytes, most: int | None = None) -> bool:
        if self.fails:
            raise ZeroDivisionError
        if most is not None and self.backlog > most:
            return False
        self.heard.append(framed)
        return True

    def abort(self) -> None:
        self.aborted = True

    def end(self, reason: str) -> None:
        self.heard.append(reason.encode())


def entry(sequence: int) -> Entry:
    return Entry(sequence, bytes(12), b"body", 0)


def new_entry(room: bytes, sequence: int) -> bytes:
    return frame_message(encode_event(events.NewEntry(room, entry(sequence))))


def in_rooms(*rooms: bytes) -> Arrival:
    return Arrival(dict.fromkeys(rooms, 0), launch=1)


def advanced(room: bytes, sequence: int) -> bytes:
    return frame_message(encode_event(events.LogAdvanced(room, sequence)))


def test_a_listener_hears_its_rooms_and_no_others() -> None:
    fanout = Fanout(100)
    alice, bob = Listener(b"alice", b"a1"), Listener(b"bob", b"b1")
    fanout.attach(alice, in_rooms(ROOM))
    fanout.attach(bob, in_rooms(OTHER))
    fanout.publish(ROOM, entry(1))
    fanout.join(ROOM, b"bob", 1)
    fanout.publish(ROOM, entry(2))
    fanout.leave(ROOM, b"alice")
    fanout.publish(ROOM, entry(3))
    assert alice.heard == [new_entry(ROOM, 1), new_entry(ROOM, 2)]
    assert bob.heard == [new_entry(ROOM, 2), new_entry(ROOM, 3)]


def test_entries_are_pushed_in_their_order_and_once() -> None:
    fanout, alice = Fanout(100), Listener(b"alice", b"a1")
    fanout.attach(alice, Arrival({ROOM: 4}, launch=1))
    offered = [fanout.offer(ROOM, entry(sequence)) for sequence in (4, 5, 7, 5, 6, 7)]
    assert offered == [Offer.KNOWN, Offer.PUSHED, Offer.EARLY, Offer.KNOWN, Offer.PUSHED, Offer.PUSHED]
    assert alice.heard == [new_entry(ROOM, sequence) for sequence in (5, 6, 7)]
    assert fanout.offer(OTHER, entry(9)) is Offer.PUSHED  # to nobody


def test_who_cannot_be_pushed_what_is_gone_is_told_to_fetch() -> None:
    fanout, alice = Fanout(100), Listener(b"alice", b"a1")
    fanout.attach(alice, Arrival({ROOM: 4}, launch=1))
    for newest in (9, 9, 3):
        fanout.skip(ROOM, newest)
    fanout.skip(OTHER, 9)
    assert fanout.offer(ROOM, entry(10)) is Offer.PUSHED
    assert alice.heard == [advanced(ROOM, 9), new_entry(ROOM, 10)]


def test_who_is_behind_is_told_once_that_there_is_more_until_he_fetches() -> None:
    fanout, alice, bob = Fanout(100), Listener(b"alice", b"a1", backlog=101), Listener(b"bob", b"b1")
    for listener in (alice, bob):
        fanout.attach(listener, in_rooms(ROOM))
    fanout.offer(ROOM, entry(1))
    for newest in (5, 7):
        fanout.skip(ROOM, newest)
    assert alice.heard == [advanced(ROOM, 1)]
    assert bob.heard == [new_entry(ROOM, 1), advanced(ROOM, 5), advanced(ROOM, 7)]
    fanout.caught_up(alice, ROOM)
    fanout.skip(ROOM, 9)
    assert alice.heard[1:] == [advanced(ROOM, 9)]


def test_a_bug_met_with_one_listener_ends_that_one_alone() -> None:
    turn: list[Callable[[], None]] = []
    fanout, broken = Fanout(100, soon=turn.append), Listener(b"eve", b"e1", fails=True)
    alice, bob = Listener(b"alice", b"a1"), Listener(b"bob", b"b1")
    for listener in (broken, alice, bob):
        fanout.attach(listener, in_rooms(ROOM, OTHER))
    for room in (ROOM, OTHER):
        fanout.publish(room, entry(1))
    for work in turn:
        work()
    fanout.skip(ROOM, 5)
    fanout.welcome([b"e1", b"b1"])
    fanout.advanced(OTHER, b"eve", 2)
    pushed = [new_entry(ROOM, 1), new_entry(OTHER, 1), advanced(ROOM, 5)]
    assert alice.heard == pushed
    assert bob.heard == [*pushed, frame_message(encode_event(events.InboxChanged()))]
    assert (broken.aborted, alice.aborted, bob.aborted, broken.heard) == (True, False, False, [])
    assert fanout.pushed == 4


def test_whoever_waits_for_a_push_is_told_after_it_and_at_once_where_there_is_none() -> None:
    turn: list[Callable[[], None]] = []
    fanout, alice, told = Fanout(100, soon=turn.append), Listener(b"alice", b"a1"), list[int]()
    fanout.attach(alice, in_rooms(ROOM))
    fanout.after_push(lambda: told.append(len(alice.heard)))
    assert told == [0]
    for sequence in (1, 2):
        fanout.publish(ROOM, entry(sequence))
        fanout.after_push(lambda: told.append(len(alice.heard)))
    assert told == [0]
    for work in turn:
        work()
    assert alice.heard == [new_entry(ROOM, 1) + new_entry(ROOM, 2)]
    assert told == [0, 1, 1]


def test_a_listener_with_a_backlog_is_told_once_per_room_until_it_fetches() -> None:
    fanout, alice = Fanout(100), Listener(b"alice", b"a1")
    fanout.attach(alice, in_rooms(ROOM, OTHER))
    alice.backlog = 101
    for sequence in (1, 2):
        fanout.publish(ROOM, entry(sequence))
        fanout.publish(OTHER, entry(sequence))
    assert alice.heard == [advanced(ROOM, 1), advanced(OTHER, 1)]
    alice.backlog = 0
    fanout.publish(ROOM, entry(3))
    assert len(alice.heard) == 2
    fanout.caught_up(alice, ROOM)
    fanout.publish(ROOM, entry(4))
    fanout.publish(OTHER, entry(3))
    assert alice.heard[2:] == [new_entry(ROOM, 4)]
    fanout.caught_up(alice, OTHER)
    assert not fanout._behind


def test_what_is_said_in_one_turn_is_pushed_together_to_those_who_were_there() -> None:
    turn: list[Callable[[], None]] = []
    fanout = Fanout(100, soon=turn.append)
    alice, bob = Listener(b"alice", b"a1"), Listener(b"bob", b"b1")
    fanout.attach(alice, in_rooms(ROOM))
    fanout.attach(bob, in_rooms())
    for sequence in (1, 2):
        fanout.publish(ROOM, entry(sequence))
    assert alice.heard == []
    # Who comes is not sent what was said before, and who goes is.
    fanout.join(ROOM, b"bob", 2)
    assert alice.heard == [new_entry(ROOM, 1) + new_entry(ROOM, 2)]
    fanout.publish(ROOM, entry(3))
    fanout.leave(ROOM, b"alice")
    fanout.publish(ROOM, entry(4))
    for work in turn:
        work()
    assert alice.heard[1:] == [new_entry(ROOM, 3)]
    assert bob.heard == [new_entry(ROOM, 3), new_entry(ROOM, 4)]
    assert fanout.pushed == 2 + 2 + 1
    assert not fanout._unsent


def test_much_that_is_said_in_one_turn_is_pushed_in_pieces_that_a_backlog_is_judged_between() -> None:
    turn: list[Callable[[], None]] = []
    fanout, alice = Fanout(100, soon=turn.append), Listener(b"alice", b"a1")
    fanout.attach(alice, in_rooms(ROOM))
    fanout.publish(ROOM, Entry(1, bytes(12), bytes(PUSH_BYTES), 0))
    assert len(alice.heard) == 1
    alice.backlog = 101
    fanout.publish(ROOM, Entry(2, bytes(12), bytes(PUSH_BYTES), 0))
    assert alice.heard[1:] == [advanced(ROOM, 2)]


def test_a_second_connection_of_a_device_takes_the_firsts_place_and_other_devices_stay() -> None:
    fanout = Fanout(100)
    old, new, other = Listener(b"alice", b"a1"), Listener(b"alice", b"a1"), Listener(b"alice", b"a2")
    assert fanout.attach(old, in_rooms(ROOM)) is None
    assert fanout.attach(other, in_rooms(ROOM)) is None
    assert fanout.attach(new, in_rooms(ROOM)) is old
    fanout.detach(old)
    fanout.publish(ROOM, entry(1))
    assert (len(old.heard), len(new.heard), len(other.heard)) == (0, 1, 1)
    fanout.welcome([b"a1", b"nobody"])
    assert (len(new.heard), len(other.heard)) == (2, 1)
    assert fanout.connection(b"a1") is new


def test_a_fan_out_that_everybody_left_is_empty() -> None:
    fanout, alice = Fanout(0), Listener(b"alice", b"a1", backlog=1)
    fanout.attach(alice, in_rooms(ROOM, OTHER))
    fanout.publish(ROOM, entry(1))
    fanout.detach(alice)
    fanout.detach(alice)
    tables = (fanout._rooms, fanout._accounts, fanout._devices, fanout._listening, fanout._behind)
    assert [len(table) for table in (*tables, fanout._newest, fanout._launches)] == [0] * 7
