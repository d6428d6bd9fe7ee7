"""HKDF (RFC 5869), and HPKE's labelled forms of it (RFC 9180 §4).

The two steps by hand, because two digests are faster than building the library's KDF objects, and because the library
offers no separate Extract; both at once by the library, which needs half as long for three. Proved by RFC 5869's and
Wycheproof's vectors.
"""

from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from entrenous.crypto.hashes import Hash
from entrenous.errors import UsageError

#: RFC 9180 §4: in front of every label.
HPKE_VERSION = b"HPKE-v1"


def hkdf_extract(hash: Hash, salt: bytes, ikm: bytes) -> bytes:  # noqa: A002 -- the standards' word for this parameter
    """Concentrate ``ikm`` into a pseudorandom key of ``hash.size`` bytes (RFC 5869 §2.2).

    An empty ``salt`` means ``hash.size`` zero bytes, which is the same to HMAC.
    """
    return hash.hmac(salt, ikm)


def hkdf_expand(hash: Hash, prk: bytes, info: bytes, length: int) -> bytes:  # noqa: A002 -- the standards' word for this parameter
    """Derive ``length`` bytes from the pseudorandom key ``prk`` for the purpose ``info`` (RFC 5869 §2.3).

    Args:
        hash: HKDF's hash function.
        prk: at least ``hash.size`` bytes where it comes from Extract.
        info: what the output is for.
        length: 0 to 255 * ``hash.size`` bytes.

    Raises:
        UsageError: ``length`` is out of range.
    """
    size = hash.size
    if 0 <= length <= size:
        block = hash.hmac(prk, info + b"\x01")
        return block if length == size else block[:length]
    if length < 0:
        raise UsageError(f"HKDF cannot expand to {length} bytes")
    blocks = -(-length // size)
    if blocks > 255:
        raise UsageError(f"HKDF-{hash.name} expands to at most {255 * size} bytes, not {length}")
    block, output = b"", b""
    for counter in range(1, blocks + 1):
        block = hash.hmac(prk, block, info, bytes((counter,)))
        output += block
    return output[:length]


def hkdf(hash: Hash, salt: bytes, ikm: bytes, info: bytes, length: int) -> bytes:  # noqa: A002 -- the standards' word for this parameter
    """Extract, then Expand (RFC 5869 §2).

    Raises:
        UsageError: ``length`` is out of range.
    """
    size = hash.size
    if not size < length <= 255 * size:
        return hkdf_expand(hash, hkdf_extract(hash, salt, ikm), info, length)
    return HKDF(hash.library, length, salt, info).derive(ikm)


def labeled_extract(kdf: Hash, suite_id: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    """LabeledExtract of RFC 9180 §4."""
    return kdf.hmac(salt, HPKE_VERSION, suite_id, label, ikm)


def labeled_expand(kdf: Hash, suite_id: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """LabeledExpand of RFC 9180 §4.

    Raises:
        UsageError: ``length`` is out of HKDF's range.
    """
    if not 0 <= length <= 255 * kdf.size:
        raise UsageError(f"HKDF-{kdf.name} expands to at most {255 * kdf.size} bytes, not {length}")
    return hkdf_expand(kdf, prk, length.to_bytes(2, "big") + HPKE_VERSION + suite_id + label + info, length)
