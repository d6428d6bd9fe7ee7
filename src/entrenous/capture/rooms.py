"""What is said in rooms, out of MLS messages and the epochs' secrets of a key log.

Nothing is verified here: a key log opens a recording, and whether its signatures hold was for the members to judge.
"""

from dataclasses import dataclass, field

from entrenous.capture.keylog import EpochKeys, KeyLog
from entrenous.content import Content, Text, kind_of
from entrenous.errors import CryptoError, MalformedError, RejectedError, UsageError
from entrenous.mls.framing import open_content, open_sender_data
from entrenous.mls.schedule import (
    EncryptionSecret,
    MessageKey,
    RatchetKind,
    RatchetLimits,
    SecretTree,
    SenderDataSecret,
    initial_nodes,
    receiving_key,
)
from entrenous.mls.suite import cipher_suite
from entrenous.mls.types import (
    ApplicationData,
    Commit,
    ContentType,
    InlineProposal,
    MLSMessage,
    PrivateMessage,
    SenderData,
    decode_private_content,
)

#: A recording may begin anywhere in an epoch, and a device may have sent much before.
_LIMITS = RatchetLimits(window=1 << 16, forward=1 << 16)


@dataclass(frozen=True, slots=True)
class Said:
    """An MLS message as a key log opens it.

    Attributes:
        group: the room's id.
        sender: the sender's leaf; None where no key of the log opens the message.
        generation: of the key it was sealed under.
        what: for people: the kind of content, and a text's words.
    """

    group: bytes
    epoch: int
    content: str
    sender: int | None = None
    generation: int | None = None
    what: str = "sealed: the key log has no key for it"


@dataclass(slots=True)
class _Epoch:
    keys: EpochKeys
    tree: SecretTree = field(init=False, repr=False)
    _known: dict[tuple[int, RatchetKind, int], MessageKey] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.tree = SecretTree(initial_nodes(EncryptionSecret(self.keys.encryption_secret), self.keys.width))

    def open(self, message: PrivateMessage) -> tuple[SenderData, bytes]:
        """Decrypt who sent a message, and its content."""
        suite = cipher_suite(self.keys.suite)
        sender = open_sender_data(suite, SenderDataSecret(self.keys.sender_data_secret), message)
        return sender, open_content(suite, self._key(message.content_type, sender), sender, message)

    def _key(self, content: ContentType, sender: SenderData) -> MessageKey:
        # A recording shows a message more than once: as it is sent, pushed and fetched.
        kind = RatchetKind.of(content)
        place = (sender.leaf_index, kind, sender.generation)
        if place not in self._known:
            suite = cipher_suite(self.keys.suite)
            key, changes = receiving_key(
                suite, self.tree, self.keys.width, sender.leaf_index, kind, sender.generation, _LIMITS
            )
            self.tree.apply(changes)
            self._known[place] = key
        return self._known[place]


class Rooms:
    """Opens MLS messages with a key log."""

    def __init__(self, log: KeyLog) -> None:
        self._epochs = {place: [_Epoch(keys) for keys in found] for place, found in log.epochs.items()}

    def read(self, entry: bytes) -> Said | None:
        """What an entry of a room's log says; None if it is no PrivateMessage."""
        try:
            message = MLSMessage.decode(entry).body
        except MalformedError:
            return None
        if not isinstance(message, PrivateMessage):
            return None
        said = Said(message.group_id, message.epoch, message.content_type.name.lower())
        for epoch in self._epochs.get((message.group_id, message.epoch), ()):
            try:
                sender, plaintext = epoch.open(message)
                what = _what(message.content_type, plaintext)
            except (CryptoError, MalformedError, RejectedError, UsageError):
                continue  # Of Commits that were made for one epoch, another one counted.
            return Said(said.group, said.epoch, said.content, sender.leaf_index, sender.generation, what)
        return said


def _what(kind: ContentType, plaintext: bytes) -> str:
    content, _ = decode_private_content(kind, plaintext)
    match content:
        case ApplicationData(data):
            body = Content.decode(data).body
            return body.text if isinstance(body, Text) else f"content of kind {kind_of(body)}"
        case Commit(proposals=proposals):
            kinds = ", ".join(_proposal(each) for each in proposals)
            return f"Commit of {kinds}" if kinds else "Commit without proposals"
        case _:
            return type(content).__name__


def _proposal(named: object) -> str:
    return type(named.proposal).__name__ if isinstance(named, InlineProposal) else "a proposal by reference"
