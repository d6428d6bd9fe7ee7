"""How nodes tell each other what they have counted: sums, sealed under a key that only those with the key file have.

    struct { uint8 version = 2; opaque node[16]; uint64 number; opaque sealed[...]; } SealedSums;
    struct { uint64 at; Sum sums<V>; } Sums;             what is sealed; at most 1,024 of them
    struct { uint8 limit; opaque who<V>; uint64 cost; } Sum;

A node draws its id when it starts, and numbers what it tells from 1. Each such life has an AEAD key of its own, derived
from the key file; the number is the nonce, and what stands before the ciphertext is authenticated with it. So who
carries sums sees how long they are, and nothing else; what he makes up, or brings a second time, is not counted.
"""

from collections import OrderedDict
from collections.abc import Iterable
from enum import IntEnum, unique
from typing import Annotated

from entrenous.codec import Fixed, Struct, UInt8, UInt64, VarOpaque, VarVector, struct
from entrenous.crypto import NONCE_SIZE, AeadId, AeadKey
from entrenous.errors import MalformedError
from entrenous.server.people.credentials import ServerKeys
from entrenous.server.watching.counters import Count

#: The first byte; nudges begin with another (``bus.VERSION``).
VERSION = 2
NODE_SIZE = 16
#: Sums in one message, and bytes of the ids that one is of.
MAX_SUMS = 1_024
MAX_WHO = 64
#: The largest sum that is reckoned with.
MAX_COST = (1 << 53) - 1
#: Milliseconds that a message may have been on its way, or nodes' clocks apart.
MAX_AGE_MS = 30_000
#: Nodes whose last number is remembered. One that is forgotten is one that was not heard for longest.
MAX_NODES = 256
_NUMBER_SIZE = 8
_HEAD_SIZE = 1 + NODE_SIZE + _NUMBER_SIZE
_AEAD = AeadId.AES_256_GCM


@unique
class Limit(IntEnum):
    """Under which limit something was counted. A number is never used for another."""

    CLAIMS = 1
    CLAIMS_PER_TARGET = 2
    ADDS_PER_TARGET = 3
    LOOKUPS = 4
    COMMITS = 5
    PUBLISHES = 6
    UPLOADS = 7

    @classmethod
    def of(cls, count: Count) -> "Limit":
        """The limit that is counted under this name."""
        return cls[count.name]


@struct
class Sum(Struct):
    """What one node has allowed somebody since it told last."""

    #: One of ``Limit``; nodes of a later version may count more.
    limit: UInt8
    who: Annotated[bytes, VarOpaque(MAX_WHO)]
    cost: UInt64


@struct
class Sums(Struct):
    """What a message holds."""

    at: UInt64
    sums: Annotated[tuple[Sum, ...], VarVector(MAX_SUMS)]


@struct
class _Head(Struct):
    """What stands before the ciphertext."""

    version: Annotated[bytes, Fixed(1)]
    node: Annotated[bytes, Fixed(NODE_SIZE)]
    number: UInt64


class Sealing:
    """Seals what one life of a node tells.

    Args:
        keys: the server's.
        node: the id that was drawn for this life, NODE_SIZE bytes.
    """

    def __init__(self, keys: ServerKeys, node: bytes) -> None:
        self._node = node
        self._key = _key(keys, node)
        self._number = 0

    def seal(self, sums: Iterable[Sum], now_ms: int) -> bytes:
        """The next message."""
        self._number += 1
        head = _Head(bytes([VERSION]), self._node, self._number).encode()
        return head + self._key.seal(_nonce(self._number), Sums(now_ms, tuple(sums)).encode(), head)


class Opening:
    """Opens what other nodes tell, each message once.

    Args:
        keys: the server's.
        node: this node's own id: it need not hear itself.
    """

    def __init__(self, keys: ServerKeys, node: bytes) -> None:
        self._keys = keys
        self._last: OrderedDict[bytes, int] = OrderedDict({node: (1 << 64) - 1})
        self._own = node

    def open(self, message: bytes, now_ms: int) -> tuple[Sum, ...]:
        """The sums in a message; none where it was heard before, has been overtaken, or is old.

        Raises:
            MalformedError: it is no message of this version.
            CryptoError: no node with this key file has sealed it.
        """
        head = _Head.decode(message[:_HEAD_SIZE])
        if head.version != bytes([VERSION]):
            raise MalformedError("sums of another version")
        if head.number <= self._last.get(head.node, 0):
            return ()
        sealed = message[_HEAD_SIZE:]
        told = Sums.decode(_key(self._keys, head.node).open(_nonce(head.number), sealed, message[:_HEAD_SIZE]))
        self._remember(head.node, head.number)
        # What was recorded in a life that nobody remembers is not counted again.
        return told.sums if abs(now_ms - told.at) <= MAX_AGE_MS else ()

    def _remember(self, node: bytes, number: int) -> None:
        self._last[node] = number
        self._last.move_to_end(node)
        self._last.move_to_end(self._own)
        if len(self._last) > MAX_NODES:
            self._last.popitem(last=False)


def _key(keys: ServerKeys, node: bytes) -> AeadKey:
    return AeadKey(_AEAD, keys.node_key(node))


def _nonce(number: int) -> bytes:
    return number.to_bytes(NONCE_SIZE, "big")
