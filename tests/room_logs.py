"""A room's log as the server has it and as its members have read it, and that the two are one."""

import asyncio
import contextlib
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from entrenous.client import (
    CommitRefused,
    EntryUnreadable,
    EventsMissed,
    GapShown,
    InvitationRefused,
    LogsDiffer,
    LogShortened,
    MessageArrived,
    MessageKind,
    MessageRef,
    MessagesMissing,
    MessageState,
    MessageStateChanged,
    SendText,
    WaitUntilSent,
)
from entrenous.client.store import entries, rooms
from entrenous.testing.members import Person
from entrenous.wire import LogPosition
from worlds import epochs

#: What no honest server and no honest member, crashing as they may, can be the reason of.
ALARMS = (
    CommitRefused,
    EntryUnreadable,
    EventsMissed,
    GapShown,
    InvitationRefused,
    LogsDiffer,
    LogShortened,
    MessagesMissing,
)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry on the server's disk."""

    sequence: int
    message_id: bytes
    body: bytes


def server_log(database: Path, room: bytes) -> list[LogEntry]:
    """A room's log, read from the server's database; the server may run."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        found = connection.execute(
            "SELECT sequence, message_id, body FROM entries WHERE room = ? ORDER BY sequence", (room,)
        )
        return [LogEntry(*row) for row in found]


def position_after(room: bytes, log: Sequence[LogEntry]) -> LogPosition:
    """Where a device stands that has processed all of a log."""
    position = LogPosition.start(room)
    for entry in log:
        position = position.then(entry.body)
    return position


def transcript(person: Person, room: bytes) -> list[tuple[int, str]]:
    """Place and text of every message that a person's store holds of a room."""
    rows = entries.after(person.store, room, 0, 1_000_000)
    return [(row.sequence, row.body) for row in rows if row.kind is MessageKind.TEXT]


def shown(person: Person) -> list[tuple[int, str]]:
    """Place and text of every message that a person was shown as it arrived, over all runs of the client."""
    messages = (event.message for event in person.saw(MessageArrived))
    return [(message.sequence or 0, message.text) for message in messages]


def alarms(person: Person) -> list[str]:
    """The sentences of everything alarming that a person was told."""
    return [event.sentence for event in person.events if isinstance(event, ALARMS)]


def acknowledged(person: Person) -> dict[bytes, int | None]:
    """The messages that a person was told are sent, and where."""
    return {
        event.message_id: event.sequence
        for event in person.saw(MessageStateChanged)
        if event.state is MessageState.SENT
    }


async def read_to_the_end(room: bytes, log: Sequence[LogEntry], people: Sequence[Person]) -> None:
    """Wait until everybody has processed a whole log, the last entry of which is a message, and was told of it."""
    for person in people:
        await person.running._hall.get(room).follower.reach(log[-1].sequence)
        await person.has(MessageArrived, lambda event: event.message.sequence == log[-1].sequence)


def assert_one_log(room: bytes, log: Sequence[LogEntry], people: Sequence[Person]) -> None:
    """Everybody has processed exactly the server's log and stands in the same epoch; nothing is twice in the log.

    What anybody was told is sent stands where he was told.
    """
    assert [entry.sequence for entry in log] == list(range(1, len(log) + 1))
    assert max(Counter(entry.message_id for entry in log).values()) == 1
    placed = {entry.message_id: entry.sequence for entry in log}
    for person in people:
        standing = rooms.standing(person.store, room)
        assert standing is not None
        assert standing.position == position_after(room, log), person.name
        assert not alarms(person), (person.name, alarms(person))
        told = acknowledged(person)
        assert told == {message_id: placed.get(message_id, "lost") for message_id in told}, person.name
    assert len(epochs(room, *people)) == 1


def assert_all_read_the_same(room: bytes, people: Sequence[Person]) -> None:
    """Everybody holds the same messages at the same places, and was shown each of them once, in that order."""
    first = transcript(people[0], room)
    for person in people:
        assert transcript(person, room) == first, person.name
        assert shown(person) == first, person.name


async def speak(person: Person, room: bytes, count: int) -> None:
    """Say ``count`` things at once, and wait until the server has them."""
    said: list[MessageRef] = []
    for number in range(count):
        said.append(await person.do(SendText(room, f"{person.name} {number}")))
        await asyncio.sleep(0)
    for message in said:
        await person.do(WaitUntilSent(message))
