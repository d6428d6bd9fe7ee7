"""Whether an outcome is one that a run without a death could have had: what is on everybody's disk, and was shown."""

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from crashes.players import STORE_KEY
from crashes.story import GARDEN, SCENES, Scene, script
from crashes.watching import Notes, digest_of
from entrenous.client import Event, MessageArrived, MessageKind, MessageState, MessageStateChanged
from entrenous.client.rooms.room import Room
from entrenous.client.store import Store, entries, outbox, rooms, stages
from entrenous.mls.types import ContentType, MLSMessage, message_header
from room_logs import ALARMS, LogEntry, position_after, server_log


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scene has left behind.

    Attributes:
        number: the scene's.
        events: everything that the front ends were told, by profile, over all lives.
    """

    folder: Path
    number: int
    events: Mapping[str, Sequence[Event]]

    @property
    def scene(self) -> Scene:
        return SCENES[self.number]

    @property
    def database(self) -> Path:
        return self.folder / "server" / "server.db"


def judge(outcome: Outcome, notes: Notes) -> None:
    """Hold an outcome against everything that must be true of it.

    Raises:
        AssertionError: something was lost, repeated, or comes apart from what belongs to it.
    """
    logs = _logs_of(outcome.database)
    for room, log in logs.items():
        _judge_log(outcome, room, log)
    names: dict[bytes, str] = {}
    authenticators: dict[bytes, set[bytes]] = {}
    for profile in outcome.scene.profiles:
        with closing(Store.open(outcome.folder / f"{profile}.db", STORE_KEY)) as store:
            for room in rooms.all_rooms(store):
                opened = Room.load(store, room)
                names[room] = opened.settings.name
                _judge_room(outcome, profile, store, opened, logs[room])
                authenticators.setdefault(room, set()).add(opened.epoch.group.epoch_authenticator)
        _judge_events(outcome, profile, logs)
    assert sorted(names.values()) == sorted(_rooms_expected(outcome.number)), f"the rooms are {names}"
    assert names.keys() == logs.keys(), "the server has a room that nobody has"
    assert all(len(found) == 1 for found in authenticators.values()), "members of a room are in different epochs"
    _judge_server(outcome, notes)


def _rooms_expected(number: int) -> set[str]:
    return {GARDEN} | {line.room for scene in SCENES[: number + 1] for line in scene.lines}


def _logs_of(database: Path) -> dict[bytes, list[LogEntry]]:
    with closing(sqlite3.connect(database)) as connection:
        found = [room for (room,) in connection.execute("SELECT id FROM rooms")]
    return {room: server_log(database, room) for room in found}


def _judge_log(outcome: Outcome, room: bytes, log: Sequence[LogEntry]) -> None:
    """The log has no gap, nothing twice, and what the server keeps of the room beside it fits."""
    assert [entry.sequence for entry in log] == list(range(1, len(log) + 1)), "the log has a gap"
    assert max(Counter(entry.message_id for entry in log).values()) == 1, "the log has an entry twice"
    commits = [entry.sequence for entry in log if _is_commit(entry)]
    with closing(sqlite3.connect(outcome.database)) as connection:
        (row,) = connection.execute("SELECT newest, newest_commit FROM rooms WHERE id = ?", (room,))
        states = connection.execute("SELECT max(sequence) FROM group_states WHERE room = ?", (room,)).fetchone()
    assert row == (len(log), max(commits, default=0)), "the server's place in the log is not its end"
    assert states == (max(commits, default=0),), "the newest Commit came without its group state"


def _is_commit(entry: LogEntry) -> bool:
    header = message_header(MLSMessage.decode(entry.body))
    return header is not None and header.content_type is ContentType.COMMIT


def _judge_room(outcome: Outcome, profile: str, store: Store, opened: Room, log: Sequence[LogEntry]) -> None:
    """Somebody has processed the whole log, and read what the script says."""
    room, name = opened.id, opened.settings.name
    who = f"{profile} in {name}"
    assert opened.standing.position == position_after(room, log), f"{who} stands elsewhere than at the log's end"
    rows = entries.after(store, room, 0, 1_000_000)
    read = [row.body for row in rows if row.kind is MessageKind.TEXT]
    assert read == script(outcome.number + 1, profile, name), f"{who} has read {read}"
    strange = [row.kind for row in rows if row.kind in (MessageKind.UNREADABLE, MessageKind.REFUSED)]
    assert not strange, f"{who} could not read everything: {strange}"
    assert not outbox.of_room(store, room), f"{who} still has something to send"
    staged = stages.of_room(store, room)
    assert staged is None or not staged.is_wanted, f"{who} still has a Commit to send"


def _judge_events(outcome: Outcome, profile: str, logs: Mapping[bytes, Sequence[LogEntry]]) -> None:
    """Nothing was shown twice or alarmed anybody, and what was said to be sent stands where that was said."""
    told = outcome.events[profile]
    alarms = [event.sentence for event in told if isinstance(event, ALARMS)]
    assert not alarms, f"{profile} was alarmed: {alarms}"
    shown = [event.message for event in told if isinstance(event, MessageArrived)]
    assert len({message.message_id for message in shown}) == len(shown), f"{profile} was shown a message twice"
    said = {line.text for line in outcome.scene.lines}
    strange = [one.text for one in shown if one.text not in said and f"'{outcome.scene.name}'" not in one.text]
    assert not strange, f"{profile} was shown what was said before: {strange}"
    for event in told:
        if isinstance(event, MessageStateChanged):
            assert event.state is not MessageState.FAILED, f"a message of {profile} has failed"
            if event.state is MessageState.SENT:
                placed = {entry.message_id: entry.sequence for entry in logs[event.room]}
                assert placed.get(event.message_id) == event.sequence, f"a message of {profile} that was sent is lost"


def _judge_server(outcome: Outcome, notes: Notes) -> None:
    """What was used up is used up, and who is in a room is on its roster."""
    with closing(sqlite3.connect(outcome.database)) as connection:
        pool = {digest_of(body) for (body,) in connection.execute("SELECT body FROM key_packages")}
        waiting = connection.execute("SELECT count(*) FROM inbox").fetchone()
        rosters = connection.execute("SELECT count(*) FROM roster WHERE removed_at IS NULL").fetchone()
    assert not pool & notes.packages_handed_out(), "a KeyPackage that was handed out can be handed out again"
    assert waiting == (0,), "a Welcome still waits"
    assert rosters == (outcome.scene.members,), "the roster is not who is in the rooms"
