"""Everything that decodes bytes of the network: it decodes or is malformed, and has one encoding per value."""

from collections.abc import Sequence
from typing import Any

from entrenous.client.rooms.commits import WelcomeData
from entrenous.client.rooms.sealed import Sealed
from entrenous.client.rooms.snapshot import NodeChanges
from entrenous.codec import encode_as
from entrenous.content import Content, RoomSettings, read_settings
from entrenous.errors import MalformedError, RejectedError
from entrenous.identity import (
    AccountCredential,
    LeafCertificate,
    ServerCertificate,
    SignedDeviceList,
    StoredVault,
    VaultBody,
)
from entrenous.identity.link import InvitePayload
from entrenous.mls.tree import TreeChanges
from entrenous.mls.types import (
    AuthenticatedContent,
    Commit,
    ContentType,
    FramedContent,
    GroupContext,
    GroupInfo,
    GroupSecrets,
    KeyPackage,
    LeafNode,
    MLSMessage,
    RatchetTreeNodes,
    SenderData,
    Welcome,
    decode_private_content,
    encode_private_content,
    message_header,
)
from entrenous.opaque import KE1, KE2, KE3, RegistrationRecord, RegistrationRequest, RegistrationResponse
from entrenous.wire import CommitData, MessageData
from fuzz import official, real, rooms
from fuzz.target import Target, check_one_encoding, chosen, whole

MLS: tuple[Any, ...] = (
    KeyPackage,
    GroupInfo,
    Welcome,
    RatchetTreeNodes,
    GroupSecrets,
    AuthenticatedContent,
    FramedContent,
    GroupContext,
    Commit,
    LeafNode,
    SenderData,
    TreeChanges,
    NodeChanges,
)
OURS: tuple[Any, ...] = (
    ServerCertificate,
    SignedDeviceList,
    LeafCertificate,
    AccountCredential,
    StoredVault,
    VaultBody,
    InvitePayload,
    Content,
    RoomSettings,
    WelcomeData,
    Sealed,
    CommitData,
    MessageData,
    RegistrationRequest,
    RegistrationResponse,
    RegistrationRecord,
    KE1,
    KE2,
    KE3,
)
_CONTENT_TYPES = tuple(ContentType)


def mls_message(data: bytes) -> None:
    """What the server and every client read first."""
    message = check_one_encoding(MLSMessage, data)
    if message is not None:
        header = message_header(message)
        assert header is None or len(header.group_id) <= len(data)


def mls_part(data: bytes) -> None:
    """The parts of messages; the first byte chooses which."""
    check_one_encoding(MLS[data[0] % len(MLS)] if data else Commit, data[1:])


def private_content(data: bytes) -> None:
    """What stands inside a PrivateMessage."""
    kind = _CONTENT_TYPES[data[0] % len(_CONTENT_TYPES)] if data else ContentType.COMMIT
    try:
        content, auth = decode_private_content(kind, data[1:])
    except MalformedError:
        return
    encoded = encode_private_content(content, auth, 0)
    assert data[1:] == encoded + bytes(len(data) - 1 - len(encoded))


def our_struct(data: bytes) -> None:
    """Our own structs; the first byte chooses which."""
    kind = OURS[data[0] % len(OURS)] if data else Content
    check_one_encoding(kind, data[1:])
    if kind is RoomSettings:
        try:
            assert read_settings(data[1:]).encode() == data[1:]
        except (MalformedError, RejectedError):
            return


def _choosing(kinds: Sequence[Any]) -> list[bytes]:
    """A seed for each kind of which real runs have a value."""
    values = real.values()
    return [
        bytes([index]) + encode_as(kind, value)
        for index, kind in enumerate(kinds)
        for value in values.get(str(kind), [])
    ]


def _messages() -> list[bytes]:
    return [*rooms.mls_messages(), *official.mls_messages()]


def _private_contents() -> list[bytes]:
    return [bytes([_CONTENT_TYPES.index(kind)]) + plaintext for kind, plaintext in rooms.private_contents()]


TARGETS = (
    Target("mls-message", mls_message, _messages, lambda data: whole(MLSMessage)),
    Target("mls-part", mls_part, lambda: _choosing(MLS), chosen(MLS)),
    Target("mls-private-content", private_content, _private_contents),
    Target("our-struct", our_struct, lambda: _choosing(OURS), chosen(OURS), longest=6000),
)
