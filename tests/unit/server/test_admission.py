"""Who gets in, who gives way, and who has the next turn: admission, the crowd behind it, pacing and holdings."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrenous.server import Limits, Rate
from entrenous.server.network.admission import Admission
from entrenous.server.network.crowd import Crowd
from entrenous.server.network.holding import SMALL, Holdings
from entrenous.server.rates import Rests
from entrenous.server.sessions.pacing import CROWD, LOOK_AGAIN, MOST_STEPS, PATIENCE, RECENTLY, Courtesy, Pacer, Work
from entrenous.server.sessions.sharing import LARGE, LONGEST_REST, Call, Sharing
from entrenous.server.watching.counters import Count, Counters
from entrenous.testing import run_virtual
from entrenous.wire import requests


@dataclass(eq=False)
class Guest:
    """A connection that notes when it is sent away."""

    name: str = ""
    gone: bool = False
    is_known: bool = False

    def abort(self) -> None:
        self.gone = True


def admission(**limits: Any) -> tuple[Admission, list[Count]]:
    reached: list[Count] = []
    return Admission(Limits(**limits), reached.append), reached


def test_admission_counts_and_forgets() -> None:
    door, reached = admission(connections=3, connections_per_address=2)
    guests = [Guest() for _ in range(4)]
    assert [door.enter(guest, "192.0.2.1") for guest in guests[:3]] == [None, None, Count.CONNECTIONS_PER_ADDRESS]
    assert door.enter(guests[3], "198.51.100.1") is None
    assert (door.total, door.handshakes) == (3, 3)
    for guest in guests:
        door.secured(guest)
        door.logged_in(guest)
        door.leave(guest)
        door.leave(guest)
    assert (door.total, door.handshakes) == (0, 0)
    assert not door._connections.per_address
    assert not door._connections.per_network
    assert not door._handshakes.per_address
    assert reached == [Count.CONNECTIONS_PER_ADDRESS]


def test_admission_counts_handshakes_apart() -> None:
    door, reached = admission(handshakes_per_address=2)
    guests = [Guest() for _ in range(4)]
    assert [door.enter(guest, "a") for guest in guests[:3]] == [None, None, Count.HANDSHAKES_PER_ADDRESS]
    door.secured(guests[0])
    assert door.enter(guests[3], "a") is None
    assert (door.total, door.handshakes) == (3, 2)
    assert reached == [Count.HANDSHAKES_PER_ADDRESS]


def test_a_network_of_many_addresses_counts_as_some_of_them() -> None:
    door, _ = admission(connections_per_address=2, addresses_per_network=3)
    admitted = [door.enter(Guest(), f"2001:db8:1:{number:x}::") for number in range(10)]
    assert admitted == [None] * 6 + [Count.ADDRESSES_PER_NETWORK] * 4
    assert door.enter(Guest(), "2001:db8:2::") is None


def test_where_there_is_no_room_the_oldest_newcomer_of_the_greediest_network_gives_way() -> None:
    door, reached = admission(connections=4)
    flood = [Guest() for _ in range(3)]
    for number, guest in enumerate(flood):
        assert door.enter(guest, f"192.0.2.{number}") is None
    friend, other = Guest(), Guest()
    assert door.enter(friend, "198.51.100.1") is None
    assert door.enter(other, "203.0.113.1") is None
    assert [guest.gone for guest in (*flood, friend)] == [True, False, False, False]
    assert door.total == 4
    # The flood only displaces nobody: it has most already.
    assert door.enter(Guest(), "192.0.2.77") is Count.CONNECTIONS
    assert reached == [Count.CONNECTIONS] * 2


def test_who_has_logged_in_gives_way_to_nobody() -> None:
    door, _ = admission(connections=2)
    inside = [Guest(), Guest()]
    for guest in inside:
        assert door.enter(guest, "192.0.2.1") is None
        door.secured(guest)
        door.logged_in(guest)
    assert door.enter(Guest(), "198.51.100.1") is Count.CONNECTIONS
    assert not any(guest.gone for guest in inside)


def test_half_open_connections_from_everywhere_do_not_keep_a_newcomer_out() -> None:
    door, reached = admission(handshakes=5)
    strangers = [Guest() for _ in range(20)]
    for number, guest in enumerate(strangers):
        assert door.enter(guest, f"10.0.{number}.1") is None
    friend = Guest()
    assert door.enter(friend, "198.51.100.1") is None
    assert [guest.gone for guest in strangers] == [True] * 16 + [False] * 4
    assert not friend.gone
    assert door.handshakes == 5
    assert set(reached) == {Count.HANDSHAKES}


moves = st.lists(st.tuples(st.booleans(), st.integers(0, 4), st.integers(0, 30)), max_size=200)


@given(moves)
def test_a_crowd_knows_its_largest_group_and_who_came_first(steps: list[tuple[bool, int, int]]) -> None:
    crowd: Crowd[tuple[int, int]] = Crowd()
    model: dict[str, list[tuple[int, int]]] = {}
    for is_coming, group, number in steps:
        name, member = str(group), (group, number)
        there = model.setdefault(name, [])
        if is_coming and member not in there:
            crowd.add(name, member)
            there.append(member)
        elif not is_coming:
            assert crowd.remove(name, member) == (member in there)
            model[name] = [each for each in there if each != member]
        largest = max(map(len, model.values()))
        for size in range(largest + 2):
            oldest = crowd.oldest_of_largest(more_than=size)
            first = {there[0] for there in model.values() if len(there) == largest > size}
            assert oldest in first if first else oldest is None
        assert all(crowd.size(name) == len(there) for name, there in model.items())


class Noticed(Courtesy):
    """Somebody always notices whether newcomers rest, and has nothing in hand."""

    def rest(self, seconds: float) -> float:
        return seconds


def test_work_is_spread_over_time_in_order() -> None:
    async def main() -> None:
        loop, put_off = asyncio.get_running_loop(), []
        pacer = Pacer(Rate(2, 0.5), Noticed(), lambda: put_off.append(loop.time()))
        done: list[tuple[int, float]] = []

        def work(number: int, *, is_any: bool = True) -> None:
            def run() -> bool:
                done.append((number, round(loop.time(), 3)))
                return is_any

            pacer.submit("one", run)

        for number in range(5):
            work(number)
        await asyncio.sleep(1.2)
        # Nobody waits, but the last turn is not half a second ago.
        work(5)
        await asyncio.sleep(2)
        work(6)
        await asyncio.sleep(1)
        assert done == [(0, 0.0), (1, 0.0), (2, 0.5), (3, 0.5), (4, 1.0), (5, 1.5), (6, 3.2)]
        assert len(put_off) == 2
        assert len(pacer) == 0
        # Who is gone takes nobody's turn.
        for number in range(7, 20):
            work(number, is_any=number > 16)
        await asyncio.sleep(0)
        assert [number for number, _ in done[7:]] == list(range(7, 19))

    run_virtual(main())


def test_the_origins_of_work_take_turns() -> None:
    async def main() -> None:
        pacer, done = Pacer(Rate(1, 0.5), Noticed()), list[str]()

        def work(origin: str, name: str) -> None:
            def run() -> bool:
                done.append(name)
                return True

            pacer.submit(origin, run)

        for number in range(100):
            work("flood", f"flood {number}")
        work("friend", "friend")
        work("friend", "friend again")
        await asyncio.sleep(2.1)
        assert done == ["flood 0", "friend", "flood 1", "friend again", "flood 2"]

    run_virtual(main())


def noting(done: list[float]) -> Work:
    """Work that notes when it was done."""

    def run() -> bool:
        done.append(asyncio.get_running_loop().time())
        return True

    return run


def test_newcomers_rest_only_where_somebody_who_is_in_would_notice() -> None:
    async def main() -> None:
        loop, courtesy = asyncio.get_running_loop(), Courtesy()
        pacer, done = Pacer(Rate(1, 0.5), courtesy), list[float]()

        async def have_done(number: int) -> list[float]:
            done.clear()
            begun = loop.time()
            for _ in range(number):
                pacer.submit("one", noting(done))
            await asyncio.sleep(0.5 * number)
            return [round(when - begun, 2) for when in done]

        assert await have_done(4) == [0, 0, 0, 0]
        courtesy.began()
        courtesy.ended()
        assert await have_done(3) == [0, 0.5, 0.5]
        assert loop.time() > RECENTLY
        assert await have_done(3) == [0, 0, 0]

    run_virtual(main())


def test_a_crowd_from_everywhere_comes_in_faster_and_a_flood_from_one_network_does_not() -> None:
    async def steps_of_the_first_turn(origins: int) -> int:
        pacer, done = Pacer(Rate(1, 0.5), Noticed()), list[float]()
        for number in range(1_000):
            pacer.submit(f"network {number % origins}", noting(done))
        await asyncio.sleep(0)
        return len(done)

    async def main() -> None:
        found = [await steps_of_the_first_turn(origins) for origins in (1, CROWD, 4 * CROWD, 1_000)]
        assert found == [1, 1, 4, MOST_STEPS]

    run_virtual(main())


def test_newcomers_stand_back_for_a_request_in_hand_but_not_for_long() -> None:
    async def main() -> None:
        loop, courtesy = asyncio.get_running_loop(), Courtesy()
        pacer, done = Pacer(Rate(1, 0.001), courtesy), list[float]()
        courtesy.began()
        pacer.submit("one", noting(done))
        loop.call_later(1.5 * LOOK_AGAIN, courtesy.ended)
        await asyncio.sleep(PATIENCE)
        assert done == [pytest.approx(2 * LOOK_AGAIN)]
        # This one never ends.
        courtesy.began()
        for _ in range(3):
            pacer.submit("one", noting(done))
        await asyncio.sleep(1)
        assert len(done) == 4
        assert all(done[each] - done[each - 1] <= PATIENCE + LOOK_AGAIN + 0.001 for each in (2, 3))
        assert courtesy.in_hand == 1

    run_virtual(main())


def test_work_that_raises_keeps_nobody_else_out() -> None:
    async def main() -> None:
        pacer, done = Pacer(Rate(1, 0.5), Noticed()), list[float]()

        def fail() -> bool:
            raise LookupError("a bug")

        pacer.submit("one", fail)
        pacer.submit("two", noting(done))
        await asyncio.sleep(1)
        pacer.submit("one", noting(done))
        await asyncio.sleep(1)
        assert len(done) == 2

    run_virtual(main())


def test_a_rest_is_as_long_as_the_rate_of_now_has_it() -> None:
    rates = [Rate(100, 1.0)]
    rests = Rests(lambda: rates[-1])
    rests.begin("one", 0.0, 400)
    assert (rests.wait("one", 1.0), rests.wait("two", 1.0)) == (3, 0)
    rates.append(Rate(1, 1e9))
    assert rests.wait("one", 1.0) > 1e9
    rests.begin("two", 1.0, 100)
    rates.append(Rate(100, 1.0))
    assert (rests.wait("one", 1.0), rests.wait("two", 1.0)) == (3, 1)
    rests.begin("one", 2.0, 100)
    assert rests.wait("one", 2.0) == 3
    assert rests.wait("one", 6.0) == 0


def test_a_dear_request_rests_no_longer_than_the_rate_of_now_has_it_and_nobody_is_charged_for_strangers() -> None:
    async def main() -> None:
        limits = Limits()
        sharing = Sharing(limits, Counters(), Courtesy())
        call = Call(1, requests.ListRooms(), LARGE)
        sharing.began(call, b"", 0.0)
        sharing.answered(call, b"", 0.0, LARGE)
        assert sharing.wait(call, b"", 0.0) == 0
        sharing.answered(call, b"somebody", 0.0, limits.large_answers.count * 100)
        assert sharing.wait(call, b"somebody", 0.0) == LONGEST_REST

    run_virtual(main())


def test_who_holds_most_goes_when_all_together_hold_too_much() -> None:
    reached: list[int] = []
    holdings = Holdings(10 * SMALL, lambda: reached.append(1))
    small, large, larger = Guest("small"), Guest("large"), Guest("larger")
    holdings.note(small, SMALL - 1)
    holdings.note(large, 4 * SMALL)
    holdings.note(larger, 5 * SMALL)
    assert holdings.total == 9 * SMALL
    holdings.note(large, 2 * SMALL)
    holdings.note(larger, 8 * SMALL)
    assert not reached
    holdings.note(large, 3 * SMALL)
    assert (small.gone, large.gone, larger.gone) == (False, False, True)
    assert (holdings.total, len(reached)) == (3 * SMALL, 1)
    holdings.forget(larger)
    holdings.note(large, 0)
    assert holdings.total == 0
