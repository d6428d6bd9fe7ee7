"""docs/spec/README.md, "Encoding" and "Labels"; MessagePack as docs/spec/channel.md uses it."""

from typing import Any

from entrenous.crypto import AeadId, Hash, open_, seal


def u8(number: int) -> bytes:
    return number.to_bytes(1, "big")


def u16(number: int) -> bytes:
    return number.to_bytes(2, "big")


def u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def u64(number: int) -> bytes:
    return number.to_bytes(8, "big")


def vector(data: bytes) -> bytes:
    """``opaque<V>``."""
    size = len(data)
    if size < 1 << 6:
        return u8(size) + data
    return (u16(0x4000 | size) if size < 1 << 14 else u32(0x8000_0000 | size)) + data


def labelled(label: str, data: bytes) -> bytes:
    return vector(label.encode()) + data


def sha256(data: bytes) -> bytes:
    return Hash.SHA256.digest(data)


def fingerprint(label: str, data: bytes) -> bytes:
    return sha256(labelled(label, data))


def aes_seal(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
    return seal(AeadId.AES_256_GCM, key, nonce, plaintext, aad)


def aes_open(key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes:
    return open_(AeadId.AES_256_GCM, key, nonce, ciphertext, aad)


def xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


class Reader:
    """Takes a struct apart, from its first byte on."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, size: int) -> bytes:
        start, self.position = self.position, self.position + size
        assert self.position <= len(self.data)
        return self.data[start : self.position]

    def uint(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self) -> bytes:
        size = {0: 1, 1: 2, 2: 4}[self.data[self.position] >> 6]
        return self.take(self.uint(size) & ((1 << (8 * size - 2)) - 1))

    @property
    def is_at_end(self) -> bool:
        return self.position == len(self.data)


def pack(value: Any) -> bytes:
    """One MessagePack value."""
    match value:
        case None:
            return b"\xc0"
        case bool():
            return b"\xc3" if value else b"\xc2"
        case int():
            return u8(value) if value < 128 else b"\xcf" + u64(value)
        case bytes():
            return b"\xc6" + u32(len(value)) + value
        case str():
            return b"\xd9" + u8(len(value.encode())) + value.encode()
        case _:
            return b"\xdc" + u16(len(value)) + b"".join(map(pack, value))


#: For each first byte: the bytes of the size or number that follows.
_SIZES = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD9: 1, 0xDA: 2, 0xDC: 2}
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}


def unpack(data: bytes) -> Any:
    """The value that fills ``data``."""
    reader = Reader(data)
    value = _next_value(reader)
    assert reader.is_at_end
    return value


def _next_value(reader: Reader) -> Any:
    first = reader.uint(1)
    if first < 0x80:
        return first
    if first < 0xC0:
        size = first & (0x0F if first < 0xA0 else 0x1F)
        return [_next_value(reader) for _ in range(size)] if first < 0xA0 else reader.take(size).decode()
    if first in _CONSTANTS:
        return _CONSTANTS[first]
    number = reader.uint(_SIZES[first])
    if 0xCC <= first <= 0xCF:
        return number
    if first <= 0xC6:
        return reader.take(number)
    return reader.take(number).decode() if first < 0xDC else [_next_value(reader) for _ in range(number)]
