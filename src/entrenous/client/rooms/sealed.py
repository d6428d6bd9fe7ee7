"""What joiners need, sealed under the room access key: the server keeps it and cannot read it (docs/spec/delivery.md).

The access key hides the group's public state from the server and authorises nothing: what comes out of here is believed
only as far as the tree hash in a signed GroupInfo confirms it. One generation of the key lasts from the Commit that
began it to the next Commit that removes an account. Each key is an exporter secret of the epoch that it begins with, so
every member of that epoch has it at the moment the Commit is applied, and the removed one never has it.
"""

from dataclasses import dataclass
from typing import Annotated, Protocol

from entrenous.codec import Fixed, Opaque, Struct, UInt8Enum, UInt32, UInt64, struct
from entrenous.crypto import NONCE_SIZE, AeadId, Entropy, Secret, draw, open_, seal
from entrenous.errors import RejectedError

ACCESS_KEY_SIZE = 32
#: MLS-Exporter's label for a room access key (RFC 9420 §8.5); its context is the generation.
EXPORTER_LABEL = "entrenous room access key"
_LABEL = b"entrenous v1 sealed room state"


class SealedKind(UInt8Enum):
    """What is sealed; one kind never opens as another."""

    GROUP_INFO = 1
    TREE = 2
    NODE_CHANGES = 3


@struct
class _SealedAAD(Struct):
    label: Opaque
    room: Opaque
    kind: SealedKind
    generation: UInt32
    epoch: UInt64


@struct
class Sealed(Struct):
    """One sealed thing. Which generation and epoch it belongs to is no secret: the server sees both anyhow."""

    generation: UInt32
    epoch: UInt64
    nonce: Annotated[bytes, Fixed(NONCE_SIZE)]
    ciphertext: Opaque


@dataclass(frozen=True, slots=True)
class Opened:
    """What was sealed, and the epoch it was sealed for."""

    epoch: int
    plaintext: bytes


class RoomAccessSecret(Secret):
    """A room access key of 32 bytes."""

    __slots__ = ()


class Exporter(Protocol):
    """An epoch of a group that secrets can be exported from."""

    def export(self, label: str, context: bytes, length: int) -> bytes:
        """MLS-Exporter (RFC 9420 §8.5)."""
        ...


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A generation of a room's access key: 1 at first, then the number of the epoch that it begins with."""

    generation: int
    secret: RoomAccessSecret

    @classmethod
    def of_epoch(cls, epoch: Exporter, generation: int) -> "AccessKey":
        """The key whose generation begins with this epoch."""
        key = epoch.export(EXPORTER_LABEL, generation.to_bytes(4, "big"), ACCESS_KEY_SIZE)
        return cls(generation, RoomAccessSecret(key))

    def seal(self, kind: SealedKind, room: bytes, epoch: int, plaintext: bytes, entropy: Entropy) -> bytes:
        """Seal for upload beside the Commit that begins ``epoch`` (0: at creation)."""
        nonce = draw(entropy, NONCE_SIZE)
        aad = _SealedAAD(_LABEL, room, kind, self.generation, epoch).encode()
        ciphertext = seal(AeadId.AES_256_GCM, self.secret.reveal(), nonce, plaintext, aad)
        return Sealed(self.generation, epoch, nonce, ciphertext).encode()

    def open(self, kind: SealedKind, room: bytes, data: bytes) -> Opened:
        """Open what another member sealed.

        Raises:
            MalformedError: not an encoding of a Sealed.
            RejectedError: ROOM-ACCESS-GENERATION, it was sealed under another generation's key.
            CryptoError: it was not sealed by a member, or for another room or purpose.
        """
        sealed = Sealed.decode(data)
        if sealed.generation != self.generation:
            raise RejectedError(
                "ROOM-ACCESS-GENERATION", f"sealed under generation {sealed.generation}, the key is {self.generation}"
            )
        aad = _SealedAAD(_LABEL, room, kind, sealed.generation, sealed.epoch).encode()
        plaintext = open_(AeadId.AES_256_GCM, self.secret.reveal(), sealed.nonce, sealed.ciphertext, aad)
        return Opened(sealed.epoch, plaintext)
