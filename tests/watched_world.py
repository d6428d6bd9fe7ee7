"""What must be true of people in a hostile world, whatever the server and one of them do.

``Watch`` writes down what is said, for whom it was encrypted and which state each processed entry led to, and
``check`` holds every client's store against it.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest

from entrenous.client import (
    CommitRefused,
    EntryUnreadable,
    GapShown,
    IdentityChanged,
    InvitationRefused,
    LeftBehind,
    LogsDiffer,
    LogShortened,
    MessageKind,
    MessagesMissing,
    MessageState,
    MessageStateChanged,
    RemovedFromRoom,
    RoomJoined,
    RoomState,
    SendText,
)
from entrenous.client.events import Event
from entrenous.client.leaf_owners import known_owner_of
from entrenous.client.outbox import Outbox
from entrenous.client.rooms.room import Room
from entrenous.client.store import entries, outbox
from entrenous.client.store.outbox import OutboxRow
from entrenous.testing.members import Person

#: Events of a room that tell a person that not everything is as it should be there.
_ALARMS = (
    CommitRefused,
    EntryUnreadable,
    GapShown,
    InvitationRefused,
    LeftBehind,
    LogsDiffer,
    LogShortened,
    MessagesMissing,
    RemovedFromRoom,
)
#: More lines than any run says.
_EVERYTHING = 10_000


@dataclass(frozen=True, slots=True)
class Saying:
    """A text: who said it where, and which of his texts there it is."""

    room: bytes
    account: bytes
    order: int


@dataclass
class Watch:
    """Sees everything that people's clients do with rooms.

    Attributes:
        said: by text; no text is said twice.
        readers: by message id, the accounts that had a leaf in an epoch that it was encrypted in.
        device_of: account and device of everybody, by name.
        states: the epoch that processing a log up to a place has led to, and who was there first.
        broken: what was seen that must not be.
        faithless: names of those whose own clients refuse to follow what they send behind their backs.
    """

    people: list[Person] = field(default_factory=list)
    said: dict[str, Saying] = field(default_factory=dict)
    readers: defaultdict[bytes, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    device_of: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    states: dict[tuple[bytes, int, bytes], bytes] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    faithless: set[str] = field(default_factory=set)
    _orders: defaultdict[tuple[bytes, bytes], int] = field(default_factory=lambda: defaultdict(int))
    _told: dict[str, int] = field(default_factory=dict)

    def begin(self, patch: pytest.MonkeyPatch) -> None:
        """See every step of every room and every encryption from now on."""
        follow, protect = Room.replace, Outbox._protect

        def replace(room: Room, standing: Any, epoch: Any) -> None:
            follow(room, standing, epoch)
            self._stepped(room)

        def protected(box: Outbox, room: Room, row: OutboxRow) -> bytes:
            self.encrypted(room, row.message_id)
            return protect(box, room, row)

        patch.setattr(Room, "replace", replace)
        patch.setattr(Outbox, "_protect", protected)
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.broken.append(str(context)))

    def add(self, person: Person) -> None:
        """Somebody new."""
        self.people.append(person)
        device = person.running._services.device
        self.device_of[person.name] = device.account_id, device.device_id

    def says(self, room: bytes, account: bytes) -> str:
        """A new text of somebody, which is noted as said."""
        self._orders[room, account] += 1
        text = f"text {len(self.said)}"
        self.said[text] = Saying(room, account, self._orders[room, account])
        return text

    def encrypted(self, room: Room, message_id: bytes) -> None:
        """A message is encrypted for a room's members of this moment."""
        owners = (known_owner_of(leaf) for _, leaf in room.epoch.group.members())
        self.readers[message_id] |= {owner.account_id for owner in owners}

    def _stepped(self, room: Room) -> None:
        standing = room.standing
        if not room.is_member or standing.position.sequence < standing.own_from or self._is_of_faithless(room):
            return
        group = room.epoch.group
        place = (room.id, standing.position.sequence, standing.position.hash)
        if self.states.setdefault(place, group.epoch_authenticator) != group.epoch_authenticator:
            self.broken.append(f"two members are in different epochs after the same {place[1]} entries")
        for _, leaf in group.members():
            owner = known_owner_of(leaf)
            if (owner.account_id, owner.device_id) not in self.device_of.values():
                self.broken.append("a device that does not exist has a leaf")

    def _is_of_faithless(self, room: Room) -> bool:
        clients = (person.client for person in self.people if person.name in self.faithless)
        opened = (client._hall.find(room.id) for client in clients if client is not None)
        return any(found is not None and found.room is room for found in opened)

    # What must be true after each step.

    def check(self) -> None:
        """Hold every client that runs against what was said."""
        assert not self.broken, self.broken
        for person in self.people:
            self._check_events(person)
            if person.client is not None:
                assert not person.client._bug.done(), person.client._bug.exception()
                for opened in person.client._hall:
                    self._check_lines(person, opened.room.id)

    def _check_events(self, person: Person) -> None:
        start = self._told.get(person.name, 0)
        for event in person.events[start:]:
            assert event.sentence.strip(), event
        self._told[person.name] = len(person.events)

    def _check_lines(self, person: Person, room: bytes) -> None:
        heard: defaultdict[bytes, int] = defaultdict(int)
        for line in entries.before(person.store, room, None, _EVERYTHING):
            if line.kind is not MessageKind.TEXT:
                continue
            saying = self.said.get(line.body)
            assert saying is not None, f"{person.name} reads what nobody said: {line.body}"
            assert (saying.room, saying.account) == (room, line.sender), f"{person.name} reads it of another: {line}"
            assert saying.order > heard[saying.account], f"{person.name} reads it twice, or in another order: {line}"
            heard[saying.account] = saying.order
            assert person.running.account in self.readers[line.message_id], f"{person.name} should not read {line}"

    # What must be true once the lies have stopped, and everybody has caught up.

    def present(self, room: bytes) -> list[Person]:
        """Those who run and believe that they are in a room."""
        found = []
        for person in self.people:
            opened = None if person.client is None else person.client._hall.find(room)
            if opened is not None and opened.room.is_member and opened.room.standing.state is RoomState.ACTIVE:
                found.append(person)
        return found

    def place(self, person: Person, room: bytes) -> tuple[int, bytes, bytes]:
        """Where somebody stands: sequence, log hash, epoch authenticator."""
        found = person.running._hall.get(room).room
        position = found.standing.position
        return position.sequence, position.hash, found.epoch.group.epoch_authenticator

    def tainted(self, room: bytes, deceived: set[bytes]) -> set[bytes]:
        """Those who were shown another log, and those who joined by the word of one of them: the log hash is his."""
        accounts = {person.name: person.running.account for person in self.people}
        found, size = set(deceived), -1
        while size != len(found):
            size = len(found)
            for person in self.people:
                inviters = {accounts.get(event.inviter_name) for event in person.saw(RoomJoined) if event.room == room}
                if inviters & found:
                    found.add(person.running.account)
        return found

    def alarms(self, person: Person, room: bytes) -> set[tuple[str, int | None]]:
        """What somebody was told to be wrong in a room: kind of event and place in the log."""
        events = (event for event in person.events if _is_alarm(event, room))
        return {(type(event).__name__, getattr(event, "sequence", None)) for event in events}

    def texts(self, person: Person, room: bytes) -> set[str]:
        """What somebody has read."""
        lines = entries.before(person.store, room, None, _EVERYTHING)
        return {line.body for line in lines if line.kind is MessageKind.TEXT}

    def check_converged(self, room: bytes, honest: set[str], deceived: set[bytes], newest: int) -> None:
        """Who was shown the real log stands at its end with everybody else; who was not does too, or was told."""
        present = [person for person in self.present(room) if person.name in honest]
        clean = [person for person in present if person.running.account not in deceived]
        places = {self.place(person, room) for person in clean}
        names = [person.name for person in clean]
        assert len(places) <= 1, f"{names} were shown one log and stand at {places}"
        assert {place[0] for place in places} <= {newest}, f"{names} stand at {places}, the log ends at {newest}"
        # What the others were told too, such as a bad Commit of a member, tells nobody that he is where they are not.
        common = set().union(*(self.alarms(person, room) for person in clean))
        quiet = [person for person in present if not self.alarms(person, room) - common]
        places |= {self.place(person, room) for person in quiet}
        assert len(places) <= 1, f"{[person.name for person in quiet]} were told nothing and stand at {places}"

    def check_roster(self, room: bytes, founder: Person, deceived: set[bytes], roster: set[bytes]) -> None:
        """No ghost is left: whom the server counts in is whom the room's admin, who knows the real log, counts in."""
        if founder not in self.present(room) or founder.running.account in deceived or self._is_lost(founder, room):
            return
        members = {member.account_id for member in founder.running._hall.get(room).room.settings.members}
        ghosts = [name for name, (account, _) in self.device_of.items() if account in roster - members]
        assert not ghosts, f"{ghosts} are on the server's roster, and {founder.name} did not let them in"

    def _is_lost(self, person: Person, room: bytes) -> bool:
        """Whether somebody was told that he cannot follow a room any more."""
        return any(isinstance(event, GapShown | LeftBehind) and event.room == room for event in person.events)

    async def last_words(self, room: bytes, honest: set[str], deceived: set[bytes], patience: float) -> None:
        """Everybody who was shown the real log says something, and all the others of those read it."""
        present = [person for person in self.present(room) if person.name in honest]
        clean = [person for person in present if person.running.account not in deceived]
        words: dict[str, Person] = {}
        for person in clean:
            text = self.says(room, person.running.account)
            words[text] = person
            await person.do(SendText(room, text))
        await asyncio.sleep(patience)
        blocked = {person.name for person in clean if person.saw(IdentityChanged)}
        for text, speaker in words.items():
            if speaker.name in blocked:
                continue
            waiting = [row.failure for row in outbox.of_room(speaker.store, room) if row.sequence is None]
            assert not waiting, f"{speaker.name} could not send: {waiting}"
            for person in clean:
                assert text in self.texts(person, room), f"{person.name} did not get the last words of {speaker.name}"


def _is_alarm(event: Event, room: bytes) -> bool:
    if isinstance(event, MessageStateChanged):
        return event.room == room and event.state is MessageState.FAILED
    return isinstance(event, _ALARMS) and event.room == room
