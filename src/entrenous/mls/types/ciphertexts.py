"""HPKECiphertext, and the long lists of them in an UpdatePath, of which a receiver reads one (RFC 9420 §7.6).

Over a blank tree a path secret goes to every member by itself: a thousand ciphertexts of one form, one of them ours.
"""

from collections.abc import Iterator, Sequence
from typing import Any, overload

from entrenous.codec import MAX_ELEMENTS, Codec, Opaque, Struct, Vector, codec_for, encode_length, read_span, struct
from entrenous.errors import MalformedError


@struct
class HPKECiphertext(Struct):
    """What EncryptWithLabel returns (RFC 9420 §7.6)."""

    kem_output: Opaque
    ciphertext: Opaque


class Ciphertexts(Sequence[HPKECiphertext]):
    """An ``HPKECiphertext name<V>`` whose elements all have one form, and are read when they are asked for.

    It equals a tuple of the same elements, and encodes to the bytes that it was read from.
    """

    __slots__ = ("_data", "_places")

    def __init__(self, data: bytes, places: range) -> None:
        """Take the places in ``data`` where elements begin, all of one size, the step; see ``__codec__``."""
        self._data = data
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @property
    def content(self) -> memoryview:
        """The elements' encodings, joined."""
        return memoryview(self._data)[self._places.start : self._places.stop]

    @overload
    def __getitem__(self, index: int) -> HPKECiphertext: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[HPKECiphertext, ...]: ...

    def __getitem__(self, index: int | slice) -> HPKECiphertext | tuple[HPKECiphertext, ...]:
        places = self._places[index]
        return self._at(places) if isinstance(places, int) else tuple(self._at(place) for place in places)

    def __iter__(self) -> Iterator[HPKECiphertext]:
        return (self._at(place) for place in self._places)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Ciphertexts):
            return self.content == other.content
        return tuple(self) == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Ciphertexts({len(self)} of {self._places.step} bytes)"

    def _at(self, place: int) -> HPKECiphertext:
        return HPKECiphertext.decode_prefix(self._data, place)[0]

    @classmethod
    def __codec__(cls) -> Codec:
        """Of any sequence of HPKECiphertext. What has more than one form is read as a tuple."""
        write_each, read_each = codec_for(Vector[HPKECiphertext])

        def write(value: Sequence[HPKECiphertext], out: bytearray) -> None:
            if isinstance(value, Ciphertexts):
                out += encode_length(len(value.content))
                out += value.content
            else:
                write_each(value, out)

        def read(data: bytes, position: int, end: int) -> tuple[Any, int]:
            start, stop = read_span(data, position, end)
            size = _common_size(data, start, stop)
            if size is None:
                return read_each(data, position, end)
            if (stop - start) // size > MAX_ELEMENTS:
                raise MalformedError("a vector has too many elements")
            return cls(data, range(start, stop, size)), stop

        return Codec(write, read)


def _common_size(data: bytes, start: int, stop: int) -> int | None:
    """Bytes of each element between two places; None where they differ or there are none.

    Raises:
        MalformedError: no element begins at ``start``.
    """
    if start == stop:
        return None
    split, middle = read_span(data, start, stop)
    begin, after = read_span(data, middle, stop)
    size = after - start
    count, rest = divmod(stop - start, size)
    if rest:
        return None
    if count == 1:
        return size
    # All have the form of the first if all bytes of their headers are those of the first.
    headers = (*range(start, split), *range(middle, begin))
    if any(data[place:stop:size].count(data[place]) != count for place in headers):
        return None
    return size
