"""AES-256-GCM that commits to its key: one ciphertext opens under one key only.

GCM alone does not promise that: who knows two keys can make a ciphertext that opens under both, to two texts. So the
key given is expanded to an encryption key and a commitment, both under label and context, and the commitment is part
of the ciphertext and checked first.
"""

from typing import Annotated

from entrenous.codec import Bytes32, Fixed, Opaque, Struct, struct
from entrenous.crypto import (
    NONCE_SIZE,
    AeadId,
    Entropy,
    Hash,
    Secret,
    constant_time_equal,
    draw,
    hkdf,
    open_,
    seal,
)
from entrenous.errors import CryptoError
from entrenous.identity.labels import Label, labelled

_KEY_SIZE = AeadId.AES_256_GCM.key_size


@struct
class CommittedCiphertext(Struct):
    """A random nonce, the commitment to the key, and what AES-256-GCM made."""

    nonce: Annotated[bytes, Fixed(NONCE_SIZE)]
    commitment: Bytes32
    ciphertext: Opaque


def seal_committed(
    key: Secret, label: Label, context: bytes, plaintext: bytes, entropy: Entropy
) -> CommittedCiphertext:
    """Seal ``plaintext`` for one purpose.

    Args:
        key: at least 32 bytes with as much entropy; may seal 2^32 times (random 96-bit nonces).
        label: the purpose.
        context: what the ciphertext belongs to; it opens under no other.
        plaintext: at most 2^30 - 17 bytes.
        entropy: gives the nonce.
    """
    encryption_key, commitment = _derive(key, label, context)
    nonce = draw(entropy, NONCE_SIZE)
    sealed = seal(AeadId.AES_256_GCM, encryption_key, nonce, plaintext, labelled(label, context))
    return CommittedCiphertext(nonce, commitment, sealed)


def open_committed(key: Secret, label: Label, context: bytes, message: CommittedCiphertext) -> bytes:
    """Open what ``seal_committed`` made.

    Raises:
        CryptoError: key, label, context or ciphertext is another one.
    """
    encryption_key, commitment = _derive(key, label, context)
    if not constant_time_equal(commitment, message.commitment):
        raise CryptoError
    return open_(AeadId.AES_256_GCM, encryption_key, message.nonce, message.ciphertext, labelled(label, context))


def _derive(key: Secret, label: Label, context: bytes) -> tuple[bytes, bytes]:
    """The encryption key and the commitment, 32 bytes each; neither tells the other."""
    both = hkdf(Hash.SHA256, b"", key.reveal(), labelled(label, context), 2 * _KEY_SIZE)
    return both[:_KEY_SIZE], both[_KEY_SIZE:]
