"""A member who holds every key that membership gives, and keeps no rule."""

import dataclasses
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, cast

import msgspec

from entrenous.client import RefreshKeys
from entrenous.client.reaching import PatientCaller
from entrenous.client.rooms.key_source import StoredKeys
from entrenous.client.rooms.room import Room
from entrenous.client.rosters import roster_delta
from entrenous.client.session import Session
from entrenous.client.store import keys
from entrenous.content import ROOM_SETTINGS_EXTENSION, Content, Role, RoomSettings, Text, with_member
from entrenous.crypto import Entropy, SigningKey
from entrenous.mls.framing import no_padding, protect_application
from entrenous.mls.group import MAX_LIFETIME, commit
from entrenous.mls.types import (
    ContentType,
    Extension,
    GroupContextExtensions,
    MLSMessage,
    PrivateMessage,
    Proposal,
    Remove,
)
from entrenous.testing.members import Person
from entrenous.wire import CommitData, LogPosition, MessageData, RosterAction, RosterChange, replies, requests
from entrenous.wire.types import Entry

#: Bytes that look like an encrypted sender and a Commit's ciphertext.
_SENDER_DATA, _CIPHERTEXT = 28, 400

#: One thing that he does; answers with its place in the log.
Breach = Callable[[], Coroutine[Any, Any, int]]


class _Spoiling:
    """A session that sends Commits with other things beside them than they came with."""

    def __init__(self, honest: Session, entropy: Entropy) -> None:
        self._honest = honest
        self._entropy = entropy

    async def call(self, request: requests.Request, expected: type[Any]) -> Any:
        if isinstance(request, requests.Commit):
            garbage = self._entropy(100)
            tree = None if request.tree is None else garbage
            request = msgspec.structs.replace(request, group_info=garbage, node_changes=garbage, tree=tree)
        return await self._honest.call(request, expected)


class Traitor:
    """What somebody's real client would send if it kept no rule."""

    def __init__(self, person: Person, room: bytes) -> None:
        self.person = person
        self.room: Room = person.running._hall.get(room).room
        self.services = person.running._services

    @property
    def account(self) -> bytes:
        return self.services.device.account_id

    # What everything is made with.

    def content(self, text: str) -> Content:
        return Content(self.services.ids.next(), self.services.now_ms(), Text(text))

    async def publishes(
        self,
        content: Content,
        outer_id: bytes,
        newest: LogPosition | None = None,
        *,
        signer: SigningKey | None = None,
    ) -> int:
        """Send a content under an outer message id of his choice, with a place and a signature of his choice."""
        with self.person.store.transaction() as tx:
            protected = protect_application(
                self.room.epoch.group,
                StoredKeys(tx, self.room.id),
                signer or self.services.device.signer,
                content.encode(),
                MessageData(newest or self.room.standing.position).encode(),
                padding=no_padding,
                entropy=self.services.environment.entropy,
            )
            keys.apply(tx, self.room.id, protected.changes)
        return await self.sends(protected.message, outer_id)

    async def sends(self, body: bytes, message_id: bytes) -> int:
        """Send any bytes as a message."""
        request = requests.Publish(self.room.id, self.room.standing.base, message_id, body)
        return (await self.services.caller.call(request, replies.Published)).sequence

    async def commits(
        self, proposals: Sequence[Proposal], settings: RoomSettings, *, max_lifetime: int = MAX_LIFETIME, **claims: Any
    ) -> int:
        """Send a Commit that no policy has judged; ``claims`` replace what it tells in clear."""
        data = self._data(settings, **claims)
        with self.person.store.transaction() as tx:
            made = commit(
                self.room.epoch.group,
                StoredKeys(tx, self.room.id),
                self.services.device.signer,
                self.services.environment.entropy,
                proposals=proposals,
                authenticated_data=data.encode(),
                now=self.services.environment.seconds(),
                max_lifetime=max_lifetime,
            )
            keys.apply(tx, self.room.id, made.changes)
        return await self._sends_commit(made.message, data.message_id)

    async def _sends_commit(self, body: bytes, message_id: bytes) -> int:
        garbage = self.services.environment.entropy(100)
        base = self.room.standing.base
        request = requests.Commit(self.room.id, base, message_id, body, (), garbage, garbage, garbage)
        return (await self.services.caller.call(request, replies.Published)).sequence

    def _data(self, settings: RoomSettings, **claims: Any) -> CommitData:
        data = CommitData(
            self.services.ids.next(),
            settings.retention_seconds,
            roster_delta(self.room.settings, settings),
            self.room.standing.position,
            b"",
        )
        return dataclasses.replace(data, **claims)

    def settings_proposal(self, settings: RoomSettings) -> GroupContextExtensions:
        kept = [
            extension
            for extension in self.room.epoch.group.context.extensions
            if extension.extension_type != ROOM_SETTINGS_EXTENSION
        ]
        return GroupContextExtensions((Extension(ROOM_SETTINGS_EXTENSION, settings.encode()), *kept))

    # What he does: each of these must be refused by everybody.

    async def garbage(self) -> int:
        """A Commit that tells the server what a Commit tells, around bytes that nobody can open."""
        data, random = self._data(self.room.settings), self.services.environment.entropy
        group = self.room.epoch.group
        message = PrivateMessage(
            self.room.id, group.epoch, ContentType.COMMIT, data.encode(), random(_SENDER_DATA), random(_CIPHERTEXT)
        )
        return await self._sends_commit(MLSMessage.of(message).encode(), data.message_id)

    async def coup(self) -> int:
        """He makes himself an admin, and tells the server nothing of it."""
        settings = with_member(self.room.settings, self.account, Role.ADMIN)
        return await self.commits([self.settings_proposal(settings)], settings, roster=())

    async def expulsion(self) -> int:
        """He removes somebody else's leaf, or his own where he is alone, and tells the server nothing of it."""
        group = self.room.epoch.group
        victim = next((index for index, _ in group.members() if index != group.own_leaf), group.own_leaf)
        return await self.commits([Remove(victim)], self.room.settings, roster=())

    async def link_proof(self) -> int:
        """He claims to have come by a link."""
        return await self.commits([], self.room.settings, link_proof=b"x")

    async def smuggling(self, outsider: bytes) -> int:
        """He tells the server that he adds an account, which is then given every entry, and adds nobody."""
        return await self.commits([], self.room.settings, roster=(RosterChange(outsider, RosterAction.ADD),))

    def breaches(self) -> list[Breach]:
        """The rules that he breaks without the server's seeing it."""
        return [self.coup, self.expulsion, self.link_proof]

    async def spoiling(self) -> None:
        """He renews his keys as he should, and gives the server garbage for whoever joins."""
        caller = self.services.caller
        assert isinstance(caller, PatientCaller)
        honest = caller._session
        caller._session = cast("Session", _Spoiling(honest, self.services.environment.entropy))
        try:
            await self.person.do(RefreshKeys(self.room.id))
        finally:
            caller._session = honest

    async def unsigned(self, text: str) -> int:
        """A message that everybody can open, signed by a key that is not his leaf's."""
        content = self.content(text)
        stranger = SigningKey.generate(self.services.environment.entropy)
        return await self.publishes(content, content.message_id, signer=stranger)

    async def replay(self, entry: Entry) -> int:
        """Somebody's entry, once more, under an id of his own."""
        return await self.sends(entry.body, self.services.ids.next())
