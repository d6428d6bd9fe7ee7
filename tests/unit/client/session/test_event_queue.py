import asyncio

from entrenous.client.session import Connected, Disconnected, EventQueue, PushesDropped, SessionEvent
from entrenous.identity import ServerIdentity
from entrenous.wire import Entry, events
from entrenous.wire.replies import DeviceLoginDone

UP = Connected(DeviceLoginDone("alice", 1, 1, 0, ()), ServerIdentity(b"s" * 32, b"k" * 32, 0), False, False)
DOWN = Disconnected("lost", 1.0)


def entry(sequence: int, size: int = 10) -> events.NewEntry:
    return events.NewEntry(b"r" * 16, Entry(sequence, b"m" * 12, bytes(size), 0))


async def drain(queue: EventQueue, count: int) -> list[object]:
    return [await asyncio.wait_for(queue.get(), 1) for _ in range(count)]


async def test_events_come_out_in_their_order() -> None:
    queue = EventQueue()
    put: list[SessionEvent] = [UP, entry(1), entry(2), DOWN, UP]
    for event in put:
        queue.put(event)
    assert await drain(queue, 5) == put


async def test_a_reader_waits_for_the_next_event() -> None:
    queue = EventQueue()
    reading = asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    assert not reading.done()
    queue.put(DOWN)
    assert await reading == DOWN


async def test_too_many_events_give_way_to_one_that_says_so_and_the_connection_state_stays() -> None:
    queue = EventQueue(capacity=5)
    queue.put(DOWN)
    queue.put(UP)
    for number in range(1, 5):
        queue.put(entry(number))
    queue.put(entry(5))
    assert await drain(queue, 3) == [UP, PushesDropped(), entry(5)]


async def test_large_entries_are_counted_by_their_bytes() -> None:
    queue = EventQueue(capacity_bytes=100)
    for number in range(1, 12):
        queue.put(entry(number))
        assert await queue.get() == entry(number)  # what was read counts no more
    queue.put(entry(12, 60))
    queue.put(entry(13, 60))
    assert await drain(queue, 1) == [PushesDropped()]


async def test_a_reader_who_never_reads_costs_bounded_memory() -> None:
    queue = EventQueue(capacity=10)
    for _ in range(1000):
        queue.put(DOWN)
        queue.put(entry(1))
    assert len(queue._events) <= 10
