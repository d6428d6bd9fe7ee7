"""Every rule of a log's entries (ENTRY-…), broken by a member with keys of his own or by the server."""

from collections.abc import Callable
from pathlib import Path

from entrenous.client import CreateRoom, InviteMember, RoomJoined
from entrenous.client.inbox import take
from entrenous.client.rooms.hall import OpenRoom
from entrenous.client.rooms.key_source import StoredKeys
from entrenous.client.rooms.reasons import reason_of
from entrenous.client.store import keys
from entrenous.client.views import MessageKind
from entrenous.content import Content, Text
from entrenous.errors import RejectedError
from entrenous.mls.framing import no_padding, protect_application
from entrenous.mls.group import commit
from entrenous.mls.types import MLSMessage, Welcome, WireFormat
from entrenous.testing import run_virtual
from entrenous.testing.members import Person, World
from entrenous.wire import CommitData, LogPosition, MessageData
from entrenous.wire.types import Entry

OWN_ID, OTHER_ID = b"hello at 12.", b"other at 12."


class Pair:
    """A room as two people hold it: one forges, the other reads."""

    def __init__(self, forger: Person, reader: Person, room: bytes) -> None:
        self.forger, self.reader, self.room = forger, reader, room

    def _open(self, person: Person) -> OpenRoom:
        return person.running._hall.get(self.room)

    def says(self, message_id: bytes) -> bytes:
        """A text with this id inside, under the forger's next key; it is not sent."""
        opened, services = self._open(self.forger), self.forger.running._services
        with services.store.transaction() as tx:
            said = protect_application(
                opened.room.epoch.group,
                StoredKeys(tx, self.room),
                services.device.signer,
                Content(message_id, 0, Text("hello")).encode(),
                MessageData(opened.room.standing.position).encode(),
                padding=no_padding,
                entropy=services.environment.entropy,
            )
            keys.apply(tx, self.room, said.changes)
        return said.message

    def commits(self, authenticated_data: bytes, wire_format: WireFormat = WireFormat.PRIVATE_MESSAGE) -> bytes:
        """A Commit that MLS has nothing against; it is not sent."""
        services = self.forger.running._services
        return commit(
            self._open(self.forger).room.epoch.group,
            StoredKeys(services.store, self.room),
            services.device.signer,
            services.environment.entropy,
            authenticated_data=authenticated_data,
            wire_format=wire_format,
        ).message

    def reads(self, body: bytes, message_id: bytes = OWN_ID) -> tuple[MessageKind | None, str]:
        """What the reader makes of the next entry."""
        room, services = self._open(self.reader).room, self.reader.running._services
        row = take(room, services, Entry(room.standing.position.sequence + 1, message_id, body, 0)).row
        return row.kind, row.body


def play(directory: Path, scenario: Callable[[Pair], None]) -> None:
    async def main() -> None:
        async with await World.open(directory) as world:
            alice, bob = await world.people("alice", "bob")
            room = (await alice.do(CreateRoom("garden"))).room
            await alice.do(InviteMember(room, "bob"))
            await bob.sees(RoomJoined)
            for person in (alice, bob):
                await person.running.wait_until_caught_up()
            scenario(Pair(alice, bob, room))

    run_virtual(main())


def unreadable(rule: str) -> tuple[MessageKind, str]:
    """The line of an entry that breaks a rule."""
    return MessageKind.UNREADABLE, reason_of(RejectedError(rule, "a detail that no person sees"))


def test_a_message_stands_once_and_under_its_own_id(tmp_path: Path) -> None:
    def scenario(pair: Pair) -> None:
        assert pair.reads(pair.says(OWN_ID), OTHER_ID) == unreadable("ENTRY-MESSAGE-ID")
        assert pair.reads(pair.says(OWN_ID)) == (MessageKind.TEXT, "hello")
        assert pair.reads(pair.says(OWN_ID)) == unreadable("ENTRY-REPEATED")

    play(tmp_path, scenario)


def test_the_server_cannot_spoil_a_genuine_message_by_showing_another_under_its_id(tmp_path: Path) -> None:
    def scenario(pair: Pair) -> None:
        assert pair.reads(pair.says(OTHER_ID), OWN_ID) == unreadable("ENTRY-MESSAGE-ID")
        assert pair.reads(pair.says(OWN_ID), OWN_ID) == (MessageKind.TEXT, "hello")

    play(tmp_path, scenario)


def test_a_room_takes_messages_and_commits_and_nothing_in_the_clear(tmp_path: Path) -> None:
    def scenario(pair: Pair) -> None:
        assert pair.reads(MLSMessage.of(Welcome(1, (), b"")).encode()) == unreadable("ENTRY-KIND")
        in_clear = pair.commits(b"", WireFormat.PUBLIC_MESSAGE)
        assert pair.reads(in_clear, OTHER_ID) == (MessageKind.REFUSED, "ENTRY-KIND")

    play(tmp_path, scenario)


def test_a_commit_that_is_not_genuine_or_tells_the_server_nonsense_is_refused(tmp_path: Path) -> None:
    def scenario(pair: Pair) -> None:
        genuine = pair.commits(b"")
        assert pair.reads(genuine[:-1] + bytes([genuine[-1] ^ 1])) == (MessageKind.REFUSED, "ENTRY-CRYPTO")
        assert pair.reads(pair.commits(b"nonsense"), OTHER_ID) == (MessageKind.REFUSED, "ENTRY-MALFORMED")

    play(tmp_path, scenario)


def test_a_commit_made_without_knowledge_of_the_one_before_it_is_refused_by_all_as_its_maker_dropped_it(
    tmp_path: Path,
) -> None:
    def scenario(pair: Pair) -> None:
        settings = pair._open(pair.forger).room.settings
        data = CommitData(OWN_ID, settings.retention_seconds, (), LogPosition.start(pair.room), b"")
        assert pair.reads(pair.commits(data.encode())) == (MessageKind.REFUSED, "ENTRY-POSITION")

    play(tmp_path, scenario)
