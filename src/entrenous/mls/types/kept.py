"""Structs that keep their encoding.

A LeafNode is encoded for its signature, for the tree hash, for the tree's extension and inside of messages; a Commit
for its signature, for the transcript and for the message. None of them ever changes.
"""

from typing import Any

from entrenous.codec import Codec, Struct, codec_for, encode_length


class Kept(Struct):
    """The base of a struct that remembers how it was read, or how it was first written.

    Every value has exactly one encoding, so that is what writing its fields again would give. A changed copy
    (``dataclasses.replace``) is another value and remembers nothing.
    """

    __slots__ = ("_encoding",)

    _encoding: bytes

    def encode(self) -> bytes:
        """The one encoding of this value.

        Raises:
            UsageError: a field's value does not fit its type.
        """
        try:
            return self._encoding
        except AttributeError:
            codec_for(type(self)).write(self, bytearray())  # which keeps what it writes
            return self._encoding

    @classmethod
    def __codec__(cls) -> Codec:
        write_fields, read_fields = super().__codec__()

        def write(value: Kept, out: bytearray) -> None:
            if type(value) is not cls:
                write_fields(value, out)  # the part of a subclass's value that its signature covers
                return
            try:
                out += value._encoding
            except AttributeError:
                begin = len(out)
                write_fields(value, out)
                with memoryview(out) as written:
                    _keep(value, bytes(written[begin:]))

        def read(data: bytes, position: int, end: int) -> tuple[Any, int]:
            value, after = read_fields(data, position, end)
            _keep(value, data[position:after])
            return value, after

        return Codec(write, read)


def without_signature(value: Kept, signature: bytes) -> bytes:
    """The encoding of a value up to its last field, which is this ``opaque signature<V>``."""
    encoding = value.encode()
    return encoding[: len(encoding) - len(encode_length(len(signature))) - len(signature)]


def _keep(value: object, encoding: bytes) -> None:
    object.__setattr__(value, "_encoding", encoding)  # past the frozen dataclass: it changes nothing that can be seen
