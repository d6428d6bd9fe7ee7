"""What a load balancer says before a connection's own bytes: a header, the beginning of one, or malformed."""

from ipaddress import ip_address

from entrenous.errors import MalformedError
from entrenous.server.network.proxy_protocol import FIXED_SIZE, MAX_REST, parse_header
from fuzz.target import Target
from proxy_headers import TCP4, UNIX, UNSPEC, header, header4, header6, tlv


def proxy_header(data: bytes) -> None:
    """Any bytes; the answer does not depend on what follows a header, nor on the pieces in which it comes."""
    try:
        found = parse_header(data)
    except MalformedError:
        return
    if found is None:
        assert len(data) < FIXED_SIZE + MAX_REST, "more is waited for than is taken"
        return
    assert parse_header(data[: found.size]) == parse_header(data + b"more") == found
    assert parse_header(data[: found.size - 1]) is None
    assert found.source is None or str(ip_address(found.source)) == found.source


def _seeds() -> list[bytes]:
    return [
        header4("203.0.113.7"),
        header6("2001:db8::7", tlv(0x03, bytes(4)) + tlv(0x20, b"\1" + bytes(4))) + b"the client's",
        header(0x20, UNSPEC),
        header(0x21, UNIX, bytes(216)),
        header(0x21, TCP4, bytes(8)),
    ]


TARGETS = (Target("proxy-header", proxy_header, _seeds),)
