"""OPRF(ristretto255, SHA-512), mode 0 (RFC 9497 §3 and §4.1): the server helps to hash a password it never sees.

Scalars and elements are their 32-byte encodings throughout (RFC 9497 §4.1: SerializeScalar, SerializeElement).
"""

from entrenous.crypto import Entropy, Hash, Secret, ristretto
from entrenous.errors import CryptoError, UsageError

#: contextString of RFC 9497 §3.1: "OPRFV1-" || I2OSP(mode, 1) || "-" || identifier, with mode OPRF = 0.
CONTEXT = b"OPRFV1-\x00-ristretto255-SHA512"
#: The longest value whose length fits in two bytes.
MAX_LENGTH = (1 << 16) - 1
#: Bytes of an element, of a scalar and of a seed (Noe, Nok, Nseed).
ELEMENT_SIZE = 32

_HASH = Hash.SHA512


class Scalar(Secret):
    """A secret scalar: a blind, the OPRF key of one credential, or a private key of the key exchange."""

    __slots__ = ()


def length_prefixed(value: bytes) -> bytes:
    """``value`` behind its length in two bytes: how both RFCs join what they hash, unlike ``codec``'s vectors.

    Raises:
        UsageError: ``value`` is longer than 65,535 bytes.
    """
    if len(value) > MAX_LENGTH:
        raise UsageError(f"{len(value)} bytes where at most {MAX_LENGTH} belong")
    return len(value).to_bytes(2, "big") + value


def expand_message_xmd(message: bytes, dst: bytes, length: int) -> bytes:
    """Stretch ``message`` to uniform bytes with SHA-512 (RFC 9380 §5.3.1).

    Args:
        message: any bytes.
        dst: the domain separation tag, at most 255 bytes.
        length: bytes wanted, at most 255 * 64.

    Raises:
        UsageError: ``dst`` or ``length`` is out of range.
    """
    blocks = -(-length // _HASH.size)
    if blocks > 255 or len(dst) > 255:
        raise UsageError("expand_message_xmd: length or domain separation tag out of range")
    tag = dst + bytes((len(dst),))
    first = _HASH.digest(bytes(_HASH.block_size), message, length.to_bytes(2, "big"), b"\x00", tag)
    output, block = b"", bytes(_HASH.size)
    for counter in range(1, blocks + 1):
        mixed = bytes(a ^ b for a, b in zip(first, block, strict=True))
        block = _HASH.digest(mixed, bytes((counter,)), tag)
        output += block
    return output[:length]


def hash_to_group(message: bytes) -> bytes:
    """Map ``message`` to an element whose logarithm nobody knows (RFC 9497 §4.1, HashToGroup)."""
    return ristretto.from_uniform_bytes(expand_message_xmd(message, b"HashToGroup-" + CONTEXT, 64))


def hash_to_scalar(message: bytes, dst: bytes = b"HashToScalar-" + CONTEXT) -> Scalar:
    """Map ``message`` to a scalar (RFC 9497 §4.1, HashToScalar)."""
    return Scalar(ristretto.scalar_reduce(expand_message_xmd(message, dst, 64)))


def derive_scalar(seed: bytes, info: bytes) -> Scalar:
    """The private half of ``derive_key_pair``, for callers that do not need the public one."""
    derive_input = seed + length_prefixed(info)
    for counter in range(256):
        scalar = hash_to_scalar(derive_input + bytes((counter,)), b"DeriveKeyPair" + CONTEXT)
        if any(scalar.reveal()):
            return scalar
    raise CryptoError  # DeriveKeyPairError of RFC 9497 §3.2.1; 256 zero scalars in a row do not happen


def derive_key_pair(seed: bytes, info: bytes) -> tuple[Scalar, bytes]:
    """A key pair from 32 bytes of seed (RFC 9497 §3.2.1, DeriveKeyPair).

    Raises:
        UsageError: ``info`` is longer than 65,535 bytes.
    """
    private = derive_scalar(seed, info)
    return private, ristretto.multiply_base(private.reveal())


def blind(password: bytes, entropy: Entropy) -> tuple[Scalar, bytes]:
    """Hide ``password`` under a fresh scalar; returns the scalar and the blinded element (RFC 9497 §3.3.1, Blind).

    Raises:
        CryptoError: ``password`` maps to the identity (InvalidInputError; nobody can find such a one).
    """
    scalar = Scalar(ristretto.random_scalar(entropy))
    return scalar, ristretto.multiply(scalar.reveal(), hash_to_group(password))


def blind_evaluate(key: Scalar, blinded_element: bytes) -> bytes:
    """The server's part: its key applied to what it cannot unblind (RFC 9497 §3.3.1, BlindEvaluate).

    Raises:
        CryptoError: ``blinded_element`` is no element, or the identity.
    """
    return ristretto.multiply(key.reveal(), blinded_element)


def finalize(password: bytes, blind: Scalar, evaluated_element: bytes) -> bytes:
    """Unblind and hash: the PRF's output, 64 bytes (RFC 9497 §3.3.1, Finalize).

    Raises:
        CryptoError: ``evaluated_element`` is no element, or the identity.
        UsageError: ``password`` is longer than 65,535 bytes.
    """
    unblinded = ristretto.multiply(ristretto.scalar_invert(blind.reveal()), evaluated_element)
    return _HASH.digest(length_prefixed(password), length_prefixed(unblinded), b"Finalize")
