"""Messages inside the records' byte stream: u32 length | bytes, each side's limit checked before anything is kept."""

from entrenous.channel.buffer import ByteQueue
from entrenous.errors import RejectedError, UsageError

#: Bytes of a message's length.
LENGTH_SIZE = 4
#: The longest message before login, in bytes.
SMALL_MESSAGE = 64 * 1024
#: The longest message at all, in bytes.
LARGEST_MESSAGE = 8 * 1024 * 1024


def frame_message(message: bytes) -> bytes:
    """``message`` behind its length: what ``Connection.queue_framed`` takes, any number of them joined.

    Raises:
        UsageError: ``message`` is longer than any peer may accept.
    """
    return message_header(message) + message


def message_header(message: bytes) -> bytes:
    """The length that stands in front of ``message``.

    Raises:
        UsageError: ``message`` is longer than any peer may accept.
    """
    if len(message) > LARGEST_MESSAGE:
        raise UsageError(f"a message has at most {LARGEST_MESSAGE} bytes, not {len(message)}")
    return len(message).to_bytes(LENGTH_SIZE, "big")


class MessageReader(ByteQueue):
    """Cuts the stream into messages again: a queue of what has come and is no whole message yet."""

    __slots__ = ("_maximum",)

    def __init__(self) -> None:
        super().__init__()
        self._maximum = SMALL_MESSAGE

    @property
    def maximum(self) -> int:
        """The longest message accepted, in bytes. It may be changed at any time and holds from the next one on."""
        return self._maximum

    @maximum.setter
    def maximum(self, maximum: int) -> None:
        if not 0 < maximum <= LARGEST_MESSAGE:
            raise UsageError(f"the limit of messages is between 1 and {LARGEST_MESSAGE} bytes, not {maximum}")
        self._maximum = maximum

    def next_message(self) -> bytes | None:
        """The next whole message, or None while it is not all there.

        Raises:
            RejectedError: rule CHAN-MESSAGE-SIZE, it announces more than ``maximum`` bytes.
        """
        length = self.peek_uint(LENGTH_SIZE)
        if length is None:
            return None
        if length > self._maximum:
            raise RejectedError("CHAN-MESSAGE-SIZE", f"a message of {length} bytes, {self._maximum} are allowed now")
        if len(self) < LENGTH_SIZE + length:
            return None
        return self.take(length, skip=LENGTH_SIZE)
