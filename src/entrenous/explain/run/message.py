"""One message of this run: said by Alice, sealed, framed, sent, read, and attacked."""

from dataclasses import dataclass

from entrenous.content import Content, Text, padded_size
from entrenous.crypto import Entropy, draw
from entrenous.errors import UsageError
from entrenous.explain.model import Attempt
from entrenous.explain.run.line import Line, Sent
from entrenous.explain.run.people import Member
from entrenous.explain.run.recorder import Draws, agree, attempt, flipped
from entrenous.explain.run.room import Room
from entrenous.mls import ROOM_SUITE, ApplicationData, MLSMessage, RatchetKind, Received, protect_application, unprotect
from entrenous.mls.framing.private_message import open_content, open_sender_data
from entrenous.mls.schedule import KeyChanges, MessageKey, receiving_key, sending_key
from entrenous.mls.types import PrivateMessage, SenderData
from entrenous.wire import Entry, MessageData, events, replies, requests
from entrenous.wire.limits import MESSAGE_ID_SIZE

#: What Alice says, once the removed member is gone.
TEXT = "Dave is out. The party is still a surprise."
_MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class Said:
    """A message on its whole way.

    Attributes:
        content: what is said, encoded.
        authenticated: what travels in clear beside it.
        key: of this message alone.
        changes: what using the key up changes in the sender's secret tree.
        guard: four random bytes in the nonce.
        plaintext: what was sealed: content, signature and padding.
        entry: the MLSMessage that everybody gets.
        private: its parts.
        sender: what its sealed sender data say.
        publish: the record from Alice to the server.
        delivery: the record from the server to Bob.
        call: the channel message in ``publish``, ``event`` that in ``delivery``.
    """

    content: Content
    authenticated: bytes
    key: MessageKey
    changes: KeyChanges
    guard: bytes
    plaintext: bytes
    signature: bytes
    entry: bytes
    private: PrivateMessage
    sender: SenderData
    publish: Sent
    delivery: Sent
    checks: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    record_attempts: tuple[Attempt, ...]


def say(room: Room, alice: Member, removed: Member, lines: tuple[Line, Line], entropy: Entropy) -> Said:
    """Alice's message to everybody who is in the room.

    Args:
        room: with its members.
        alice: who speaks.
        removed: who was put out, and still has all that he had.
        lines: Alice's connection and Bob's.
        entropy: everybody's.
    """
    message_id = draw(entropy, MESSAGE_ID_SIZE)
    content = Content(message_id, room.now * _MILLISECONDS, Text(TEXT))
    authenticated = MessageData(room.position).encode()
    group, before, draws = alice.group, alice.keys, Draws(entropy)
    key, changes = sending_key(ROOM_SUITE, before, group.width, group.own_leaf, RatchetKind.APPLICATION)
    protected = protect_application(
        group, before, alice.device.mls, content.encode(), authenticated, padding=padded_size, entropy=draws,
        trace=alice.trace,
    )  # fmt: skip
    agree("the message is sealed under the key that was looked at", alice.trace.last("message_key"), key.key)
    before.apply(protected.changes)
    private = MLSMessage.decode(protected.message).body
    if not isinstance(private, PrivateMessage):
        raise UsageError("a message of a room is a PrivateMessage")
    sender = open_sender_data(ROOM_SUITE, group.secrets.sender_data_secret, private)
    agree("the reuse guard in the sender data is the one that was drawn", sender.reuse_guard, draws.values[-1])
    plaintext = open_content(ROOM_SUITE, key, sender, private)
    publish, delivery = _deliver(room, lines, message_id, protected.message)
    readers = [member for member in room.members if member is not alice]
    attempts = (*_tampering(readers[0], protected.message), *_outsider(removed, protected.message, private, sender))
    received = [reader.receive(protected.message) for reader in readers]
    checks = (
        agree(
            f"{_names(readers)} opened the message and read the same words.",
            *(Content.decode(_data(each)) for each in received),
            content,
        ),
        agree(
            "Each of them derived the same message key from his own secret tree.",
            *(reader.trace.last("message_key") for reader in readers),
            key.key,
        ),
    )
    replayed = attempt(
        "The server delivers the same message to Bob once more.",
        "Bob's client",
        lambda: readers[0].receive(protected.message),
    )
    return Said(
        content, authenticated, key, changes, sender.reuse_guard, plaintext, received[0].content.auth.signature,
        protected.message, private, sender, publish, delivery, checks, (*attempts, replayed),
        _record_attacks(lines),
    )  # fmt: skip


def _deliver(room: Room, lines: tuple[Line, Line], message_id: bytes, entry: bytes) -> tuple[Sent, Sent]:
    """From Alice to the server, and from there to Bob: the entry is the same, the records are not."""
    alices, bobs = lines
    base = room.position.sequence
    publish, asked = alices.call(requests.Publish(room.id, base, message_id, entry))
    place = base + 1
    alices.answer(replies.Published(place))
    delivery, told = bobs.tell(
        events.NewEntry(room.id, Entry(place, message_id, asked.entry, room.now * _MILLISECONDS))
    )
    agree("Bob was given the bytes that Alice sent", told.entry.body, entry)
    return publish, delivery


def _tampering(reader: Member, message: bytes) -> tuple[Attempt, ...]:
    """Changed on the way: judged without using up the reader's key."""

    def judge(changed: bytes) -> Received:
        return unprotect(reader.group, reader.keys, changed)

    parsed = MLSMessage.decode(message).body
    if not isinstance(parsed, PrivateMessage):
        raise UsageError("a message of a room is a PrivateMessage")
    data = message.index(parsed.authenticated_data)
    return (
        attempt(
            "The server turns over the last bit of the ciphertext.",
            "Bob's client",
            lambda: judge(flipped(message, -1)),
        ),
        attempt(
            "It changes what travels in clear beside it: the sender's place in the log.",
            "Bob's client",
            lambda: judge(flipped(message, data)),
        ),
    )


def _outsider(removed: Member, message: bytes, private: PrivateMessage, sender: SenderData) -> tuple[Attempt, ...]:
    """Dave, who was removed one Commit ago and has kept everything that he had."""
    return (
        attempt(
            "Dave was removed. His client is handed the message all the same.",
            "Dave's client",
            lambda: unprotect(removed.group, removed.keys, message),
        ),
        attempt(
            "He takes the newest sender_data_secret that he has, to learn at least who speaks.",
            "AES-256-GCM",
            lambda: open_sender_data(ROOM_SUITE, removed.group.secrets.sender_data_secret, private),
        ),
        attempt(
            "Say that he is told the sender data. He takes the key of Alice's leaf in the newest tree that he has.",
            "AES-256-GCM",
            lambda: open_content(ROOM_SUITE, _old_key(removed, sender), sender, private),
        ),
    )


def _old_key(removed: Member, sender: SenderData) -> MessageKey:
    width, leaf = removed.group.width, sender.leaf_index
    return receiving_key(ROOM_SUITE, removed.keys, width, leaf, RatchetKind.APPLICATION, sender.generation)[0]


def _record_attacks(lines: tuple[Line, Line]) -> tuple[Attempt, ...]:
    """On the last record of the run, for a record that fails ends its connection."""
    alices, bobs = lines
    for line in lines:
        line.client.send_message(b"good night")
    good = alices.client.data_to_send(alices.now)
    other = bobs.client.data_to_send(bobs.now)

    def receive(line: Line, data: bytes) -> object:
        line.server.receive_data(data, line.now)
        return line.server.next_event()

    receive(alices, good)
    return (
        attempt("Somebody on the network repeats a record of Alice's.", "the server", lambda: receive(alices, good)),
        attempt("He turns over one bit of a record of Bob's.", "the server", lambda: receive(bobs, flipped(other, -1))),
    )


def _data(received: Received) -> bytes:
    body = received.body
    if not isinstance(body, ApplicationData):
        raise UsageError("Alice sent an application message")
    return body.data


def _names(members: list[Member]) -> str:
    *most, last = (member.name.capitalize() for member in members)
    return f"{', '.join(most)} and {last}"
