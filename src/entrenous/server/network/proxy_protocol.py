"""The PROXY protocol, version 2: the header in which a load balancer says who is behind a connection.

A strict parser of what HAProxy's specification (proxy-protocol.txt, §2.2) allows: twelve fixed bytes, version and
command, family and transport, the length of the rest, then addresses, then TLVs, which are stepped over.
"""

from dataclasses import dataclass
from ipaddress import ip_address

from entrenous.errors import MalformedError

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
#: Bytes before the part whose length they tell.
FIXED_SIZE = 16
#: Bytes of the largest part behind them that is taken: room for addresses, a client's certificate names, and more.
MAX_REST = 4_096

_LOCAL, _PROXY = 0x20, 0x21
#: Bytes of both addresses and ports, by family and transport; these are all that the specification knows.
_ADDRESSES = {0x00: 0, 0x11: 12, 0x12: 12, 0x21: 36, 0x22: 36, 0x31: 216, 0x32: 216}
#: Bytes of the source address, of the families that we take it from; the others mean: the connection's own address.
_STREAMS = {0x11: 4, 0x21: 16}
_UNSPECIFIED = 0x00
#: Bytes of a TLV's type and length.
_TLV_HEAD = 3


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """What a header says.

    Attributes:
        size: its bytes; what follows is the client's.
        source: the client's address; None where the connection's own is to be taken, as for a balancer's own check.
    """

    size: int
    source: str | None


def parse_header(data: bytes) -> ProxyHeader | None:
    """Read the header that a connection begins with; None until all of it is there.

    Args:
        data: the connection's first bytes. At most ``FIXED_SIZE + MAX_REST`` are looked at.

    Raises:
        MalformedError: it is none, or longer than any that is taken; also before all of it is there.
    """
    if data[: len(SIGNATURE)] != SIGNATURE[: len(data)]:
        raise MalformedError("the connection does not begin with a PROXY protocol v2 header")
    if len(data) < FIXED_SIZE:
        return None
    command, family, length = data[12], data[13], int.from_bytes(data[14:16], "big")
    if command not in (_LOCAL, _PROXY):
        raise MalformedError("a PROXY header of an unknown version or command")
    if family not in _ADDRESSES:
        raise MalformedError("a PROXY header of an unknown family or transport")
    if length > MAX_REST:
        raise MalformedError(f"a PROXY header of {length} bytes; no more than {MAX_REST} are taken")
    size = FIXED_SIZE + length
    if len(data) < size:
        return None
    # "The receiver must accept this command and must use the real connection endpoints", whatever the rest says.
    source = None if command == _LOCAL else _source(family, data[FIXED_SIZE:size])
    return ProxyHeader(size, source)


def _source(family: int, rest: bytes) -> str | None:
    addresses = _ADDRESSES[family]
    if family == _UNSPECIFIED:
        return None
    if len(rest) < addresses:
        raise MalformedError("a PROXY header that is too short for its addresses")
    _check_tlvs(rest[addresses:])
    size = _STREAMS.get(family)
    return None if size is None else str(ip_address(rest[:size]))


def _check_tlvs(data: bytes) -> None:
    position = 0
    while position < len(data):
        length = int.from_bytes(data[position + 1 : position + _TLV_HEAD], "big")
        position += _TLV_HEAD + length
    if position != len(data):
        raise MalformedError("a PROXY header whose TLVs do not end where it ends")
