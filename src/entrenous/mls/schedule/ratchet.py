"""The sender ratchets at the leaves of the secret tree (RFC 9420 §9.1): a key and a nonce per generation, used once."""

import dataclasses
import enum
from dataclasses import dataclass

from entrenous.codec import Opaque, Struct, UInt32, Vector, struct
from entrenous.errors import RejectedError
from entrenous.mls.suite import CipherSuite
from entrenous.mls.types import ContentType

#: The last generation that a ratchet's 32-bit counter can stand at; it is never used for a message.
LAST_GENERATION = 0xFFFF_FFFF


class RatchetKind(enum.IntEnum):
    """Every member has two sender ratchets (RFC 9420 §9)."""

    HANDSHAKE = 0
    APPLICATION = 1

    @property
    def label(self) -> str:
        """What its first secret is derived under."""
        return self.name.lower()

    @classmethod
    def of(cls, content_type: ContentType) -> "RatchetKind":
        """The ratchet that protects this kind of content."""
        return cls.APPLICATION if content_type is ContentType.APPLICATION else cls.HANDSHAKE


@struct
class MessageKey(Struct):
    """What one message is sealed under."""

    generation: UInt32
    key: Opaque = dataclasses.field(repr=False)
    nonce: Opaque = dataclasses.field(repr=False)


@struct
class Ratchet(Struct):
    """One sender ratchet: a row of the client's store, so it encodes.

    Attributes:
        generation: of the next unused key.
        secret: ratchet_secret of that generation; everything before it is gone.
        skipped: keys of earlier generations that have not come yet, oldest first.
    """

    generation: UInt32
    secret: Opaque = dataclasses.field(repr=False)
    skipped: Vector[MessageKey]


@dataclass(frozen=True, slots=True)
class RatchetLimits:
    """How far from the expected generation a received message may be. A room's log is a total order: no window.

    Attributes:
        window: keys kept for messages that were overtaken; 0 deletes them as they are passed.
        forward: generations that may be missing before a message; each costs its receivers one derivation.
    """

    window: int = 0
    forward: int = 1000


#: What rooms use.
ROOM_LIMITS = RatchetLimits()


def start_ratchet(suite: CipherSuite, leaf_secret: bytes, kind: RatchetKind) -> Ratchet:
    """A leaf's ratchet at generation 0 (RFC 9420 §9)."""
    return Ratchet(0, suite.derive_secret(leaf_secret, kind.label), ())


def next_key(suite: CipherSuite, ratchet: Ratchet) -> tuple[MessageKey, Ratchet]:
    """The next unused key, and the ratchet that has forgotten it.

    Raises:
        RejectedError: MLS-GENERATION-EXHAUSTED, the ratchet stands at its last generation.
    """
    return _step(suite, ratchet.secret, ratchet.generation, ratchet.skipped)


def key_at(suite: CipherSuite, ratchet: Ratchet, generation: int, limits: RatchetLimits) -> tuple[MessageKey, Ratchet]:
    """The key of one generation, and the ratchet that has forgotten it.

    Raises:
        RejectedError: MLS-GENERATION-CONSUMED, the key was used or passed; MLS-GENERATION-TOO-FAR, more than
            ``limits.forward`` generations are missing; MLS-GENERATION-EXHAUSTED.
    """
    if generation < ratchet.generation:
        return _skipped_key(ratchet, generation)
    if generation - ratchet.generation > limits.forward:
        raise RejectedError("MLS-GENERATION-TOO-FAR", f"generation {generation} where {ratchet.generation} was to come")
    oldest_kept = generation - limits.window
    skipped = [key for key in ratchet.skipped if key.generation >= oldest_kept]
    secret = ratchet.secret
    for passed in range(ratchet.generation, generation):
        if passed >= oldest_kept:
            skipped.append(_message_key(suite, secret, passed))
        secret = _next_secret(suite, secret, passed)
    return _step(suite, secret, generation, tuple(skipped))


def _step(
    suite: CipherSuite, secret: bytes, generation: int, skipped: tuple[MessageKey, ...]
) -> tuple[MessageKey, Ratchet]:
    """The key of a generation, and the ratchet at the next one."""
    if generation >= LAST_GENERATION:
        raise RejectedError("MLS-GENERATION-EXHAUSTED", "this sender's keys of the epoch are used up")
    key = _message_key(suite, secret, generation)
    return key, Ratchet(generation + 1, _next_secret(suite, secret, generation), skipped)


def _skipped_key(ratchet: Ratchet, generation: int) -> tuple[MessageKey, Ratchet]:
    for key in ratchet.skipped:
        if key.generation == generation:
            kept = tuple(other for other in ratchet.skipped if other is not key)
            return key, Ratchet(ratchet.generation, ratchet.secret, kept)
    # RFC 9420 §9.2: a key is deleted as soon as it is consumed, so a replay finds none
    raise RejectedError("MLS-GENERATION-CONSUMED", f"generation {generation} is behind {ratchet.generation}")


def _message_key(suite: CipherSuite, secret: bytes, generation: int) -> MessageKey:
    return MessageKey(
        generation,
        suite.derive_tree_secret(secret, "key", generation, suite.aead.key_size),
        suite.derive_tree_secret(secret, "nonce", generation, suite.aead.nonce_size),
    )


def _next_secret(suite: CipherSuite, secret: bytes, generation: int) -> bytes:
    return suite.derive_tree_secret(secret, "secret", generation, suite.secret_size)
