"""docs/spec/README.md, "Encoding" and "Labels", and the three ways in which a vector can fail."""

import hashlib
import hmac
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class RefusedError(Exception):
    """A vector's end that is no success. ``how`` is what its ``expect`` says."""

    how = ""


class MalformedError(RefusedError):
    """No encoding of what belongs there."""

    how = "malformed"


class CryptoError(RefusedError):
    """A tag, a signature or an element is wrong."""

    how = "crypto"


class BrokenError(RefusedError):
    """A rule that the pages name."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.how = rule


class UncoveredError(Exception):
    """What this program cannot try, and why."""


class Reader:
    """Takes a struct apart, from its first byte on."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, size: int) -> bytes:
        start, self.position = self.position, self.position + size
        if self.position > len(self.data):
            raise MalformedError
        return self.data[start : self.position]

    def uint(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, most: int | None = None) -> bytes:
        """``opaque x<V>``, or ``opaque x<most>``."""
        first = self.uint(1)
        if first >= 0xC0:
            raise MalformedError
        more = (1 << (first >> 6)) - 1
        size = (first & 0x3F) << 8 * more | self.uint(more)
        # "A header that is longer than it needs to be ... malformed."
        if more and size < (64 if more == 1 else 16384):
            raise MalformedError
        if most is not None and size > most:
            raise MalformedError
        return self.take(size)

    def text(self, most: int) -> str:
        """``utf8 x<most>``."""
        try:
            return self.vector(most).decode("utf-8")
        except UnicodeDecodeError:
            raise MalformedError from None

    def items(self, size: int, most: int) -> list["Reader"]:
        """``T x<most>`` where each T has ``size`` bytes."""
        data = self.vector()
        if len(data) % size or len(data) // size > most:
            raise MalformedError
        return [Reader(data[at : at + size]) for at in range(0, len(data), size)]

    def enum(self, size: int, *known: int) -> int:
        number = self.uint(size)
        if number not in known:
            raise MalformedError
        return number

    def rest(self) -> bytes:
        return self.take(len(self.data) - self.position)

    def end(self) -> None:
        if self.position != len(self.data):
            raise MalformedError


def uint(number: int, size: int) -> bytes:
    return number.to_bytes(size, "big")


def vector(data: bytes) -> bytes:
    size = len(data)
    for marks, width in ((0, 1), (1, 2), (2, 4)):
        if size < 1 << (8 * width - 2):
            return uint(marks << (8 * width - 2) | size, width) + data
    raise MalformedError


def labelled(label: str, data: bytes) -> bytes:
    return vector(label.encode()) + data


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def fingerprint(label: str, data: bytes) -> bytes:
    return sha256(labelled(label, data))


def expand(name: str, key: bytes, info: bytes, size: int) -> bytes:
    """HKDF-Expand (RFC 5869 §2.3)."""
    output, block, number = b"", b"", 1
    while len(output) < size:
        block = hmac.digest(key, block + info + uint(number, 1), name)
        output, number = output + block, number + 1
    return output[:size]


def hkdf(ikm: bytes, info: bytes, size: int, salt: bytes = b"") -> bytes:
    """HKDF-SHA256."""
    return expand("sha256", hmac.digest(salt or bytes(32), ikm, "sha256"), info, size)


def seal(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
    return AESGCM(key).encrypt(nonce, plaintext, aad)


def unseal(key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, aad)
    except InvalidTag:
        raise CryptoError from None


class Fields:
    """What a vector gives."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def hex(self, name: str) -> bytes:
        return bytes.fromhex(self.fields[name])
