"""What a fuzz target is, and what every input must end in.

A target is a function of bytes that returns, whatever the bytes are. It states in assertions what must hold; any other
exception than those it expects is a finding. It does not know who calls it: a fuzzer with coverage in hand, or the
tests, which replay seeds and former findings.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from afresh import afresh
from entrenous.codec import decode_as, encode_as
from entrenous.errors import CryptoError, MalformedError, RejectedError

#: What a stranger's bytes may end in. An UsageError would be a mistake of ours.
REFUSED = (MalformedError, RejectedError, CryptoError)

#: The shape of MessagePack, for targets whose input is no struct of the codec.
MESSAGE_PACK = "MessagePack"
#: A shape without structure: bytes are changed as bytes.
PLAIN = None


@dataclass(frozen=True)
class Shape:
    """How an input is built, so that it can be changed without being broken.

    Attributes:
        head: bytes that stand in front and choose what follows.
        kind: of the rest: a wire type, ``MESSAGE_PACK`` or ``PLAIN``.
    """

    head: int
    kind: Any


@dataclass(frozen=True)
class Target:
    """One thing to fuzz.

    Attributes:
        name: as on the command line, and the name of its folders.
        run: takes any bytes; returns, or has found something.
        seeds: inputs from real runs to begin with.
        shape: how an input is built.
        longest: bytes of the longest input worth trying.
    """

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]
    shape: Callable[[bytes], Shape] = lambda data: Shape(0, PLAIN)
    longest: int = 4096


def whole(kind: Any) -> Shape:
    """The shape of an input that is one value of ``kind`` from its first byte."""
    return Shape(0, kind)


def chosen(kinds: Sequence[Any]) -> Callable[[bytes], Shape]:
    """The shape of inputs whose first byte chooses one of ``kinds``."""
    return lambda data: Shape(1, kinds[data[0] % len(kinds)] if data else PLAIN)


def check_one_encoding(kind: Any, data: bytes) -> Any:
    """Decode; what decodes has these bytes as its one encoding. Returns the value, None if the bytes are refused."""
    try:
        value = decode_as(kind, data)
    except MalformedError:
        return None
    assert encode_as(kind, value) == encode_as(kind, afresh(value)) == data, "two encodings of one value"
    assert decode_as(kind, data) == value, "two values of one encoding"
    return value
