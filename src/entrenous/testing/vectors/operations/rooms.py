"""docs/spec/groups.md and delivery.md: leaves, settings, contents, what is sealed for joiners, and the log."""

from collections.abc import Mapping
from typing import Any

from entrenous.client.rooms.commits import WelcomeData
from entrenous.client.rooms.sealed import AccessKey, RoomAccessSecret, SealedKind
from entrenous.codec import Opaque, decode_as
from entrenous.content import Content, RoomAccessKey, Text, padded_size, read_settings
from entrenous.identity import verify_leaf
from entrenous.mls.schedule import ExporterSecret, export
from entrenous.mls.suite import ROOM_SUITE
from entrenous.testing.vectors.entropy import named
from entrenous.testing.vectors.form import Given
from entrenous.wire import CommitData, LogPosition, MessageData


class NamedExporter:
    """An epoch of which a vector names the exporter secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = ExporterSecret(secret)

    def export(self, label: str, context: bytes, length: int) -> bytes:
        """MLS-Exporter."""
        return export(ROOM_SUITE, self._secret, label, context, length)


def vector(given: Given) -> Mapping[str, Any]:
    """Read an ``opaque x<V>`` that fills its bytes."""
    return {"value": decode_as(Opaque, given.hex("bytes")).hex()}


def leaf_certificate(given: Given) -> Mapping[str, Any]:
    """Judge a leaf from its own bytes."""
    owner = verify_leaf(given.hex("identity"), given.hex("signature_key"), given.hex("certificate"))
    return {
        "account": owner.account_id.hex(),
        "identity_key": owner.identity_key.hex(),
        "device": owner.device_id.hex(),
        "list_version": owner.list_version,
        "list_hash": owner.list_hash.hex(),
    }


def settings(given: Given) -> Mapping[str, Any]:
    """Read a room's settings."""
    read = read_settings(given.hex("settings"))
    return {
        "name": read.name,
        "topic": read.topic,
        "members": [[member.account_id.hex(), int(member.role)] for member in read.members],
        "banned": [each.hex() for each in read.banned],
        "retention_seconds": read.retention_seconds,
        "join_policy": int(read.join_policy),
        "links": [[link.id.hex(), link.key.hex(), int(link.role)] for link in read.links],
    }


def content(given: Given) -> Mapping[str, Any]:
    """Read a Content; of a kind that is not known, only its number and its bytes."""
    read = Content.decode(given.hex("content"))
    head = {"message_id": read.message_id.hex(), "sent_at": read.sent_at}
    match read.body:
        case Text(text):
            return {**head, "text": text}
        case RoomAccessKey(generation, key):
            return {**head, "generation": generation, "key": key.hex()}
        case unknown:
            return {**head, "kind": unknown.kind, "data": unknown.data.hex()}


def padding(given: Given) -> Mapping[str, Any]:
    """How many bytes a PrivateMessageContent of so many is padded to."""
    return {"padded": padded_size(given.number("size"))}


def access_key(given: Given) -> Mapping[str, Any]:
    """The room access key of a generation, from the exporter secret of the epoch that it begins with."""
    key = AccessKey.of_epoch(NamedExporter(given.hex("exporter_secret")), given.number("generation"))
    return {"access_key": key.secret.reveal().hex()}


def sealed_state(given: Given) -> Mapping[str, Any]:
    """Open what was sealed for joiners."""
    opened = _access(given).open(SealedKind(given.number("kind")), given.hex("room"), given.hex("sealed"))
    return {"epoch": opened.epoch, "plaintext": opened.plaintext.hex()}


def seal_state(given: Given) -> Mapping[str, Any]:
    """Seal for joiners, with a nonce that the vector names."""
    sealed = _access(given).seal(
        SealedKind(given.number("kind")),
        given.hex("room"),
        given.number("epoch"),
        given.hex("plaintext"),
        named(given.hex("nonce")),
    )
    return {"sealed": sealed.hex()}


def welcome_data(given: Given) -> Mapping[str, Any]:
    """Read a Welcome's own extension."""
    read = WelcomeData.decode(given.hex("welcome_data"))
    return {"access_generation": read.access_generation, "access_key": read.access_key.hex(), **_shown(read.position)}


def log_hash(given: Given) -> Mapping[str, Any]:
    """The hash before any entry and after each."""
    position = LogPosition.start(given.hex("room"))
    hashes = [position.hash.hex()]
    for entry in given.hexes("entries"):
        position = position.then(entry)
        hashes.append(position.hash.hex())
    return {"hashes": hashes}


def message_data(given: Given) -> Mapping[str, Any]:
    """Read the authenticated_data of an application message."""
    return _shown(MessageData.decode(given.hex("authenticated_data")).newest)


def commit_data(given: Given) -> Mapping[str, Any]:
    """Read the authenticated_data of a Commit."""
    read = CommitData.decode(given.hex("authenticated_data"))
    return {
        "message_id": read.message_id.hex(),
        "retention_seconds": read.retention_seconds,
        "roster": [[change.account.hex(), int(change.action)] for change in read.roster],
        **_shown(read.newest),
        "link_proof": read.link_proof.hex(),
    }


def _access(given: Given) -> AccessKey:
    return AccessKey(given.number("generation"), RoomAccessSecret(given.hex("access_key")))


def _shown(position: LogPosition) -> dict[str, Any]:
    return {"sequence": position.sequence, "hash": position.hash.hex()}
