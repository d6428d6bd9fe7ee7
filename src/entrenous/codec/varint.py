"""Variable-size vector headers (RFC 9420 §2.1.2): one, two or four bytes, the shortest form only."""

from entrenous.errors import MalformedError, UsageError

#: The longest vector a header can announce, in bytes.
MAX_LENGTH = (1 << 30) - 1

#: The first length whose header has more than one byte, and the first whose header has four.
ONE_BYTE, TWO_BYTES = 1 << 6, 1 << 14
#: What a header of two bytes is more than the length that it announces, and such lengths.
_TWO_BYTE_MARK, _TWO_BYTE_LENGTHS = 0x4000, range(ONE_BYTE, TWO_BYTES)
#: The headers of short vectors, which are almost all.
_SHORT = tuple(length.to_bytes(1, "big") for length in range(ONE_BYTE))


def encode_length(length: int) -> bytes:
    """Encode a vector's length in bytes.

    Raises:
        UsageError: ``length`` is negative or over ``MAX_LENGTH``.
    """
    if 0 <= length < ONE_BYTE:
        return _SHORT[length]
    if 0 <= length < TWO_BYTES:
        return (length | _TWO_BYTE_MARK).to_bytes(2, "big")
    if 0 <= length <= MAX_LENGTH:
        return (length | 0x8000_0000).to_bytes(4, "big")
    raise UsageError(f"no vector can be {length} bytes long")


def read_length(data: bytes, position: int, end: int) -> tuple[int, int]:
    """Read a header at ``position``; returns the length and the position after the header.

    Raises:
        MalformedError: no header fits before ``end``, its prefix is 0b11, or a shorter form exists.
    """
    if position >= end:
        raise MalformedError("a vector's length is missing")
    first = data[position]
    prefix = first >> 6
    if prefix == 0:
        return first, position + 1
    # RFC 9420 §2.1.2: "values that begin with 0b11 are invalid"
    if prefix == 3:
        raise MalformedError("a vector's length begins with 0b11")
    size = 1 << prefix
    after = position + size
    if after > end:
        raise MalformedError("a vector's length is cut off")
    length = int.from_bytes(data[position:after], "big") & ((1 << (8 * size - 2)) - 1)
    # RFC 9420 §2.1.2: "the minimum number of bits necessary"; anything else MUST be refused as malformed
    if length < (ONE_BYTE if prefix == 1 else TWO_BYTES):
        raise MalformedError("a vector's length is not in its shortest form")
    return length, after


def read_span(data: bytes, position: int, end: int) -> tuple[int, int]:
    """Read a header and check that its content is there; returns the content's start and end."""
    # As read_length, for the two most frequent forms; whatever is not exactly one of them is for it to refuse.
    if position < end and (length := data[position]) < ONE_BYTE:
        start = position + 1
    elif position + 1 < end and (length := (length << 8 | data[position + 1]) - _TWO_BYTE_MARK) in _TWO_BYTE_LENGTHS:
        start = position + 2
    else:
        length, start = read_length(data, position, end)
    stop = start + length
    if stop > end:
        raise MalformedError(f"a vector of {length} bytes has only {end - start} left")
    return start, stop
