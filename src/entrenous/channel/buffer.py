"""A queue of bytes that costs the same per byte however they arrive: appended at one end, taken at the other."""

#: Consumed bytes that may lie at the front before they are cut off; keeps both memory and moving of bytes small.
COMPACT_AT = 65_536


class ByteQueue:
    """Bytes in the order they came. Taking advances an offset; the front is cut off only now and then."""

    __slots__ = ("_data", "_start")

    def __init__(self) -> None:
        self._data = bytearray()
        self._start = 0

    def __len__(self) -> int:
        return len(self._data) - self._start

    def append(self, data: bytes | memoryview) -> None:
        """Add ``data`` at the end."""
        self._data += data

    def peek(self, size: int) -> bytes:
        """The first ``size`` bytes, fewer if there are fewer; they stay."""
        return bytes(self._data[self._start : self._start + size])

    def peek_uint(self, size: int) -> int | None:
        """The unsigned big-endian integer in the first ``size`` bytes, or None while they are not all there."""
        if len(self) < size:
            return None
        return int.from_bytes(self._data[self._start : self._start + size], "big")

    def take(self, size: int, *, skip: int = 0) -> bytes:
        """Remove ``skip + size`` bytes, which must be there, and return all but the first ``skip``."""
        start = self._start + skip
        with memoryview(self._data) as view:
            taken = bytes(view[start : start + size])
        self._start = start + size
        if self._start == len(self._data):
            self.clear()
        elif self._start >= COMPACT_AT and 2 * self._start >= len(self._data):
            # At most as many bytes move as were taken since the last time, so moving stays linear in all.
            del self._data[: self._start]
            self._start = 0
        return taken

    def clear(self) -> None:
        """Drop everything."""
        self._data.clear()
        self._start = 0
