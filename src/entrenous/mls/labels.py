"""The labelled inputs of RFC 9420: what is hashed, signed, encrypted and derived under a name of its own.

Every label on the wire is "MLS 1.0 " and then the name, except in reference hashes, whose labels the RFC spells out.
"""

from functools import lru_cache

from entrenous.codec import encode_length
from entrenous.errors import UsageError

#: In front of every label (RFC 9420 §5.1.2, §5.1.3, §8).
PREFIX = b"MLS 1.0 "


#: The headers of short vectors, which are almost all there are here: every message takes a dozen.
_HEADERS = tuple(encode_length(length) for length in range(256))


def opaque(value: bytes) -> bytes:
    """``value`` as an ``opaque<V>``: its length, then itself."""
    return _header(len(value)) + value


def _header(length: int) -> bytes:
    return _HEADERS[length] if length < 256 else encode_length(length)


@lru_cache(maxsize=256)
def _prefixed(label: str) -> bytes:
    return opaque(PREFIX + label.encode())


@lru_cache(maxsize=256)
def _kdf_head(label: str, length: int) -> bytes:
    if not 0 <= length < 1 << 16:
        raise UsageError(f"no KDFLabel is for {length} bytes")
    return length.to_bytes(2, "big") + _prefixed(label)


def kdf_label(label: str, context: bytes, length: int) -> bytes:
    """An encoded KDFLabel (RFC 9420 §8).

    Raises:
        UsageError: ``length`` is not one of two bytes.
    """
    if len(context) <= _SHORT_CONTEXT:
        return _kdf_label(label, context, length)
    return _kdf_head(label, length) + opaque(context)


#: Bytes of the contexts that come again and again: none, "left" and "right", a generation.
_SHORT_CONTEXT = 5


@lru_cache(maxsize=1024)
def _kdf_label(label: str, context: bytes, length: int) -> bytes:
    return _kdf_head(label, length) + opaque(context)


def labelled(label: str, content: bytes) -> bytes:
    """An encoded SignContent (RFC 9420 §5.1.2) or EncryptContext (§5.1.3), which have one form."""
    return b"".join((_prefixed(label), _header(len(content)), content))  # one copy: a content can be a large Commit's


def ref_hash_input(label: str, value: bytes) -> bytes:
    """An encoded RefHashInput (RFC 9420 §5.2); ``label`` is whole, nothing is put in front."""
    return opaque(label.encode()) + opaque(value)
