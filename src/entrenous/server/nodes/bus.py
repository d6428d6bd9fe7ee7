"""What carries between nodes that there is news, never what it is. Whoever hears it looks into the store.

A nudge names a room or a device, and a number. It is a hint: one that is lost only delays, one that is made up only
costs a look. See docs/how-to/cluster.md for what may carry nudges.

    struct { uint8 kind; opaque id[16]; uint64 number; } Nudge;
    struct { uint8 version = 1; Nudge nudges<...>; }    the rest of the message, at most 1,024 of them

The same way carries what nodes have counted (``sums``), which is sealed.
"""

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, TypeAlias

from entrenous.errors import MalformedError, UnavailableError

#: The version of the form below.
VERSION = 1
#: Nudges in one message.
MAX_NUDGES = 1_024
#: Larger than any number in a log.
ANY_NUMBER = (1 << 63) - 1

_NUDGE = struct.Struct(">B16sQ")


class News(IntEnum):
    """What there is news of."""

    #: A room, at the entry ``number``, which is a message.
    MESSAGE = 1
    #: A room, at the entry ``number``, which is a Commit: the roster and inboxes may have changed with it. At 0
    #: the room was opened.
    COMMIT = 2
    #: A device: it has logged in with the launch counter ``number``, or was revoked.
    DEVICE = 3
    #: Anything: the sender could not be heard for a while.
    ANYTHING = 4


@dataclass(frozen=True, slots=True)
class Nudge:
    """There is news."""

    news: News
    id: bytes
    number: int


class Bus(Protocol):
    """What carries nudges and sums to the other nodes."""

    def tell(self, nudge: Nudge) -> None:
        """Send a nudge soon, or never. Does not wait and does not raise."""
        ...

    def carry(self, sums: bytes) -> None:
        """Send sealed sums soon, or never, and once. Does not wait and does not raise."""
        ...


class Follower(Protocol):
    """Who acts on nudges."""

    def heard(self, nudge: Nudge) -> None:
        """Another node says that there is news."""
        ...

    def look_at_everything(self) -> None:
        """There may be news of everything."""
        ...


#: Who is told of sealed sums.
Hear: TypeAlias = Callable[[bytes], None]


def unheard(_sums: bytes) -> None:
    """Nobody counts together here."""


class Carrier(Bus, Protocol):
    """A bus that is connected to other nodes, as often as its connection is lost, between ``start`` and ``close``."""

    @property
    def is_connected(self) -> bool:
        """Whether nudges go through now."""
        ...

    def start(self, follower: Follower, hear: Hear = unheard) -> None:
        """Begin to connect; nudges go to ``follower``, and sums to ``hear``."""
        ...

    async def close(self) -> None:
        """Send what waits, and end."""
        ...


class Alone:
    """The bus of a node that has no others."""

    def tell(self, nudge: Nudge) -> None:
        """Nobody is to hear."""

    def carry(self, sums: bytes) -> None:
        """Likewise."""


def carrier_for(url: str, server_id: bytes) -> Carrier:
    """The bus that a URL names, for the nodes of one server.

    Raises:
        UnavailableError: there is none of that kind, its library is not installed, or a file of its URL is no good.
    """
    try:
        from entrenous.server.nodes.bus_nats import Address, NatsBus
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "nats":
            raise
        raise UnavailableError(
            "NATS needs a library that is not installed", remedy="Run: pip install 'entrenous[cluster]'"
        ) from error
    return NatsBus(Address.parse(url), server_id)


def encode_nudges(nudges: Iterable[Nudge]) -> bytes:
    """One message; the caller sees to it that they are not too many."""
    return bytes([VERSION]) + b"".join(_NUDGE.pack(nudge.news, nudge.id, nudge.number) for nudge in nudges)


def decode_nudges(data: bytes) -> list[Nudge]:
    """The nudges of one message.

    Raises:
        MalformedError: it is none, or it is of another version.
    """
    body = memoryview(data)[1:]
    if data[:1] != bytes([VERSION]) or len(body) % _NUDGE.size or len(body) > MAX_NUDGES * _NUDGE.size:
        raise MalformedError("not a message between nodes of this version")
    try:
        return [Nudge(News(kind), identity, number) for kind, identity, number in _NUDGE.iter_unpack(body)]
    except ValueError:
        raise MalformedError("nodes tell each other of nothing of that kind") from None
