"""What goes out to one client: messages are queued, and written once in a round: one record, one write."""

import asyncio
import os
import sys
from typing import Any, Protocol

from entrenous.channel import ServerConnection, State
from entrenous.server.network.flushing import Flushes
from entrenous.server.network.holding import SMALL

#: Bytes that are sealed for one connection in one turn of the loop.
FLUSH_BYTES = 256 << 10
#: Bytes that the network has not taken after which we are to pause, as asyncio itself has it.
HIGH_WATER = 64 << 10
#: What is asked for at every push: the class looks its members up anew each time.
_OPEN = State.OPEN


class Owner(Protocol):
    """The connection."""

    def label_log(self) -> None:
        """What is logged in the rest of this turn is logged on behalf of this connection."""
        ...

    def flushed(self, *, wrote: bool) -> None:
        """What was queued is written, if there was anything: go on with what waited for that."""
        ...


class Outgoing:
    """The sending half of a connection; ``open`` begins it, and before that it sends nothing.

    Args:
        owner: told of what was written.
        flushes: when it is time to write.
        is_traced: whether somebody hears what the channel tells.
    """

    __slots__ = ("_channel", "_flushes", "_is_due", "_is_traced", "_left", "_owner", "_plug", "_transport", "at_rest")

    def __init__(self, owner: Owner, flushes: Flushes, *, is_traced: bool) -> None:
        self._owner = owner
        self._flushes = flushes
        self._is_traced = is_traced
        self._channel: ServerConnection | None = None
        self._transport: asyncio.Transport | None = None
        #: The system's number of the socket, to write to it without the transport, which costs more; -1 for none.
        self._plug = -1
        #: Whether the transport was given bytes that it may still have: else it is not asked for how many.
        self._left = False
        self._is_due = False
        #: The owner has nothing to go on with: it is told of a flush only if much is left.
        self.at_rest = False

    @property
    def backlog(self) -> int:
        """Bytes queued that the client has not taken."""
        if self._channel is None or self._transport is None:
            return 0
        return self._channel.queued + self._unwritten(self._transport)

    def open(self, channel: ServerConnection, transport: asyncio.Transport) -> None:
        """The client is connected."""
        self._channel, self._transport = channel, transport
        self._plug = _number(transport)

    def lost(self) -> None:
        """The client is gone."""
        self._channel = self._transport = None

    def limit(self, reply_backlog: int) -> None:
        """Be told that the client has taken what it was sent, before its requests wait for that."""
        if self._transport is not None:
            self._transport.set_write_buffer_limits(high=min(HIGH_WATER, reply_backlog // 2))

    def send(self, message: bytes) -> None:
        """Queue one message."""
        if self._channel is not None and self._channel.state is _OPEN:
            self._channel.send_message(message)
            self.flush_soon()

    def push(self, framed: bytes, most: int | None = None) -> bool:
        """Queue framed messages, unless more than ``most`` bytes are queued that the client has not taken.

        On a connection that is closing it does nothing. False where too much was queued.
        """
        channel, transport = self._channel, self._transport
        if channel is None or transport is None or channel.state is not _OPEN:
            return True
        if most is not None and channel.queued + (self._left and self._unwritten(transport)) > most:
            return False
        channel.queue_framed(framed)
        if not self._is_due:
            self.flush_soon()
        return True

    def flush_soon(self) -> None:
        """Write in the next round."""
        if not self._is_due:
            self._is_due = True
            self._flushes.add(self)

    def flush(self, now: float) -> None:
        """Write what is queued: one record, one write."""
        self._is_due = False
        channel, transport = self._channel, self._transport
        if channel is None or transport is None or transport.is_closing():
            return
        if self._is_traced:
            self._owner.label_log()
        data = channel.data_to_send(now, FLUSH_BYTES)
        if data:
            self._write(data, transport)
        if channel.queued:
            # The rest of a large answer waits for a round of its own, so that others have theirs.
            self.flush_soon()
        if not self.at_rest or channel.queued + (self._left and self._unwritten(transport)) >= SMALL:
            self._owner.flushed(wrote=bool(data))

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _write(self, data: bytes, transport: asyncio.Transport) -> None:
        """Give the system what it takes, and the transport the rest: behind what that still has."""
        written = 0
        if self._plug >= 0 and not (self._left and self._unwritten(transport)):
            try:
                written = os.write(self._plug, data)
            except OSError:
                # Whatever is wrong, the transport meets with it too, and knows what follows from it.
                written = 0
        if written < len(data):
            transport.write(data[written:])
            self._left = True

    def _unwritten(self, transport: asyncio.Transport) -> int:
        """Bytes that the transport still has."""
        size = transport.get_write_buffer_size()
        self._left = size > 0
        return size


def _number(transport: asyncio.Transport) -> int:
    """The system's number of a transport's socket, or -1 where it cannot be written to by that."""
    plug: Any = transport.get_extra_info("socket")
    # It is closed after ``connection_lost``, by uvloop and by asyncio, and so is not another's while we know it.
    return -1 if plug is None or sys.platform == "win32" else int(plug.fileno())
