"""A queue of bytes that costs the same per byte however they arrive: appended at one end, taken at the other."""

from struct import Struct

#: What reads an unsigned big-endian integer of so many bytes at the front.
_UINTS = {2: Struct(">H").unpack_from, 4: Struct(">I").unpack_from}


class ByteQueue(bytearray):
    """Bytes in the order they came.

    A bytearray drops bytes at its front by moving its beginning, and moves what is left only when that is less than
    half of the memory that it has: so all bytes together are moved once, and what was taken does not stay in memory.
    """

    __slots__ = ()

    def peek(self, size: int) -> bytes:
        """The first ``size`` bytes, fewer if there are fewer; they stay."""
        return bytes(self[:size])

    def peek_uint(self, size: int) -> int | None:
        """The unsigned big-endian integer in the first 2 or 4 bytes, or None while they are not all there."""
        if len(self) < size:
            return None
        number: int
        (number,) = _UINTS[size](self)
        return number

    def take(self, size: int, *, skip: int = 0) -> bytes:
        """Remove ``skip + size`` bytes, which must be there, and return all but the first ``skip``."""
        end = skip + size
        # Both views are gone when this is done; to close them by name would take as long again.
        taken = bytes(memoryview(self)[skip:end])
        del self[:end]
        return taken
