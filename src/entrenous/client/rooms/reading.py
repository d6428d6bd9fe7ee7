"""What one entry of a room's log says, and what reading it changes in the store.

Nothing here refuses to go on: an entry that cannot be read, or breaks a rule, is a marked entry with its reason, and
the room continues behind it. All writes go through the transaction that also moves the cursor.
"""

from dataclasses import dataclass, field, replace

from entrenous.client.leaf_owners import known_owner_of
from entrenous.client.policy import judge, settings_of
from entrenous.client.rooms.commits import PAST_EPOCHS, TREE_EVERY, next_access, stored_beginning, stored_request
from entrenous.client.rooms.key_source import StoredKeys
from entrenous.client.rooms.news import News, Teller
from entrenous.client.rooms.reasons import reason_of, rule_of
from entrenous.client.rooms.room import Epoch, Room, begin_epoch, leave
from entrenous.client.rooms.services import Services
from entrenous.client.rooms.timeline import Change
from entrenous.client.store import Transaction, entries, keys, outbox, stages
from entrenous.client.store.outbox import OutboxRow
from entrenous.client.views import MessageKind
from entrenous.content import Content, RoomAccessKey, RoomSettings, Text
from entrenous.errors import CryptoError, MalformedError, RejectedError, UsageError
from entrenous.mls.framing import Received, unprotect
from entrenous.mls.group import MAX_LIFETIME, Eviction, NewEpoch, stage
from entrenous.mls.types import (
    ApplicationData,
    ContentType,
    MessageHeader,
    MLSMessage,
    WireFormat,
    message_header,
)
from entrenous.wire import CommitData, LogPosition, MessageData
from entrenous.wire.types import Entry

#: What any bytes from outside can end in.
REFUSALS = (MalformedError, RejectedError, CryptoError)
#: The latest time (ms since 1970) that is kept of what a sender says: the end of the year 9999.
_LAST_TIME = 253_402_300_799_999


@dataclass(frozen=True, slots=True)
class Reading:
    """What one entry came to.

    Attributes:
        kind: of the line in the timeline; None for none.
        body: of that line.
        sender: the account; None where the entry does not tell.
        sent_at: ms since 1970, the sender's word.
        epoch: the epoch after it; None if it removed this device.
        is_commit: whether it is a Commit entry, applied or refused.
        has_tree: whether a sealed whole tree came with it.
        is_own: whether this device made it.
        is_later: whether it says that it is of a later epoch than this device is in.
        news: what to tell, once it is on disk.
        accounts: whose names that needs.
    """

    kind: MessageKind | None
    body: str
    epoch: Epoch | None
    sender: bytes | None = None
    sent_at: int = 0
    is_commit: bool = False
    has_tree: bool = False
    is_own: bool = False
    is_later: bool = False
    news: tuple[News, ...] = ()
    accounts: frozenset[bytes] = field(default=frozenset())


class Reader:
    """Reads one entry of one room inside one transaction."""

    def __init__(self, tx: Transaction, room: Room, services: Services, entry: Entry) -> None:
        self._tx = tx
        self._room = room
        self._services = services
        self._entry = entry
        self._teller = Teller(tx, room, services, entry)
        self._keys = StoredKeys(tx, room.id)

    def read(self) -> Reading:
        """What the entry says. Raises only UnavailableError and UsageError."""
        own = self._own_commit() or self._own_message()
        if own is not None:
            return own
        try:
            message = MLSMessage.decode(self._entry.body)
            header = message_header(message)
        except MalformedError as error:
            return self._unreadable(error)
        if header is None or header.content_type is ContentType.PROPOSAL:
            return self._unreadable(RejectedError("ENTRY-KIND", "rooms use no messages of this kind"))
        before = self._room.epoch.group.epoch
        reading = self._commit_entry(message, header) if header.content_type is ContentType.COMMIT else None
        return replace(reading or self._message(message), is_later=header.epoch > before)

    def _commit_entry(self, message: MLSMessage, header: MessageHeader) -> Reading:
        # Whatever comes of this Commit, ours was made for a place in the log that is taken now.
        stages.drop(self._tx, self._room.id)
        if header.wire_format is WireFormat.PRIVATE_MESSAGE:
            return self._commit(message)
        return self._refused(RejectedError("ENTRY-KIND", "rooms take no Commits in the clear"))

    # What this device sent.

    def _own_commit(self) -> Reading | None:
        """The staged Commit, if the log shows it here as it was sent; it comes into force.

        Told by its bytes alone: the id that the server shows it under is not hashed into the log, and must not decide
        which epoch a member is in.
        """
        row = stages.of_room(self._tx, self._room.id)
        if row is None or row.stage is None:
            return None
        if stored_request(row.stage).entry != self._entry.body:
            return None
        beginning = stored_beginning(row.stage, self._room.epoch.group.tree)
        stages.finish(self._tx, self._room.id)
        own = self._services.device.account_id
        return self._applied(beginning.epoch, beginning.new, own, is_own=True, has_tree=beginning.has_tree)

    def _own_message(self) -> Reading | None:
        """A content of the outbox, if the log shows it here as it was sent."""
        row = outbox.by_message_id(self._tx, self._entry.message_id)
        epoch = self._room.epoch
        if row is None or row.entry != self._entry.body or row.epoch != epoch.group.epoch:
            return None
        outbox.remove(self._tx, row.message_id)
        return self._said(Content.decode(row.content), self._services.device.account_id, own=row)

    # What others sent.

    def _message(self, message: MLSMessage) -> Reading:
        try:
            received = unprotect(self._room.epoch.group, self._keys, message, trace=self._services.environment.trace)
        except REFUSALS as error:
            return self._unreadable(error)
        sender = self._sender(received)
        news = self._teller.missing(received, sender)
        keys.apply(self._tx, self._room.id, received.changes)
        try:
            content = self._content(received, sender)
            witness = MessageData.decode(received.authenticated_data).newest
        except REFUSALS as error:
            return self._unreadable(error, sender, news)
        return self._said(content, sender, news=(*news, *self._teller.witness(witness, sender)))

    def _content(self, received: Received, sender: bytes) -> Content:
        if not isinstance(received.body, ApplicationData):
            raise RejectedError("ENTRY-KIND", "an entry holds something else than it says")
        content = Content.decode(received.body.data)
        # The id inside is signed, the one outside is the server's to show: a difference would be a way to repeat.
        if content.message_id != self._entry.message_id:
            raise RejectedError("ENTRY-MESSAGE-ID", "a message stands under another id than its own")
        if entries.is_known(self._tx, self._room.id, sender, content.message_id):
            raise RejectedError("ENTRY-REPEATED", "a message is said a second time")
        return content

    def _said(
        self, content: Content, sender: bytes, *, news: tuple[News, ...] = (), own: OutboxRow | None = None
    ) -> Reading:
        kind, body = _line_of(content)
        return Reading(
            kind,
            body,
            self._room.epoch,
            sender=sender,
            sent_at=min(content.sent_at, _LAST_TIME),
            is_own=own is not None,
            news=news,
            accounts=frozenset({sender}),
        )

    def _commit(self, message: MLSMessage) -> Reading:
        epoch, trace = self._room.epoch, self._services.environment.trace
        try:
            received = unprotect(epoch.group, self._keys, message, trace=trace)
        except REFUSALS as error:
            return self._refused(error)
        sender = self._sender(received)
        keys.apply(self._tx, self._room.id, received.changes)
        try:
            witness = CommitData.decode(received.authenticated_data).newest
            self._check_place(witness)
            staged = stage(
                epoch.group,
                received,
                policy=judge,
                past_epochs=PAST_EPOCHS,
                max_lifetime=MAX_LIFETIME,
                trace=trace,
            )
            settings = settings_of(staged.view.extensions)
        except REFUSALS as error:
            return self._refused(error, sender)
        news = self._teller.witness(witness, sender)
        if isinstance(staged, Eviction):
            return self._evicted(settings, sender, news)
        new = staged.epoch
        after = Epoch(new.group, settings, next_access(epoch, settings, new.group))
        has_tree = after.access != epoch.access or self._room.standing.tree_age + 1 >= TREE_EVERY
        return self._applied(after, new, sender, news=news, has_tree=has_tree)

    def _check_place(self, newest: LogPosition) -> None:
        """A Commit counts only where its sender had processed the Commit entry before it.

        The server is to see to that. If it does not, whoever made the Commit has dropped it at that other entry, and so
        must everybody else.
        """
        if newest.sequence < self._room.standing.base:
            raise RejectedError("ENTRY-POSITION", "a Commit was made without knowledge of the one before it")

    def _applied(
        self,
        after: Epoch,
        new: NewEpoch,
        sender: bytes,
        *,
        news: tuple[News, ...] = (),
        is_own: bool = False,
        has_tree: bool,
    ) -> Reading:
        """Put an epoch into force."""
        change = Change.between(self._room.settings, after.settings)
        begin_epoch(self._tx, self._room.id, after, new.nodes, self._entry.sequence)
        return Reading(
            MessageKind.CHANGE,
            change.encode(),
            after,
            sender=sender,
            is_commit=True,
            has_tree=has_tree,
            is_own=is_own,
            news=(*news, *self._teller.changed(change, after, sender), *self._teller.meet(change, after)),
            accounts=frozenset({sender, *map(bytes.fromhex, change.added + change.removed)}),
        )

    def _evicted(self, settings: RoomSettings, sender: bytes, news: tuple[News, ...]) -> Reading:
        """This device is out: its secrets of the room go, what it has read stays."""
        leave(self._tx, self._room.id)
        stages.finish(self._tx, self._room.id)
        return Reading(
            MessageKind.CHANGE,
            Change.between(self._room.settings, settings).encode(),
            None,
            sender=sender,
            is_commit=True,
            news=(*news, self._teller.evicted(sender)),
            accounts=frozenset({sender}),
        )

    # What cannot be read, and what is strange about what can.

    def _unreadable(self, error: Exception, sender: bytes | None = None, news: tuple[News, ...] = ()) -> Reading:
        reason = reason_of(error)
        return Reading(
            MessageKind.UNREADABLE,
            reason,
            self._room.epoch,
            sender=sender,
            news=(*news, self._teller.unreadable(reason)),
            accounts=frozenset(() if sender is None else (sender,)),
        )

    def _refused(self, error: Exception, sender: bytes | None = None) -> Reading:
        rule = rule_of(error)
        return Reading(
            MessageKind.REFUSED,
            rule,
            self._room.epoch,
            sender=sender,
            is_commit=True,
            news=(self._teller.refused(rule, sender),),
            accounts=frozenset(() if sender is None else (sender,)),
        )

    def _sender(self, received: Received) -> bytes:
        """The account of a proved sender; a PrivateMessage's is always a member."""
        leaf = received.sender_leaf
        if leaf is None:
            raise UsageError("a PrivateMessage without a member as its sender")
        return known_owner_of(self._room.epoch.group.tree.member(leaf)).account_id


def _line_of(content: Content) -> tuple[MessageKind | None, str]:
    match content.body:
        case Text(text=text):
            return MessageKind.TEXT, text
        case RoomAccessKey():
            # Access keys are exporter secrets here (rooms.sealed): what somebody sends is not needed and not used.
            return None, ""
        case unknown:
            return MessageKind.UNKNOWN, f"something that this version cannot show (kind {unknown.kind})"
