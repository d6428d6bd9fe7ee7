"""PrivateMessage: content that is signed, padded and encrypted under a key used once (RFC 9420 §6.3)."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache

from entrenous.crypto import Entropy, Signer, draw
from entrenous.errors import RejectedError, UsageError
from entrenous.mls.framing.content_auth import sign_as_member, to_be_signed, verify
from entrenous.mls.framing.view import EpochView
from entrenous.mls.schedule import (
    ROOM_LIMITS,
    KeyChanges,
    KeySource,
    MessageKey,
    RatchetKind,
    RatchetLimits,
    SenderDataSecret,
    receiving_key,
    sending_key,
)
from entrenous.mls.suite import CipherSuite
from entrenous.mls.types import (
    REUSE_GUARD_SIZE,
    ApplicationData,
    AuthenticatedContent,
    Content,
    ContentType,
    FramedContent,
    MemberSender,
    MLSMessage,
    PrivateContentAAD,
    PrivateMessage,
    SenderData,
    SenderDataAAD,
    WireFormat,
    decode_private_content,
    encode_private_content,
)
from entrenous.trace import SILENT, Trace

#: Given a plaintext's size in bytes, the size to pad it to, which is not below it.
Padding = Callable[[int], int]


def no_padding(size: int) -> int:
    """The Padding that adds nothing: sizes show."""
    return size


@dataclass(frozen=True, slots=True)
class Protected:
    """A message ready to send, once its changes are on disk.

    Attributes:
        message: the encoded MLSMessage.
        generation: of the key it was sealed under.
        changes: for the sender's KeySource.
    """

    message: bytes
    generation: int
    changes: KeyChanges


@dataclass(frozen=True, slots=True)
class Opened:
    """A PrivateMessage that was decrypted and whose signature is right.

    Attributes:
        content: what its sender signed.
        generation: of the key it was sealed under.
        changes: for the receiver's KeySource.
    """

    content: AuthenticatedContent
    generation: int
    changes: KeyChanges


def protect_application(
    view: EpochView,
    keys: KeySource,
    signer: Signer,
    data: bytes,
    authenticated_data: bytes = b"",
    *,
    padding: Padding,
    entropy: Entropy,
    pending: Collection[object] = (),
    trace: Trace = SILENT,
) -> Protected:
    """Sign and encrypt application data.

    Args:
        view: the epoch.
        keys: the own member's ratchet is read from here; ``changes`` must be stored before the message is sent.
        signer: holds the own member's signature key.
        data: what the application says.
        authenticated_data: travels in clear, and is authenticated to the members.
        padding: hides the data's size.
        entropy: for the reuse guard.
        pending: valid proposals of this epoch that were received or sent and that no Commit has named yet.
        trace: told what was derived.

    Raises:
        RejectedError: MLS-PROPOSALS-PENDING, a Commit has to come first; MLS-GENERATION-EXHAUSTED; MLS-GROUP-CLOSED.
        UsageError: ``signer`` signs with another scheme than the suite's, or ``keys`` are not this epoch's.
    """
    # RFC 9420 §12.4: whoever "has observed one or more valid proposals within an epoch MUST send a Commit message
    # before sending application data", lest it be read by somebody whose removal was proposed
    if pending:
        raise RejectedError("MLS-PROPOSALS-PENDING", f"{len(pending)} proposals are to be committed first")
    content = sign_as_member(view, signer, WireFormat.PRIVATE_MESSAGE, ApplicationData(data), authenticated_data)
    return protect_private(view, keys, content, padding=padding, entropy=entropy, trace=trace)


def protect_private(
    view: EpochView,
    keys: KeySource,
    content: AuthenticatedContent,
    *,
    padding: Padding,
    entropy: Entropy,
    trace: Trace = SILENT,
) -> Protected:
    """Encrypt a content that the view's own member signed. A Commit must have its confirmation tag.

    Raises:
        RejectedError: MLS-GENERATION-EXHAUSTED.
        UsageError: the content was signed for another wire format or by another sender, or ``padding`` shrinks.
    """
    framed = content.content
    # RFC 9420 §6.3.2: "the sender MUST verify Sender.sender_type is member"
    if content.wire_format is not WireFormat.PRIVATE_MESSAGE or framed.sender != MemberSender(view.own_leaf):
        raise UsageError("a PrivateMessage holds what its own sender signed for it")
    kind = framed.content_type
    plaintext = _padded(encode_private_content(framed.content, content.auth, 0), padding)
    key, changes = sending_key(view.suite, keys, view.width, view.own_leaf, RatchetKind.of(kind))
    guard = draw(entropy, REUSE_GUARD_SIZE)
    aad = PrivateContentAAD(view.group_id, view.epoch, kind, framed.authenticated_data).encode()
    ciphertext = view.suite.aead_key(key.key).seal(_guarded(key.nonce, guard), plaintext, aad)
    sender_data = SenderData(view.own_leaf, key.generation, guard).encode()
    sender_key, sender_nonce = _sender_data_key(view.suite, view.secrets.sender_data_secret, ciphertext)
    sender_aad = _sender_data_aad(view.group_id, view.epoch, kind)
    sealed_sender = view.suite.aead_key(sender_key).seal(sender_nonce, sender_data, sender_aad)
    message = PrivateMessage(view.group_id, view.epoch, kind, framed.authenticated_data, sealed_sender, ciphertext)
    trace.derived("message_key", key.key, "ratchet_secret")
    _tell(trace, "mls.protect", view, view.own_leaf, kind, key)
    return Protected(MLSMessage.of(message).encode(), key.generation, changes)


def unprotect_private(
    view: EpochView,
    keys: KeySource,
    message: PrivateMessage,
    *,
    limits: RatchetLimits = ROOM_LIMITS,
    trace: Trace = SILENT,
) -> Opened:
    """Decrypt a PrivateMessage of the view's epoch and check its signature.

    Raises:
        CryptoError: the message is not genuine.
        MalformedError: what was decrypted is no content, or its padding is not zero.
        RejectedError: MLS-SENDER-UNKNOWN, nobody is at the sender's leaf; MLS-SENDER-SELF, only a copy of an own
            message can say so; MLS-GENERATION-CONSUMED, MLS-GENERATION-TOO-FAR.
    """
    sender = open_sender_data(view.suite, view.secrets.sender_data_secret, message)
    if sender.leaf_index == view.own_leaf:
        # The own ratchet is for sending. An own message is known from the outbox, never opened.
        raise RejectedError("MLS-SENDER-SELF", "a message of our own came back")
    # RFC 9420 §6.3.2: "the recipient MUST verify that the leaf index ... identifies a non-blank node"
    if view.signature_key(sender.leaf_index) is None:
        raise RejectedError("MLS-SENDER-UNKNOWN", f"no member at leaf {sender.leaf_index}")
    kind = message.content_type
    key, changes = receiving_key(
        view.suite, keys, view.width, sender.leaf_index, RatchetKind.of(kind), sender.generation, limits
    )
    trace.derived("message_key", key.key, "ratchet_secret")
    plaintext = open_content(view.suite, key, sender, message)
    content = _signed_content(view, message, sender.leaf_index, kind, plaintext)
    _tell(trace, "mls.unprotect", view, sender.leaf_index, kind, key)
    return Opened(content, key.generation, changes)


def _tell(trace: Trace, step: str, view: EpochView, leaf: int, kind: ContentType, key: MessageKey) -> None:
    if trace is not SILENT:
        group = view.group_id.hex()
        trace.step(step, group=group, epoch=view.epoch, leaf=leaf, content=kind.name, generation=key.generation)


def _signed_content(
    view: EpochView, message: PrivateMessage, leaf: int, kind: ContentType, plaintext: bytes
) -> AuthenticatedContent:
    body: Content
    body, auth = decode_private_content(kind, plaintext)
    framed = FramedContent(message.group_id, message.epoch, MemberSender(leaf), message.authenticated_data, body)
    content = AuthenticatedContent(WireFormat.PRIVATE_MESSAGE, framed, auth)
    verify(view, content, to_be_signed(view, content))
    return content


def open_sender_data(suite: CipherSuite, secret: SenderDataSecret, message: PrivateMessage) -> SenderData:
    """Decrypt who says that a message is his, and under which key; nothing is proved by it (RFC 9420 §6.3.2).

    Raises:
        CryptoError: it was not sealed under this secret.
        MalformedError: what was sealed is no SenderData.
    """
    key, nonce = _sender_data_key(suite, secret, message.ciphertext)
    aad = _sender_data_aad(message.group_id, message.epoch, message.content_type)
    return SenderData.decode(suite.aead_key(key).open(nonce, message.encrypted_sender_data, aad))


def open_content(suite: CipherSuite, key: MessageKey, sender: SenderData, message: PrivateMessage) -> bytes:
    """Decrypt a message's content, whose signature is still to be checked (RFC 9420 §6.3.1).

    Raises:
        CryptoError: it was not sealed under this key.
    """
    aad = PrivateContentAAD(message.group_id, message.epoch, message.content_type, message.authenticated_data).encode()
    return suite.aead_key(key.key).open(_guarded(key.nonce, sender.reuse_guard), message.ciphertext, aad)


def _sender_data_key(suite: CipherSuite, secret: SenderDataSecret, ciphertext: bytes) -> tuple[bytes, bytes]:
    """Key and nonce from a sample of the ciphertext (RFC 9420 §6.3.2)."""
    sample = ciphertext[: suite.secret_size]
    return (
        suite.expand_with_label(secret.reveal(), "key", sample, suite.aead.key_size),
        suite.expand_with_label(secret.reveal(), "nonce", sample, suite.aead.nonce_size),
    )


@lru_cache(maxsize=64)
def _sender_data_aad(group_id: bytes, epoch: int, kind: ContentType) -> bytes:
    """The same for all messages of one kind in an epoch."""
    return SenderDataAAD(group_id, epoch, kind).encode()


def _guarded(nonce: bytes, guard: bytes) -> bytes:
    """The nonce with the reuse guard mixed into its first four bytes (RFC 9420 §6.3.1)."""
    mixed = int.from_bytes(nonce[:REUSE_GUARD_SIZE], "big") ^ int.from_bytes(guard, "big")
    return mixed.to_bytes(REUSE_GUARD_SIZE, "big") + nonce[REUSE_GUARD_SIZE:]


def _padded(plaintext: bytes, padding: Padding) -> bytes:
    size = padding(len(plaintext))
    if size < len(plaintext):
        raise UsageError("padding does not shrink")
    return plaintext + bytes(size - len(plaintext))
