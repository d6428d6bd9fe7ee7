"""Chapter 7, the record: what the network sees of all this, and what the server does."""

from entrenous.channel.messages import LENGTH_SIZE
from entrenous.channel.records import HEADER_SIZE
from entrenous.crypto import TAG_SIZE
from entrenous.errors import UsageError
from entrenous.explain.drawings import Layer, Nesting, Part
from entrenous.explain.model import Chapter, Step
from entrenous.explain.run.accounts import LOGIN_NAME
from entrenous.explain.run.conversation import Conversation
from entrenous.explain.run.message import Said
from entrenous.explain.told.parts import both, members, mls, noise, page, public, servers, stored
from entrenous.mls.types import MLSMessage, message_header

#: Bytes of a record's kind.
_KIND = 1


def tell(conversation: Conversation) -> Chapter:
    """The chapter."""
    return Chapter(
        "record",
        "On the wire",
        "The message is encrypted to the members. Now it is encrypted once more, for its way to the server, with the "
        "keys of chapter 1. This chapter follows it there, and out again to Bob.",
        (_sent(conversation), _seen(conversation), _delivered(conversation), _attacks(conversation)),
    )


def _sent(conversation: Conversation) -> Step:
    said, made = conversation.said, conversation.handshake
    return Step(
        "A message in a call in a record",
        "Alice's client puts the entry into a call, Publish, with the room's id, the number of the last Commit that "
        "it knows and the message id. The call gets its length in front, and all of it goes into a record: a byte "
        "that says what kind it is, the data, and the tag of AES-256-GCM. The nonce is a counter that is not sent. "
        "The picture shows the layers to scale.",
        "The members' encryption protects what is said. The record protects the rest: which room, which request, "
        "which answer. Since both sides count, a record that is repeated, left out, moved or sent back does not open.",
        "Without records, everybody on the way would see room ids and message ids, and who talks with whom. They "
        "would do what the server can do: delay, drop, count.",
        (
            both("k initiator", made.client_key, "the key of step 1.4"),
            both("counter", str(said.publish.number - 1), "the nonce: four zero bytes, then this in eight"),
            both("call", said.publish.message, "MessagePack: number and Publish"),
            public("record", said.publish.wire, "length and ciphertext: all that the network sees"),
        ),
        noise("5.1", "12.3"),
        page("channel", "records", "messages", "calls-answers-and-events"),
        drawing=_picture(said),
    )


def _seen(conversation: Conversation) -> Step:
    said = conversation.said
    header = message_header(MLSMessage.decode(said.entry))
    if header is None:
        raise UsageError("a message of a room has a header")
    return Step(
        "What the server sees",
        "The server opens the record and reads the call. Of the entry itself it reads what stands in clear: the room, "
        "the epoch, that it is an application message and no Commit, and the sender's place in the log. It gives the "
        "entry the next number, has it on disk, and only then answers. It knows the account, by the login on this "
        "connection, and the padded size.",
        "It has to know that much to deliver, and to keep one order for all. What it learns is listed in "
        "docs/threat-model.md; accounts, who is in which room, times and padded sizes are among it.",
        "A server that could read messages would be worth breaking into, and could be made to hand them over.",
        (
            servers("account", LOGIN_NAME, "by the login"),
            stored("group_id", header.group_id, ""),
            stored("epoch", str(header.epoch), ""),
            stored("content_type", header.content_type.name, ""),
            stored("authenticated_data", header.authenticated_data, "number and hash of Alice's newest entry"),
            stored(
                "size of the ciphertext",
                str(len(said.private.ciphertext)),
                "bytes; any text that fits into 256 has the same",
            ),
            members("text", "not here", "in no form: neither words nor key"),
        ),
        mls("6.3", "16.4.1"),
        page("delivery", "authenticated_data", "what-the-server-does-with-each-request"),
    )


def _delivered(conversation: Conversation) -> Step:
    said = conversation.said
    return Step(
        "Out again, to Bob",
        "The server sends the entry to every member's connection, as an event. Each of these connections had a "
        "handshake of its own and has keys of its own. So the bytes to Bob have nothing in common with those from "
        "Alice, though the entry inside is the same to the last bit.",
        "Whoever watches both lines cannot match them by their bytes; he can by time and size. The entry is the same "
        "for all members: Alice's device has encrypted it once, for any number of readers.",
        "If the server passed records on as they came, all clients would need one common key, and each could read "
        "the others' calls.",
        (
            public("record to Bob", said.delivery.wire, "under the key of his connection"),
            both("event", said.delivery.message, "MessagePack: 0 and NewEntry"),
        ),
        noise("5.1"),
        page("channel", "events", "records") + page("delivery", "what-a-client-owes"),
    )


def _attacks(conversation: Conversation) -> Step:
    return Step(
        "Attacks on records",
        "At last, somebody on the network interferes with records of these connections. The counters have gone on, "
        "so the record that he repeats is opened with another nonce, and fails; the one that he changed fails by its "
        "tag. Either way the connection ends at once, and the client makes a new one with new keys.",
        "A stream that goes on after an error invites another try. Here one try costs the connection.",
        "A repeated Publish could make a message appear twice; a repeated answer could tell the client what was true "
        "yesterday.",
        (both("records refused", str(len(conversation.said.record_attempts)), ""),),
        noise("5.1", "14"),
        page("channel", "records") + page("tampering", "tampering"),
        attempts=conversation.said.record_attempts,
    )


def _picture(said: Said) -> Nesting:
    record, call, entry = said.publish.wire, said.publish.message, said.entry
    ciphertext, plaintext = said.private.ciphertext, said.plaintext
    content = said.content.encode()
    in_record = call.index(entry)
    place = entry.index(ciphertext)
    body = plaintext.index(content)
    signature = plaintext.index(said.signature)
    return Nesting(
        "One record, and what is in it",
        (
            Layer("record", len(record), (
                Part("length", HEADER_SIZE, hidden=False),
                Part("kind", _KIND, hidden=True),
                Part("message", LENGTH_SIZE + len(call), hidden=True),
                Part("tag", TAG_SIZE, hidden=False),
            ), "the network sees its length"),
            Layer("message", LENGTH_SIZE + len(call), (
                Part("length", LENGTH_SIZE, hidden=False),
                Part("Publish", in_record, hidden=False),
                Part("entry", len(entry), hidden=False),
                *_rest("more", len(call) - in_record - len(entry)),
            ), "the server reads it"),
            Layer("entry", len(entry), (
                Part("header, place in the log, sender data", place, hidden=False),
                Part("ciphertext", len(ciphertext), hidden=True),
            ), "the server reads its header"),
            Layer("ciphertext", len(ciphertext), (
                Part("padded content", len(plaintext), hidden=True),
                Part("tag", TAG_SIZE, hidden=False),
            ), "the members open it"),
            Layer("padded content", len(plaintext), (
                Part("length", body, hidden=False),
                Part("content", len(content), hidden=False),
                Part("signature", signature + len(said.signature) - body - len(content), hidden=False),
                Part("zeros", len(plaintext) - signature - len(said.signature), hidden=False),
            ), "the members read it"),
        ),
    )  # fmt: skip


def _rest(name: str, size: int) -> tuple[Part, ...]:
    return (Part(name, size, hidden=False),) if size else ()
