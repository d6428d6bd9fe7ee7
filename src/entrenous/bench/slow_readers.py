"""What somebody who does not read costs the server: run ``python -m entrenous.bench.slow_readers``.

A real server in a process of its own and some clients that take nothing from it, in each of the ways there are. Printed
for each way: the memory that the server needs for one of them, and what its limits allow. Needs Linux's /proc.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from pathlib import Path

from entrenous.bench.flood import MESSAGE_SIZE, PATIENCE, memory_of, say, server_process
from entrenous.bench.guest import RETENTION, Guest
from entrenous.bench.line import Line
from entrenous.crypto import system_entropy
from entrenous.server import Limits
from entrenous.wire import replies, requests
from entrenous.wire.limits import MAX_FRAME, ROOM_ID_SIZE

#: Requests that each of them sends, and bytes of the GroupInfo and of the tree that fill an answer.
DEPTH, STATE_SIZE = 64, 4_190_000
#: Bytes of the messages that go through the room, and how many of them.
PUSHED_SIZE, PUSHED = 100_000, 100
#: Seconds between two looks at the server's memory, and megabytes that it may differ by when all has settled.
LOOK_EVERY, SETTLED = 1.0, 0.5


class Way(StrEnum):
    """How to be slow."""

    IDLE = "idle"
    PUSHES = "pushes"
    ANSWERS = "answers"
    MESSAGES = "messages"


def allowed(way: Way) -> int:
    """Bytes that the limits allow one of them to make the server hold."""
    limits = Limits()
    return {
        Way.IDLE: 0,
        Way.PUSHES: limits.push_backlog,
        Way.ANSWERS: limits.reply_backlog + limits.message_bytes,
        Way.MESSAGES: limits.message_bytes,
    }[way]


async def _idle(host: Guest, line: Line, readers: Sequence[tuple[Guest, Line]]) -> None:
    """Be there, and no more."""


async def _pushes(host: Guest, line: Line, readers: Sequence[tuple[Guest, Line]]) -> None:
    """Be in a room where much is said, and take none of it."""
    added = await line.call(host.commit_adding([guest.account for guest, _ in readers]), replies.Published)
    for _, slow in readers:
        slow.transport.pause_reading()
    for _ in range(PUSHED):
        await line.call(host.message(PUSHED_SIZE, added.sequence), replies.Published)


async def _answers(host: Guest, line: Line, readers: Sequence[tuple[Guest, Line]]) -> None:
    """Ask for the largest answer that there is, many times, and take none of them."""
    for _, slow in readers:
        room = system_entropy(ROOM_ID_SIZE)
        await slow.call(requests.CreateRoom(room, RETENTION, bytes(STATE_SIZE), bytes(STATE_SIZE)), replies.Done)
        slow.transport.pause_reading()
        for _ in range(DEPTH):
            slow.send(requests.FetchGroupState(room, 0))
        slow.flush()


async def _messages(host: Guest, line: Line, readers: Sequence[tuple[Guest, Line]]) -> None:
    """Send the longest message that there is, but for its last byte."""
    for _, slow in readers:
        slow.channel.queue_framed(MAX_FRAME.to_bytes(4, "big") + bytes(MAX_FRAME - 1))
        slow.flush()


_WAYS: dict[Way, Callable[[Guest, Line, Sequence[tuple[Guest, Line]]], Awaitable[None]]] = {
    Way.IDLE: _idle,
    Way.PUSHES: _pushes,
    Way.ANSWERS: _answers,
    Way.MESSAGES: _messages,
}


async def settled_memory(process: int) -> float:
    """A process's memory in megabytes, as soon as it does not change any more."""
    before, now = 0.0, memory_of(process)
    async with asyncio.timeout(PATIENCE):
        while abs(now - before) > SETTLED:
            await asyncio.sleep(LOOK_EVERY)
            before, now = now, memory_of(process)
    return now


async def measure(way: Way, readers: int) -> float:
    """Bytes of the server's memory for each of so many slow readers."""
    with tempfile.TemporaryDirectory() as directory, server_process(Path(directory)) as (place, token, server):
        host = await Guest.register(place, token, "host")
        line = await host.come()
        invite = await line.call(requests.CreateInvite(readers, RETENTION), replies.InviteCreated)
        guests = [await Guest.register(place, invite.token, f"slow-{number}") for number in range(readers)]
        await line.call(host.message(MESSAGE_SIZE), replies.Published)
        before = await settled_memory(server) if way is Way.IDLE else 0.0
        lines = [await guest.come() for guest in guests]
        if way is not Way.IDLE:
            before = await settled_memory(server)
        await _WAYS[way](host, line, list(zip(guests, lines, strict=True)))
        after = await settled_memory(server)
        for each in (line, *lines):
            each.transport.abort()
        return (after - before) * (1 << 20) / readers


async def main(ways: Sequence[Way], readers: int) -> None:
    """Measure each way and print a table."""
    say(f"{'slow at':12}{'held for one':>16}{'limits allow':>16}   of {readers}")
    for way in ways:
        held = await measure(way, readers)
        say(f"{way:12}{held / 1024:12,.0f} KiB{allowed(way) / 1024:12,.0f} KiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--ways", nargs="+", type=Way, default=list(Way), choices=list(Way))
    parser.add_argument("--readers", type=int, default=20, help="how many of them there are")
    chosen = parser.parse_args()
    asyncio.run(main(chosen.ways, chosen.readers))
